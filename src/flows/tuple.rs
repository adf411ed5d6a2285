//! One tuple of the settings: what its words mean, and what is wrong with them.

use super::spelling::nearest;
use super::{Flow, Secret, Vocabulary};
use crate::base::TupleSpec;

/// What one word of a tuple is taken for.
enum Word<'a> {
    Identifier(&'a str),
    Secret(Secret),
    /// A mistake already reported. It may have been meant for either, so what seems to lack may be this.
    Unknown {
        identifier: bool,
        secret: bool,
    },
}

/// The flow that `spec` describes, or everything that is wrong with it.
pub(super) fn read(spec: &TupleSpec, words: &Vocabulary) -> Result<Flow, Vec<String>> {
    let texts = spec.words();
    if texts.is_empty() {
        return Err(vec![format!("is empty; write {}", words.valid())]);
    }
    let mut mistakes = Vec::new();
    let meant: Vec<Word> = texts.iter().map(|text| understand(text, words, &mut mistakes)).collect();
    mistakes.extend(identifier_mistakes(&meant, words));
    mistakes.extend(secret_mistakes(&meant, words));
    mistakes.extend(repeats(texts));
    if spec.detailed().and_then(|options| options.name.as_ref()).is_some_and(|name| !is_name(name)) {
        mistakes.push("its name is blank or holds control characters; leave it out or write one".to_owned());
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(flow(spec, meant))
}

/// The name that the settings give, or the words joined by `+`.
pub(super) fn name_of(spec: &TupleSpec) -> String {
    let given = spec.detailed().and_then(|options| options.name.clone());
    given.unwrap_or_else(|| spec.words().join("+"))
}

fn flow(spec: &TupleSpec, meant: Vec<Word>) -> Flow {
    let mut identifier = String::new();
    let mut secrets = Vec::new();
    for word in meant {
        match word {
            Word::Identifier(name) => name.clone_into(&mut identifier),
            Word::Secret(secret) => secrets.push(secret),
            Word::Unknown { .. } => {}
        }
    }
    let allow_downgrade = spec.detailed().is_some_and(|options| options.allow_downgrade);
    Flow { name: name_of(spec), identifier, secrets, allow_downgrade }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

fn understand<'a>(text: &'a str, words: &Vocabulary, mistakes: &mut Vec<String>) -> Word<'a> {
    if words.identifiers.iter().any(|name| name == text) {
        return Word::Identifier(text);
    }
    let secret = text.parse::<Secret>().ok().filter(|secret| words.secret(&secret.name).is_some());
    match secret {
        None => unknown(text, words, mistakes),
        Some(secret) => {
            mistakes.extend(narrowing_mistake(&secret, words));
            Word::Secret(secret)
        }
    }
}

fn unknown(text: &str, words: &Vocabulary, mistakes: &mut Vec<String>) -> Word<'static> {
    let narrowed = words.narrowed();
    let names = words.names().chain(narrowed.iter().map(String::as_str));
    let guess = nearest(text, names);
    let identifies = guess.is_some_and(|name| words.identifiers.iter().any(|known| known == name));
    mistakes.push(format!("{text:?} is not known{}; write {}", hint(guess), words.valid()));
    Word::Unknown { identifier: identifies || guess.is_none(), secret: !identifies }
}

fn narrowing_mistake(secret: &Secret, words: &Vocabulary) -> Option<String> {
    let device = secret.device.as_ref()?;
    let narrowed = words.narrowed();
    let valid = narrowed.join(", ");
    if !words.secret(&secret.name).is_some_and(|word| word.carried) {
        let name = &secret.name;
        return Some(format!(
            "\"{secret}\": no device carries a {name}; write \"{name}\". What can be narrowed: {valid}"
        ));
    }
    if words.carriers.iter().any(|carrier| carrier.device == *device) {
        return None;
    }
    let guess = nearest(&secret.to_string(), narrowed.iter().map(String::as_str));
    let (name, hint) = (&secret.name, hint(guess));
    Some(format!("\"{secret}\": no device \"{device}\" carries a {name}{hint}; valid: {valid}"))
}

fn hint(guess: Option<&str>) -> String {
    guess.map(|name| format!(" (did you mean \"{name}\"?)")).unwrap_or_default()
}

fn identifier_mistakes(meant: &[Word], words: &Vocabulary) -> Vec<String> {
    let mut found: Vec<&str> = Vec::new();
    for word in meant {
        if let Word::Identifier(name) = word
            && !found.contains(name)
        {
            found.push(name);
        }
    }
    let valid = words.identifiers.join(", ");
    let mut mistakes = Vec::new();
    if found.is_empty() && !meant.iter().any(|word| matches!(word, Word::Unknown { identifier: true, .. })) {
        mistakes.push(format!("there is no identifier; start with one of {valid}"));
    }
    if found.len() > 1 {
        let found = found.join(", ");
        mistakes
            .push(format!("there are several identifiers ({found}); keep one, and write a tuple for each"));
    }
    if let [Word::Secret(_) | Word::Unknown { identifier: false, .. }, ..] = meant
        && let Some(name) = found.first()
    {
        mistakes.push(format!("\"{name}\" is the identifier and must stand first (identifiers: {valid})"));
    }
    mistakes
}

fn secret_mistakes(meant: &[Word], words: &Vocabulary) -> Vec<String> {
    let mut found: Vec<&Secret> = Vec::new();
    for word in meant {
        if let Word::Secret(secret) = word
            && !found.contains(&secret)
        {
            found.push(secret);
        }
    }
    let mut mistakes = Vec::new();
    let may_be_more = meant.iter().any(|word| matches!(word, Word::Unknown { secret: true, .. }));
    match found.as_slice() {
        [] if !may_be_more => {
            mistakes.push(format!("there is no secret; add one or more of {}", words.secret_names()));
        }
        [only] if !may_be_more && words.secret(&only.name).is_some_and(|word| !word.alone) => {
            let valid = words.secret_names();
            mistakes
                .push(format!("\"{only}\" may not be the only secret; add another one (secrets: {valid})"));
        }
        _ => {}
    }
    mistakes.extend(found.iter().filter_map(|secret| undeliverable(secret, words)));
    mistakes.extend(found.iter().filter_map(|secret| half_narrowed(secret, &found, words)));
    mistakes
}

/// Why no passcode could ever come; an unknown device was reported already.
fn undeliverable(secret: &Secret, words: &Vocabulary) -> Option<String> {
    let carried = words.secret(&secret.name).is_some_and(|word| word.carried);
    let carriers = words.carriers_of(secret);
    if !carried || !words.working(secret).is_empty() || (carriers.is_empty() && secret.device.is_some()) {
        return None;
    }
    let why = |carrier: &&super::Carrier| {
        carrier.works.as_ref().err().map(|reason| format!("{}: {reason}", carrier.device))
    };
    let reasons: Vec<String> = carriers.iter().filter_map(why).collect();
    let reasons = if reasons.is_empty() { "no device carries one".to_owned() } else { reasons.join("; ") };
    let open = Secret { name: secret.name.clone(), device: None };
    let rest: Vec<String> =
        words.working(&open).iter().map(|carrier| format!("{}:{}", open.name, carrier.device)).collect();
    let rest = if rest.is_empty() { "none".to_owned() } else { rest.join(", ") };
    Some(format!("\"{secret}\" can never be delivered ({reasons}). What can be: {rest}"))
}

/// An open passcode beside a narrowed one may be answered by that very device, which then lacks for the other.
fn half_narrowed(secret: &Secret, all: &[&Secret], words: &Vocabulary) -> Option<String> {
    let open = secret.device.is_none();
    let other = all.iter().find(|other| open && other.device.is_some() && other.name == secret.name)?;
    let valid: Vec<String> = words.narrowed();
    Some(format!(
        "\"{secret}\" beside \"{other}\" repeats it where the same device answers both; narrow each: {}",
        valid.join(", ")
    ))
}

fn repeats(texts: &[String]) -> Vec<String> {
    let mut seen: Vec<&String> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if texts[..index].contains(text) && !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen.into_iter().map(|text| format!("{text:?} stands there more than once; once is enough")).collect()
}

impl Vocabulary {
    /// What a tuple may hold, for people.
    pub(super) fn valid(&self) -> String {
        let identifiers = self.identifiers.join(", ");
        format!(
            "one identifier, then one or more secrets (identifiers: {identifiers}; secrets: {})",
            self.secret_names()
        )
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let secrets = self.secrets.iter().map(|word| word.name.as_str());
        self.identifiers.iter().map(String::as_str).chain(secrets)
    }

    fn secret_names(&self) -> String {
        let names = self.secrets.iter().map(|word| word.name.clone());
        names.chain(self.narrowed()).collect::<Vec<_>>().join(", ")
    }

    /// Every narrowed spelling there is: `passcode:email`, `passcode:phone`.
    fn narrowed(&self) -> Vec<String> {
        let carried = self.secrets.iter().filter(|word| word.carried);
        carried
            .flat_map(|word| self.carriers.iter().map(move |by| format!("{}:{}", word.name, by.device)))
            .collect()
    }
}
