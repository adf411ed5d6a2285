//! People who live with the program while something happens to it: they sign up, refresh, look at themselves; and what
//! watches it, a load balancer and whoever verifies tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use super::ledger::Ledger;
use super::load::{Caller, Calls};
use super::site::Site;
use super::table::Seen;
use crate::support::person::PASSWORD;

/// How long a client waits until it asks again for what failed; clients of an API do not wait for minutes.
const AGAIN: Duration = Duration::from_millis(300);
/// How long a client gives a call: longer than anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Some people, under way until [`Crowd::leaves`].
pub struct Crowd {
    pub calls: Calls,
    /// What else signs up while they are there is noted too.
    pub ledger: Arc<Ledger>,
    caller: Caller,
    site: Arc<Site>,
    stops: Arc<AtomicBool>,
    members: Vec<JoinHandle<Member>>,
    others: Vec<JoinHandle<()>>,
}

/// Somebody with a session.
pub struct Member {
    access: String,
    /// The last refresh token that was answered.
    refresh: String,
    /// A refresh was answered by anything but a new pair or a 503.
    refused: bool,
}

impl Crowd {
    /// Signs `size` people up and lets them go on; beside them others sign up without end.
    pub async fn gathers(site: &Arc<Site>, size: usize) -> Self {
        let caller = site.caller(PATIENCE);
        let ledger = Arc::new(Ledger::open(site.folder.path()));
        let (stops, signed) = (Arc::new(AtomicBool::default()), Arc::new(AtomicUsize::default()));
        let mut members = Vec::new();
        for n in 0..size {
            let member =
                signs_up(&caller, &ledger, &format!("member{n}")).await.expect("it is well at first");
            members.push(tokio::spawn(lives(member, caller.clone(), stops.clone())));
        }
        let mut others = Vec::new();
        for n in 0..4 {
            let (site, caller, ledger) = (site.clone(), caller.clone(), ledger.clone());
            let (stops, signed) = (stops.clone(), signed.clone());
            others.push(tokio::spawn(async move {
                while !stops.load(Relaxed) {
                    let name = format!("late{}", signed.fetch_add(1, Relaxed));
                    if n == 0 {
                        signs_up_by_email(&site, &caller, &ledger, &format!("{name}@example.org")).await;
                    } else {
                        signs_up(&caller, &ledger, &name).await;
                    }
                    tokio::time::sleep(Duration::from_millis(400)).await;
                }
            }));
        }
        for (what, path) in
            [("readyz", "/readyz"), ("healthz", "/healthz"), ("jwks", "/.well-known/jwks.json")]
        {
            others.push(tokio::spawn(watches(caller.clone(), what, path, stops.clone())));
        }
        Self { calls: caller.calls(), caller, site: site.clone(), ledger, stops, members, others }
    }

    /// Everybody ends what they are at. Whoever had a session must still have it, whatever was acknowledged must be
    /// there, and the invariants must hold.
    pub async fn leaves(self, seen: &mut Seen) {
        self.stops.store(true, Relaxed);
        for other in self.others {
            other.await.unwrap();
        }
        let (mut alive, mut all) = (0, 0);
        for member in self.members {
            let member = member.await.unwrap();
            all += 1;
            alive += usize::from(!member.refused && refreshes(&self.caller.apart(), &member.refresh).await);
        }
        seen.figure(format!("{} calls", self.calls.of(|_| true).len()));
        seen.figure(format!("sessions alive {alive} of {all}"));
        seen.must(alive == all, format!("{} of {all} sessions did not live through it", all - alive));
        self.ledger.compare(&self.site.database, seen).await;
        self.site.ends_well(seen);
    }
}

/// A sign-up in one call.
async fn signs_up(caller: &Caller, ledger: &Ledger, name: &str) -> Option<Member> {
    ledger.sent(name);
    let said = caller.post("signup", "/v1/signup", json!({ "username": name, "password": PASSWORD })).await;
    if !said.is(200) {
        return None;
    }
    ledger.acked(name);
    Some(Member { access: said.field("access_token"), refresh: said.field("refresh_token"), refused: false })
}

/// A sign-up whose address is proven by the code that was sent.
async fn signs_up_by_email(site: &Site, caller: &Caller, ledger: &Ledger, email: &str) -> Option<()> {
    ledger.sent(email);
    let said = caller.post("signup", "/v1/signup", json!({ "email": email })).await;
    let attempt = said.is(200).then(|| said.field("attempt"))?;
    let code = site.code(email, Duration::from_secs(2)).await?;
    let said = caller.post("answer", &format!("/v1/attempts/{attempt}"), json!({ "passcode": code })).await;
    if said.is(200) {
        ledger.acked(email);
    }
    Some(())
}

/// Refreshes and looks at themselves, again and again. What is answered by a 503, or not at all, is asked again with
/// the same token.
async fn lives(mut member: Member, caller: Caller, stops: Arc<AtomicBool>) -> Member {
    while !stops.load(Relaxed) && !member.refused {
        let said = caller.post("refresh", "/v1/token", json!({ "refresh_token": member.refresh })).await;
        match said.status {
            Some(200) => {
                member.access = said.field("access_token");
                member.refresh = said.field("refresh_token");
                caller.get("me", "/v1/me", Some(&member.access)).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            None | Some(503) => tokio::time::sleep(AGAIN).await,
            Some(_) => member.refused = true,
        }
    }
    member
}

async fn refreshes(caller: &Caller, token: &str) -> bool {
    caller.post("refresh", "/v1/token", json!({ "refresh_token": token })).await.is(200)
}

async fn watches(caller: Caller, what: &'static str, path: &'static str, stops: Arc<AtomicBool>) {
    while !stops.load(Relaxed) {
        caller.get(what, path, None).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The access token of somebody new.
pub async fn token(site: &Site) -> String {
    let body = json!({ "username": "somebody", "password": PASSWORD });
    let said = site.caller(PATIENCE).post("signup", "/v1/signup", body).await;
    assert!(said.is(200), "{said:?}");
    said.field("access_token")
}
