//! What a sign-up offers: the addresses that a code can reach by the channels that hooks leave.

use crate::app::App;
use crate::auth::attempts::withheld::{Withheld, question};
use crate::auth::error::Result;
use crate::auth::input::Client;
use crate::auth::signup::draft::{Draft, DraftDevice};
use crate::base::Purpose;
use crate::hooks::{Identifier, Point};

/// Asks what a sign-up does not offer.
pub async fn of_signup(app: &App, client: &Client, identifiers: Vec<Identifier>) -> Result<Withheld> {
    if !app.hooks.listen(Point::Ways) {
        return Ok(Withheld::default());
    }
    let without = app.hooks.ways(&question(app, client, Purpose::Signup, identifiers, None)).await?;
    Ok(Withheld { without, begun: true, known: false })
}

/// The addresses to prove that a code can reach by the channels that are left.
pub fn left<'d>(
    app: &'d App,
    withheld: &'d Withheld,
    draft: &'d Draft,
) -> impl Iterator<Item = &'d DraftDevice> {
    let reached = move |d: &&DraftDevice| {
        withheld.leaves_channels() || !withheld.reaching(app, &d.kind, &d.delivery).is_empty()
    };
    draft.to_prove().filter(reached)
}
