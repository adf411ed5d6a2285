//! What a sign-up leads to: asked of the hooks once an address is proven, before the account is made.

use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::draft::{Draft, DraftDevice};
use crate::app::App;
use crate::auth::account::claims::Holder;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::sessions::basis::Basis;
use crate::auth::sessions::hooks::{self, Bearer};
use crate::auth::sessions::open;
use crate::base::{Channel, Purpose};
use crate::hooks::Point;
use crate::store::Tx;
use crate::store::attempts::{self, Attempt};

/// The session that a sign-up is about to open, and whom its tokens are for.
pub struct FirstSession {
    /// The session.
    pub opened: open::Opened,
    /// Whom its tokens are for.
    pub holder: Holder,
}

/// What a sign-up leads to, after the hooks were asked; nothing where accounts wait for the operator. `proven` is the
/// address that was: hooks are told of no other that might be somebody else's.
///
/// # Errors
/// [`AuthError::Refused`].
pub async fn ask(
    app: &App,
    client: &Client,
    draft: &Draft,
    proven: Option<&DraftDevice>,
    basis: &Basis,
) -> Result<Option<FirstSession>> {
    if !app.settings.user.active {
        return Ok(None);
    }
    let opened = open::open(app, client, &draft.user, basis)?;
    let mut more = Map::new();
    if app.hooks.listen(Point::BeforeTokens) {
        let whose = (&draft.user, &opened.session.id);
        let bearer = bearer(app, draft, proven);
        more = hooks::before_tokens(app, Purpose::Signup.name(), whose, basis, bearer).await?;
    }
    let holder = Holder { groups: draft.group_names(), profile: draft.profile.clone(), more };
    Ok(Some(FirstSession { opened, holder }))
}

/// An address that was proven, and how its code came.
pub struct Proven {
    /// The address.
    pub device: DraftDevice,
    /// The channel.
    pub channel: Channel,
}

/// A proven address as the attempt's row keeps it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    kind: String,
    channel: Channel,
}

/// Notes in the attempt that an address was proven; gives what stands there then.
pub async fn note(tx: &mut Tx, attempt: &Attempt, proven: &Proven) -> Result<String> {
    let kept = Kept { kind: proven.device.kind.clone(), channel: proven.channel };
    let passed = serde_json::to_string(&kept).map_err(|error| AuthError::Internal(error.to_string()))?;
    if attempts::pass(tx, &attempt.id, &attempt.passed, &passed).await?.is_no() {
        return Err(AuthError::AttemptGone);
    }
    Ok(passed)
}

/// The address that was proven before, where a hook refused what comes after.
pub fn noted(attempt: &Attempt, draft: &Draft) -> Option<Proven> {
    let Kept { kind, channel } = serde_json::from_str(&attempt.passed).ok()?;
    let device = draft.to_prove().find(|device| device.kind == kind)?.clone();
    Some(Proven { device, channel })
}

/// Whom the account that a draft makes stands for; `proven` is the address that was.
fn bearer(app: &App, draft: &Draft, proven: Option<&DraftDevice>) -> Bearer {
    Bearer {
        groups: draft.groups.clone(),
        profile: draft.profile.clone(),
        identifiers: draft.counting(app, proven),
    }
}
