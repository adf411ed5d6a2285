//! The sentences that every mail of a language shares: the sections of its `words.txt`.
//!
//! `[direction]` is `ltr` or `rtl`. `[months]` are twelve names; `[moment]` puts `day`, `month`, `year` and `time`
//! into the order of the language. `[lifetime]` says `minutes` or `hours` with the right plural (a language with many
//! plurals abbreviates). `[recent_one]` says what was added lately, with `device`, which may be absent, and `since`.
//! The rest are whole sentences, or labels with their colon.

use minijinja::{Environment, Error, Value, context};

use super::texts::{Text, Texts, WORDS_FILE};
use super::{Context, Kind};
use crate::base::{Millis, clock};

/// What only mails with a code say.
const WITH_CODE: [&str; 4] = ["link", "valid", "warning", "reason"];
/// What only mails say with which a change is taken back.
const WITH_UNDO: [&str; 3] = ["undo_link", "undo_code", "undo_valid"];
/// What only mails say that tell what was added lately.
const WITH_RECENT: [&str; 4] = ["recent", "recent_undo", "recent_code", "recent_valid"];
/// What every mail may say.
const ALWAYS: [&str; 5] = ["when", "place", "account", "device", "contact"];

/// The sentences that a mail of `kind` needs, rendered by `render`, as the layout names them.
pub(super) fn sentences(
    kind: Kind,
    about: &Context,
    render: impl Fn(&'static str) -> Result<String, Error>,
) -> Result<Value, Error> {
    let code: &[&str] = match about.code {
        Some(_) if kind.may_be_undone() => &WITH_UNDO,
        Some(_) => &WITH_CODE,
        None => &[],
    };
    let recent: &[&str] = if about.recent.is_empty() { &[] } else { &WITH_RECENT };
    let all = ALWAYS.iter().chain(code).chain(recent).map(|name| Ok((*name, render(name)?)));
    Ok(Value::from_pairs(all.collect::<Result<Vec<(&str, String)>, Error>>()?))
}

/// What a language calls a kind of device that has no address.
pub(super) fn device(texts: &Texts, kind: &str) -> Option<String> {
    let named = ["authenticator", "card"].contains(&kind);
    texts.text(WORDS_FILE, kind).filter(|_| named).map(|text| text.source.clone().into_owned())
}

/// Whether its lines go from right to left.
pub(super) fn direction(texts: &Texts) -> &str {
    texts.text(WORDS_FILE, "direction").map_or("ltr", |text| &text.source)
}

/// A moment as people write it, such as `1 March 2026, 10:00 UTC`; without words as RFC 3339.
pub(super) fn moment(templates: &Environment<'_>, texts: &Texts, at: Millis) -> Result<String, Error> {
    let found = texts.text(WORDS_FILE, "months").zip(texts.text(WORDS_FILE, "moment"));
    let (Some((months, moment)), Ok(at_utc)) = (found, jiff::Timestamp::from_millisecond(at)) else {
        return Ok(clock::rfc3339(at));
    };
    let at_utc = at_utc.to_zoned(jiff::tz::TimeZone::UTC);
    let n = usize::try_from(at_utc.month()).unwrap_or(1) - 1;
    let values = context! {
        day => at_utc.day(),
        month => months.source.split_whitespace().nth(n),
        year => at_utc.year(),
        time => at_utc.strftime("%H:%M").to_string(),
    };
    templates.render_named_str(&moment.name, &moment.source, values)
}

/// What is wrong with words that are no templates.
pub(super) fn wrong(section: &str, text: &Text) -> Option<&'static str> {
    match section {
        "direction" if !["ltr", "rtl"].contains(&&*text.source) => Some("must be ltr or rtl"),
        "months" if text.source.split_whitespace().count() != 12 => {
            Some("must be twelve names with spaces between")
        }
        _ => None,
    }
}
