//! Whom a mailbox or a SIM alone lets in: flows walked on paper with every kind of account that they know, by
//! somebody who has that one device and nothing else.

use std::collections::BTreeSet;

use super::{Able, Carried, Class, Factor, Fixed, Flows, Holding, Passed, Vocabulary, Walks};

/// What somebody who has one device of that kind and nothing else gets in by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The kind of device: `email`, `phone`.
    pub by: String,
    /// The flow that lets them in.
    pub flow: String,
    /// Whether a secret is set by a recovery first.
    pub recovers: bool,
    /// A kind of a higher class that the account may have and that does not help; none where nothing more is there.
    pub in_spite_of: Option<String>,
}

/// Every such way in, each once.
pub fn exposures(signin: &Flows, recovery: &Flows, words: &Vocabulary) -> Vec<Exposure> {
    let mut found = Vec::new();
    let sent = words.carriers.iter().filter(|c| c.works.is_ok() && c.factor != Factor::Held);
    for carrier in sent {
        for account in accounts(words, &carrier.device) {
            for exposure in of(signin, recovery, words, &account, &carrier.device) {
                if !found.contains(&exposure) {
                    found.push(exposure);
                }
            }
        }
    }
    found
}

/// Every set of words that an account may have, with a device of that kind among them: one of each.
fn accounts(words: &Vocabulary, with: &str) -> Vec<Holding> {
    let carries = |word: &str| words.carriers.iter().any(|c| c.device == word && c.works.is_ok());
    let mut all: Vec<&str> = words.identifiers.iter().map(String::as_str).collect();
    all.extend(words.carriers.iter().map(|c| c.device.as_str()).filter(|word| carries(word)));
    all.extend(words.secrets.iter().filter(|secret| !secret.carried).map(|secret| secret.name.as_str()));
    let all: BTreeSet<&str> = all.into_iter().filter(|word| *word != with).collect();
    let all: Vec<&str> = all.into_iter().take(MOST).collect();
    (0..1_u32 << all.len())
        .map(|chosen| {
            let some =
                all.iter().enumerate().filter(|(bit, _)| chosen & (1 << bit) != 0).map(|(_, word)| *word);
            holding(words, some.chain([with]))
        })
        .collect()
}

/// Words that are combined at the most: a list of own kinds must not make a check slow.
const MOST: usize = 10;

fn holding<'a>(words: &Vocabulary, owned: impl Iterator<Item = &'a str>) -> Holding {
    let mut holding = Holding {
        carried: words.secrets.iter().filter(|s| s.carried).map(|s| s.name.clone()).collect(),
        ..Holding::default()
    };
    for word in owned {
        if words.identifiers.iter().any(|name| name == word) {
            holding.names.push(word.to_owned());
        }
        if let Some(class) = words.class(word) {
            let word = word.to_owned();
            holding.carriers.push(Carried { id: word.clone(), kind: word, class, since: 0 });
        }
        if words.secret(word).is_some_and(|secret| !secret.carried) {
            holding.fixed.push(Fixed { name: word.to_owned(), devices: Vec::new(), set_by: None });
        }
    }
    holding
}

fn of(signin: &Flows, recovery: &Flows, words: &Vocabulary, account: &Holding, by: &str) -> Vec<Exposure> {
    let asked = Walks::of(signin, account).asked;
    let class = words.class(by);
    let stronger = account.carriers.iter().filter(|c| Some(c.class) > class && asked.contains(&c.id));
    let in_spite_of = stronger.max_by_key(|c| c.class).map(|c| c.kind.clone());
    // What an account has beside it and is never asked for is nothing more.
    if in_spite_of.is_none() && account.carriers.iter().any(|c| Some(c.class) > class) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for recovers in [false, true] {
        let account = if recovers { recovered(recovery, account, by) } else { Some(account.clone()) };
        let Some(account) = account else { continue };
        let set = |name: &str| account.fixed.iter().any(|f| f.name == name && f.set_by.is_some());
        let able = |able: &Able<'_>| match able {
            Able::Carrier(carrier) => carrier.id == by,
            Able::Fixed(name) => set(name),
            Able::Holder(_) => false,
        };
        for end in Walks::with(signin, &account, &able).ends {
            // A secret that was set is part of it, or the recovery is none.
            let needed = end.passed.iter().any(|item| set(&item.secret));
            if needed == recovers {
                let (by, flow) = (by.to_owned(), end.flow.name.clone());
                found.push(Exposure { by, flow, recovers, in_spite_of: in_spite_of.clone() });
            }
        }
    }
    found
}

/// The account after a recovery by that device alone; none where no recovery is passed by it. Only the password is set
/// where it was there; what is gone may be set too, but then the account was not set up for it before.
fn recovered(recovery: &Flows, account: &Holding, by: &str) -> Option<Holding> {
    let passed = [Passed::carried("passcode", by)];
    let lets = recovery.iter().any(|flow| flow.identifier == by && flow.next(&passed).is_none());
    let mut after = account.clone();
    let password = after.fixed.iter_mut().find(|fixed| fixed.name == "password")?;
    password.set_by = Some((by.to_owned(), 1));
    lets.then_some(after)
}

impl Class {
    /// What people call a device of this class that somebody else may come to read.
    pub const fn called(self) -> &'static str {
        match self {
            Self::Reach => "mailbox",
            Self::Restricted => "SIM",
            Self::Held => "device",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::super::sample::{downgrade, flows, plain, words};
    use super::*;

    fn recovery() -> Flows {
        parse("recovery", &[plain(&["email", "passcode"]), plain(&["phone", "passcode"])], &words(), None)
            .unwrap()
    }

    fn against(list: &Flows) -> Vec<(String, String)> {
        let all = exposures(list, &recovery(), &words());
        let mut found: Vec<_> =
            all.into_iter().filter(|e| e.in_spite_of.is_some()).map(|e| (e.by, e.flow)).collect();
        found.dedup();
        found
    }

    #[test]
    fn open_passcodes_hold_against_a_mailbox_and_a_sim() {
        for list in [
            flows(&[
                &["phone", "hardcode", "passcode"],
                &["email", "password", "passcode"],
                &["username", "password"],
            ]),
            flows(&[&["email", "passcode"]]),
            flows(&[&["phone", "passcode"]]),
            flows(&[&["username", "password"], &["username", "password", "passcode"]]),
        ] {
            assert_eq!(against(&list), [], "{list:?}");
        }
    }

    #[test]
    fn a_narrowed_passcode_and_a_downgrade_do_not() {
        let narrowed = flows(&[
            &["email", "password", "passcode:email"],
            &["email", "password", "passcode:authenticator", "passcode:email"],
        ]);
        assert_eq!(against(&narrowed), [], "the second guards the first");
        let narrowed =
            flows(&[&["email", "passcode:email"], &["username", "password", "passcode:authenticator"]]);
        assert_eq!(against(&narrowed), [("email".to_owned(), "email+passcode:email".to_owned())]);
        let specs = [downgrade(&["email", "passcode"]), plain(&["phone", "password", "passcode"])];
        let list = parse("flows", &specs, &words(), None).unwrap();
        assert_eq!(against(&list), [("email".to_owned(), "email+passcode".to_owned())]);
    }

    #[test]
    fn who_has_nothing_more_is_let_in_by_it() {
        let list = flows(&[&["email", "password", "passcode"], &["phone", "passcode"]]);
        let all = exposures(&list, &recovery(), &words());
        let plain: Vec<_> = all.iter().map(|e| (e.by.as_str(), e.flow.as_str(), e.recovers)).collect();
        assert!(plain.contains(&("email", "email+password+passcode", true)), "{plain:?}");
        assert!(plain.contains(&("phone", "phone+passcode", false)), "{plain:?}");
        assert!(!plain.contains(&("phone", "email+password+passcode", true)), "{plain:?}");
    }
}
