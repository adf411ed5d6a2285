//! Signing keys, whatever the clock said when they were made: they are rotated by the age of the one that signs, once.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND, Steady};
use multauth::keys::Algorithm;
use multauth::server::Upkeep;
use multauth::settings::Span;

use super::FAR;
use crate::support::app::TestApp;

/// A turn of the upkeep, as far as keys are concerned.
async fn turn(app: &TestApp) {
    app.app.keys.reload().await.unwrap();
    let age = app.app.settings.keys.rotate_every.millis();
    app.app.keys.rotate_by_age(Algorithm::Es256, age).await.unwrap();
}

fn kids(app: &TestApp) -> Vec<String> {
    app.app.keys.keys().iter().map(|key| key.kid.clone()).collect()
}

#[tokio::test]
async fn a_key_of_the_future_stops_no_rotation_and_begins_no_storm() {
    for app in TestApp::each(|settings| settings.tokens.access_lifetime = Span(HOUR)).await {
        let first = app.app.keys.signer().unwrap().kid;
        app.pass(FAR);
        turn(&app).await;
        let ahead = kids(&app);
        assert_eq!(ahead.len(), 2, "{}: the clock says that it is time", app.database());
        app.pass(-FAR);
        for _ in 0..3 {
            turn(&app).await;
        }
        assert_eq!(kids(&app).len(), 2, "{}: none for the clock that went back", app.database());
        assert_eq!(app.app.keys.signer().unwrap().kid, first);
        app.pass(91 * DAY);
        for _ in 0..3 {
            turn(&app).await;
            app.pass(30 * SECOND);
        }
        let all = kids(&app);
        assert_eq!(all.len(), 3, "{}: one new key, and one alone", app.database());
        let new = all.iter().find(|kid| !ahead.contains(kid)).unwrap();
        assert_eq!(app.app.keys.signer().unwrap().kid, first, "{}: it is announced", app.database());
        app.pass(10 * MINUTE);
        turn(&app).await;
        assert_eq!(&app.app.keys.signer().unwrap().kid, new, "{}", app.database());
        app.pass(2 * HOUR);
        turn(&app).await;
        assert!(
            !kids(&app).contains(&first),
            "{}: the old one leaves when its last token has ended",
            app.database()
        );
        app.pass(91 * DAY);
        turn(&app).await;
        assert_eq!(kids(&app).len(), 3, "{}: and so on", app.database());
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_makes_no_key() {
    for app in TestApp::each(|_| ()).await {
        let first = kids(&app);
        for back in [HOUR, DAY, FAR] {
            app.pass(-back);
            turn(&app).await;
            assert_eq!(kids(&app), first, "{}", app.database());
            assert!(app.app.keys.signer().is_some());
        }
    }
}

/// Nothing but the clock says how old it is: it counts as made when the clock is believed.
#[tokio::test]
async fn the_first_key_of_a_clock_that_was_ahead_is_rotated_too() {
    for app in TestApp::each(|_| ()).await {
        let first = kids(&app);
        app.pass(-FAR);
        let mut upkeep = Upkeep::new(app.app.clone(), Steady::beside(&app.clock));
        for span in [SECOND, HOUR, HOUR] {
            app.pass(span);
            upkeep.turn().await.unwrap();
        }
        assert_eq!(kids(&app), first, "{}: it is a good one", app.database());
        app.pass(91 * DAY);
        upkeep.turn().await.unwrap();
        assert_eq!(kids(&app).len(), 2, "{}: it is old by now", app.database());
    }
}
