//! Words, flows and passed secrets for the tests of this folder.

use super::{Carrier, Factor, Flow, Flows, Passed, SecretWord, Vocabulary, parse};
use crate::base::TupleSpec;
use crate::base::tuple::Detailed;

pub fn words() -> Vocabulary {
    let secret =
        |name: &str, factor, alone, carried| SecretWord { name: name.to_owned(), factor, alone, carried };
    let carrier =
        |device: &str, factor| Carrier { device: device.to_owned(), factor, phishable: true, works: Ok(()) };
    Vocabulary {
        identifiers: ["username", "email", "phone", "card"].map(str::to_owned).to_vec(),
        secrets: vec![
            secret("password", Factor::Known, true, false),
            secret("hardcode", Factor::Weak, false, false),
            secret("passcode", Factor::Known, true, true),
        ],
        carriers: vec![
            carrier("email", Factor::Reach),
            carrier("phone", Factor::Restricted),
            carrier("authenticator", Factor::Held),
        ],
    }
}

/// The same words where the carriers named in `broken` cannot send.
pub fn words_without(broken: &[&str]) -> Vocabulary {
    let mut words = words();
    for carrier in &mut words.carriers {
        if broken.contains(&carrier.device.as_str()) {
            carrier.works = Err(format!("no provider in {}.providers", carrier.device));
        }
    }
    words
}

pub fn plain(tuple: &[&str]) -> TupleSpec {
    TupleSpec::Plain(tuple.iter().map(|word| (*word).to_owned()).collect())
}

pub fn named(name: &str, tuple: &[&str]) -> TupleSpec {
    let words = plain(tuple).words().to_vec();
    TupleSpec::Detailed(Detailed { words, name: Some(name.to_owned()), allow_downgrade: false })
}

pub fn downgrade(tuple: &[&str]) -> TupleSpec {
    let words = plain(tuple).words().to_vec();
    TupleSpec::Detailed(Detailed { words, name: None, allow_downgrade: true })
}

pub fn flows(tuples: &[&[&str]]) -> Flows {
    let specs: Vec<TupleSpec> = tuples.iter().map(|tuple| plain(tuple)).collect();
    parse("flows", &specs, &words(), None).unwrap()
}

pub fn flow(tuple: &[&str]) -> Flow {
    flows(&[tuple]).get(0).unwrap().clone()
}

/// Passed secrets, each as `password` or `passcode:email`.
pub fn passed(items: &[&str]) -> Vec<Passed> {
    let read = |item: &&str| match item.split_once(':') {
        None => Passed::fixed(*item),
        Some((secret, device)) => Passed::carried(secret, device),
    };
    items.iter().map(read).collect()
}
