//! The program killed after the mail server took a mail and before that was written down (F10).

use std::collections::BTreeMap;

use serde_json::json;
use tempfile::TempDir;

use super::UNDER_WAY;
use crate::support::client::Client;
use crate::support::person::PASSWORD;
use crate::support::program::{Program, config};
use crate::support::sink::{Manner, Sink};
use crate::support::until;

/// How often it is killed, where `MULTAUTH_TEST_KILLS` says nothing else.
const KILLS: usize = 3;
/// How many sign up before each.
const PEOPLE: usize = 10;
/// Seconds until a message that a killed instance had under way is tried by another, and a little more for a machine
/// that is busy.
const LEASE: u64 = 12;

fn kills() -> usize {
    std::env::var("MULTAUTH_TEST_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"))
}

async fn sign_up(program: &Program, addresses: &[String]) {
    let client = Client::new(&format!("http://{}", program.address), "10.0.0.1".into());
    for to in addresses {
        client.signup(json!({ "email": to, "password": PASSWORD })).await.asks();
    }
}

/// The message ids that each address got, one for each time.
fn by_address(sink: &Sink) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for mail in sink.mails() {
        all.entry(mail.to).or_default().push(mail.letter.header("Message-ID").to_owned());
    }
    all
}

#[tokio::test]
async fn a_kill_doubles_only_what_was_under_way_and_a_mailbox_can_tell() {
    let (folder, sink) = (TempDir::new().unwrap(), Sink::up().await);
    let mail = toml::Value::from(sink.settings("30s"));
    let (file, address) = config(folder.path(), "", &format!("[email]\nproviders = [{mail}]\n"));
    let people: Vec<Vec<String>> = (0..=kills())
        .map(|round| (0..PEOPLE).map(|n| format!("r{round}p{n}@example.org")).collect())
        .collect();
    // Stopped as it should be, it doubles nothing.
    let mut program = Program::start(&file, address).await;
    sign_up(&program, &people[0]).await;
    until("all are delivered", 10, async || sink.mails().len() >= PEOPLE).await;
    program.terminate();
    assert_eq!(program.exit_code().await, Some(0));

    for round in &people[1..] {
        sink.is_to(Manner::Withhold);
        let before = sink.mails().len();
        let mut program = Program::start(&file, address).await;
        sign_up(&program, round).await;
        until("a mail is taken", 10, async || sink.mails().len() > before).await;
        program.kill();
        until("the connections are gone", 10, async || sink.open() == 0).await;
        let held = sink.mails().len() - before;
        assert!(held <= UNDER_WAY, "{held} at once");
    }

    sink.is_to(Manner::Take);
    let held = by_address(&sink);
    let expected = sink.mails().len() + kills() * PEOPLE;
    let mut program = Program::start(&file, address).await;
    until("all are delivered", LEASE, async || sink.mails().len() >= expected).await;
    program.terminate();
    assert_eq!(program.exit_code().await, Some(0));
    let delivered = by_address(&sink);
    for to in &people[0] {
        assert_eq!(delivered[to].len(), 1, "{to}: there was no kill");
    }
    for to in people[1..].iter().flatten() {
        let (ids, before) = (&delivered[to], held.get(to).map_or(0, Vec::len));
        assert_eq!(ids.len(), before + 1, "{to}: what was not written down is sent once more: {ids:?}");
        assert!(ids.iter().all(|id| *id == ids[0]), "the same Message-ID: {ids:?}");
    }
}
