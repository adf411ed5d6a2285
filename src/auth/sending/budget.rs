//! What messages to phones may cost (R45): each is counted by hour and day, of the installation and of its country,
//! in messages and in money, in the transaction that writes it. So the limits hold over restarts and instances.
//!
//! Only what leaves is counted, and everybody is refused alike: whether a number has an account decides nothing
//! (R15).

use super::order::{Parcel, WhenFull};
use super::recipient::Recipient;
use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::base::Millis;
use crate::base::clock::{DAY, HOUR, coarse, seconds_until};
use crate::messages::{self, Channel, Message};
use crate::settings::{self, Micros};
use crate::store::Tx;
use crate::store::spend::{self, Caps, Charge, WINDOWS, Window};
use crate::telemetry::metrics;

/// Out of which part of what may be spent a message is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is there for everybody: all but a tenth.
    Common,
    /// All of it: for who has proven a secret, or is known, once the rest is used up.
    Whole,
    /// Nothing leaves, and nothing is paid.
    None,
}

/// What one message to a phone is counted as.
struct Toll<'a> {
    country: &'a str,
    cost: Micros,
    caps: Caps,
}

/// Says what [`settle`] would say of a message of one segment to a number, and counts nothing.
///
/// # Errors
/// [`AuthError::TooMany`] until the hour or day is over.
pub async fn peek(app: &App, to: &Recipient, part: Part) -> Result<()> {
    let now = app.now();
    let country = to.country();
    let (cost, caps) = (
        app.settings.phone.spend.price_of(&to.address),
        caps(&app.settings.phone.spend, WhenFull::Refuse, part),
    );
    let toll = Toll { country, cost, caps };
    let windows = spend::now(&mut app.store.read().await?, country, day(now), hour(now)).await?;
    let fits = |scope: &str| {
        let window = windows.iter().find(|window| window.scope == scope);
        toll.fits(scope, window.map_or(0, |w| w.messages), window.map_or(0, |w| w.cost))
    };
    let full: Vec<String> = toll.scopes().into_iter().filter(|scope| !fits(scope)).collect();
    if full.is_empty() { Ok(()) } else { Err(refused(now, &full)) }
}

/// Counts a message to a `country` (empty where it has none) that is about to be queued, and says what may leave in its place. One that goes to nobody is
/// counted for nothing, and refused as the other would be.
///
/// # Errors
/// [`AuthError::TooMany`] until the hour or day is over; then nothing was counted.
pub async fn settle(
    app: &App,
    tx: &mut Tx,
    (message, country): (&Message, &str),
    parcel: Parcel,
    (when_full, part): (WhenFull, Part),
) -> Result<Parcel> {
    if when_full == WhenFull::NotCounted || !Channel::PHONE.contains(&message.channel) {
        return Ok(parcel);
    }
    if part == Part::None {
        return Ok(Parcel::Held);
    }
    let now = app.now();
    let limits = &app.settings.phone.spend;
    let cost = limits.price_of(&message.to).saturating_mul(Micros::from(segments(message)));
    let toll = Toll { country, cost, caps: caps(limits, when_full, part) };
    let leaves = matches!(parcel, Parcel::Code | Parcel::Notice);
    let (hour, day, counts) = (hour(now), day(now), when_full != WhenFull::DropNotice);
    let charge = Charge { apart: "", country, hour, day, cost, leaves, counts, caps: toll.caps };
    // What takes a change back is owed whatever others have sent to themselves.
    let bounded = !counts && !message.kind.may_be_undone();
    let notice = Charge { apart: NOTICES, caps: of_notices(limits), cost: 0, counts: true, ..charge };
    let noticed = if bounded { spend::charge(tx, &notice).await? } else { Vec::new() };
    if bounded && noticed.len() < WINDOWS {
        return dropped(tx, message, (&notice, &noticed)).await;
    }
    if !counts && cost == 0 {
        return Ok(parcel);
    }
    let counted = spend::charge(tx, &charge).await?;
    if counted.len() == WINDOWS {
        if leaves {
            warn(&Toll { caps: caps(limits, when_full, Part::Whole), ..toll }, limits.warn_at, &counted);
        }
        return Ok(parcel);
    }
    for window in counted.iter().filter(|_| leaves) {
        spend::give_back(tx, window, &charge).await?;
    }
    let passed = |scope: &String| counted.iter().any(|window| window.scope == *scope);
    let full: Vec<String> = toll.scopes().into_iter().filter(|scope| !passed(scope)).collect();
    let error = refused(now, &full);
    match when_full {
        WhenFull::Refuse => Err(error),
        WhenFull::Drop | WhenFull::NotCounted => Ok(Parcel::Nothing),
        WhenFull::DropNotice => dropped(tx, message, (&notice, &noticed)).await,
    }
}

/// What sets the windows of notices apart.
const NOTICES: &str = "notices/";

/// A notice goes to nobody, and is counted nowhere.
async fn dropped(
    tx: &mut Tx,
    message: &Message,
    (notice, noticed): (&Charge<'_>, &[Window]),
) -> Result<Parcel> {
    for window in noticed {
        spend::give_back(tx, window, notice).await?;
    }
    tracing::warn!(often = true, kind = message.kind.name(), "a notice is dropped: see [phone.spend]");
    Ok(Parcel::Nothing)
}

impl Toll<'_> {
    /// The names of the windows that it is counted in.
    fn scopes(&self) -> [String; WINDOWS] {
        let country = self.country;
        ["day".into(), "hour".into(), format!("day/{country}"), format!("hour/{country}")]
    }

    /// The bounds of a window: of messages, and of money.
    fn bounds(&self, scope: &str) -> (i64, Micros) {
        let caps = &self.caps;
        match scope {
            "day" => (caps.day, caps.day_money),
            "hour" => (caps.hour, caps.hour_money),
            _ if scope.starts_with("day/") => (caps.country_day, caps.country_day_money),
            _ => (caps.country_hour, Micros::MAX),
        }
    }

    /// Whether a window in which so much was spent has room for it; as the statement has it.
    fn fits(&self, scope: &str, messages: i64, spent: Micros) -> bool {
        let (most, money) = self.bounds(scope);
        messages < most && spent.saturating_add(self.cost) <= money
    }
}

/// The limits as bounds: 0 is none. A tenth of each is kept for those who have shown something.
fn caps(limits: &settings::Spend, when_full: WhenFull, part: Part) -> Caps {
    let share = |whole: i64| {
        if part == Part::Whole || when_full == WhenFull::DropNotice { whole } else { whole - whole / 10 }
    };
    let messages = |cap: u32| {
        if cap == 0 || when_full == WhenFull::DropNotice { i64::MAX } else { share(i64::from(cap)) }
    };
    let money = |cap: f64| if cap > 0.0 { share(settings::micros(cap)) } else { Micros::MAX };
    Caps {
        hour: messages(limits.per_hour),
        day: messages(limits.per_day),
        country_hour: messages(limits.country_per_hour),
        country_day: messages(limits.country_per_day),
        hour_money: money(limits.money_per_hour),
        day_money: money(limits.money_per_day),
        country_day_money: money(limits.country_money_per_day),
    }
}

/// How many notices may leave: as many as codes.
fn of_notices(limits: &settings::Spend) -> Caps {
    let all = caps(limits, WhenFull::Refuse, Part::Whole);
    Caps { hour_money: Micros::MAX, day_money: Micros::MAX, country_day_money: Micros::MAX, ..all }
}

fn hour(now: Millis) -> Millis {
    now.div_euclid(HOUR) * HOUR
}

/// When the day of `now` began.
pub(in crate::auth) fn day(now: Millis) -> Millis {
    now.div_euclid(DAY) * DAY
}

/// The answer where windows are full: until the longest of them is over.
fn refused(now: Millis, full: &[String]) -> AuthError {
    let days = full.iter().any(|scope| scope.starts_with("day"));
    let ends = if days { day(now) + DAY } else { hour(now) + HOUR };
    for scope in full {
        metrics::spend_refused(word(scope));
    }
    AuthError::TooMany { retry_after: coarse(seconds_until(now, ends)) }
}

/// What a window is called in the metrics, which know no countries.
fn word(scope: &str) -> &'static str {
    match scope {
        "day" => "day",
        "hour" => "hour",
        _ if scope.starts_with("day/") => "country_day",
        _ => "country_hour",
    }
}

/// Says of every window that just came near its bound that it did. Of all instances the one whose message it was.
fn warn(toll: &Toll<'_>, percent: u32, counted: &[Window]) {
    for window in counted {
        let (most, money) = toll.bounds(&window.scope);
        let messages = crosses(window.messages - 1, window.messages, most, percent);
        if messages || crosses(window.cost - toll.cost, window.cost, money, percent) {
            metrics::spend_near(word(&window.scope));
            tracing::warn!(
                window = window.scope,
                messages = window.messages,
                millionths = window.cost,
                "{percent} % of what may be sent to phones is used up: see [phone.spend]"
            );
        }
    }
}

/// Whether `percent` of `most` lies between `before` and `after`.
fn crosses(before: i64, after: i64, most: i64, percent: u32) -> bool {
    let reached = |value: i64| i128::from(value) * 100 >= i128::from(most) * i128::from(percent);
    most != i64::MAX && !reached(before) && reached(after)
}

/// How many messages a vendor counts a message as. A call or a WhatsApp message is one.
fn segments(message: &Message) -> u32 {
    if message.channel != Channel::Sms {
        return 1;
    }
    messages::segments(message.text.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Kind, Rendered};
    use crate::settings::Settings;

    fn text(channel: Channel, text: &str) -> Message {
        let rendered = Rendered { subject: None, text: text.into(), html: None };
        Message::new("m", 0, channel, "+12025550123", Kind::SigninCode, rendered)
    }

    #[test]
    fn a_long_text_is_several_segments_and_a_call_is_one() {
        let sms = |count: usize, c: &str| segments(&text(Channel::Sms, &c.repeat(count)));
        assert_eq!([sms(0, "a"), sms(160, "a"), sms(161, "a"), sms(70, "ą"), sms(71, "ą")], [1, 1, 2, 1, 2]);
        assert_eq!(segments(&text(Channel::Call, &"a".repeat(999))), 1);
    }

    #[test]
    fn windows_begin_with_the_hour_and_the_day_and_waits_are_coarse() {
        let noon = 1_772_359_200_000 + 2 * HOUR;
        assert_eq!((hour(noon + 59), day(noon + 59)), (noon, noon - 12 * HOUR));
        let wait = |now, full: &[&str]| {
            let full: Vec<String> = full.iter().map(|scope| (*scope).to_owned()).collect();
            match refused(now, &full) {
                AuthError::TooMany { retry_after } => retry_after,
                other => panic!("{other}"),
            }
        };
        assert_eq!(wait(noon, &["hour"]), 3_600);
        assert_eq!(wait(noon + HOUR - 1, &["hour/PL"]), 30);
        assert_eq!(wait(noon, &["hour", "day/PL"]), 12 * 3_600);
    }

    #[test]
    fn a_bound_is_come_near_once() {
        let at = |after: i64| crosses(after - 1, after, 10, 80);
        assert_eq!((1..=10).filter(|after| at(*after)).collect::<Vec<_>>(), [8]);
        assert!(crosses(0, 300, 100, 80), "in one step too");
        assert!(!crosses(i64::MAX - 1, i64::MAX, i64::MAX, 80), "what is not bounded has no end");
    }

    #[test]
    fn nothing_is_bounded_by_zero_and_what_is_owed_by_money_alone() {
        let mut limits = Settings::built_in().phone.spend;
        (limits.per_hour, limits.money_per_day) = (0, 2.5);
        let told = caps(&limits, WhenFull::Refuse, Part::Whole);
        assert_eq!(
            (told.hour, told.day, told.day_money, told.hour_money),
            (i64::MAX, 5_000, 2_500_000, i64::MAX)
        );
        let owed = caps(&limits, WhenFull::DropNotice, Part::Common);
        assert_eq!((owed.day, owed.country_hour, owed.day_money), (i64::MAX, i64::MAX, 2_500_000));
        let toll = Toll { country: "US", cost: 1_000_000, caps: told };
        assert!(toll.fits("day", 4_999, 1_500_000) && !toll.fits("day", 4_999, 1_500_001));
        assert!(!toll.fits("day", 5_000, 0) && toll.fits("hour/US", 0, Micros::MAX));
    }
}
