//! A flow in plain words, for `multauth flows`, `GET /v1/flows` and whoever must judge it.

use std::fmt;

use super::{Bounds, Carrier, Class, Factor, Facts, Flow, Flows, Level, Secret, Vocabulary, facts};

/// A flow in plain words; every sentence stands on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The flow's name.
    pub name: String,
    /// What is asked, in order: the identifier, then each secret and where it comes from.
    pub asked: Vec<String>,
    /// What it is worth, as data.
    pub facts: Facts,
    /// What it is worth, in words.
    pub level: String,
    /// What an attacker needs.
    pub attack: String,
    /// How far guessing goes.
    pub guess: String,
    /// To which flows it gives way, or that it does not.
    pub gives_way: Option<String>,
    /// What standards say of the ways its passcodes come.
    pub notes: Vec<String>,
}

impl Explanation {
    /// All sentences in reading order.
    pub fn sentences(&self) -> Vec<&str> {
        let asked = self.asked.iter().map(String::as_str);
        let middle = [self.level.as_str(), &self.attack, &self.guess];
        let rest = self.gives_way.as_deref().into_iter().chain(self.notes.iter().map(String::as_str));
        asked.chain(middle).chain(rest).collect()
    }
}

impl fmt::Display for Explanation {
    /// The name, then a sentence a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        self.sentences().into_iter().try_for_each(|sentence| write!(f, "\n  {sentence}"))
    }
}

/// Explains `flow`, one of `flows`.
pub fn explain(flow: &Flow, flows: &Flows, words: &Vocabulary, bounds: &Bounds) -> Explanation {
    let weighed = weighed(flow, flows, words);
    let facts = facts(&weighed, words, bounds);
    let first = format!("The user is named by: {}.", flow.identifier);
    let asked = flow.secrets.iter().enumerate();
    let asked =
        asked.map(|(i, secret)| format!("{}. {}", i + 1, asked_for(secret, (flow, flows), words, bounds)));
    Explanation {
        name: flow.name.clone(),
        asked: std::iter::once(first).chain(asked).collect(),
        level: level_sentence(&facts),
        attack: attack_sentence(&weighed, flows, words, &facts),
        guess: format!("Guessing: {}.", facts.guess.text),
        gives_way: gives_way(flow, flows),
        notes: notes(&weighed, words),
        facts,
    }
}

/// The flow with what its passcodes can come by: in a recovery the identifier's own device answers them alone.
fn weighed(flow: &Flow, flows: &Flows, words: &Vocabulary) -> Flow {
    let mut weighed = flow.clone();
    if flows.path() == "recovery" {
        for secret in weighed.secrets.iter_mut().filter(|secret| secret.device.is_none()) {
            if words.working(secret).iter().any(|carrier| carrier.device == flow.identifier) {
                secret.device = Some(flow.identifier.clone());
            }
        }
    }
    weighed
}

fn asked_for(secret: &Secret, (flow, flows): (&Flow, &Flows), words: &Vocabulary, bounds: &Bounds) -> String {
    let name = &secret.name;
    let mut carriers = words.working(secret);
    if carriers.is_empty() {
        return match words.factors_of(secret).first() {
            Some(Factor::Known) if name != "password" => {
                format!("The {name} is asked, a secret that the user chose.")
            }
            Some(Factor::Known) => {
                format!("The {name} is asked, of at least {} characters.", bounds.password_minimum)
            }
            Some(_) => format!("The {name} is asked, a fixed secret that is short."),
            None => format!("The {name} is asked, and no way is left for it to come."),
        };
    }
    carriers.sort_by_key(|carrier| carrier.device != flow.identifier); // the identifier's own comes first
    let asked = if secret.device.is_some() {
        let ways: Vec<String> = carriers.iter().map(|carrier| way(carrier, bounds)).collect();
        ways.join(", or ")
    } else {
        open(&carriers, secret, (flow, flows), bounds)
    };
    format!("A {name} is asked: {asked}, with {} tries.", bounds.passcode_attempts)
}

/// Who is asked what for an open passcode: the identifier's own while nothing is proven, and in a recovery always; of
/// the highest class that somebody has afterwards.
fn open(carriers: &[&Carrier], secret: &Secret, (flow, flows): (&Flow, &Flows), bounds: &Bounds) -> String {
    let own = carriers.iter().find(|carrier| carrier.device == flow.identifier);
    let first = flows.path() == "recovery" || flow.secrets.first() == Some(secret);
    let classes = classes(carriers, own.map(|own| &**own));
    let of = |class: Class| {
        let ways = carriers.iter().filter(|c| Class::of(c.factor) == Some(class));
        ways.map(|carrier| way(carrier, bounds)).collect::<Vec<_>>().join(", or ")
    };
    if let Some(own) = own.filter(|_| first) {
        let above: Vec<String> = classes
            .iter()
            .rev()
            .filter(|class| Some(**class) > Class::of(own.factor))
            .map(|c| of(*c))
            .collect();
        let own = way(own, bounds);
        return if above.is_empty() || flows.path() == "recovery" || flow.allow_downgrade {
            own
        } else {
            format!("{own}; then, of whoever has that confirmed, {}", above.join(", else "))
        };
    }
    let ways: Vec<String> = classes.iter().rev().map(|class| of(*class)).collect();
    match ways.split_last() {
        Some((last, above)) if !above.is_empty() => {
            format!("of whoever has that confirmed, {}, else {last}", above.join(", else "))
        }
        _ => ways.join(", "),
    }
}

/// The classes that may answer, lowest first: none below the device that names whoever comes, which they have.
fn classes(carriers: &[&Carrier], own: Option<&Carrier>) -> Vec<Class> {
    let least = own.and_then(|own| Class::of(own.factor));
    let mut classes: Vec<Class> = carriers.iter().filter_map(|carrier| Class::of(carrier.factor)).collect();
    classes.retain(|class| Some(*class) >= least);
    classes.sort_unstable();
    classes.dedup();
    classes
}

fn way(carrier: &Carrier, bounds: &Bounds) -> String {
    let device = &carrier.device;
    match carrier.factor {
        Factor::Held => format!("{} digits shown by the user's {device}", bounds.authenticator_length),
        _ => format!("{} digits sent to the user's {device}", bounds.passcode_length),
    }
}

fn level_sentence(facts: &Facts) -> String {
    let meaning = match facts.level {
        Level::Single => "one kind of proof",
        Level::TwoStep => "two kinds of proof, of which one is no full factor",
        Level::MultiFactor => "something known and something held",
    };
    let best = if facts.best > facts.level {
        format!(", and {} where the passcode comes by a stronger device", facts.best)
    } else {
        String::new()
    };
    format!("Level {}: {meaning} ({}){best}.", facts.level, facts.kinds.join(", "))
}

fn attack_sentence(flow: &Flow, flows: &Flows, words: &Vocabulary, facts: &Facts) -> String {
    let needs: Vec<String> = flow.secrets.iter().map(|secret| needed(secret, (flow, flows), words)).collect();
    let phishing = if facts.phishable {
        "or a false page that the user types all of it into"
    } else {
        "and a false page does not help"
    };
    format!("An attacker needs {}; {phishing}.", needs.join(", and "))
}

/// What whoever takes a secret over needs: of an open passcode what [`open`] says is asked, not any of the ways.
fn needed(secret: &Secret, (flow, flows): (&Flow, &Flows), words: &Vocabulary) -> String {
    let carriers = words.working(secret);
    if carriers.is_empty() {
        return format!("the {}", secret.name);
    }
    let of = |class: Class| {
        let ways = carriers.iter().filter(|carrier| Class::of(carrier.factor) == Some(class));
        ways.map(|carrier| taken(carrier)).collect::<Vec<_>>().join(" or ")
    };
    if secret.device.is_some() {
        return carriers.iter().map(|carrier| taken(carrier)).collect::<Vec<_>>().join(" or ");
    }
    let own = carriers.iter().copied().find(|carrier| carrier.device == flow.identifier);
    let ways: Vec<String> = classes(&carriers, own).into_iter().rev().map(of).collect();
    let Some((last, above)) = ways.split_last() else { return format!("the {}", secret.name) };
    let above = above.join(", else ");
    let first = flows.path() == "recovery" || flow.secrets.first() == Some(secret);
    match own.filter(|_| first) {
        Some(own) if above.is_empty() || flow.allow_downgrade => taken(own),
        Some(own) => format!("{}, then, of whoever has that confirmed, {above}", taken(own)),
        None if above.is_empty() => last.clone(),
        None => format!("of whoever has that confirmed, {above}, else {last}"),
    }
}

fn taken(carrier: &Carrier) -> String {
    let device = &carrier.device;
    match carrier.factor {
        Factor::Reach => format!("to read the user's {device}"),
        Factor::Restricted => format!("the user's {device} or its number (a swapped SIM, a diverted call)"),
        _ => format!("the user's {device} or a copy of its key"),
    }
}

fn gives_way(flow: &Flow, flows: &Flows) -> Option<String> {
    let stronger: Vec<String> = flows.stronger_than(flow).map(|flow| format!("\"{}\"", flow.name)).collect();
    if stronger.is_empty() {
        return None;
    }
    let stronger = stronger.join(", ");
    Some(if flow.allow_downgrade {
        format!("It lets in even those who are set up for the stronger {stronger} (allow_downgrade).")
    } else {
        format!("Who is set up for {stronger} is asked for the rest of that too.")
    })
}

fn notes(flow: &Flow, words: &Vocabulary) -> Vec<String> {
    let has = |factor| flow.secrets.iter().any(|secret| words.factors_of(secret).contains(&factor));
    let mut notes = Vec::new();
    if has(Factor::Reach) {
        let text = "A code by email proves reach and is no factor: NIST SP 800-63B-4 (section 3.1.3.1) \
                    does not take email for authentication.";
        notes.push(text.to_owned());
    }
    if has(Factor::Restricted) {
        let text = "A code by phone is restricted by NIST SP 800-63B-4 (sections 3.1.3.3 and 3.2.9): \
                    tell users of the risk and offer another way.";
        notes.push(text.to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::super::sample::{downgrade, flows, plain, words, words_without};
    use super::*;

    fn text(list: &Flows, name: &str, words: &Vocabulary) -> String {
        explain(list.find(name).unwrap(), list, words, &Bounds::default()).to_string()
    }

    #[test]
    fn a_flow_reads_in_order() {
        let list = flows(&[&["email", "password", "passcode:email"]]);
        let expected = "\
email+password+passcode:email
  The user is named by: email.
  1. The password is asked, of at least 8 characters.
  2. A passcode is asked: 6 digits sent to the user's email, with 5 tries.
  Level twostep: two kinds of proof, of which one is no full factor (knowledge, reach).
  An attacker needs the password, and to read the user's email; or a false page that the user types all of it into.
  Guessing: 5 in a million for each attempt (5 tries), for one who has all the rest.
  A code by email proves reach and is no factor: NIST SP 800-63B-4 (section 3.1.3.1) does not take email for authentication.";
        assert_eq!(text(&list, "email+password+passcode:email", &words()), expected);
    }

    #[test]
    fn an_open_passcode_names_who_is_asked_what() {
        let list = flows(&[&["phone", "hardcode", "passcode"]]);
        let found = text(&list, "phone+hardcode+passcode", &words());
        assert!(
            found.contains(
                "of whoever has that confirmed, 6 digits shown by the user's authenticator, else 6 digits sent to the \
                 user's phone, with 5 tries"
            ),
            "{found}"
        );
        // Whoever comes by a phone has one: a mailbox is not asked.
        let needs = "of whoever has that confirmed, the user's authenticator or a copy of its key, else the user's \
                     phone or its number (a swapped SIM, a diverted call); or";
        assert!(found.contains(needs), "{found}");
        let no_email = text(&list, "phone+hardcode+passcode", &words_without(&["email"]));
        assert!(!no_email.contains("email"), "{no_email}");
    }

    #[test]
    fn an_open_passcode_that_comes_first_is_the_identifiers_own() {
        let list = flows(&[&["email", "passcode"]]);
        let found = text(&list, "email+passcode", &words());
        let expected = "A passcode is asked: 6 digits sent to the user's email; then, of whoever has that confirmed, 6 \
                        digits shown by the user's authenticator, else 6 digits sent to the user's phone, with 5 tries.";
        assert!(found.contains(expected), "{found}");
        let recovery = parse("recovery", &[plain(&["email", "passcode"])], &words(), None).unwrap();
        let found = text(&recovery, "email+passcode", &words());
        assert!(found.contains("asked: 6 digits sent to the user's email, with 5 tries."), "{found}");
        assert!(found.contains("An attacker needs to read the user's email; or"), "{found}");
        assert!(found.contains("(reach)") && found.contains("5 in a million"), "{found}");
    }

    #[test]
    fn it_says_to_whom_it_gives_way() {
        let list = flows(&[&["username", "password"], &["email", "password", "passcode"]]);
        let found = text(&list, "username+password", &words());
        assert!(found.contains("Who is set up for \"email+password+passcode\" is asked"), "{found}");
        let top = list.find("email+password+passcode").unwrap();
        assert_eq!(explain(top, &list, &words(), &Bounds::default()).gives_way, None);

        let specs = [downgrade(&["username", "password"]), plain(&["email", "password", "passcode"])];
        let list = parse("flows", &specs, &words(), None).unwrap();
        assert!(text(&list, "username+password", &words()).contains("lets in even those"));
    }
}
