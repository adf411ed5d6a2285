//! What is true of a flow, for whoever must judge it.

use super::{Carrier, Factor, Flow, Level, Secret, Vocabulary, levels_of_flow};

/// The numbers of the settings that facts are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Digits of a passcode that is sent.
    pub passcode_length: u32,
    /// Tries before a passcode is dead.
    pub passcode_attempts: u32,
    /// Digits of a code that an authenticator shows.
    pub authenticator_length: u32,
    /// How many of an authenticator's codes pass at one moment.
    pub authenticator_live: u32,
    /// Characters that a password must have at least.
    pub password_minimum: u32,
}

impl Default for Bounds {
    /// Six digits, five tries, the present and the previous code of an authenticator, eight characters.
    fn default() -> Self {
        Self {
            passcode_length: 6,
            passcode_attempts: 5,
            authenticator_length: 6,
            authenticator_live: 2,
            password_minimum: 8,
        }
    }
}

/// What a flow is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The level that it surely reaches.
    pub level: Level,
    /// The level that it reaches by its strongest carriers.
    pub best: Level,
    /// The kinds of proof it combines, such as `knowledge`, or `reach or possession` where the carrier is open.
    pub kinds: Vec<String>,
    /// Whether all of it can be typed into a false page.
    pub phishable: bool,
    /// How far guessing goes.
    pub guess: Guess,
}

/// The chance of guessing every code of one attempt, for somebody who has all the fixed secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// The chance in a million; `None` where no code is asked.
    pub in_a_million: Option<f64>,
    /// The same in plain words.
    pub text: String,
}

/// The facts of `flow`; where a passcode may come by several devices, the worst of them counts.
pub fn facts(flow: &Flow, words: &Vocabulary, bounds: &Bounds) -> Facts {
    let (level, best) = levels_of_flow(flow, words);
    let mut kinds: Vec<String> = Vec::new();
    for kind in flow.secrets.iter().map(|secret| kinds_of(secret, words)) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let phishable = flow.secrets.iter().all(|secret| is_phishable(secret, words));
    Facts { level, best, kinds, phishable, guess: guess(flow, words, bounds) }
}

fn kinds_of(secret: &Secret, words: &Vocabulary) -> String {
    let mut kinds: Vec<&str> = words.factors_of(secret).into_iter().map(kind).collect();
    kinds.dedup();
    kinds.join(" or ")
}

const fn kind(factor: Factor) -> &'static str {
    match factor {
        Factor::Known => "knowledge",
        Factor::Weak => "weak knowledge",
        Factor::Reach => "reach",
        Factor::Restricted | Factor::Held => "possession",
    }
}

/// A fixed secret can always be talked out of somebody.
fn is_phishable(secret: &Secret, words: &Vocabulary) -> bool {
    let carried = words.secret(&secret.name).is_some_and(|word| word.carried);
    !carried || words.working(secret).iter().any(|carrier| carrier.phishable)
}

fn guess(flow: &Flow, words: &Vocabulary, bounds: &Bounds) -> Guess {
    let worst = |secret: &Secret| {
        words.working(secret).into_iter().map(|carrier| chance(carrier, bounds)).max_by(f64::total_cmp)
    };
    let codes: Vec<f64> = flow.secrets.iter().filter_map(worst).collect();
    if codes.is_empty() {
        let text = "no code is asked: only the limits on attempts bound the guesses at a fixed secret";
        return Guess { in_a_million: None, text: text.to_owned() };
    }
    let million = codes.iter().product::<f64>() * 1e6;
    let text = format!(
        "{} in a million for each attempt ({} tries), for one who has all the rest",
        figures(million),
        bounds.passcode_attempts
    );
    Guess { in_a_million: Some(million), text }
}

/// The chance of one code: tries × live codes ÷ 10^digits (RFC 4226, section 7.3), at most 1.
fn chance(carrier: &Carrier, bounds: &Bounds) -> f64 {
    let (live, digits) = match carrier.factor {
        Factor::Held => (bounds.authenticator_live, bounds.authenticator_length),
        _ => (1, bounds.passcode_length),
    };
    let tries = f64::from(bounds.passcode_attempts) * f64::from(live);
    (tries / 10_f64.powf(f64::from(digits))).min(1.0)
}

/// Two significant figures, without an exponent.
fn figures(number: f64) -> String {
    if number >= 10.0 {
        return format!("{number:.0}");
    }
    let places = (1..12).find(|places| number * 10_f64.powi(*places) >= 10.0).unwrap_or(12);
    let text = format!("{number:.*}", usize::try_from(places).unwrap_or(12));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{flow, words, words_without};
    use super::*;

    fn of(tuple: &[&str], words: &Vocabulary) -> Facts {
        facts(&flow(tuple), words, &Bounds::default())
    }

    fn near(guess: &Guess, expected: f64) -> bool {
        guess.in_a_million.is_some_and(|found| (found - expected).abs() < expected * 1e-9)
    }

    #[test]
    fn six_digits_and_five_tries_are_five_in_a_million() {
        let facts = of(&["email", "password", "passcode:email"], &words());
        assert!(near(&facts.guess, 5.0), "{facts:?}");
        assert!(facts.guess.text.starts_with("5 in a million"), "{facts:?}");
        assert_eq!(facts.kinds, ["knowledge", "reach"]);
        assert!(facts.phishable);
    }

    #[test]
    fn an_authenticator_has_two_codes_alive_and_the_worst_carrier_counts() {
        assert!(near(&of(&["email", "passcode:authenticator"], &words()).guess, 10.0));
        assert!(near(&of(&["email", "passcode"], &words()).guess, 10.0));
        assert!(near(&of(&["email", "passcode"], &words_without(&["authenticator"])).guess, 5.0));
    }

    #[test]
    fn two_codes_multiply_and_no_code_gives_no_number() {
        let two = of(&["email", "passcode:email", "passcode:phone"], &words());
        assert!(near(&two.guess, 0.000_025), "{two:?}");
        assert!(two.guess.text.starts_with("0.000025 in a million"), "{two:?}");
        assert_eq!(of(&["email", "password"], &words()).guess.in_a_million, None);
    }

    #[test]
    fn one_secret_that_cannot_be_typed_makes_a_flow_phishing_resistant() {
        let mut words = words();
        words.carriers[2].phishable = false;
        assert!(!of(&["email", "password", "passcode:authenticator"], &words).phishable);
        assert!(of(&["email", "password", "passcode"], &words).phishable);
    }

    #[test]
    fn open_carriers_name_each_kind_once() {
        let kinds = of(&["phone", "hardcode", "passcode"], &words()).kinds;
        assert_eq!(kinds, ["weak knowledge", "reach or possession"]);
    }
}
