//! The program killed while events are under way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tempfile::TempDir;

use super::WANTED;
use crate::support::client::Client;
use crate::support::person::PASSWORD;
use crate::support::program::{Program, config};
use crate::support::receiver::{Manner, Receiver, SECRET};
use crate::support::until;

/// How many sign up before each kill.
const PEOPLE: usize = 6;
/// Seconds until what a killed instance had under way is taken up by another, and a little more.
const LEASE: u64 = 20;

/// The section of a webhook that `receiver` is.
pub fn section(receiver: &Receiver) -> String {
    let url = &receiver.url;
    format!("[webhooks.crm]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\ntimeout = \"2s\"\nevents = {WANTED:?}\n")
}

/// Signs people up by username; gives their ids.
pub async fn sign_up(program: &Program, names: &[String]) -> Vec<String> {
    let client = Client::new(&format!("http://{}", program.address), "10.0.0.1".into());
    let mut users = Vec::new();
    for name in names {
        users.push(client.signup(json!({ "username": name, "password": PASSWORD })).await.done().user);
    }
    users
}

#[tokio::test]
async fn a_kill_loses_nothing_and_keeps_the_order() {
    let (folder, receiver) = (TempDir::new().unwrap(), Receiver::start(Manner::Hangs).await);
    let (file, address) = config(folder.path(), "", &section(&receiver));
    let mut users = BTreeSet::new();
    for round in 0..2 {
        receiver.now(if round == 0 { Manner::Hangs } else { Manner::Answers(204) });
        let mut program = Program::start(&file, address).await;
        let names: Vec<String> = (0..PEOPLE).map(|n| format!("r{round}p{n}")).collect();
        let before = receiver.calls().len();
        users.extend(sign_up(&program, &names).await);
        until("some are under way", 30, async || receiver.calls().len() > before).await;
        program.kill();
    }
    let held = receiver.calls().len();
    receiver.now(Manner::Answers(204));
    let mut program = Program::start(&file, address).await;
    let all = || {
        let mut seen = BTreeMap::<_, Vec<_>>::new();
        for call in receiver.calls().iter().filter(|call| call.taken) {
            let (name, user) = call.told();
            let names = seen.entry(user).or_default();
            // What was taken and not written down comes once more, with the same id.
            if names.last() != Some(&(call.id().to_owned(), name.clone())) {
                names.push((call.id().to_owned(), name));
            }
        }
        seen
    };
    let complete = async || all().values().filter(|names| names.len() == 2).count() == users.len();
    until("all are told", LEASE, complete).await;
    program.terminate();
    assert_eq!(program.exit_code().await, Some(0));
    for (user, names) in all() {
        let names: Vec<_> = names.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["user.created", "signin.succeeded"], "{user}, {held} were under way");
        assert!(users.contains(&user));
    }
}
