//! A hook of one's own: who may sign up, and what their tokens say. Run it with settings of your own, or none:
//!   cargo run --example own_hook -- multauth.toml
//! A hook may also be a service that is called over HTTP: see [hooks.before_signup] in the settings, which says as well
//! how long this one may take (`timeout`) and what holds where it is too slow or panics (`when_down`).
use multauth::hooks::{Amend, Answer, Claims, Decision, Hook, Point, Signup, Tokens};

struct Club;

#[async_trait::async_trait]
impl Hook for Club {
    // Nobody has to answer everywhere: what is left out goes on.
    fn points(&self) -> &[Point] {
        &[Point::BeforeSignup, Point::BeforeTokens]
    }

    // Asked before a code is sent, whether or not somebody has that address already.
    async fn before_signup(&self, asked: &Signup) -> Answer<Amend> {
        let Some(email) = asked.identifiers.iter().find(|id| id.kind == "email") else {
            return Ok(Decision::allow());
        };
        if email.value.ends_with("@spam.example") {
            return Ok(Decision::refuse("This address cannot join the club."));
        }
        // The whole profile, as the user gave it, with one field changed; it is checked like theirs.
        let mut profile = asked.profile.clone();
        profile.insert("first_name".into(), "Member".into());
        Ok(Decision::Allow(Amend { profile: Some(profile), groups: Some(vec!["members".into()]) }))
    }

    // Asked at sign-up, sign-in, re-authentication and every refresh: what is said here is at most as old as the token.
    async fn before_tokens(&self, asked: &Tokens) -> Answer<Claims> {
        let mut claims = serde_json::Map::new();
        claims.insert("club".into(), asked.groups.contains(&"members".to_owned()).into());
        Ok(Decision::Allow(Claims { claims }))
    }
}

#[tokio::main]
async fn main() -> Result<(), multauth::server::RunError> {
    let mut server = multauth::Server::builder().hook(Club);
    if let Some(settings) = std::env::args().nth(1) {
        server = server.settings(settings);
    }
    server.serve().await
}
