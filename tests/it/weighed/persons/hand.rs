//! What somebody has at hand, and how far they come with it from a new device.

use multauth::base::clock::{MINUTE, SECOND};
use serde_json::{Map, Value, json};

use crate::support::app::TestApp;
use crate::support::client::{Answer, Asked, Client};
use crate::support::mailbox::Mail;
use crate::support::person::{CARD, Person};
use crate::support::token::totp;

/// What somebody calls themselves, knows, reads and carries.
#[derive(Clone, Debug)]
pub struct Hand {
    kind: &'static str,
    value: String,
    password: Option<&'static str>,
    card: bool,
    reads: Vec<String>,
    seeds: Vec<String>,
    code: Option<String>,
}

impl Hand {
    /// Somebody who comes by that identifier and has nothing.
    pub fn by(kind: &'static str, value: &str) -> Self {
        let (reads, seeds) = (Vec::new(), Vec::new());
        Self { kind, value: value.to_owned(), password: None, card: false, reads, seeds, code: None }
    }

    /// The kind that they come by.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The same who knows that password.
    pub fn knows(self, password: &'static str) -> Self {
        Self { password: Some(password), ..self }
    }

    /// The same with the card.
    pub fn with_card(self) -> Self {
        Self { card: true, ..self }
    }

    /// The same who reads what comes there.
    pub fn reads(mut self, address: &str) -> Self {
        self.reads.push(address.to_owned());
        self
    }

    /// The same with an app of that seed.
    pub fn carries(mut self, seed: &str) -> Self {
        self.seeds.push(seed.to_owned());
        self
    }

    /// The same with that recovery code, for where nothing else goes on.
    pub fn holds(self, code: &str) -> Self {
        Self { code: Some(code.to_owned()), ..self }
    }

    /// The same by another identifier.
    pub fn named(self, kind: &'static str, value: &str) -> Self {
        Self { kind, value: value.to_owned(), ..self }
    }

    /// The same without that address.
    pub fn without(mut self, address: &str) -> Self {
        self.reads.retain(|read| read != address);
        self
    }

    /// The same without any app.
    pub fn appless(self) -> Self {
        Self { seeds: Vec::new(), ..self }
    }

    /// Signs in on a new device, as far as it goes.
    pub async fn comes(&self, app: &TestApp) -> Came {
        let client = app.client();
        // What was sent last may not be sent again at once.
        app.pass(MINUTE + SECOND);
        app.mail().await;
        let first = client.signin(json!({ self.kind: self.value.as_str() })).await;
        self.goes_on(app, client, first).await
    }

    /// Proves again in a session who they are, by that flow.
    pub async fn proves_again(&self, app: &TestApp, client: &Client, flow: &str) -> Came {
        app.pass(MINUTE + SECOND);
        app.mail().await;
        let first = client.reauth(json!({ "flow": flow })).await;
        self.goes_on(app, client.clone(), first).await
    }

    /// Recovers the account with the code of their own device alone, and sets a new password.
    pub async fn recovers(&self, app: &TestApp, new: &str) -> Came {
        app.pass(MINUTE + SECOND);
        app.mail().await;
        let client = app.client();
        let first = client.recovery(json!({ self.kind: self.value.as_str() })).await;
        let mut came = self.goes_on(app, client, first).await;
        if came.asked.last().is_some_and(|last| last.starts_with("new_password")) {
            let asked = came.answer.asks();
            came.answer = came.client.answer(&asked.attempt, anew(&asked, new)).await;
        }
        came
    }

    async fn goes_on(&self, app: &TestApp, client: Client, first: Answer) -> Came {
        let mut came = Came { asked: Vec::new(), answer: first, client };
        for _ in 0..8 {
            if came.answer.status != 200 || came.answer.json()["state"] == "done" {
                break;
            }
            let asked = came.answer.asks();
            came.asked.push(word(&asked.ask));
            if asked.secrets().contains(&"new_password") {
                break;
            }
            let Some(body) = self.replies(app, &came, &asked.attempt, &asked.ask).await else { break };
            came.answer = came.client.answer(&asked.attempt, body.into()).await;
        }
        came
    }

    /// An answer to one of the things that are asked, a recovery code last; none where they have nothing for it.
    async fn replies(
        &self,
        app: &TestApp,
        came: &Came,
        attempt: &str,
        ask: &[Value],
    ) -> Option<Map<String, Value>> {
        let body = |name: &str, text: &str| Map::from_iter([(name.to_owned(), text.into())]);
        for entry in ask {
            match (entry["secret"].as_str()?, entry["channel"].as_str()) {
                ("password", _) if self.password.is_some() => return Some(body("password", self.password?)),
                ("hardcode", _) if self.card => return Some(body("hardcode", CARD)),
                ("passcode", Some("authenticator")) if !self.seeds.is_empty() => {
                    // A code is good once. Which of several apps it is of, nobody has to say.
                    app.pass(31 * SECOND);
                    return Some(body("passcode", &totp(self.seeds.last()?, app.clock.now())));
                }
                _ => {}
            }
        }
        let sent: Vec<&Value> = ask.iter().filter(|entry| entry["secret"] == "passcode").collect();
        let sent: Vec<&Value> = sent.into_iter().filter(|e| e["channel"] != "authenticator").collect();
        if !sent.is_empty() {
            let mut mail = self.fetched(app).await;
            for entry in sent {
                // What is under way already need not be sent again.
                if mail.is_none() && entry["length"].is_null() {
                    let device = entry["device"].as_str();
                    let to = device.map_or(json!({}), |device| json!({ "device": device }));
                    app.pass(MINUTE + SECOND);
                    came.client.send(attempt, to).await;
                    mail = self.fetched(app).await;
                }
            }
            if let Some(mail) = mail {
                return Some(body("passcode", mail.code()));
            }
        }
        let proven = came.asked.len() > 1;
        let code = self.code.as_ref().filter(|_| proven && ask.iter().any(|e| e["secret"] == "passcode"));
        code.map(|code| body("recovery_code", code))
    }

    /// The newest message with a code that came since, where they read.
    async fn fetched(&self, app: &TestApp) -> Option<Mail> {
        let carries = |mail: &Mail| mail.kind.carries_code() && self.reads.contains(&mail.to);
        app.mail().await.into_iter().rev().find(carries)
    }
}

/// Whatever the end of a recovery asks, all of it together.
pub fn anew(asked: &Asked, password: &str) -> Value {
    let of = |secret: &&str| if *secret == "new_password" { password } else { CARD };
    asked.secrets().iter().map(|secret| ((*secret).to_owned(), Value::from(of(secret)))).collect()
}

/// Sets what the recovery asks that an undo ends in.
pub async fn starts_anew(client: &Client, back: &Value, password: &str) {
    let attempt = back["attempt"]["attempt"].as_str().unwrap().to_owned();
    let ask = back["attempt"]["ask"].as_array().unwrap().clone();
    let asked = Asked { attempt, ask };
    client.answer(&asked.attempt, anew(&asked, password)).await.done();
}

/// What is asked, in a word: a fixed secret, or the ways that a passcode comes by.
fn word(ask: &[Value]) -> String {
    let one = |entry: &Value| match (entry["secret"].as_str(), entry["channel"].as_str()) {
        (Some("passcode"), Some(channel)) => channel.to_owned(),
        (secret, _) => secret.unwrap_or_default().to_owned(),
    };
    let mut words: Vec<String> = ask.iter().map(one).collect();
    words.dedup();
    words.join("|")
}

/// How far somebody came.
pub struct Came {
    /// What was asked, step by step.
    pub asked: Vec<String>,
    /// The last answer.
    pub answer: Answer,
    /// From where they came.
    pub client: Client,
}

impl std::fmt::Debug for Came {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "asked {:?}, then {} {}", self.asked, self.answer.status, self.answer.text)
    }
}

impl Came {
    /// Whether they are in.
    pub fn entered(&self) -> bool {
        self.answer.status == 200 && self.answer.json()["state"] == "done"
    }

    /// They are in, after exactly that was asked.
    #[track_caller]
    pub fn gets_in(self, asked: &[&str]) -> Person {
        assert_eq!(self.asked, asked, "{self:?}");
        Person::with(&self.client, self.answer.done())
    }

    /// They stand before what they do not have.
    #[track_caller]
    pub fn gets_stuck(self, asked: &[&str]) {
        assert_eq!(self.asked, asked, "{self:?}");
        assert!(!self.entered(), "{self:?}");
    }

    /// The ten recovery codes that came with it.
    #[track_caller]
    pub fn codes(&self) -> Vec<String> {
        codes(&self.answer.json()["recovery_codes"])
    }

    /// The account is recovered, after the code of that channel alone.
    #[track_caller]
    pub fn recovered(self, channel: &str) -> Value {
        assert_eq!(self.asked[0], channel, "{self:?}");
        assert!(self.asked.len() == 2 && self.asked[1].starts_with("new_password"), "{self:?}");
        let done = self.answer.done();
        assert!(done.access.is_empty(), "a recovery signs nobody in");
        self.answer.json()
    }
}

/// Recovery codes as an answer shows them; none where it shows none.
pub fn codes(shown: &Value) -> Vec<String> {
    let all = shown.as_array().into_iter().flatten();
    all.map(|code| code.as_str().unwrap().to_owned()).collect()
}
