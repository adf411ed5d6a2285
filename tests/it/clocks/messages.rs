//! Messages that wait while the clock jumps.

use multauth::base::clock::{HOUR, Jumps, MINUTE, Steady};
use multauth::store::ahead;
use serde_json::json;

use super::FAR;
use crate::support::app::{TestApp, flows};

/// What was set ahead gives nothing up: the code leaves once the clock is right again. What really took as long does.
#[tokio::test]
async fn a_code_is_not_given_up_by_a_clock_that_was_just_set() {
    for app in TestApp::each(|settings| settings.flows = flows(&[&["email", "passcode"]])).await {
        let (clock, steady) = (app.app.clock.clone(), Steady::fixed());
        let mut worker = app.worker();
        worker.jumps = Jumps::new(clock.clone(), steady.clone());
        let client = app.client();
        client.post("/v1/signup", json!({ "email": "a@example.org" })).await.is(200);
        clock.advance(FAR);
        worker.drain().await.unwrap();
        clock.advance(-FAR);
        // As the upkeep does at its next turn.
        ahead::queues(&app.app.store, clock.now()).await.unwrap();
        ahead::leased(&app.app.store, app.app.agreement.last_lease()).await.unwrap();
        worker.drain().await.unwrap();
        assert_eq!(app.mail().await.len(), 1, "it leaves late, and it leaves");
        client.post("/v1/signup", json!({ "email": "b@example.org" })).await.is(200);
        for span in [HOUR, MINUTE] {
            clock.advance(span);
            steady.advance(span);
            worker.drain().await.unwrap();
        }
        assert_eq!(app.mail().await.len(), 0, "it is over");
    }
}
