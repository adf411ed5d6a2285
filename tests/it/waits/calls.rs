//! What is done to an account.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use multauth::auth::operator::reset;
use multauth::base::clock::SECOND;
use serde_json::{Value, json};

use crate::strangers::rests;
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::mailbox::wrong;
use crate::support::person::{PASSWORD, Person};
use crate::support::token::totp;

/// Something that is about to be done; gives the status of its answer.
pub struct Ready(pub BoxFuture<'static, u16>);

impl Ready {
    fn new(call: impl Future<Output = u16> + Send + 'static) -> Self {
        Self(call.boxed())
    }
}

/// Something to do.
pub struct Call {
    pub name: &'static str,
    pub ready: for<'a> fn(&'a mut Owner, &'a TestApp) -> BoxFuture<'a, Ready>,
}

/// Whose account it is.
pub struct Owner {
    person: Person,
    email: String,
    seed: String,
    codes: Vec<String>,
}

impl Owner {
    /// Somebody with a mailbox, an authenticator and recovery codes.
    pub async fn new(app: &TestApp) -> Self {
        let email = format!("{}@example.org", app.app.random.uuid());
        let mut person = app.signup(json!({ "email": email, "password": PASSWORD })).await;
        let added = person.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let [authenticator, seed] = ["id", "secret"].map(|field| added[field].as_str().unwrap().to_owned());
        person.client.confirm(&authenticator, &totp(&seed, app.clock.now())).await.is(200);
        app.pass(30 * SECOND);
        app.mail().await;
        let asked = person.client.reauth(json!({ "password": PASSWORD })).await.asks();
        let proven = person.client.passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
        person.client = person.client.bearing(&proven.access);
        app.pass(30 * SECOND);
        let made = person.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
        let codes = made["codes"].as_array().unwrap_or_else(|| panic!("{made}"));
        let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        app.mail().await;
        let owner = Self { person, email, seed, codes };
        owner.guessed_at(app).await;
        owner
    }

    /// Somebody guesses once at every code. Not at the password: who forgets that would wait there for all others who do.
    async fn guessed_at(&self, app: &TestApp) {
        let (client, attempt) = self.signing_in(app).await;
        client.passcode(&attempt, &wrong(&totp(&self.seed, app.clock.now()), 3)).await.wrong();
        let (client, attempt, code) = self.shows_the_mailbox(app).await;
        client.passcode(&attempt, &wrong(&code, 3)).await.wrong();
        let asked = self.person.client.reauth(json!({ "password": PASSWORD })).await.asks();
        let code = wrong(&totp(&self.seed, app.clock.now()), 3);
        self.person.client.passcode(&asked.attempt, &code).await.wrong();
    }

    /// An attempt to which a code is sent, and that code.
    async fn shows_the_mailbox(&self, app: &TestApp) -> (Client, String, String) {
        let client = app.client();
        let asked = client.signin(self.by(json!({}))).await.asks();
        client.send(&asked.attempt, json!({})).await.is(200);
        (client, asked.attempt, self.sent(app).await)
    }

    fn by(&self, more: Value) -> Value {
        let mut body = json!({ "email": self.email });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    async fn signing_in(&self, app: &TestApp) -> (Client, String) {
        let client = app.client();
        let asked = client.signin(self.by(json!({ "password": PASSWORD }))).await.asks();
        (client, asked.attempt)
    }

    /// The code of the mail that was sent last.
    async fn sent(&self, app: &TestApp) -> String {
        app.mail().await.into_iter().find(|mail| mail.to == self.email).unwrap().code().to_owned()
    }

    /// An attempt that has shown the mailbox, and sets a new password.
    async fn recovering(&self, app: &TestApp) -> (Client, String) {
        let client = app.client();
        let asked = client.recovery(self.by(json!({}))).await.asks();
        client.passcode(&asked.attempt, &self.sent(app).await).await.asks();
        (client, asked.attempt)
    }

    fn here(&self, app: &TestApp) -> Client {
        self.person.client.at(&app.base)
    }
}

fn status<E>(done: Result<(), E>) -> u16 {
    if done.is_ok() { 200 } else { 503 }
}

const WRONG: &str = "plum velvet 9 lamp";
/// Nothing is let in any more but behind a long code or a recovery code.
const RESTS: &str = "UPDATE guesses SET streak = 1000 WHERE factor = 'password'";
/// No address is its owner's own yet: whoever shows one clears the account.
const NOBODYS: &str = "UPDATE devices SET own = NULL";

/// What spends or sets the secrets of an account.
pub const CALLS: &[Call] = &[
    Call { name: "a recovery code", ready: |owner, app| recovery_code(owner, app).boxed() },
    Call {
        name: "a password and a recovery code",
        ready: |owner, app| password_and_a_recovery_code(owner, app).boxed(),
    },
    Call {
        name: "a recovery code before a password",
        ready: |owner, app| recovery_code_before_a_password(owner, app).boxed(),
    },
    Call { name: "a recovery", ready: |owner, app| recovery(owner, app).boxed() },
    Call { name: "a recovery that clears", ready: |owner, app| recovery_that_clears(owner, app).boxed() },
    Call { name: "a change of the password", ready: |owner, app| change_of_the_password(owner, app).boxed() },
    Call { name: "new recovery codes", ready: |owner, app| new_recovery_codes(owner, app).boxed() },
    Call { name: "a reset by the operator", ready: |owner, app| reset_by_the_operator(owner, app).boxed() },
    Call {
        name: "an unlock by the operator",
        ready: |owner, app| unlock_by_the_operator(owner, app).boxed(),
    },
    Call { name: "a username", ready: |owner, app| username(owner, app).boxed() },
    Call {
        name: "a recovery code from inside",
        ready: |owner, app| recovery_code_from_inside(owner, app).boxed(),
    },
];

async fn recovery_code(owner: &mut Owner, app: &TestApp) -> Ready {
    let (client, attempt) = owner.signing_in(app).await;
    let body = json!({ "recovery_code": owner.codes.pop() });
    Ready::new(async move { client.answer(&attempt, body).await.status })
}

async fn password_and_a_recovery_code(owner: &mut Owner, app: &TestApp) -> Ready {
    let code = owner.codes.pop();
    let body = owner.by(json!({ "password": PASSWORD, "recovery_code": code }));
    let client = app.client();
    Ready::new(async move { client.signin(body).await.status })
}

async fn recovery_code_before_a_password(owner: &mut Owner, app: &TestApp) -> Ready {
    app.client().signin(owner.by(json!({ "password": WRONG }))).await;
    app.rows().execute(RESTS).await;
    let client = app.client();
    let body = owner.by(json!({ "password": PASSWORD }));
    let (attempt, _) = rests(&client.signin(body).await);
    let body = json!({ "recovery_code": owner.codes.pop() });
    Ready::new(async move { client.answer(&attempt, body).await.status })
}

async fn recovery(owner: &Owner, app: &TestApp) -> Ready {
    let (client, attempt) = owner.recovering(app).await;
    let body = json!({ "new_password": PASSWORD });
    Ready::new(async move { client.answer(&attempt, body).await.status })
}

async fn recovery_that_clears(owner: &Owner, app: &TestApp) -> Ready {
    app.rows().execute(NOBODYS).await;
    let (client, attempt) = owner.recovering(app).await;
    let body = json!({ "new_password": PASSWORD });
    Ready::new(async move { client.answer(&attempt, body).await.status })
}

async fn change_of_the_password(owner: &Owner, app: &TestApp) -> Ready {
    let client = owner.here(app);
    let body = json!({ "password": PASSWORD, "new_password": WRONG });
    Ready::new(async move { client.put("/v1/me/password", body).await.status })
}

async fn new_recovery_codes(owner: &Owner, app: &TestApp) -> Ready {
    let client = owner.here(app);
    Ready::new(async move { client.post("/v1/me/recovery-codes", json!({})).await.status })
}

async fn reset_by_the_operator(owner: &Owner, app: &TestApp) -> Ready {
    let (app, user) = (app.app.clone(), owner.person.done.user.clone());
    let done = async move { status(reset::reset(&app, &user.as_str().into(), None, &[]).await.map(drop)) };
    Ready::new(done)
}

async fn unlock_by_the_operator(owner: &Owner, app: &TestApp) -> Ready {
    let (app, user) = (app.app.clone(), owner.person.done.user.clone());
    let done = async move { status(reset::unlock(&app, &user.as_str().into()).await) };
    Ready::new(done)
}

async fn username(owner: &Owner, app: &TestApp) -> Ready {
    let client = owner.here(app);
    let name = format!("u{}", app.app.random.uuid().replace('-', ""));
    let body = json!({ "kind": "username", "username": &name[..20] });
    Ready::new(async move { client.add(body).await.status })
}

async fn recovery_code_from_inside(owner: &mut Owner, app: &TestApp) -> Ready {
    let client = owner.here(app);
    let asked = client.reauth(json!({ "password": PASSWORD })).await.asks();
    let body = json!({ "recovery_code": owner.codes.pop() });
    Ready::new(async move { client.answer(&asked.attempt, body).await.status })
}
