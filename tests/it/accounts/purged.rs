//! What an instance does by itself.

use multauth::auth::operator;
use multauth::base::clock::{DAY, SECOND};

use crate::support::raw::Call;
use crate::support::server::Server;
use crate::support::until;

#[tokio::test]
async fn an_account_whose_grace_is_over_is_purged_by_an_instance_that_runs() {
    for server in Server::on_each(|_| {}).await {
        let (ada, bob) = (server.user("ada.lovelace").await, server.user("bob.dylan").await);
        let left = async |user: &str| operator::show(&server.app, &user.into()).await.is_ok();
        server.clock.advance(SECOND);
        let deleted = server.call(Call::new("DELETE", "/v1/me").bearer(&bob.access)).await;
        assert_eq!(deleted.status, 204);
        server.clock.advance(DAY);
        operator::delete(&server.app, &ada.user.as_str().into()).await.unwrap();
        server.clock.advance(6 * DAY + 1);
        let _another = server.again().await;
        until("a turn of the upkeep", 40, async || !left(&bob.user).await).await;
        assert!(left(&ada.user).await, "{}: six days are not seven", server.name());
        server.clock.advance(DAY);
        let _another = server.again().await;
        until("a turn of the upkeep", 40, async || !left(&ada.user).await).await;
    }
}
