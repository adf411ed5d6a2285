//! The code of a sign-up: to which address it goes, and what is asked while it is on its way.

use super::draft::{Draft, DraftDevice};
use super::offer::left;
use crate::app::App;
use crate::auth::account::profile;
use crate::auth::ask::{Ask, Asking};
use crate::auth::attempts::progress::Progress;
use crate::auth::attempts::withheld::Withheld;
use crate::auth::codes::dispatch::dispatch;
use crate::auth::codes::send;
use crate::auth::codes::shown::with_challenge;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::Subject;
use crate::auth::input::Client;
use crate::auth::sending::language;
use crate::auth::sending::order::Order;
use crate::auth::sending::recipient::Recipient;
use crate::base::clock::seconds_until;
use crate::base::{Channel, Purpose, Sensitive};
use crate::devices as kinds;
use crate::store::attempts::Attempt;
use crate::store::{Tx, challenges};

/// The code to the first address that has to be proven; none while the profile is asked for, so that nothing but the
/// account stands behind a code.
pub(super) async fn first_code(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    draft: &Draft,
) -> Result<Option<send::Ready>> {
    let lacking = !draft.lacking(app).is_empty();
    let withheld = Withheld::read(attempt.ways.as_deref())?;
    let Some(device) = left(app, &withheld, draft).next().filter(|_| !lacking) else { return Ok(None) };
    let order = order(app, client, attempt, draft, device, None).await?;
    Ok(send::prepare(app, client, &order).await.ok())
}

pub(super) async fn queue(
    app: &App,
    client: &Client,
    tx: &mut Tx,
    ready: Option<&send::Ready>,
) -> Result<()> {
    let Some(ready) = ready else { return Ok(()) };
    match send::write(app, tx, ready).await {
        Ok(sent) => Ok(app.events.write(tx, app.now(), &client.source(), &[sent]).await?),
        // The last message went to somebody else meanwhile, or the code is there already: this one may be asked
        // for later.
        Err(AuthError::NoCode | AuthError::TooMany { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Sends the code of a sign-up, again or to the other address.
pub async fn send(
    app: &App,
    client: &Client,
    attempt: Attempt,
    handle: &Sensitive,
    device: Option<&str>,
    channel: Option<Channel>,
) -> Result<Progress> {
    let draft = Draft::open(app, &attempt)?;
    if !draft.lacking(app).is_empty() {
        return Err(AuthError::NotAsked("profile".into()));
    }
    let withheld = Withheld::read(attempt.ways.as_deref())?;
    let fits = |d: &&DraftDevice| {
        let able = withheld.reaching(app, &d.kind, &d.delivery);
        let by_channel = channel.is_none_or(|wanted| able.contains(&wanted));
        device.is_none_or(|kind| kind == d.kind) && by_channel
    };
    let target = left(app, &withheld, &draft).find(fits).ok_or(AuthError::NotFound)?;
    dispatch(app, client, &order(app, client, &attempt, &draft, target, channel).await?).await?;
    asking(app, client, &attempt, handle, &draft).await
}

async fn order(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    draft: &Draft,
    device: &DraftDevice,
    channel: Option<Channel>,
) -> Result<Order> {
    let withheld = Withheld::read(attempt.ways.as_deref())?;
    let usual = withheld.reaching(app, &device.kind, &device.delivery).first().copied();
    let subject = Subject::new(
        app,
        (client, Purpose::Signup),
        None,
        None,
        (&device.kind, &device.canonical),
        "passcode",
    );
    let channel = channel.or(usual).unwrap_or(Channel::Email);
    let to = Recipient::new(app, channel, &device.kind, (&device.canonical, &device.delivery));
    Ok(Order {
        parcel: device.parcel(),
        or_notice: true,
        long: subject.exhausted(app).await?,
        // The id of the account to be: whoever purges it finds all that led to it.
        user: Some(draft.user.clone()),
        subject: subject.name().to_owned(),
        language: device.reads(&draft.profile),
        ..Order::new(Purpose::Signup, (attempt.scope(), device.kind.clone()), attempt.expires_at, to)
    })
}

/// What a sign-up asks: what its profile lacks, then the code of any address that has to be proven.
pub(super) async fn asking(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    handle: &Sensitive,
    draft: &Draft,
) -> Result<Progress> {
    let lacking = draft.lacking(app);
    let sent = challenges::in_scope(&mut app.store.read().await?, &attempt.scope()).await?;
    let withheld = Withheld::read(attempt.ways.as_deref())?;
    let entry = |device: &DraftDevice| {
        let channels = withheld.reaching(app, &device.kind, &device.delivery);
        let ask = Ask {
            device: Some(device.kind.clone()),
            channel: channels.first().map(|c| c.name().to_owned()),
            to: app
                .plan
                .devices
                .kind(&device.kind)
                .map(|kind| kinds::shown(kind, &device.delivery, &app.rules)),
            channels: channels.iter().map(|c| c.name().to_owned()).collect(),
            ..Ask::plain("passcode")
        };
        with_challenge(app, ask, sent.iter().find(|c| c.target == device.kind))
    };
    let ask = if lacking.is_empty() {
        left(app, &withheld, draft).map(entry).collect()
    } else {
        vec![profile::ask(app, client, language::wished(&draft.profile).as_deref(), &lacking)]
    };
    Ok(Progress::Ask(Asking {
        attempt: handle.clone(),
        purpose: Purpose::Signup,
        expires_in: seconds_until(app.now(), attempt.expires_at),
        ask,
    }))
}
