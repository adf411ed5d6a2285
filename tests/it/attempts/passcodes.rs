//! Which device a passcode is of, through the operations themselves, on SQLite.

use multauth::app::App;
use multauth::auth::ask::Asking;
use multauth::auth::attempts::progress::Progress;
use multauth::auth::input::{Client, Given};
use multauth::auth::{AuthError, Result, doors};
use multauth::base::{Millis, Random, Sensitive};
use multauth::secrets::recovery;
use multauth::store::devices::{self, Device};
use multauth::store::{Tx, secrets, users};

use crate::support::app::{BEGINNING, TestApp, flows, unlimited};

const NOW: Millis = BEGINNING;
const SEED: [u8; 20] = [7; 20];

/// An instance with the user `u`.
struct Instance(TestApp);

async fn instance(tuples: &[&[&str]]) -> Instance {
    let app = TestApp::new(|settings| {
        settings.flows = flows(tuples);
        unlimited(settings, &["signin", "attempt"]);
        settings.throttle.insert("send".into(), "5/h/address".into());
    })
    .await;
    let mut tx = app.app.store.begin().await.unwrap();
    users::insert(&mut tx, &users::New::active(&"u".into(), "{}"), NOW).await.unwrap();
    tx.commit().await.unwrap();
    Instance(app)
}

impl std::ops::Deref for Instance {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.0
    }
}

fn client() -> Client {
    Client {
        ip: "192.0.2.1".parse().unwrap(),
        agent: "test".into(),
        known_device: None,
        languages: Vec::new(),
        request: String::new(),
    }
}

async fn device(app: &App, tx: &mut Tx, id: &str, kind: &str, address: Option<&str>) {
    let seal = || app.sealer.seal(&format!("devices/{id}/seed"), &SEED);
    let row = Device {
        canonical: address.map(Into::into),
        delivery: address.map(Into::into),
        is_primary: id != "second",
        secret: (kind == "authenticator").then(seal),
        confirmed_at: Some(NOW),
        proven_at: Some(NOW),
        own: Some(devices::PROVEN.to_owned()),
        ..Device::new(id.into(), "u".into(), kind, NOW)
    };
    devices::insert(tx, &row).await.unwrap();
}

impl Instance {
    async fn give(&self, list: &[(&str, &str, Option<&str>)]) {
        let mut tx = self.app.store.begin().await.unwrap();
        for (id, kind, address) in list {
            device(&self.app, &mut tx, id, kind, *address).await;
        }
        tx.commit().await.unwrap();
    }

    async fn begin(&self, kind: &'static str, name: &str) -> Asking {
        self.begin_with(kind, name, Given::default()).await.map(asking).unwrap()
    }

    async fn begin_with(&self, kind: &'static str, name: &str, mut given: Given) -> Result<Progress> {
        given.identifiers.insert(kind, name.to_owned());
        doors::signin(&self.app, &client(), &given).await
    }

    async fn answer(&self, asked: &Asking, passcode: &str) -> Result<Progress> {
        let given = Given { secrets: [("passcode", passcode.into())].into(), ..Given::default() };
        doors::answer(&self.app, &client(), &asked.attempt, &given).await
    }

    /// The last delivered message: where it went, and the code in it.
    async fn mail(&self) -> Option<(String, String)> {
        self.worker().drain().await.unwrap();
        let message = self.app.inbox.as_ref().unwrap().all().into_iter().next()?;
        let text = message.text.expose().to_owned();
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6)?.to_owned();
        Some((message.to, code))
    }
}

fn asking(progress: Progress) -> Asking {
    match progress {
        Progress::Ask(asking) => asking,
        Progress::Done(_) => panic!("done already"),
    }
}

fn code_of_the_app() -> String {
    let totp = totp_rs::Builder::new().with_secret(SEED).build_noncompliant();
    totp.generate(u64::try_from(NOW / 1_000).unwrap()).to_string()
}

fn is_wrong(outcome: &Result<Progress>) -> Option<i64> {
    match outcome {
        Err(AuthError::WrongSecret { attempts_left, .. }) => attempts_left.or(Some(-1)),
        _ => None,
    }
}

#[tokio::test]
async fn an_authenticator_may_be_the_first_secret() {
    for flows in ["passcode:authenticator", "passcode"] {
        let i = instance(&[&["username", flows]]).await;
        i.give(&[("n", "username", Some("ada")), ("t", "authenticator", None)]).await;
        let (known, unknown) = (i.begin("username", "ada").await, i.begin("username", "stranger").await);
        assert_eq!(known.ask, unknown.ask, "{flows}");
        let (a, b) = (i.answer(&known, "000000").await, i.answer(&unknown, "000000").await);
        assert!(is_wrong(&a).is_some(), "{flows}: {a:?}");
        assert_eq!(is_wrong(&a), is_wrong(&b), "{flows}: what is left tells nothing");
        let again = i.begin("username", "ada").await;
        let done = i.answer(&known, &code_of_the_app()).await.unwrap();
        assert!(matches!(done, Progress::Done(_)), "{flows}");
        let replayed = i.answer(&again, &code_of_the_app()).await;
        assert!(is_wrong(&replayed).is_some(), "{flows}: {replayed:?}");
        assert_eq!(i.mail().await, None, "{flows}");
    }
}

#[tokio::test]
async fn a_sent_code_counts_for_where_it_went_and_the_authenticator_is_asked_then() {
    let i = instance(&[&["username", "passcode"]]).await;
    let mail = ("e", "email", Some("ada@example.com"));
    i.give(&[("n", "username", Some("ada")), ("a", "authenticator", None), mail]).await;
    let asked = i.begin("username", "ada").await;
    let (to, code) = i.mail().await.unwrap();
    assert_eq!(to, "ada@example.com");
    let Progress::Ask(next) = i.answer(&asked, &code).await.unwrap() else {
        panic!("done by the mail alone")
    };
    assert_eq!(next.ask[0].channel.as_deref(), Some("authenticator"));
    assert!(matches!(i.answer(&next, &code_of_the_app()).await.unwrap(), Progress::Done(_)));
}

#[tokio::test]
async fn a_code_goes_to_the_address_that_was_named() {
    let i = instance(&[&["email", "passcode"]]).await;
    i.give(&[("first", "email", Some("a@example.com")), ("second", "email", Some("b@example.com"))]).await;
    let asked = i.begin("email", "b@example.com").await;
    let (to, code) = i.mail().await.unwrap();
    assert_eq!(to, "b@example.com");
    assert!(matches!(i.answer(&asked, &code).await.unwrap(), Progress::Done(_)));
}

#[tokio::test]
async fn a_recovery_code_may_come_along_with_the_password() {
    let i = instance(&[&["username", "password", "passcode"]]).await;
    i.give(&[("n", "username", Some("ada")), ("a", "authenticator", None)]).await;
    let code = recovery::code(&Random::System);
    let hash = i.app.hasher.hash("correct horse battery".into(), [1; 16]).await.unwrap();
    let mut tx = i.app.store.begin().await.unwrap();
    secrets::set(&mut tx, "p", &"u".into(), "password", &hash, NOW, None).await.unwrap();
    let stored = recovery::stored(&i.app.sealer, "u", code.expose()).unwrap();
    secrets::insert(&mut tx, "r", &"u".into(), secrets::RECOVERY, &stored, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let given = || Given {
        secrets: [("password", Sensitive::new("correct horse battery"))].into(),
        recovery_code: Some(code.clone()),
        ..Given::default()
    };
    let done = i.begin_with("username", "ada", given()).await.unwrap();
    assert!(matches!(done, Progress::Done(_)));
    assert!(i.begin_with("username", "ada", given()).await.is_err(), "it passes once");
}

#[tokio::test]
async fn how_often_a_code_may_be_sent_does_not_tell_who_exists() {
    let i = instance(&[&["username", "passcode"]]).await;
    let mail = ("e", "email", Some("ada@example.com"));
    i.give(&[("n", "username", Some("ada")), mail]).await;
    for n in 0..6 {
        let known = i.begin("username", "ada").await.ask;
        assert_eq!(known, i.begin("username", "stranger").await.ask, "the {n}th");
        assert!(known[0].length.is_some(), "the {n}th is told as the first, whatever leaves");
        let fresh = i.begin("username", &format!("stranger{n}")).await.ask;
        assert!(fresh[0].length.is_some(), "stranger{n} has a budget of its own");
    }
}
