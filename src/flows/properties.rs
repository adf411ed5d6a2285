//! What must hold for any set of flows, any user and anything passed.

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::sample::{plain, words};
use super::*;
use crate::base::TupleSpec;
use crate::base::tuple::Detailed;

const IDENTIFIERS: [&str; 3] = ["username", "email", "phone"];
const SECRETS: [&str; 6] =
    ["password", "hardcode", "passcode", "passcode:email", "passcode:phone", "passcode:authenticator"];
const CARRIERS: [&str; 3] = ["email", "phone", "authenticator"];
const OWNED: [&str; 6] = ["username", "email", "phone", "authenticator", "password", "hardcode"];

fn a_tuple() -> impl Strategy<Value = TupleSpec> {
    let secrets = subsequence(SECRETS.to_vec(), 1..=4).prop_shuffle();
    (0..IDENTIFIERS.len(), secrets, proptest::bool::weighted(0.2)).prop_map(
        |(at, secrets, allow_downgrade)| {
            let words = [&[IDENTIFIERS[at]][..], &secrets].concat().into_iter().map(str::to_owned).collect();
            TupleSpec::Detailed(Detailed { words, name: None, allow_downgrade })
        },
    )
}

/// One to six tuples that a server would start with.
fn some_tuples() -> impl Strategy<Value = Vec<TupleSpec>> {
    proptest::collection::vec(a_tuple(), 1..12).prop_filter_map("nothing valid", |specs| {
        let mut kept: Vec<TupleSpec> = Vec::new();
        for spec in specs {
            let with: Vec<TupleSpec> = kept.iter().cloned().chain([spec]).collect();
            if with.len() <= 6 && parse("flows", &with, &words(), None).is_ok() {
                kept = with;
            }
        }
        (!kept.is_empty()).then_some(kept)
    })
}

fn read(specs: &[TupleSpec]) -> Flows {
    parse("flows", specs, &words(), None).unwrap()
}

fn some_passed() -> impl Strategy<Value = Vec<Passed>> {
    let fixed = prop::sample::select(vec![Passed::fixed("password"), Passed::carried("hardcode", "card")]);
    let code = prop::sample::select(CARRIERS.to_vec()).prop_map(|device| Passed::carried("passcode", device));
    proptest::collection::vec(prop_oneof![fixed, code], 0..6)
}

fn a_user() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(OWNED.to_vec(), 0..=OWNED.len())
}

fn an_identifier() -> impl Strategy<Value = &'static str> {
    prop::sample::select(IDENTIFIERS.to_vec())
}

fn is_equipped(user: &[&str], flow: &Flow) -> bool {
    let has = |word: &str| user.contains(&word);
    let can = |secret: &Secret| match (secret.name.as_str(), secret.device.as_deref()) {
        ("passcode", Some(device)) => has(device),
        ("passcode", None) => CARRIERS.into_iter().any(has),
        (name, _) => has(name),
    };
    has(&flow.identifier) && flow.secrets.iter().all(can)
}

/// What somebody must have for `flow`, with an email where any device will do.
fn needs(flow: &Flow) -> Vec<&'static str> {
    let of = |secret: &Secret| match (secret.name.as_str(), secret.device.clone()) {
        ("passcode", device) => device.unwrap_or_else(|| "email".to_owned()),
        (name, _) => name.to_owned(),
    };
    let words: Vec<String> = flow.secrets.iter().map(of).chain([flow.identifier.clone()]).collect();
    OWNED.into_iter().filter(|owned| words.iter().any(|word| word == owned)).collect()
}

/// Whether each secret finds an item of its own, tried in every way there is.
fn answered<T>(secrets: &[Secret], items: &[T], fits: &impl Fn(&Secret, &T) -> bool, in_order: bool) -> bool
where
    T: Clone,
{
    let Some((first, rest)) = secrets.split_first() else { return true };
    (0..items.len()).any(|at| {
        let left =
            if in_order { items[at + 1..].to_vec() } else { [&items[..at], &items[at + 1..]].concat() };
        fits(first, &items[at]) && answered(rest, &left, fits, in_order)
    })
}

fn fits(secret: &Secret, item: &Passed) -> bool {
    secret.name == item.secret && (secret.device.is_none() || secret.device == item.device)
}

/// Whether `a` asks for all that `b` asks for, and for more.
fn is_stronger(a: &Flow, b: &Flow) -> bool {
    let covers = |wanted: &Secret, given: &Secret| {
        wanted.name == given.name && (wanted.device.is_none() || wanted.device == given.device)
    };
    answered(&b.secrets, &a.secrets, &covers, false) && !answered(&a.secrets, &b.secrets, &covers, false)
}

/// Whether rule 3 lets somebody in by `flow`: every stronger one that they are equipped for is passed as well.
fn owes_nothing(flows: &Flows, flow: &Flow, user: &[&str], passed: &[Passed]) -> bool {
    flow.allow_downgrade
        || flows
            .iter()
            .filter(|other| is_stronger(other, flow) && is_equipped(user, other))
            .all(|other| answered(&other.secrets, passed, &fits, false))
}

fn of_user(flows: &Flows, identifier: &str, passed: &[Passed], user: &[&str]) -> Step {
    step(flows, identifier, passed, Some(&|flow: &Flow| is_equipped(user, flow)))
}

/// A right answer to `secret` by `user`, by a device not used before where there is one.
fn answer(secret: &Secret, user: &[&str], passed: &[Passed]) -> Option<Passed> {
    let name = secret.name.as_str();
    if name != "passcode" {
        return user.contains(&name).then(|| Passed::fixed(name));
    }
    let mine = |device: &&str| user.contains(device) && secret.device.as_deref().is_none_or(|d| d == *device);
    let codes = || CARRIERS.into_iter().filter(mine).map(|device| Passed::carried(name, device));
    codes().find(|code| !passed.contains(code)).or_else(|| codes().next())
}

/// Walks an attempt as an honest user would, choosing among what is asked; what was passed and how it ended.
fn walk(flows: &Flows, identifier: &str, user: &[&str], choices: &[Index]) -> (Vec<Passed>, Step) {
    let mut passed = Vec::new();
    let mut now = step(flows, identifier, &passed, None);
    for choice in choices {
        let Step::Ask(asked) = &now else { break };
        let able: Vec<Passed> = asked.iter().filter_map(|secret| answer(secret, user, &passed)).collect();
        if able.is_empty() {
            break;
        }
        passed.push(choice.get(&able).clone());
        now = of_user(flows, identifier, &passed, user);
    }
    (passed, now)
}

fn choices() -> impl Strategy<Value = Vec<Index>> {
    proptest::collection::vec(any::<Index>(), 40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_flow_is_finished_only_by_all_of_its_secrets_in_order(
        specs in some_tuples(), passed in some_passed(), user in a_user(), identifier in an_identifier(),
        known in any::<bool>(),
    ) {
        let flows = read(&specs);
        let next = if known {
            of_user(&flows, identifier, &passed, &user)
        } else {
            step(&flows, identifier, &passed, None)
        };
        if let Step::Done(index) = next {
            let flow = flows.get(index).unwrap();
            prop_assert_eq!(&flow.identifier, identifier);
            prop_assert!(answered(&flow.secrets, &passed, &fits, true), "{:?}", flow);
            prop_assert!(!known || is_equipped(&user, flow), "{:?}", flow);
        }
    }

    #[test]
    fn who_is_equipped_for_a_stronger_flow_is_never_let_in_by_a_weaker_one(
        specs in some_tuples(), passed in some_passed(), user in a_user(), identifier in an_identifier(),
    ) {
        let flows = read(&specs);
        if let Step::Done(index) = of_user(&flows, identifier, &passed, &user) {
            let flow = flows.get(index).unwrap();
            prop_assert!(owes_nothing(&flows, flow, &user, &passed), "{:?}", flow);
        }
    }

    #[test]
    fn adding_a_flow_never_lets_in_who_must_pass_a_stronger_one(
        specs in some_tuples(), user in a_user(), identifier in an_identifier(), passed in some_passed(),
    ) {
        let added = specs.len() - 1;
        let before = if added == 0 { Flows::default() } else { read(&specs[..added]) };
        let after = read(&specs);
        if let Step::Done(index) = of_user(&after, identifier, &passed, &user) {
            let flow = after.get(index).unwrap();
            let was_let_in = matches!(of_user(&before, identifier, &passed, &user), Step::Done(_));
            let by_the_added = index == added && owes_nothing(&before, flow, &user, &passed);
            prop_assert!(was_let_in || by_the_added, "{:?}", flow);
        }
    }

    #[test]
    fn what_was_passed_is_asked_again_only_where_nothing_else_can_be(
        specs in some_tuples(), passed in some_passed(), user in a_user(), identifier in an_identifier(),
    ) {
        let flows = read(&specs);
        if let Step::Ask(asked) = of_user(&flows, identifier, &passed, &user) {
            prop_assert!(!asked.is_empty());
            let old = asked.iter().filter(|secret| passed.iter().any(|item| fits(secret, item))).count();
            prop_assert!(old == 0 || old == asked.len(), "{:?}", asked);
            let whole = |flow: &&Flow| {
                flow.identifier == identifier && answered(&flow.secrets, &passed, &fits, true)
            };
            let finished = flows.iter().filter(|flow| is_equipped(&user, flow)).find(whole);
            prop_assert!(old == 0 || finished.is_none(), "{:?} after {:?}", asked, finished);
        }
    }

    #[test]
    fn who_follows_one_flow_is_asked_for_its_next_secret_and_for_nothing_twice(
        specs in some_tuples(), user in a_user(), target in any::<Index>(),
    ) {
        let flows = read(&specs);
        let flow = target.get(&flows.iter().collect::<Vec<_>>()).to_owned();
        let user = [user, needs(flow)].concat();
        let (mut passed, mut now) = (Vec::new(), step(&flows, &flow.identifier, &[], None));
        while let Step::Ask(asked) = now {
            let old = |secret: &Secret| passed.iter().any(|item| fits(secret, item));
            prop_assert!(!asked.iter().any(old), "{:?} after {:?}", asked, passed);
            let next = flow.next(&passed).filter(|next| asked.contains(next));
            // A flow passed whole on the way asks first for what it gives way to.
            let whole = flows.iter().any(|other| {
                other.identifier == flow.identifier && answered(&other.secrets, &passed, &fits, true)
            });
            prop_assert!(next.is_some() || whole, "not asked for the next of {:?}: {:?}", flow, asked);
            let right = answer(next.unwrap_or(&asked[0]), &user, &passed).unwrap();
            passed.push(right);
            now = of_user(&flows, &flow.identifier, &passed, &user);
        }
        prop_assert!(matches!(now, Step::Done(_)), "{:?} after {:?}", now, passed);
    }

    #[test]
    fn nothing_asked_repeats(
        specs in some_tuples(), passed in some_passed(), user in a_user(), identifier in an_identifier(),
    ) {
        if let Step::Ask(asked) = of_user(&read(&specs), identifier, &passed, &user) {
            let distinct: std::collections::HashSet<&Secret> = asked.iter().collect();
            prop_assert_eq!(distinct.len(), asked.len());
        }
    }

    #[test]
    fn before_anything_is_proven_the_settings_alone_decide(specs in some_tuples(), identifier in an_identifier()) {
        let flows = read(&specs);
        let mut firsts: Vec<Secret> = Vec::new();
        for flow in flows.iter().filter(|flow| flow.identifier == identifier) {
            if !firsts.contains(&flow.secrets[0]) {
                firsts.push(flow.secrets[0].clone());
            }
        }
        let expected = if firsts.is_empty() { Step::Refuse } else { Step::Ask(firsts) };
        prop_assert_eq!(step(&flows, identifier, &[], None), expected);
    }

    #[test]
    fn an_honest_user_who_is_equipped_gets_in(
        specs in some_tuples(), user in a_user(), identifier in an_identifier(), choices in choices(),
    ) {
        let flows = read(&specs);
        let able = flows.iter().any(|flow| flow.identifier == identifier && is_equipped(&user, flow));
        let (passed, end) = walk(&flows, identifier, &user, &choices);
        match end {
            Step::Done(_) => prop_assert!(able),
            other => prop_assert!(!able, "{:?} after {:?}", other, passed),
        }
    }

    #[test]
    fn another_proof_never_lowers_the_level(passed in some_passed(), more in some_passed()) {
        let words = words();
        let both = [passed.as_slice(), &more].concat();
        prop_assert!(level_of_passed(&both, &words) >= level_of_passed(&passed, &words));
    }

    #[test]
    fn an_attempt_is_never_worth_less_than_its_flow_promises(
        specs in some_tuples(), user in a_user(), identifier in an_identifier(), choices in choices(),
    ) {
        let flows = read(&specs);
        let (passed, end) = walk(&flows, identifier, &user, &choices);
        if let Step::Done(index) = end {
            let promised = level_of_flow(flows.get(index).unwrap(), &words());
            prop_assert!(level_of_passed(&passed, &words()) >= promised);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_in_place(
        tuples in proptest::collection::vec(
            proptest::collection::vec(prop_oneof!["[a-z:]{0,12}", prop::sample::select(SECRETS.to_vec())
                .prop_map(str::to_owned), an_identifier().prop_map(str::to_owned), any::<String>()], 0..5), 0..6),
    ) {
        let specs: Vec<TupleSpec> = tuples.iter().cloned().map(TupleSpec::Plain).collect();
        match parse("flows", &specs, &words(), None) {
            Ok(flows) => {
                let again: Vec<TupleSpec> = flows.iter().map(|flow| {
                    let secrets: Vec<String> = flow.secrets.iter().map(Secret::to_string).collect();
                    let words: Vec<&str> = std::iter::once(flow.identifier.as_str())
                        .chain(secrets.iter().map(String::as_str)).collect();
                    plain(&words)
                }).collect();
                prop_assert_eq!(again, specs);
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    let place = mistake.path.strip_prefix("flows").unwrap();
                    let index = place.trim_matches(['[', ']']).parse::<usize>();
                    prop_assert!(index.map_or(specs.is_empty(), |index| index < specs.len()), "{}", place);
                }
            }
        }
    }
}
