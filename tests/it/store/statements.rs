//! Every statement runs on both databases and means the same there.

use multauth::store::attempts::Attempt;
use multauth::store::challenges::Challenge;
use multauth::store::outbox::{End, Queued};
use multauth::store::sessions::{Session, Turn};
use multauth::store::signing_keys::SigningKey;
use multauth::store::{
    Changed, Tx, api_keys, attempts, challenges, changes, deliveries, devices, facts, guesses, known_devices,
    lines, outbox, secrets, sessions, signing_keys, spend, suspensions, sweep, users, wishes,
};

use super::rows::{END, NOW, attempt, challenge, device, queued, session, user};
use crate::support::databases;

/// Reads this folder and the store: a public function that no test here calls has not been run.
#[test]
fn no_statement_is_left_out() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = std::fs::read_dir(root.join("tests/it/store")).unwrap();
    let here: String = tests.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let folder = root.join("src/store");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap();
        if ["mod", "sql", "migrate", "sqlite", "postgres", "patience"].contains(&module) {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
            let call = format!("{module}::{}(", rest.split(['(', '<']).next().unwrap());
            assert!(here.contains(&call), "{call}…) is not called in this folder");
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} functions were found");
}

/// A transaction with the user `u`, on each database.
async fn with_user() -> Vec<(databases::Database, Tx)> {
    let mut all = Vec::new();
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "u").await;
        all.push((db, tx));
    }
    all
}

#[tokio::test]
pub(super) async fn of_users() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        users::insert(tx, &users::New::active(&"v".into(), r#"{"name":"ä"}"#), NOW).await.unwrap();
        assert_eq!(users::set_profile(tx, &"u".into(), "{}", NOW + 1).await.unwrap(), 1);
        assert_eq!(users::touch(tx, &"u".into(), NOW + 2).await.unwrap(), Changed::Yes);
        assert_eq!(
            users::sign_in(tx, &"u".into(), 1, NOW + 3).await.unwrap(),
            Changed::No,
            "a credential changed"
        );
        assert_eq!(users::sign_in(tx, &"u".into(), 2, NOW + 3).await.unwrap(), Changed::Yes);
        let u = users::by_id(tx, &"u".into()).await.unwrap().unwrap();
        assert_eq!((u.credentials, u.updated_at, u.signed_in_at), (2, NOW + 2, Some(NOW + 3)));
        assert_eq!(users::still(tx, &"u".into(), 2, NOW + 4).await.unwrap(), Changed::Yes);
        assert_eq!(users::touch_from(tx, &"u".into(), 2, NOW + 4).await.unwrap(), Changed::Yes);
        assert_eq!(
            users::touch_from(tx, &"u".into(), 2, NOW + 4).await.unwrap(),
            Changed::No,
            "a credential changed"
        );
        assert_eq!(
            users::still(tx, &"u".into(), 2, NOW + 4).await.unwrap(),
            Changed::No,
            "a credential changed"
        );
        assert_eq!(users::set_disabled(tx, &"u".into(), Some(NOW), NOW).await.unwrap(), Changed::Yes);
        assert_eq!(users::sign_in(tx, &"u".into(), 4, NOW).await.unwrap(), Changed::No, "disabled");
        let first =
            async |tx: &mut _, id: &str| users::first_from(tx, &id.into()).await.unwrap().map(|user| user.id);
        assert_eq!(first(tx, "ua").await.as_deref(), Some("v"), "the first behind it");
        assert_eq!(first(tx, "v").await.as_deref(), Some("v"), "the very one");
        assert_eq!(first(tx, "va").await.as_deref(), Some("v"), "the last, behind it");
        let page = users::page(tx, "u", 10).await.unwrap();
        assert_eq!(page.iter().map(|u| u.profile.as_str()).collect::<Vec<_>>(), [r#"{"name":"ä"}"#]);
        for (text, fits) in [("Ä", 1), ("NAME\":\"ä\"}", 1), ("n_me", 0), ("%", 0)] {
            assert_eq!(users::containing(tx, "u", text, 10).await.unwrap().len(), fits, "{text}");
        }
        assert_eq!(users::containing(tx, "v", "name", 10).await.unwrap().len(), 0, "behind the last one");
        assert_eq!(users::delete(tx, &"u".into()).await.unwrap(), Changed::Yes);
        assert!(users::by_id(tx, &"u".into()).await.unwrap().is_none(), "{}", db.name);
    }
}

#[tokio::test]
pub(super) async fn of_devices() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        user(tx, "v").await;
        devices::insert(tx, &device("a", "u", "ada", false)).await.unwrap();
        devices::insert(tx, &device("b", "v", "ada", false)).await.unwrap();
        assert!(devices::owner(tx, "email", "ada").await.unwrap().is_none(), "claims bind nobody");
        assert_eq!(devices::named(tx, "email", "ada", 9).await.unwrap(), ["u", "v"], "claims too");
        assert_eq!(
            devices::confirm(tx, &"a".into(), NOW + 1, Some(devices::PROVEN)).await.unwrap(),
            Changed::Yes
        );
        let gone = devices::Gone { id: "b".into(), user_id: "v".into(), kind: "email".into() };
        assert_eq!(
            devices::drop_claims(tx, "email", "ada", &"a".into()).await.unwrap(),
            [gone],
            "{}",
            db.name
        );
        assert!(devices::by_id(tx, &"b".into()).await.unwrap().is_none());
        devices::insert(tx, &device("c", "u", "bob", false)).await.unwrap();
        let held = devices::Device { secret: Some("r".into()), ..device("d", "u", "eve", true) };
        devices::insert(tx, &held).await.unwrap();
        assert_eq!(devices::drop_unconfirmed(tx, &"u".into()).await.unwrap().len(), 1);
        assert_eq!(devices::set_primary(tx, &"u".into(), "email", &"d".into()).await.unwrap(), 1);
        assert_eq!(devices::set_label(tx, &"d".into(), "work").await.unwrap(), 1);
        assert_eq!(devices::used(tx, &"d".into(), NOW + 2).await.unwrap(), 1);
        assert_eq!(devices::renew_secret(tx, &"d".into(), "other", "t").await.unwrap(), 0);
        assert_eq!(devices::renew_secret(tx, &"d".into(), "r", "s").await.unwrap(), 1);
        let (yes, no) = (Changed::Yes, Changed::No);
        let steps = [(5, yes), (5, no), (4, no), (6, yes)];
        for (step, taken) in steps {
            assert_eq!(
                devices::take_step(tx, &"d".into(), step, NOW + 3).await.unwrap(),
                taken,
                "step {step}"
            );
        }
        for (step, noted) in [(6, 0), (7, 1)] {
            assert_eq!(devices::note_ahead(tx, &"d".into(), step).await.unwrap(), noted, "step {step}");
        }
        devices::used(tx, &"d".into(), NOW + 9).await.unwrap();
        let app = devices::by_id(tx, &"d".into()).await.unwrap().unwrap();
        assert_eq!((app.last_step, app.last_used_at), (Some(7), Some(NOW + 3)), "{}", db.name);
        assert_eq!(devices::note_behind(tx, &"d".into(), NOW + 4).await.unwrap(), 1);
        let all = devices::of_user(tx, &"u".into()).await.unwrap();
        let seen: Vec<_> = all.iter().map(|d| (d.id.as_str(), d.is_primary, d.proven_at)).collect();
        assert_eq!(seen, [("a", false, Some(NOW + 1)), ("d", true, None)]);
        let d = &all[1];
        assert_eq!((d.label.as_str(), d.secret.as_deref(), d.last_step), ("work", Some("s"), Some(7)));
        hidden_devices_answer_nothing(tx).await;
        assert_eq!(
            devices::delete(tx, &"d".into(), &"v".into()).await.unwrap(),
            Changed::No,
            "somebody else's"
        );
        let waits = |id: &str, session: &str| devices::Device {
            added_in: Some(session.into()),
            created_at: NOW + 9,
            ..device(id, "u", id, false)
        };
        for (id, session) in [("w1", "here"), ("w2", "there"), ("w3", "there")] {
            devices::insert(tx, &waits(id, session)).await.unwrap();
        }
        let drop = async |tx: &mut Tx, since| {
            devices::drop_waiting(tx, &"u".into(), (&"w3".into(), &"here".into()), since, false)
                .await
                .unwrap()
                .into_iter()
                .map(|d| d.id)
        };
        assert_eq!(drop(tx, NOW + 9).await.count(), 0, "made with the account");
        assert_eq!(drop(tx, NOW + 8).await.collect::<Vec<_>>(), ["w2"], "{}", db.name);
        devices::delete(tx, &"w1".into(), &"u".into()).await.unwrap().either_way();
        devices::delete(tx, &"w3".into(), &"u".into()).await.unwrap().either_way();
        assert_eq!(devices::delete(tx, &"a".into(), &"u".into()).await.unwrap(), Changed::Yes);
    }
}

/// The device `d` of `u`, out of use and back; meanwhile somebody else may own its address.
async fn hidden_devices_answer_nothing(tx: &mut Tx) {
    assert_eq!(
        devices::hide(tx, &"d".into(), &"v".into(), NOW + 4).await.unwrap(),
        Changed::No,
        "somebody else's"
    );
    assert!(!devices::is_kept(tx, "email", "eve", &"w".into()).await.unwrap(), "in use");
    assert_eq!(devices::hide(tx, &"d".into(), &"u".into(), NOW + 4).await.unwrap(), Changed::Yes);
    assert!(devices::is_kept(tx, "email", "eve", &"w".into()).await.unwrap());
    assert!(!devices::is_kept(tx, "phone", "eve", &"w".into()).await.unwrap());
    assert!(!devices::is_kept(tx, "email", "eve", &"u".into()).await.unwrap(), "their own");
    assert_eq!(
        devices::hide(tx, &"d".into(), &"u".into(), NOW + 5).await.unwrap(),
        Changed::No,
        "hidden already"
    );
    assert!(devices::owner(tx, "email", "eve").await.unwrap().is_none());
    assert!(devices::named(tx, "email", "eve", 9).await.unwrap().is_empty());
    assert!(devices::containing(tx, "ev", 9).await.unwrap().is_empty());
    devices::insert(tx, &device("e", "v", "eve", true)).await.unwrap();
    // Who has it, or whoever comes next, to be read in the place of nobody.
    for (name, other, user, named) in
        [("eve", "", "v", 1), ("ev", "d", "u", 0), ("ev", "e", "v", 0), ("ev", "~", "v", 0)]
    {
        let found = devices::whose(tx, "email", name, other).await.unwrap().unwrap();
        assert_eq!((found.user_id.as_str(), found.named), (user, named), "{name} {other}");
    }
    assert_eq!(
        devices::restore(tx, &"d".into(), &"u".into(), "home", false).await.unwrap(),
        Changed::No,
        "it has an owner"
    );
    assert_eq!(devices::delete(tx, &"e".into(), &"v".into()).await.unwrap(), Changed::Yes);
    assert_eq!(devices::restore(tx, &"d".into(), &"u".into(), "home", false).await.unwrap(), Changed::Yes);
    for (text, fits) in [("V", vec!["u"]), ("e", vec!["u"]), ("e_e", vec![]), ("%", vec![])] {
        assert_eq!(devices::containing(tx, text, 9).await.unwrap(), fits, "{text}");
    }
    let d = devices::by_id(tx, &"d".into()).await.unwrap().unwrap();
    assert_eq!((d.label.as_str(), d.is_primary, d.hidden_at), ("home", false, None));
    devices::insert(tx, &device("f", "u", "typo", false)).await.unwrap();
    assert_eq!(
        devices::set_address(tx, &"f".into(), "right", "Right", NOW, &"s".into()).await.unwrap(),
        Changed::Yes
    );
    assert_eq!(
        devices::set_address(tx, &"d".into(), "right", "Right", NOW, &"s".into()).await.unwrap(),
        Changed::No,
        "it is confirmed"
    );
    assert_eq!(
        devices::delete_pending(tx, &"d".into(), &"u".into()).await.unwrap(),
        Changed::No,
        "it is confirmed"
    );
    assert_eq!(
        devices::delete_pending(tx, &"f".into(), &"v".into()).await.unwrap(),
        Changed::No,
        "somebody else's"
    );
    assert_eq!(devices::delete_pending(tx, &"f".into(), &"u".into()).await.unwrap(), Changed::Yes);
}

#[tokio::test]
pub(super) async fn of_changes() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        for (id, at) in [("one", NOW), ("two", NOW + 1), ("three", NOW + 2)] {
            let devices = "[]".to_owned();
            let change = changes::Change { id: id.into(), user_id: "u".into(), at, devices };
            changes::insert(tx, &change).await.unwrap();
        }
        assert_eq!(changes::by_id(tx, "two").await.unwrap().unwrap().at, NOW + 1);
        assert_eq!(changes::drop_since(tx, &"u".into(), NOW + 1).await.unwrap(), 2);
        let left = changes::of_user(tx, &"u".into()).await.unwrap();
        assert_eq!(left.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["one"], "{}", db.name);
        assert_eq!(changes::drop_all(tx, &"u".into()).await.unwrap(), 1);
    }
}

#[tokio::test]
pub(super) async fn of_secrets_and_known_devices() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        secrets::set(tx, "p1", &"u".into(), "password", "old", NOW, None).await.unwrap();
        secrets::set(tx, "p2", &"u".into(), "password", "new", NOW, Some("d")).await.unwrap();
        assert_eq!(
            secrets::rehash(tx, &"u".into(), "password", "old", "x").await.unwrap(),
            Changed::No,
            "it changed meanwhile"
        );
        assert_eq!(secrets::rehash(tx, &"u".into(), "password", "new", "newer").await.unwrap(), Changed::Yes);
        secrets::set(tx, "o1", &"u".into(), "pin", "own", NOW, None).await.unwrap();
        secrets::set(tx, "o2", &"u".into(), "pin", "owner", NOW, None).await.unwrap();
        assert_eq!(
            secrets::hash(tx, &"u".into(), "password").await.unwrap().as_deref(),
            Some("newer"),
            "{}",
            db.name
        );
        assert_eq!(
            secrets::hash(tx, &"u".into(), "pin").await.unwrap().as_deref(),
            Some("owner"),
            "{}",
            db.name
        );
        for n in ["r1", "r2"] {
            secrets::insert(tx, n, &"u".into(), secrets::RECOVERY, n, NOW).await.unwrap();
        }
        assert_eq!(secrets::spend_recovery(tx, &"u".into(), "r1").await.unwrap(), Changed::Yes);
        assert_eq!(
            secrets::spend_recovery(tx, &"u".into(), "newer").await.unwrap(),
            Changed::No,
            "a password is no such code"
        );
        assert_eq!(secrets::count(tx, &"u".into(), secrets::RECOVERY).await.unwrap(), 1);
        assert_eq!(secrets::of_user(tx, &"u".into()).await.unwrap().len(), 3);
        secrets::change(tx, "p3", &"u".into(), "password", "changed", NOW + 1).await.unwrap();
        let all = secrets::of_user(tx, &"u".into()).await.unwrap();
        let password = all.iter().find(|secret| secret.kind == "password").unwrap();
        let stood = (password.hash.as_str(), password.set_by.as_deref(), password.created_at);
        assert_eq!(stood, ("changed", Some("d"), NOW), "{}", db.name);
        assert_eq!(secrets::trust(tx, &"u".into()).await.unwrap(), 1);
        secrets::insert(tx, "r3", &"u".into(), secrets::RECOVERY, "r3", NOW + 9).await.unwrap();
        assert_eq!(secrets::drop_young(tx, &"u".into(), secrets::RECOVERY, NOW).await.unwrap(), 1);
        assert_eq!(secrets::drop_kind(tx, &"u".into(), secrets::RECOVERY).await.unwrap(), 1);
        assert_eq!(secrets::drop_all(tx, &"u".into()).await.unwrap(), 2);
        known_devices::insert(tx, &"k".into(), &"u".into(), "hash", "password ", NOW).await.unwrap();
        assert_eq!(known_devices::find(tx, "hash", &"v".into()).await.unwrap(), None, "another user's");
        let found = async |tx: &mut Tx| known_devices::find(tx, "hash", &"u".into()).await.unwrap().unwrap();
        assert_eq!(found(tx).await.shown, "password ");
        assert_eq!(known_devices::used(tx, &"k".into(), "password d ", NOW + 1).await.unwrap(), Changed::Yes);
        assert_eq!(found(tx).await.shown, "password d ");
        assert_eq!(known_devices::note(tx, &"k".into(), "d ").await.unwrap(), 1);
        assert_eq!(found(tx).await.shown, "d ");
        known_devices::insert(tx, &"l".into(), &"u".into(), "another", "", NOW).await.unwrap();
        sessions::insert(tx, &session("s", "u"), "[]", &"k".into()).await.unwrap();
        assert_eq!(
            known_devices::of_session(tx, &"s".into()).await.unwrap().map(|known| known.id).as_deref(),
            Some("k")
        );
        assert_eq!(known_devices::of_session(tx, &"t".into()).await.unwrap(), None);
        assert_eq!(
            known_devices::forget_others(tx, &"v".into(), &"s".into()).await.unwrap(),
            0,
            "another user's"
        );
        assert_eq!(
            known_devices::forget_others(tx, &"u".into(), &"s".into()).await.unwrap(),
            1,
            "{}",
            db.name
        );
        assert_eq!(found(tx).await.id, "k");
        assert_eq!(
            known_devices::forget_one(tx, &"u".into(), &"k".into(), &"s".into()).await.unwrap(),
            0,
            "it stays"
        );
        assert_eq!(
            known_devices::forget_one(tx, &"v".into(), &"k".into(), &"".into()).await.unwrap(),
            0,
            "another user's"
        );
        assert_eq!(
            known_devices::forget_one(tx, &"u".into(), &"k".into(), &"".into()).await.unwrap(),
            1,
            "{}",
            db.name
        );
        known_devices::insert(tx, &"k".into(), &"u".into(), "hash", "password ", NOW).await.unwrap();
        assert_eq!(
            known_devices::forget_others(tx, &"u".into(), &"".into()).await.unwrap(),
            1,
            "no session, no device"
        );
        known_devices::insert(tx, &"k".into(), &"u".into(), "hash", "password ", NOW).await.unwrap();
        assert_eq!(known_devices::forget(tx, &"u".into()).await.unwrap(), 1);
    }
}

#[tokio::test]
pub(super) async fn of_attempts() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        for id in ["a", "b", "c"] {
            attempts::insert(tx, &attempt(id, (id != "b").then_some("u"))).await.unwrap();
        }
        assert_eq!(attempts::pass(tx, &"a".into(), "[]", "[1]").await.unwrap(), Changed::Yes);
        assert_eq!(attempts::pass(tx, &"a".into(), "[]", "[2]").await.unwrap(), Changed::No);
        assert_eq!(attempts::set_draft(tx, &"a".into(), "sealed").await.unwrap(), 1);
        assert_eq!(attempts::set_ways(tx, &"a".into(), "{}").await.unwrap(), 1);
        assert_eq!(attempts::set_apart(tx, &"a".into(), "{}").await.unwrap(), Changed::Yes);
        let a = attempts::live(tx, &"a".into(), NOW).await.unwrap().unwrap();
        assert_eq!((a.passed.as_str(), a.draft.as_deref(), a.credentials), ("[1]", Some("sealed"), Some(1)));
        assert!(attempts::live(tx, &"a".into(), END).await.unwrap().is_none(), "over");
        assert_eq!(
            attempts::by_id(tx, &"a".into()).await.unwrap().map(|a| a.expires_at),
            Some(END),
            "whatever its time"
        );
        assert_eq!(attempts::call_off(tx, &"a".into()).await.unwrap(), 1);
        assert_eq!(attempts::live(tx, &"a".into(), NOW).await.unwrap().unwrap().credentials, None);
        assert_eq!(
            attempts::finish(tx, &"a".into(), "[]").await.unwrap(),
            Changed::No,
            "{}: it moved on",
            db.name
        );
        assert_eq!(attempts::finish(tx, &"a".into(), "[1]").await.unwrap(), Changed::Yes);
        assert_eq!(attempts::delete(tx, &"b".into()).await.unwrap(), 1);
        attempts::insert(tx, &attempt("d", Some("u"))).await.unwrap();
        assert_eq!(attempts::drop_of_user(tx, &"u".into()).await.unwrap(), 2);
        let (yes, no) = (Changed::Yes, Changed::No);
        for (id, passed, there) in [("e", "[]", yes), ("f", "[2]", no), ("g", "[]", no)] {
            let other = if there == yes || id == "f" { id } else { "h" };
            attempts::insert(tx, &attempt(other, Some("u"))).await.unwrap();
            assert_eq!(
                attempts::finish_all(tx, &"u".into(), &id.into(), passed).await.unwrap(),
                there,
                "{}: {id}",
                db.name
            );
        }
        assert_eq!(attempts::drop_of_user(tx, &"u".into()).await.unwrap(), 0);
    }
}

#[tokio::test]
pub(super) async fn of_attempts_that_were_not_finished() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        let passed = |id: &str, user: Option<&str>| Attempt { passed: "[1]".into(), ..attempt(id, user) };
        let all = [
            passed("a", Some("u")),
            Attempt { created_at: NOW + 1, ..passed("b", Some("u")) },
            Attempt { expires_at: END + 1, ..passed("live", Some("u")) },
            Attempt { purpose: "reauth".into(), ..passed("raise", Some("u")) },
            attempt("nothing", Some("u")),
            passed("nobody", None),
        ];
        for row in &all {
            attempts::insert(tx, row).await.unwrap();
        }
        assert!(attempts::unfinished(tx, END, 9).await.unwrap().is_empty(), "{}", db.name);
        let of_u = attempts::Unfinished { user_id: "u".into(), began: NOW + 1 };
        assert_eq!(attempts::unfinished(tx, END + 1, 9).await.unwrap(), [of_u]);
        assert!(attempts::unfinished(tx, END + 1, 0).await.unwrap().is_empty());
        let taken = [(END, 0), (END + 1, 2), (END + 1, 0), (END + 2, 1)];
        for (now, rows) in taken {
            assert_eq!(
                attempts::take_unfinished(tx, &"u".into(), now).await.unwrap(),
                rows,
                "{}: {now}",
                db.name
            );
        }
    }
}

#[tokio::test]
pub(super) async fn of_challenges() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        let sent = challenge("c", "attempt/a");
        assert_eq!(challenges::put(tx, &sent, NOW).await.unwrap(), Changed::Yes);
        for _ in 0..4 {
            assert_eq!(challenges::guess(tx, "c", NOW).await.unwrap().as_deref(), Some("right"));
        }
        let mut again = challenge("other", "attempt/a");
        (again.code, again.sent_at) = ("newer".into(), NOW + 10);
        assert_eq!(challenges::put(tx, &again, NOW - 1).await.unwrap(), Changed::No, "sent a moment ago");
        assert_eq!(challenges::put(tx, &again, NOW).await.unwrap(), Changed::Yes);
        let all = challenges::in_scope(tx, "attempt/a").await.unwrap();
        let seen: Vec<_> = all.iter().map(|c| (c.id.as_str(), c.code.as_str(), c.guesses, c.sends)).collect();
        assert_eq!(seen, [("c", "newer", 4, 2)], "{}: a new code, the old count", db.name);
        assert!(challenges::by_key(tx, &sent.key_hash).await.unwrap().is_none(), "the old link is dead");
        assert_eq!(challenges::guess(tx, "c", END).await.unwrap(), None, "its time is over");
        assert_eq!(challenges::guess(tx, "c", NOW).await.unwrap().as_deref(), Some("newer"));
        assert_eq!(challenges::guess(tx, "c", NOW).await.unwrap(), None, "the sixth");
        assert_eq!(challenges::put(tx, &again, END).await.unwrap(), Changed::No, "dead for good");
        assert_eq!(challenges::spend_by_link(tx, "c", NOW).await.unwrap(), Changed::No, "by the link too");
        assert_eq!(challenges::forget_address(tx, "attempt/a").await.unwrap(), 1);
        assert_eq!(challenges::forget_address(tx, "attempt/none").await.unwrap(), 0);
        assert_eq!(challenges::drop_scope(tx, "attempt/a").await.unwrap(), 1);

        challenges::put(tx, &challenge("l", "device/d"), NOW).await.unwrap().either_way();
        assert_eq!(challenges::spend_by_link(tx, "l", NOW).await.unwrap(), Changed::Yes);
        assert_eq!(challenges::spend(tx, "l", NOW).await.unwrap(), Changed::No, "spent by the link");
        assert_eq!(challenges::guess(tx, "l", NOW).await.unwrap(), None);
        let spent = challenges::by_key(tx, "key of l").await.unwrap().unwrap();
        assert_eq!(spent.spent_at, Some(NOW));
        assert!(challenges::guess_again(tx, "l", NOW).await.unwrap().is_some(), "where codes stay good");
        assert_eq!(challenges::prove(tx, "l", NOW + 1).await.unwrap(), 1);
        let proven = challenges::by_key(tx, "key of l").await.unwrap().unwrap();
        assert_eq!((proven.spent_at, proven.guesses), (Some(NOW), 0));
        for (scope, address, gone) in [
            ("device/d", "bob@example.com", 0),
            ("device/e", &*sent.address, 0),
            ("device/d", &*sent.address, 1),
        ] {
            assert_eq!(challenges::drop_sent(tx, scope, address).await.unwrap(), gone, "{scope} {address}");
        }
    }
}

#[tokio::test]
pub(super) async fn of_ways() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        let way = |id: &str, key: &str| {
            let way = (Some(key.into()), Some(format!("code of {key}")), Some(END), Some("{}".into()));
            let (way_key, way_code, way_ends, way_from) = way;
            Challenge { way_key, way_code, way_ends, way_from, ..challenge(id, "attempt/a") }
        };
        challenges::put(tx, &way("c", "w1"), NOW).await.unwrap().either_way();
        // What is held back changes nothing but what is told, and the code ends when it would have.
        let held = Challenge { expires_at: END + 9, code: "nobody's".into(), ..challenge("h", "attempt/a") };
        assert_eq!(challenges::hold(tx, &held, NOW - 1).await.unwrap(), Changed::No, "a moment ago");
        assert_eq!(challenges::hold(tx, &held, NOW).await.unwrap(), Changed::Yes);
        let open = challenges::by_key(tx, "w1").await.unwrap().unwrap();
        let seen = (open.code.as_str(), open.way_code.as_deref(), open.sends, open.expires_at);
        assert_eq!(seen, ("right", Some("code of w1"), 2, END + 9), "{}", db.name);
        for _ in 0..5 {
            let code = challenges::guess_way(tx, "c", "w1", NOW).await.unwrap();
            assert_eq!(code.as_deref(), Some("code of w1"));
        }
        assert_eq!(challenges::guess_way(tx, "c", "w1", NOW).await.unwrap(), None, "five, as elsewhere");
        assert_eq!(challenges::guess(tx, "c", NOW).await.unwrap().as_deref(), Some("right"), "counted apart");
        for (at, why) in [(END, "its own time is over"), (NOW, "for good")] {
            let late = challenges::guess(tx, "c", at).await.unwrap();
            assert_eq!(late.as_deref(), Some(""), "{why}");
        }
        assert_eq!(challenges::drop_asked(tx, "attempt/a").await.unwrap(), 0, "a way outlives its attempt");
        assert_eq!(challenges::spend_way(tx, "c", "other").await.unwrap(), Changed::No);
        assert_eq!(challenges::spend_way(tx, "c", "w1").await.unwrap(), Changed::Yes);
        assert_eq!(challenges::spend_way(tx, "c", "w1").await.unwrap(), Changed::No, "once");
        assert_eq!(
            challenges::spend(tx, "c", NOW).await.unwrap(),
            Changed::No,
            "whoever asked has no code any more"
        );
        assert!(challenges::by_key(tx, "w1").await.unwrap().is_none());
        assert_eq!(challenges::drop_asked(tx, "attempt/a").await.unwrap(), 1);

        challenges::put(tx, &way("d", "w2"), NOW).await.unwrap().either_way();
        assert_eq!(challenges::spend(tx, "d", NOW).await.unwrap(), Changed::Yes);
        assert!(challenges::by_key(tx, "w2").await.unwrap().is_none(), "and the other way round");
    }
}

#[tokio::test]
pub(super) async fn of_wishes() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        assert!(!wishes::holds(tx, "n", NOW).await.unwrap(), "{}", db.name);
        assert_eq!(wishes::make(tx, "n", NOW + 1).await.unwrap(), 1);
        assert!(
            wishes::holds(tx, "n", NOW).await.unwrap() && !wishes::holds(tx, "n", NOW + 1).await.unwrap()
        );
        assert_eq!(wishes::make(tx, "n", NOW + 9).await.unwrap(), 1, "longer");
        assert!(wishes::holds(tx, "n", NOW + 1).await.unwrap());
        assert_eq!(wishes::take(tx, "n", NOW + 9).await.unwrap(), Changed::No, "its time is over");
        assert_eq!(wishes::take(tx, "n", NOW + 1).await.unwrap(), Changed::Yes);
        assert_eq!(wishes::take(tx, "n", NOW + 1).await.unwrap(), Changed::No, "once");
        wishes::make(tx, "n", NOW + 9).await.unwrap();
        assert_eq!(wishes::of(tx, "n").await.unwrap(), Some(NOW + 9));
        assert_eq!(wishes::over(tx, "n", NOW + 8).await.unwrap(), 0, "it is good");
        assert_eq!(wishes::over(tx, "n", NOW + 9).await.unwrap(), 1);
        assert_eq!(wishes::of(tx, "n").await.unwrap(), None, "{}: for good", db.name);
        wishes::make(tx, "n", NOW + 9).await.unwrap();
        assert_eq!(wishes::end(tx, "n").await.unwrap(), 1);
        assert!(!wishes::holds(tx, "n", NOW).await.unwrap());
    }
}

#[tokio::test]
pub(super) async fn of_sessions() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        for id in ["a", "b", "c", "d"] {
            sessions::insert(tx, &session(id, "u"), "[1]", &"k".into()).await.unwrap();
        }
        let mut turn = Turn { id: &"a".into(), from: "r0", to: "r1", generation: 0, idle_since: NOW };
        assert!(sessions::rotate(tx, &turn, NOW + 5).await.unwrap().is_none(), "it rested too long");
        turn.idle_since = NOW - 1;
        assert!(sessions::rotate(tx, &turn, END).await.unwrap().is_none(), "it is over");
        let rotated = sessions::rotate(tx, &turn, NOW + 5).await.unwrap().unwrap();
        assert_eq!((rotated.session.generation, rotated.session.rotated_at), (1, NOW + 5), "{}", db.name);
        for (to, at) in [("r0", NOW + 5), ("r1", NOW + 6)] {
            assert_eq!(sessions::note_rotated(tx, &"a".into(), to, NOW + 6).await.unwrap(), 1);
            assert_eq!(
                sessions::by_id(tx, &"a".into()).await.unwrap().unwrap().rotated_at,
                at,
                "{}: {to}",
                db.name
            );
        }
        assert_eq!(
            sessions::raise(tx, &"a".into(), &"v".into(), "2", "pwd otp", NOW).await.unwrap(),
            0,
            "another user's"
        );
        assert_eq!(sessions::raise(tx, &"a".into(), &"u".into(), "2", "pwd otp", NOW + 6).await.unwrap(), 1);
        let live = sessions::live(tx, &"a".into(), NOW).await.unwrap().unwrap();
        assert_eq!((live.acr.as_str(), live.auth_time), ("2", NOW + 6));
        assert!(sessions::live(tx, &"a".into(), END).await.unwrap().is_none());
        assert_eq!(sessions::proofs(tx, &"a".into(), &"v".into()).await.unwrap(), None, "another user's");
        assert_eq!(sessions::proofs(tx, &"a".into(), &"u".into()).await.unwrap().as_deref(), Some("[1]"));
        assert_eq!(
            sessions::set_proofs(tx, &"a".into(), "[2]", &"v".into()).await.unwrap(),
            Changed::No,
            "another user's"
        );
        assert_eq!(sessions::set_proofs(tx, &"a".into(), "[2]", &"u".into()).await.unwrap(), Changed::Yes);
        assert_eq!(sessions::proofs(tx, &"a".into(), &"u".into()).await.unwrap().as_deref(), Some("[2]"));
        assert_eq!(sessions::forget_proofs(tx, &"v".into(), &"x".into()).await.unwrap(), 0, "another user's");
        assert!(sessions::forget_proofs(tx, &"u".into(), &"a".into()).await.unwrap() > 0);
        assert_eq!(
            sessions::proofs(tx, &"a".into(), &"u".into()).await.unwrap().as_deref(),
            Some("[2]"),
            "but that one"
        );
        assert_eq!(sessions::forget_proofs(tx, &"u".into(), &"x".into()).await.unwrap(), 1);
        assert_eq!(sessions::proofs(tx, &"a".into(), &"u".into()).await.unwrap().as_deref(), Some("[]"));
        assert_eq!(sessions::of_user(tx, &"u".into(), NOW).await.unwrap().len(), 4);
        assert_eq!(sessions::end(tx, &"b".into(), &"v".into()).await.unwrap(), None, "another user's");
        let ended = sessions::end(tx, &"b".into(), &"u".into()).await.unwrap().unwrap();
        assert_eq!(ended.known_device.as_deref(), Some("k"), "{}", db.name);
        assert_eq!(sessions::end_others(tx, &"u".into(), &"a".into()).await.unwrap(), 2);
        assert_eq!(sessions::end_all(tx, &"u".into()).await.unwrap(), 1);
    }
}

#[tokio::test]
pub(super) async fn of_guesses() {
    const DAY: i64 = 86_400_000;
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        assert_eq!(guesses::of(tx, "s", "password").await.unwrap().streak, 0);
        for at in [NOW, NOW + 1, NOW + DAY + 1, NOW + 40 * DAY] {
            guesses::fail(tx, "s", "password", at, 1).await.unwrap();
        }
        let g = guesses::of(tx, "s", "password").await.unwrap();
        assert_eq!((g.streak, g.day_count, g.month_count, g.month_start), (4, 1, 1, NOW + 40 * DAY));
        assert_eq!(guesses::succeed(tx, "s", "password").await.unwrap(), 1);
        let g = guesses::of(tx, "s", "password").await.unwrap();
        assert_eq!((g.streak, g.month_count), (0, 1), "{}: a success frees no day", db.name);
        guesses::fail(tx, "s", "passcode", NOW, 1).await.unwrap();
        let row = |factor: &str| ("s".to_owned(), factor.to_owned());
        guesses::clear(tx, vec![row("password")], vec![row("passcode"), row("password")]).await.unwrap();
        assert_eq!(guesses::of_subject(tx, "s").await.unwrap(), [row("passcode")], "{}", db.name);
        assert_eq!(guesses::of(tx, "s", "passcode").await.unwrap().streak, 0, "{}", db.name);
        for subject in ["u", "u/known", "uu", "uu/known"] {
            guesses::fail(tx, subject, "password", NOW, 3).await.unwrap();
        }
        assert!(guesses::of_user(tx, "_").await.unwrap().is_empty(), "no pattern of others");
        let of_user = guesses::of_user(tx, "u").await.unwrap();
        assert_eq!(of_user.len(), 2, "{of_user:?}");
        guesses::clear(tx, of_user, Vec::new()).await.unwrap();
        assert!(guesses::of_user(tx, "u").await.unwrap().is_empty());
        assert_eq!(guesses::of(tx, "uu", "password").await.unwrap().day_count, 3);
        for _ in 0..2 {
            guesses::count_day(tx, NOW).await.unwrap();
        }
        assert_eq!(guesses::day_count(tx, NOW).await.unwrap(), 2);
        assert_eq!(guesses::day_count(tx, NOW + DAY).await.unwrap(), 0);
    }
}

/// What a clock that was ahead counted is counted now, and lasts as long as if it had been counted now.
#[tokio::test]
pub(super) async fn of_guesses_that_lie_ahead() {
    const DAY: i64 = 86_400_000;
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        let ahead = NOW + 400 * DAY;
        for _ in 0..2 {
            guesses::fail(tx, "s", "password", ahead, 1).await.unwrap();
        }
        let g = guesses::of(tx, "s", "password").await.unwrap();
        assert!(g.is_ahead(NOW) && !g.is_ahead(ahead) && !g.settled(NOW).is_ahead(NOW));
        assert_eq!(guesses::bring_back(tx, "s", "password", NOW).await.unwrap(), 1);
        let g = guesses::of(tx, "s", "password").await.unwrap();
        assert_eq!((g.streak, g.last_at, g.day_start, g.month_start), (2, NOW, NOW, NOW), "{}", db.name);
        guesses::fail(tx, "t", "password", ahead, 1).await.unwrap();
        guesses::fail(tx, "t", "password", NOW, 1).await.unwrap();
        let g = guesses::of(tx, "t", "password").await.unwrap();
        assert_eq!((g.day_count, g.day_start, g.month_start), (2, NOW, NOW), "{}: nothing is freed", db.name);
        assert!(!guesses::is_day_ahead(tx, NOW).await.unwrap());
        guesses::count_day(tx, NOW).await.unwrap();
        guesses::count_day(tx, ahead).await.unwrap();
        guesses::count_day(tx, ahead + DAY).await.unwrap();
        assert!(guesses::is_day_ahead(tx, NOW).await.unwrap());
        assert_eq!(guesses::day_count(tx, NOW).await.unwrap(), 3);
        assert_eq!(guesses::fold_days(tx, NOW).await.unwrap(), 2);
        assert_eq!(guesses::day_count(tx, NOW).await.unwrap(), 3);
        assert_eq!(guesses::day_count(tx, NOW + DAY).await.unwrap(), 0, "{}: tomorrow begins anew", db.name);
    }
}

/// What was refused as over is so whatever the clock says later; what was made ahead ends as if it was made now.
#[tokio::test]
pub(super) async fn of_what_is_over_or_ahead() {
    const FAR: i64 = 10 * 365 * 86_400_000;
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        for (id, scope) in [("c", "attempt/c"), ("d", "attempt/d")] {
            challenges::put(tx, &challenge(id, scope), NOW).await.unwrap().either_way();
        }
        challenges::over(tx, "c", NOW).await.unwrap();
        assert!(challenges::guess(tx, "c", NOW).await.unwrap().is_some(), "it is not over");
        challenges::over(tx, "c", END).await.unwrap();
        assert_eq!(challenges::guess(tx, "c", NOW).await.unwrap(), None, "{}", db.name);
        // Held back until later: the code itself has ended when it is guessed at, and stays so.
        let later = Challenge { sent_at: NOW + 1, expires_at: END + 9, ..challenge("x", "attempt/d") };
        assert_eq!(challenges::hold(tx, &later, NOW).await.unwrap(), Changed::Yes);
        assert_eq!(challenges::guess(tx, "d", END).await.unwrap().as_deref(), Some(""));
        assert_eq!(challenges::guess(tx, "d", NOW).await.unwrap().as_deref(), Some(""), "{}", db.name);
        let ahead = Challenge { sent_at: NOW + FAR, expires_at: END + FAR, ..challenge("e", "attempt/e") };
        challenges::put(tx, &ahead, NOW + FAR).await.unwrap().either_way();
        assert_eq!(challenges::bring_back(tx, "attempt/e", NOW).await.unwrap(), 1);
        let e = challenges::in_scope(tx, "attempt/e").await.unwrap().remove(0);
        assert_eq!((e.sent_at, e.expires_at, e.way_ends), (NOW, END, None), "{}", db.name);

        let far = |id: &str| Session { created_at: NOW + FAR, expires_at: END + FAR, ..session(id, "u") };
        sessions::insert(tx, &far("a"), "[]", &"k".into()).await.unwrap();
        let turn = Turn { id: &"a".into(), from: "r0", to: "r1", generation: 0, idle_since: NOW - 1 };
        let rotated = sessions::rotate(tx, &turn, NOW).await.unwrap().unwrap().session;
        assert_eq!(
            (rotated.created_at, rotated.auth_time, rotated.expires_at),
            (NOW, NOW, END),
            "{}",
            db.name
        );
        sessions::insert(tx, &far("b"), "[]", &"k".into()).await.unwrap();
        assert_eq!(sessions::bring_back(tx, &"b".into(), NOW).await.unwrap(), 1);
        assert_eq!(sessions::by_id(tx, &"b".into()).await.unwrap().map(|b| b.rotated_at), Some(NOW));
        assert_eq!(sessions::over(tx, &"b".into(), NOW, NOW - 1).await.unwrap(), 0, "it is good");
        assert_eq!(sessions::over(tx, &"b".into(), NOW, NOW).await.unwrap(), 1, "it rested too long");
        assert_eq!(sessions::over(tx, &"a".into(), END, NOW - 1).await.unwrap(), 1, "it is over");
        assert!(sessions::by_id(tx, &"a".into()).await.unwrap().is_none(), "{}", db.name);
    }
}

#[tokio::test]
pub(super) async fn of_the_outbox() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        assert_eq!(outbox::next_due(tx, "smtp", NOW).await.unwrap(), None);
        for id in ["a", "b", "c"] {
            outbox::insert(tx, &queued(id)).await.unwrap();
        }
        assert_eq!(
            outbox::lease(tx, "other", (NOW, NOW), NOW + 60, 2).await.unwrap().len(),
            0,
            "another lane"
        );
        let leased = outbox::lease(tx, "smtp", (NOW, NOW), NOW + 60, 2).await.unwrap();
        let mut ids: Vec<_> = leased.iter().map(|m| (m.id.as_str(), m.tries)).collect();
        ids.sort_unstable();
        assert_eq!(ids, [("a", 1), ("b", 1)], "{}", db.name);
        assert_eq!(outbox::next_due(tx, "smtp", NOW).await.unwrap(), Some(NOW), "c waits");
        let end = End { state: "sent", provider: Some("smtp"), ..End::default() };
        assert_eq!(outbox::finish(tx, "a", &end, NOW).await.unwrap(), Changed::Yes);
        assert_eq!(outbox::finish(tx, "a", &end, NOW).await.unwrap(), Changed::No, "ended once");
        assert_eq!(
            outbox::delay(tx, ("b", 0), NOW + 30, "busy", "smtp,").await.unwrap(),
            0,
            "an older lease"
        );
        assert_eq!(outbox::step_back(tx, ("b", 0), NOW + 1).await.unwrap(), 0, "nor does that");
        assert_eq!(outbox::step_back(tx, ("b", 1), NOW + 1).await.unwrap(), 1);
        let older = End { tries: Some(0), ..End { state: "failed", ..End::default() } };
        assert_eq!(outbox::finish(tx, "b", &older, NOW).await.unwrap(), Changed::No, "nor does that end it");
        assert_eq!(outbox::delay(tx, ("b", 1), NOW + 30, "busy", "smtp,").await.unwrap(), 1);
        assert_eq!(outbox::waiting(tx).await.unwrap(), 2);
        assert_eq!(outbox::lease(tx, "smtp", (NOW + 30, NOW + 30), NOW + 90, 9).await.unwrap().len(), 2);
        assert_eq!(
            outbox::lease(tx, "smtp", (NOW + 89, NOW + 89), NOW + 95, 9).await.unwrap().len(),
            0,
            "leased"
        );
        assert_eq!(outbox::renew(tx, ("b", 1), NOW + 900).await.unwrap(), 0, "an older lease");
        assert_eq!(outbox::renew(tx, ("b", 2), NOW + 90).await.unwrap(), 1);
        assert_eq!(outbox::renew(tx, ("a", 1), NOW + 90).await.unwrap(), 0, "it ended");
        let again = outbox::lease(tx, "smtp", (NOW + 90, NOW + 90), NOW + 95, 9).await.unwrap();
        assert_eq!(again.len(), 2, "the lease ran out");
        assert_eq!(again.iter().find(|m| m.id == "b").unwrap().passed, "smtp,");
    }
}

#[tokio::test]
pub(super) async fn of_lanes() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        for (id, lane) in [("a", "smtp"), ("b", "old"), ("c", "none")] {
            outbox::insert(tx, &Queued { lane: lane.into(), ..queued(id) }).await.unwrap();
        }
        let mut lanes = outbox::lanes(tx).await.unwrap();
        lanes.sort_unstable();
        assert_eq!(lanes, ["none", "old", "smtp"], "{}", db.name);
        assert_eq!(outbox::move_lane(tx, "old", "smtp", NOW - 1).await.unwrap(), 0, "it is not due so long");
        assert_eq!(outbox::move_lane(tx, "old", "smtp", NOW).await.unwrap(), 1);
        assert_eq!(outbox::drop_lane(tx, "none", NOW).await.unwrap(), 1);
        assert_eq!(outbox::lease(tx, "smtp", (NOW, NOW), END, 9).await.unwrap().len(), 2);
    }
}

#[tokio::test]
pub(super) async fn of_receipts() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        let row =
            |id: &str| Queued { challenge: Some(format!("key of {id}")), country: "PL".into(), ..queued(id) };
        for id in ["a", "b", "c"] {
            outbox::insert(tx, &row(id)).await.unwrap();
        }
        let taker = ("vonage", Some("v-1"));
        assert_eq!(
            outbox::await_receipt(tx, ("a", 1), NOW + 30, taker, "").await.unwrap(),
            Changed::No,
            "no lease"
        );
        assert_eq!(outbox::await_receipt(tx, ("a", 0), NOW + 30, taker, "").await.unwrap(), Changed::Yes);
        assert_eq!(outbox::next_due(tx, "smtp", NOW).await.unwrap(), Some(NOW), "b");
        let noted = deliveries::note_by_reference(tx, "v-1", "twilio", "delivered", NOW).await.unwrap();
        assert!(noted.is_none(), "somebody else's name for it");
        let noted =
            deliveries::note_by_reference(tx, "v-1", "vonage", "underway", NOW).await.unwrap().unwrap();
        assert_eq!((noted.id.as_str(), noted.state.as_str()), ("a", "queued"));
        assert!(deliveries::note_by_id(tx, "a", "vonage", "delivered", NOW).await.unwrap().is_some());
        let late = deliveries::note_by_id(tx, "a", "vonage", "failed", NOW).await.unwrap();
        assert!(late.is_none(), "the first final report stays");
        for (id, fails) in [("b", 1), ("b", 0), ("a", 0)] {
            assert_eq!(deliveries::pass_over(tx, id, "x_y").await.unwrap(), fails, "{id}: once, untaken");
        }
        assert_eq!(
            outbox::await_receipt(tx, ("b", 0), NOW + 30, ("x-y", None), "").await.unwrap(),
            Changed::Yes
        );
        assert_eq!(outbox::next_due(tx, "smtp", NOW + 29).await.unwrap(), Some(NOW), "c: another name");
        assert_eq!(deliveries::fail_over(tx, "b", "z", "why", NOW).await.unwrap(), 0, "it has not taken it");
        assert_eq!(deliveries::fail_over(tx, "b", "x-y", "why", NOW).await.unwrap(), 1);
        let sent = End { state: "sent", ..End::default() };
        outbox::finish(tx, "a", &sent, NOW).await.unwrap().either_way();
        outbox::finish(tx, "b", &End { provider: Some("vonage"), ..sent }, NOW).await.unwrap().either_way();
        assert_eq!(outbox::confirm(tx, "key of a", NOW).await.unwrap(), 1);
        assert_eq!(outbox::confirm(tx, "key of a", NOW + 1).await.unwrap(), 0, "once");
        let counted = deliveries::conversions(tx, NOW).await.unwrap();
        let counted: Vec<_> =
            counted.iter().map(|c| (c.provider.as_str(), c.sent, c.delivered, c.confirmed)).collect();
        assert_eq!(counted, [("vonage", 2, 1, 1)], "{}", db.name);
    }
}

#[tokio::test]
pub(super) async fn of_dead_letters() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        outbox::insert(tx, &queued("notice")).await.unwrap();
        outbox::insert(tx, &Queued { challenge: Some("key of c".into()), ..queued("code") }).await.unwrap();
        let failed = End { state: "failed", problem: Some("no such mailbox"), ..End::default() };
        for id in ["notice", "code"] {
            outbox::finish(tx, id, &failed, NOW).await.unwrap().either_way();
        }
        let listed = deliveries::list(tx, "failed", 9).await.unwrap();
        assert_eq!(listed.len(), 2, "{}", db.name);
        assert_eq!(deliveries::list(tx, "", 1).await.unwrap().len(), 1);
        let one = deliveries::by_id(tx, "notice").await.unwrap().unwrap();
        assert_eq!((one.state.as_str(), one.problem.as_deref()), ("failed", Some("no such mailbox")));
        assert_eq!(deliveries::again(tx, "notice", END + 1, END + 9).await.unwrap(), Changed::Yes);
        assert_eq!(
            deliveries::again(tx, "notice", END + 1, END + 9).await.unwrap(),
            Changed::No,
            "it waits already"
        );
        assert_eq!(
            deliveries::again(tx, "code", END + 1, END + 9).await.unwrap(),
            Changed::No,
            "its code has ended"
        );
        assert_eq!(deliveries::again(tx, "code", NOW, END).await.unwrap(), Changed::No, "it was replaced");
        let leased = outbox::lease(tx, "smtp", (END + 1, END + 1), END + 2, 9).await.unwrap();
        assert_eq!((leased.len(), leased[0].payload.as_str(), leased[0].expires_at), (1, "sealed", END + 9));
        challenges::put(tx, &challenge("c", "attempt/a"), NOW).await.unwrap().either_way();
        assert_eq!(
            deliveries::again(tx, "code", NOW, END).await.unwrap(),
            Changed::Yes,
            "it can still be typed"
        );
    }
}

#[tokio::test]
pub(super) async fn of_codes_that_a_vendor_owns() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        challenges::put(tx, &challenge("c", "attempt/a"), NOW).await.unwrap().either_way();
        let owner = Some(("verify", "VE1"));
        assert_eq!(challenges::set_owner(tx, "key of c", owner).await.unwrap(), Changed::Yes, "{}", db.name);
        let sent = challenges::by_key(tx, "key of c").await.unwrap().unwrap();
        assert_eq!((sent.verifier.as_deref(), sent.reference.as_deref()), (Some("verify"), Some("VE1")));
        challenges::guess(tx, "c", NOW).await.unwrap();
        assert_eq!(challenges::give_back(tx, "c", "VE2").await.unwrap(), 0, "an older verification");
        assert_eq!(challenges::give_back(tx, "c", "VE1").await.unwrap(), 1);
        let ours = challenges::guess(tx, "c", NOW).await.unwrap();
        assert_eq!(ours.as_deref(), Some(""), "ours is no code meanwhile");
        assert_eq!(challenges::adopt(tx, "c", "VE1", "theirs").await.unwrap(), 1);
        let sent = challenges::by_key(tx, "key of c").await.unwrap().unwrap();
        assert_eq!((sent.code.as_str(), sent.guesses, sent.verifier), ("theirs", 0, None));
        assert_eq!(challenges::guess(tx, "c", NOW).await.unwrap().as_deref(), Some("theirs"));
    }
}

#[tokio::test]
pub(super) async fn of_devices_that_fail() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        devices::insert(tx, &device("d", "u", "ada@example.com", true)).await.unwrap();
        assert_eq!(devices::set_failing(tx, &"d".into(), NOW).await.unwrap(), 1, "{}", db.name);
        assert_eq!(devices::set_failing(tx, &"d".into(), NOW + 1).await.unwrap(), 0, "since the first");
        assert_eq!(devices::by_id(tx, &"d".into()).await.unwrap().unwrap().failing_since, Some(NOW));
        assert_eq!(devices::clear_failing(tx, &"d".into()).await.unwrap(), 1);
        devices::set_failing(tx, &"d".into(), NOW).await.unwrap();
        devices::used(tx, &"d".into(), NOW).await.unwrap();
        assert_eq!(devices::by_id(tx, &"d".into()).await.unwrap().unwrap().failing_since, None);
    }
}

#[tokio::test]
pub(super) async fn of_what_is_spent() {
    const NONE: i64 = i64::MAX;
    let free = spend::Caps {
        hour: NONE,
        day: NONE,
        country_hour: NONE,
        country_day: NONE,
        hour_money: NONE,
        day_money: NONE,
        country_day_money: NONE,
    };
    let one = spend::Charge {
        apart: "",
        country: "PL",
        hour: 3,
        day: 3,
        cost: 7,
        leaves: true,
        counts: true,
        caps: free,
    };
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        let scopes = async |tx: &mut Tx, charge: &spend::Charge<'_>| {
            let mut counted = spend::charge(tx, charge).await.unwrap();
            counted.sort_by(|a, b| a.scope.cmp(&b.scope));
            counted.iter().map(|w| (w.scope.clone(), w.messages, w.cost)).collect::<Vec<_>>()
        };
        let all = |messages, cost| {
            ["day", "day/PL", "hour", "hour/PL"].map(|scope| (scope.to_owned(), messages, cost)).to_vec()
        };
        assert_eq!(scopes(tx, &one).await, all(1, 7), "{}", db.name);
        assert_eq!(scopes(tx, &spend::Charge { leaves: false, ..one }).await, all(1, 7), "it does not leave");
        assert_eq!(scopes(tx, &one).await, all(2, 14));
        let full = |caps| spend::Charge { caps, ..one };
        for (caps, missing) in [
            (spend::Caps { day: 2, ..free }, "day"),
            (spend::Caps { hour: 2, ..free }, "hour"),
            (spend::Caps { country_day: 2, ..free }, "day/PL"),
            (spend::Caps { country_hour: 2, ..free }, "hour/PL"),
            (spend::Caps { day_money: 20, ..free }, "day"),
            (spend::Caps { hour_money: 20, ..free }, "hour"),
            (spend::Caps { country_day_money: 20, ..free }, "day/PL"),
        ] {
            let counted = spend::charge(tx, &full(caps)).await.unwrap();
            assert_eq!(counted.len(), spend::WINDOWS - 1, "{}: {caps:?}", db.name);
            assert!(counted.iter().all(|window| window.scope != missing), "{caps:?}: {counted:?}");
            for window in &counted {
                assert_eq!(spend::give_back(tx, window, &one).await.unwrap(), 1);
            }
        }
        let enough = full(spend::Caps { day: 3, day_money: 21, ..free });
        assert_eq!(scopes(tx, &enough).await, all(3, 21), "up to the bound and no further");
        let first = spend::Charge { country: "DE", day: 9, hour: 9, cost: 30, ..enough };
        assert_eq!(scopes(tx, &first).await.len(), 3, "the first of a day may be too dear");
        let told = spend::Charge { apart: "told/", ..one };
        assert_eq!(scopes(tx, &told).await[0], ("told/day".to_owned(), 1, 7), "apart from the others");
        let cost = spend::Charge { counts: false, country: "FR", day: 11, hour: 11, ..one };
        assert_eq!(scopes(tx, &cost).await[0], ("day".to_owned(), 0, 7), "by its cost alone");
        for (n, counted) in [true, true, false].into_iter().enumerate() {
            assert_eq!(spend::count(tx, "c", 3, 2).await.unwrap(), counted, "{}: {n}", db.name);
        }
        assert!(spend::count(tx, "c", 4, 2).await.unwrap(), "another day");
        assert_eq!(spend::uncount(tx, "c", 3).await.unwrap(), 1);
        assert!(spend::count(tx, "c", 3, 2).await.unwrap());
        assert_eq!(spend::forget_full(tx, "c", 3, 3).await.unwrap(), 0, "there is room for one more");
        assert_eq!(spend::forget_full(tx, "c", 3, 2).await.unwrap(), 1);
        let now = spend::now(tx, "PL", 3, 3).await.unwrap();
        assert_eq!((now.len(), now.iter().map(|w| w.messages).sum::<i64>()), (4, 12));
        assert!(spend::now(tx, "PL", 4, 4).await.unwrap().is_empty());
    }
}

/// What was spent while a clock was ahead is spent of the hour and the day of now.
#[tokio::test]
pub(super) async fn of_what_is_spent_ahead() {
    const HOUR: i64 = 3_600_000;
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        for (scope, since) in
            [("day", 0), ("day", 24 * HOUR), ("hour/PL", 30 * HOUR), ("notices/hour", 24 * HOUR)]
        {
            assert!(spend::count(tx, scope, since, 9).await.unwrap());
        }
        assert!(
            !spend::is_ahead(tx, 30 * HOUR).await.unwrap() && spend::is_ahead(tx, 2 * HOUR).await.unwrap()
        );
        assert_eq!(spend::fold(tx, 2 * HOUR + 5).await.unwrap(), 3);
        assert!(!spend::count(tx, "day", 0, 2).await.unwrap(), "{}: two were", db.name);
        for scope in ["hour/PL", "notices/hour"] {
            assert!(!spend::count(tx, scope, 2 * HOUR, 1).await.unwrap(), "{}: {scope}", db.name);
        }
    }
}

#[tokio::test]
pub(super) async fn of_suspensions_and_lines() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        for (id, typed) in [("a", true), ("b", false), ("c", false), ("d", false)] {
            let key = format!("key {id}");
            let row = Queued { prefix: "+12025".into(), challenge: Some(key.clone()), ..queued(id) };
            outbox::insert(tx, &row).await.unwrap();
            if id != "d" {
                let end = End { state: "sent", ..End::default() };
                outbox::finish(tx, id, &end, NOW).await.unwrap().either_way();
            }
            if typed {
                assert_eq!(outbox::confirm(tx, &key, NOW).await.unwrap(), 1);
            }
        }
        let seen = async |tx: &mut Tx, since, now| {
            let found = suspensions::conversion(tx, "+12025", since, now).await.unwrap();
            (found.sent, found.typed)
        };
        assert_eq!(seen(tx, NOW - 1, END - 1).await, (1, 1), "{}: the others are still good", db.name);
        assert_eq!(seen(tx, NOW - 1, END).await, (3, 1), "one never left");
        assert_eq!(seen(tx, NOW, END).await, (0, 0));
        assert_eq!(suspensions::begin(tx, "+12025", NOW, NOW + 9).await.unwrap(), Changed::Yes);
        assert_eq!(
            suspensions::begin(tx, "+12025", NOW + 8, NOW + 20).await.unwrap(),
            Changed::No,
            "it rests"
        );
        assert_eq!(suspensions::begin(tx, "+12025", NOW + 9, NOW + 20).await.unwrap(), Changed::Yes);
        let last = suspensions::of(tx, "+12025").await.unwrap().unwrap();
        assert_eq!((last.since, last.ends_at), (NOW + 9, NOW + 20));
        assert!(suspensions::of(tx, "+12026").await.unwrap().is_none());

        lines::keep(tx, "n", "mobile", NOW).await.unwrap();
        lines::keep(tx, "n", "voip", NOW + 1).await.unwrap();
        assert_eq!(lines::of(tx, "n", NOW).await.unwrap().as_deref(), Some("voip"));
        assert_eq!(lines::of(tx, "n", NOW + 1).await.unwrap(), None, "too old");
        assert_eq!(lines::forget(tx, NOW).await.unwrap(), 0);
        assert_eq!(lines::forget(tx, NOW + 1).await.unwrap(), 1);
    }
}

#[tokio::test]
pub(super) async fn of_keys_and_facts() {
    for (db, mut tx) in with_user().await {
        let tx = &mut tx;
        let key = |id: &str, active_at| SigningKey {
            id: id.into(),
            algorithm: "ES256".into(),
            private_key: "sealed".into(),
            public_jwk: "{}".into(),
            created_at: NOW,
            active_at,
            retired_at: None,
        };
        for (id, active_at) in [("1", NOW), ("2", NOW + 1), ("3", NOW + 2)] {
            signing_keys::insert(tx, &key(id, active_at)).await.unwrap();
        }
        assert_eq!(signing_keys::retire(tx, "1", NOW + 5).await.unwrap(), Changed::Yes);
        assert_eq!(signing_keys::retire_older(tx, &key("3", NOW + 2), NOW + 9).await.unwrap(), 1);
        let at = async |tx: &mut Tx, now| signing_keys::all(tx, now).await.unwrap().len();
        assert_eq!([at(tx, NOW).await, at(tx, NOW + 5).await, at(tx, NOW + 9).await], [3, 2, 1]);
        assert_eq!(signing_keys::delete(tx, "3").await.unwrap(), Changed::Yes);

        api_keys::insert(tx, "k", "backend", "hash", "verify", NOW).await.unwrap();
        assert_eq!(api_keys::live(tx, "hash").await.unwrap().unwrap().name, "backend");
        assert_eq!(api_keys::end(tx, "k", NOW).await.unwrap(), Changed::Yes);
        assert!(api_keys::live(tx, "hash").await.unwrap().is_none(), "{}", db.name);
        assert_eq!(api_keys::all(tx).await.unwrap()[0].ended_at, Some(NOW));

        assert_eq!(facts::put_new(tx, "a", "1").await.unwrap(), 1);
        assert_eq!(facts::put_new(tx, "a", "2").await.unwrap(), 0);
        assert_eq!(facts::get(tx, "a").await.unwrap().as_deref(), Some("1"));
        facts::put(tx, "a", "3").await.unwrap();
        assert_eq!(facts::hold(tx, "a").await.unwrap().as_deref(), Some("3"));
        assert_eq!(facts::hold(tx, "b").await.unwrap(), None);
        assert_eq!(facts::get(tx, "a").await.unwrap().as_deref(), Some("3"));
        assert!(!sweep::once(tx, NOW).await.unwrap().is_empty());
    }
}
