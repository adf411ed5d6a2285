//! What an attempt asks next: the one decision that lets people in.

use super::{Flow, Flows, Passed, Secret};

/// What comes next in an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Any of these moves the attempt on.
    Ask(Vec<Secret>),
    /// Everything is passed; the index of the flow that the attempt went through.
    Done(usize),
    /// No flow leads from here to the end.
    Refuse,
}

/// What is known of an account once something is proven and it may be spoken of.
pub trait Equipment {
    /// Whether it has the identifier, the devices and the secrets that a flow takes.
    fn has(&self, flow: &Flow) -> bool;
    /// Whether a further passcode is owed beside what is passed, in a flow with an open one: by a device of a higher
    /// class, or another than the one that a secret leans on.
    fn owes(&self, passed: &[Passed]) -> bool {
        let _ = passed;
        false
    }
    /// The passcode that is owed in a flow without any: a secret was passed that leans on one device, and there is
    /// one of a higher class that `is_asked` says some flow asks for.
    fn owes_beside(&self, flow: &Flow, passed: &[Passed], is_asked: &dyn Fn(&str) -> bool) -> Option<Secret> {
        let _ = (flow, passed, is_asked);
        None
    }
    /// Whether a secret is an open passcode, which any device may carry.
    fn is_open(&self, secret: &Secret) -> bool {
        let _ = secret;
        false
    }
}

impl<F: Fn(&Flow) -> bool> Equipment for F {
    fn has(&self, flow: &Flow) -> bool {
        self(flow)
    }
}

/// What is next for somebody who came by `identifier` and has `passed` these secrets, in this order.
///
/// `account` is `None` while nothing is proven: nothing about it may show then, and every flow counts.
/// The caller vouches that two passcodes of one attempt came from different devices.
///
/// - Asked is the next secret of each flow that starts with the identifier, without repeats. What was passed
///   already is asked again only where each of these flows waits for such a one.
/// - A flow whose secrets are all passed still gives way to every flow of the list, whatever its identifier,
///   that is stronger ([`Flow::strictly_includes`]) and that the user is equipped for: the rest of it, and only
///   that, is asked first. `allow_downgrade` lifts this for the flow that has it (R3).
/// - A flow with an open passcode, of its own or by a flow that it gives way to, is not done while a further one is
///   owed ([`Equipment::owes`]); `allow_downgrade` lifts this too, and a narrowed passcode owes nothing. One without any
///   passcode owes nothing either, but to what a recovery set ([`Equipment::owes_beside`]).
/// - Of several flows passed whole, the strongest is the one gone through, then the first.
pub fn step(flows: &Flows, identifier: &str, passed: &[Passed], account: Option<&dyn Equipment>) -> Step {
    step_among(flows, identifier, passed, account, &|_| true)
}

/// [`step`] where only the flows that are `left` are offered. Those taken away lead nobody in and guard all the same:
/// a weaker one still gives way to them, and who could only go on by them is refused (R3).
pub fn step_among(
    flows: &Flows,
    identifier: &str,
    passed: &[Passed],
    account: Option<&dyn Equipment>,
    left: &dyn Fn(&Flow) -> bool,
) -> Step {
    let can = |flow: &Flow| account.is_none_or(|account| account.has(flow));
    let start = |(_, flow): &(usize, &Flow)| flow.identifier == identifier && can(flow) && left(flow);
    let candidates: Vec<(usize, &Flow)> = flows.iter().enumerate().filter(start).collect();
    if candidates.is_empty() {
        return Step::Refuse;
    }
    let (whole, open): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|(_, flow)| flow.next(passed).is_none());
    if whole.is_empty() {
        return Step::Ask(fresh(open.iter().filter_map(|(_, flow)| flow.next(passed)), passed));
    }
    let owed = |flow: &Flow| owed(flows, flow, passed, &can);
    let raised = |flow: &Flow| raised(flows, flow, passed, account);
    let may_end = |(_, flow): &(usize, &Flow)| {
        flow.allow_downgrade || (owed(flow).is_empty() && raised(flow).is_none())
    };
    if let Some(index) = strongest(&whole.iter().copied().filter(may_end).collect::<Vec<_>>()) {
        return Step::Done(index);
    }
    let further = whole.iter().flat_map(|(_, flow)| owed(flow));
    let mut asked = distinct(further.filter(|(flow, _)| left(flow)).map(|(_, secret)| secret));
    if whole.iter().all(|(_, flow)| owed(flow).is_empty()) {
        let raised: Vec<Secret> = whole.iter().filter_map(|(_, flow)| raised(flow)).collect();
        asked = distinct(raised.iter());
    }
    if asked.is_empty() { Step::Refuse } else { Step::Ask(asked) }
}

/// The open passcode that is owed once more where `flow`, or one that it gives way to, has one; and what is owed where
/// it has none at all.
fn raised(flows: &Flows, flow: &Flow, passed: &[Passed], account: Option<&dyn Equipment>) -> Option<Secret> {
    let account = account?;
    let added = flows.stronger_than(flow).filter(|stronger| account.has(stronger));
    let mut secrets = std::iter::once(flow).chain(added).flat_map(|flow| &flow.secrets);
    if let Some(open) = secrets.find(|secret| account.is_open(secret)) {
        return account.owes(passed).then(|| open.clone());
    }
    let is_asked = |kind: &str| {
        let guards = flows.iter().filter(|flow| !flow.allow_downgrade && account.has(flow));
        let fits = |secret: &Secret| account.is_open(secret) || secret.device.as_deref() == Some(kind);
        guards.flat_map(|flow| &flow.secrets).any(fits)
    };
    account.owes_beside(flow, passed, &is_asked)
}

/// For each flow that `flow` gives way to and that is not passed yet: the first secret missing of it.
fn owed<'a>(
    flows: &'a Flows,
    flow: &Flow,
    passed: &[Passed],
    can: &impl Fn(&Flow) -> bool,
) -> Vec<(&'a Flow, &'a Secret)> {
    let equipped = flows.stronger_than(flow).filter(|stronger| can(stronger));
    equipped.filter_map(|stronger| Some((stronger, stronger.missing(passed).first().copied()?))).collect()
}

/// The first that none of the others is stronger than.
fn strongest(ended: &[(usize, &Flow)]) -> Option<usize> {
    let beaten = |flow: &Flow| ended.iter().any(|(_, other)| other.strictly_includes(flow));
    ended.iter().find(|(_, flow)| !beaten(flow)).map(|(index, _)| *index)
}

/// The asked secrets that were not passed yet; all of them where there are none.
fn fresh<'a>(asked: impl Iterator<Item = &'a Secret>, passed: &[Passed]) -> Vec<Secret> {
    let asked = distinct(asked);
    let is_new = |secret: &&Secret| !passed.iter().any(|item| secret.accepts(item));
    let new: Vec<Secret> = asked.iter().filter(is_new).cloned().collect();
    if new.is_empty() { asked } else { new }
}

fn distinct<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Vec<Secret> {
    let mut out: Vec<Secret> = Vec::new();
    for secret in secrets {
        if !out.contains(secret) {
            out.push(secret.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample::{downgrade, flows, passed, plain, words};
    use super::*;
    use crate::flows::parse;

    fn ask(secrets: &[&str]) -> Step {
        Step::Ask(secrets.iter().map(|secret| secret.parse().unwrap()).collect())
    }

    /// A step of a user who is equipped for the flows of these names.
    fn known(list: &Flows, identifier: &str, items: &[&str], equipped: &[&str]) -> Step {
        let has = |flow: &Flow| equipped.contains(&flow.name.as_str());
        step(list, identifier, &passed(items), Some(&has))
    }

    #[test]
    fn first_the_first_secret_of_each_candidate_is_asked_without_repeats() {
        let list = flows(&[
            &["email", "password", "passcode"],
            &["email", "password"],
            &["email", "passcode:authenticator"],
            &["phone", "hardcode", "passcode"],
        ]);
        assert_eq!(step(&list, "email", &[], None), ask(&["password", "passcode:authenticator"]));
        assert_eq!(step(&list, "phone", &[], None), ask(&["hardcode"]));
        assert_eq!(step(&list, "card", &[], None), Step::Refuse);
        assert_eq!(step(&Flows::default(), "email", &[], None), Step::Refuse);
    }

    #[test]
    fn secrets_are_asked_in_order_and_then_it_is_done() {
        let list = flows(&[&["email", "password", "passcode"]]);
        let all = ["email+password+passcode"];
        assert_eq!(known(&list, "email", &["password"], &all), ask(&["passcode"]));
        assert_eq!(known(&list, "email", &["password", "passcode:phone"], &all), Step::Done(0));
        assert_eq!(known(&list, "email", &["passcode:phone"], &all), ask(&["password"]));
    }

    #[test]
    fn a_second_factor_for_those_who_enrolled_one() {
        let list = flows(&[&["username", "password"], &["username", "password", "passcode"]]);
        let both = ["username+password", "username+password+passcode"];
        assert_eq!(known(&list, "username", &["password"], &both[..1]), Step::Done(0));
        assert_eq!(known(&list, "username", &["password"], &both), ask(&["passcode"]));
        assert_eq!(known(&list, "username", &["password", "passcode:email"], &both), Step::Done(1));
    }

    #[test]
    fn the_second_factor_is_asked_by_whichever_identifier_they_came() {
        let list = flows(&[&["email", "password", "passcode"], &["username", "password"]]);
        let both = ["email+password+passcode", "username+password"];
        assert_eq!(known(&list, "username", &["password"], &both), ask(&["passcode"]));
        assert_eq!(known(&list, "username", &["password", "passcode:email"], &both), Step::Done(1));
        assert_eq!(known(&list, "username", &["password"], &both[1..]), Step::Done(1));
    }

    #[test]
    fn a_narrower_passcode_is_asked_of_those_who_have_the_device() {
        let list = flows(&[&["email", "passcode"], &["username", "password", "passcode:authenticator"]]);
        let both = ["email+passcode", "username+password+passcode:authenticator"];
        assert_eq!(known(&list, "email", &["passcode:email"], &both), ask(&["password"]));
        assert_eq!(
            known(&list, "email", &["passcode:email", "password"], &both),
            ask(&["passcode:authenticator"])
        );
        let all = ["passcode:email", "password", "passcode:authenticator"];
        assert_eq!(known(&list, "email", &all, &both), Step::Done(0));
        assert_eq!(known(&list, "email", &["passcode:authenticator", "password"], &both), Step::Done(0));
    }

    #[test]
    fn allow_downgrade_ends_a_flow_and_no_other() {
        let specs = [downgrade(&["username", "password"]), plain(&["email", "password", "passcode"])];
        let list = parse("flows", &[&specs[..], &[plain(&["phone", "password"])]].concat(), &words(), None);
        let list = list.unwrap();
        let all = ["username+password", "email+password+passcode", "phone+password"];
        assert_eq!(known(&list, "username", &["password"], &all), Step::Done(0));
        assert_eq!(known(&list, "phone", &["password"], &all), ask(&["passcode"]));
    }

    #[test]
    fn who_is_equipped_for_no_candidate_is_refused() {
        let list = flows(&[&["email", "password", "passcode"], &["username", "password"]]);
        assert_eq!(known(&list, "email", &["password"], &["username+password"]), Step::Refuse);
    }

    #[test]
    fn without_knowing_the_equipment_nobody_is_let_in_by_a_weaker_flow() {
        let list = flows(&[&["username", "password"], &["email", "password", "passcode"]]);
        assert_eq!(step(&list, "username", &passed(&["password"]), None), ask(&["passcode"]));
    }

    #[test]
    fn what_was_passed_is_asked_again_only_where_no_other_flow_is_enough() {
        let list = flows(&[&["email", "passcode", "password"], &["email", "password", "hardcode"]]);
        let all = ["email+passcode+password", "email+password+hardcode"];
        let early = ["password", "passcode:email"];
        assert_eq!(known(&list, "email", &early, &all), ask(&["hardcode"]));
        assert_eq!(known(&list, "email", &early, &all[..1]), ask(&["password"]));
        let again = ["password", "passcode:email", "password"];
        assert_eq!(known(&list, "email", &again, &all[..1]), Step::Done(0));
    }

    /// A step where the flows of these names are taken away.
    fn without(list: &Flows, items: &[&str], equipped: &[&str], taken: &[&str]) -> Step {
        let has = |flow: &Flow| equipped.contains(&flow.name.as_str());
        let has: Option<&dyn Equipment> = if items.is_empty() { None } else { Some(&has) };
        step_among(list, "email", &passed(items), has, &|flow| !taken.contains(&flow.name.as_str()))
    }

    #[test]
    fn a_flow_that_is_taken_away_is_not_offered() {
        let list = flows(&[&["email", "password"], &["email", "passcode"]]);
        assert_eq!(without(&list, &[], &[], &["email+password"]), ask(&["passcode"]));
        assert_eq!(without(&list, &[], &[], &["email+password", "email+passcode"]), Step::Refuse);
        assert_eq!(without(&list, &["password"], &["email+password"], &["email+password"]), Step::Refuse);
    }

    #[test]
    fn a_flow_that_is_taken_away_still_guards_those_who_are_equipped_for_it() {
        let list = flows(&[&["email", "password"], &["email", "password", "passcode"]]);
        let (both, strong) = (["email+password", "email+password+passcode"], ["email+password+passcode"]);
        assert_eq!(without(&list, &["password"], &both, &strong), Step::Refuse);
        assert_eq!(without(&list, &["password"], &both[..1], &strong), Step::Done(0));
        assert_eq!(without(&list, &["password"], &both, &["email+password"]), ask(&["passcode"]));
    }
}
