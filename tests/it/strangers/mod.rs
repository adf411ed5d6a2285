//! Many strangers come first, each from a network of their own, and then the owner: nobody is locked out. A file a way
//! of coming in; what a network and a whole installation bound is at the end.
//!
//! | door | what strangers did | the owner, known device | the owner, new device |
//! | --- | --- | --- | --- |
//! | password | guessed until the stop | in at once | shows the long code first |
//! | app behind a password | guessed with a stolen password | in at once | shows the long code or a recovery code first |
//! | code by email | had codes sent without end | a code of their own | goes on by any mail |
//! | recovery | began without end | a code of their own | goes on by any mail |
//! | code by text | had codes sent without end | a code of their own | one within two hours |
//! | sign-up | signed up with the address | not concerned | not concerned |

mod adding;
mod answers;
mod apps;
mod beside;
mod crowd;
mod guessing;
mod inside;
mod known;
mod mails;
mod networks;
mod phones;
mod reads;
mod rows;
mod shapes;
mod siblings;
mod told;
mod verifications;

use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::client::{Answer, Client};
use crate::support::mailbox::Mail;

/// How many strangers there are.
pub const MANY: usize = 2_000;
/// The owner's address.
pub const EMAIL: &str = "ada@example.org";

/// Lets that many strangers call, some at once.
pub async fn come<F: Future<Output = Answer>>(app: &TestApp, many: usize, call: impl Fn(Client, usize) -> F) {
    for first in (0..many).step_by(25) {
        let some = (first..many.min(first + 25)).map(|n| call(app.client(), n));
        for answer in futures_util::future::join_all(some).await {
            assert!(answer.status < 500, "{answer:?}");
        }
    }
}

/// The built-in rates with these flows.
pub fn by(list: &'static [&'static [&'static str]]) -> impl Fn(&mut Settings) + Copy {
    move |settings| settings.flows = flows(list)
}

/// The factor rests: the problem tells when to come again, and what may be shown first.
#[track_caller]
pub fn rests(answer: &Answer) -> (String, Vec<String>) {
    let body = answer.json();
    assert_eq!((answer.status, &body["code"]), (429, &json!("too_many")), "{answer:?}");
    let names = body["ask"].as_array().unwrap_or_else(|| panic!("nothing may be shown first: {answer:?}"));
    let names = names.iter().map(|ask| ask["secret"].as_str().unwrap().to_owned()).collect();
    (body["attempt"].as_str().unwrap().to_owned(), names)
}

/// Has the long code sent, and shows it with what else is given.
pub async fn shows_first(app: &TestApp, client: &Client, attempt: &str, given: Value) -> Answer {
    app.mail().await;
    client.send(attempt, json!({ "secret": "unlock_code" })).await.is(200);
    let mail = app.code().await;
    assert!(mail.code().len() >= 13, "{mail:?}");
    let mut body = given;
    body["unlock_code"] = json!(mail.code());
    client.answer(attempt, body).await
}

/// Goes on by a mail, whoever caused it.
pub async fn goes_on(client: &Client, mail: &Mail, more: Value) -> Answer {
    let mut body = json!({ "key": mail.key(), "passcode": mail.code() });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.post("/v1/confirm", body).await
}
