//! In which form what is kept is kept, and for how long.

use std::collections::BTreeSet;

use multauth::base::Sensitive;
use multauth::base::clock::{DAY, MINUTE};
use multauth::base::seal::sha256_hex;
use multauth::outbox::dead;
use multauth::settings::Settings;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::beds::variable;
use crate::support::fields::declare;
use crate::support::person::{OTHER, PASSWORD};
use crate::support::sink::{Manner, Sink};
use crate::support::until;

const NOBODY: &str = "canary.nobody@example.org";

fn by_password(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
}

#[tokio::test]
async fn a_password_is_hashed_anew_at_the_next_right_sign_in_after_the_setting_was_raised() {
    for app in TestApp::each(by_password).await {
        app.named("ada").await;
        let hashes = async |of: &'static str| app.rows().number(of).await;
        let weak = "SELECT COUNT(*) FROM secrets WHERE hash LIKE '$argon2id$v=19$m=64,t=1,p=1$%'";
        let strong = "SELECT COUNT(*) FROM secrets WHERE hash LIKE '$argon2id$v=19$m=128,t=2,p=1$%'";
        let raised = app
            .again_with(|settings| {
                (settings.password.memory_kib, settings.password.iterations) = (128, 2);
            })
            .await;
        let signin = async |password: &str| {
            raised.client().signin(json!({ "username": "ada", "password": password })).await
        };
        signin(OTHER).await.wrong();
        assert_eq!((hashes(weak).await, hashes(strong).await), (1, 0), "{}", app.database());
        signin(PASSWORD).await.done();
        until("it is hashed anew", 10, async || hashes(strong).await == 1).await;
        assert_eq!(hashes(weak).await, 0, "{}", app.database());
        signin(PASSWORD).await.done();
        signin(OTHER).await.wrong();
    }
}

/// What is long enough to stand for something, of all that is kept.
async fn words(app: &TestApp) -> BTreeSet<String> {
    let all = app.rows().dump().await;
    let words = all.split(|c: char| !c.is_ascii_alphanumeric() && !"-_+/=".contains(c));
    words.filter(|word| word.len() >= 32).map(str::to_owned).collect()
}

#[tokio::test]
async fn an_identifier_that_nobody_has_is_counted_by_a_hash_with_a_key() {
    let mut counted = Vec::new();
    for app in [TestApp::each(by_password).await, TestApp::each(by_password).await].into_iter().flatten() {
        let before = words(&app).await;
        for body in [json!({ "email": NOBODY }), json!({ "username": "canary.nobody" })] {
            let mut body = body;
            body["password"] = json!(OTHER);
            app.client().signin(body).await.wrong();
        }
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM guesses").await, 2, "{}", app.database());
        let kept = app.rows().dump().await;
        for name in [NOBODY, "canary.nobody"] {
            assert!(!kept.contains(name), "{}: {name}", app.database());
            assert!(
                !kept.contains(&sha256_hex(name.as_bytes())),
                "{}: {name} by a bare hash",
                app.database()
            );
        }
        let new: BTreeSet<_> = words(&app).await.difference(&before).cloned().collect();
        assert!(new.len() >= 2, "{new:?}");
        counted.push(new);
    }
    // Each installation has a key of its own.
    for (n, one) in counted.iter().enumerate() {
        for other in &counted[..n] {
            assert_eq!(one.intersection(other).collect::<Vec<_>>(), Vec::<&String>::new());
        }
    }
}

#[tokio::test]
async fn a_unique_value_of_the_profile_is_told_apart_by_a_hash_with_a_key() {
    let change = |settings: &mut Settings| {
        by_password(settings);
        declare(settings, "[fields.member]\ntype = 'string'\nunique = true\n");
    };
    let mut kept = Vec::new();
    for app in [TestApp::each(change).await, TestApp::each(change).await].into_iter().flatten() {
        let ada = app.named("ada").await;
        let before = words(&app).await;
        let member = json!({ "profile": { "member": "canary-4711" } });
        ada.client.patch("/v1/me", member.clone()).await.is(200);
        let bob = app.named("bob").await;
        bob.client.patch("/v1/me", member).await.is(409);
        let plain = "SELECT COUNT(*) FROM profile_values WHERE value LIKE '%canary%' OR value LIKE '%4711%'";
        assert_eq!(app.rows().number(plain).await, 0, "{}", app.database());
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM profile_values").await, 1);
        let all = app.rows().dump().await;
        for form in ["canary-4711", "\"canary-4711\""] {
            assert!(!all.contains(&sha256_hex(form.as_bytes())), "{}: a bare hash", app.database());
        }
        let new: BTreeSet<_> = words(&app).await.difference(&before).cloned().collect();
        kept.push(new);
    }
    for (n, one) in kept.iter().enumerate() {
        for other in &kept[..n] {
            assert_eq!(one.intersection(other).collect::<Vec<_>>(), Vec::<&String>::new());
        }
    }
}

#[tokio::test]
async fn windows_that_instances_share_are_named_by_hashes_with_a_key() {
    let Some(url) = variable("REDIS") else { return };
    let change = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"], &["phone", "passcode"]]);
        settings.redis.url = Sensitive::new(url.clone());
        settings.throttle.insert("signin".into(), "20/m/identifier".into());
    };
    let apps = [TestApp::new(change).await, TestApp::new(change).await];
    for app in &apps {
        app.client().signin(json!({ "email": NOBODY, "password": OTHER })).await.wrong();
        app.client().signup(json!({ "phone": "+12124564711" })).await.asks();
    }
    let mut redis =
        redis::Client::open(url.as_str()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let names: Vec<String> = redis::cmd("KEYS").arg("{multauth}*").query_async(&mut redis).await.unwrap();
    let [one, other] = apps.each_ref().map(|app| app.app.subject(&["identifier", "email", NOBODY]));
    assert_ne!(one, other, "each installation has a key of its own");
    for counted in [one, other] {
        assert!(names.iter().any(|name| name.contains(&counted)), "{names:?}");
    }
    assert!(names.iter().any(|name| name.contains("send_phone")), "{names:?}");
    for name in names {
        assert!(!name.contains("canary") && !name.contains("212456"), "{name}");
    }
}

/// Messages whose text is still there.
async fn texts(app: &TestApp) -> i64 {
    app.rows().number("SELECT COUNT(*) FROM outbox WHERE payload <> ''").await
}

#[tokio::test]
async fn the_text_of_a_message_is_erased_once_it_has_left_or_is_not_wanted_any_more() {
    for app in TestApp::each(by_password).await {
        let signup = async |to: &str| {
            let client = app.client();
            let body = json!({ "email": to, "password": PASSWORD });
            (client.clone(), client.signup(body).await.asks().attempt)
        };
        let (client, attempt) = signup("canary.one@example.org").await;
        assert_eq!(texts(&app).await, 1, "{}: it waits, sealed", app.database());
        assert_eq!(app.mail().await.len(), 1);
        assert_eq!(texts(&app).await, 0, "{}: sent", app.database());
        app.pass(MINUTE);
        client.send(&attempt, json!({})).await.is(200);
        app.pass(MINUTE);
        client.send(&attempt, json!({})).await.is(200);
        assert_eq!(texts(&app).await, 2);
        assert_eq!(app.mail().await.len(), 1, "the second is worthless since the third");
        assert_eq!(texts(&app).await, 0, "{}: not wanted", app.database());
        signup("canary.two@example.org").await;
        app.pass(DAY);
        TestApp::assert_silent(&app.mail().await);
        assert_eq!(texts(&app).await, 0, "{}: too late", app.database());
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM outbox").await, 4, "what became of it stays");
    }
}

#[tokio::test]
async fn the_text_of_a_message_that_was_given_up_stays_sealed_until_it_is_sent_again() {
    let sink = Sink::up().await;
    let change = |settings: &mut Settings| {
        by_password(settings);
        settings.email.providers = vec![sink.settings("2s")];
    };
    for app in TestApp::each(change).await {
        sink.is_to(Manner::Answer("550 5.1.1 no such user"));
        let body = json!({ "email": "canary.one@example.org", "password": PASSWORD });
        app.client().signup(body).await.asks();
        TestApp::assert_silent(&app.mail().await);
        let failed = dead::all(&app.app.store, 9).await.unwrap();
        assert_eq!((failed.len(), texts(&app).await), (1, 1), "{}", app.database());
        let plain = "SELECT COUNT(*) FROM outbox WHERE payload LIKE '%canary%' OR payload LIKE '%code%'";
        assert_eq!(app.rows().number(plain).await, 0, "{}", app.database());
        sink.is_to(Manner::Take);
        let again = dead::again(&app.app.store, &failed[0].id, app.clock.now()).await.unwrap();
        assert_eq!(again, dead::Again::Queued);
        assert_eq!(app.mail().await.len(), 1);
        assert_eq!(texts(&app).await, 0, "{}: it has left", app.database());
    }
}
