//! The devices of the signed-in user.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answers::{Device, Gone, MadeDevice};
use super::body::field::Read;
use super::body::{self, Sent};
use super::caller::User;
use super::fail::{
    Fail, LastWayIn, NoCode, NotFound, ProofRequired, Sending, SignedIn, Taken, Trusted, Typing,
};
use super::{Tag, channel};
use crate::app::App;
use crate::auth::AuthError;
use crate::auth::devices::{self, add, confirm, replace};
use crate::auth::input::Client;
use crate::base::{DeviceId, Fault, Wrong, ids};

/// Only a UUID is an id (R140).
fn id(text: &str) -> Result<DeviceId, AuthError> {
    ids::uuid(text).map(DeviceId::from).ok_or(AuthError::NotFound)
}

/// An address is replaced by itself: its label goes along, and which is the first of its kind stays as it is.
fn alone(body: &Read) -> Result<(), AuthError> {
    let beside = [("label", body.text("label").is_some()), ("primary", body.flag("primary"))];
    let faults: Vec<Fault> = beside
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(field, _)| Fault::new(field, Wrong::NotTogether))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(AuthError::Faults(faults)) }
}

/// The devices of the signed-in user.
pub struct DeviceApi;

#[OpenApi(tag = "Tag::Devices")]
impl DeviceApi {
    /// List devices
    ///
    /// All of them, confirmed or not.
    #[oai(path = "/v1/me/devices", method = "get", operation_id = "devices")]
    async fn list(&self, app: Data<&Arc<App>>, user: User) -> Result<Json<Vec<Device>>, Fail<SignedIn>> {
        let caller = user.caller(&app).await?;
        let all = devices::list(&app, &caller).await?.into_iter();
        Ok(Json(all.map(|device| Device::new(&app.plan.devices, device)).collect()))
    }

    /// Add a device
    ///
    /// `kind` and the kind's own field; those of other kinds are refused. An address is sent a code; an authenticator
    /// comes with its seed and a QR code; both count once confirmed.
    #[oai(path = "/v1/me/devices", method = "post", operation_id = "add_device")]
    async fn add(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        body: Sent<body::NewDevice>,
    ) -> Result<MadeDevice, Fail<(Sending, Trusted, Taken)>> {
        let caller = user.caller(&app).await?;
        let kind = body.0.text("kind").unwrap_or_default();
        let added = add::add(&app, &client, &caller, kind, body.0.text("label"), &body.0.given()).await?;
        Ok(MadeDevice::Made(Json(Device::added(&app.plan.devices, added))))
    }

    /// Change a device
    ///
    /// Its label, whether it is the first of its kind, or its address: the answer is then the new device, which
    /// takes the place of the old one once it is confirmed; every address is told, and can take the change
    /// back for three days. An address that nobody confirmed yet is corrected in place, and sent a new code. What holds
    /// for the removal of a factor holds for its replacement.
    #[oai(path = "/v1/me/devices/:id", method = "patch", operation_id = "change_device")]
    async fn change(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        id: Path<String>,
        body: Sent<body::ChangeDevice>,
    ) -> Result<Json<Device>, Fail<(Sending, Trusted, NotFound, ProofRequired, Typing, Taken)>> {
        let caller = user.caller(&app).await?;
        let given = body.0.given();
        if !given.identifiers.is_empty() {
            alone(&body.0)?;
            let client = body.0.client(&client);
            let new = replace::replace(&app, &client, &caller, &self::id(&id)?, &given).await?;
            return Ok(Json(Device::new(&app.plan.devices, new)));
        }
        let (label, primary) = (body.0.text("label"), body.0.flag("primary"));
        let changed = devices::change(&app, &client, &caller, &self::id(&id)?, label, primary).await?;
        Ok(Json(Device::new(&app.plan.devices, changed)))
    }

    /// Remove a device
    ///
    /// Never the last way in. A factor, one that some flow asks for, goes only where it was shown lately, or one of the
    /// same class or a higher one that is older than three days, or with its own code or a recovery code in the body,
    /// which may be left out otherwise. For three days every address can take the removal back.
    #[oai(path = "/v1/me/devices/:id", method = "delete", operation_id = "remove_device")]
    async fn remove(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        id: Path<String>,
        body: Sent<body::RemoveDevice>,
    ) -> Result<Gone, Fail<(Sending, Trusted, NotFound, LastWayIn, ProofRequired, Typing)>> {
        let caller = user.caller(&app).await?;
        let client = body.0.client(&client);
        devices::remove(&app, &client, &caller, &self::id(&id)?, &body.0.given()).await?;
        Ok(Gone::NoContent)
    }

    /// Send the code of a device
    ///
    /// Of an unconfirmed one again, or by another way; of a confirmed one the code that its removal or replacement may
    /// ask for. A device that no message reaches, as an authenticator, is refused: `errors` says `not_reached`.
    #[oai(path = "/v1/me/devices/:id/send", method = "post", operation_id = "send_device_code")]
    async fn send(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        id: Path<String>,
        body: Sent<body::Send>,
    ) -> Result<Gone, Fail<(Sending, SignedIn, NotFound, NoCode)>> {
        let caller = user.caller(&app).await?;
        let channel = channel(&body.0)?;
        devices::send(&app, &client, &caller, &self::id(&id)?, channel).await?;
        Ok(Gone::NoContent)
    }

    /// Confirm a device
    ///
    /// By the code that was sent to it or that it shows.
    #[oai(path = "/v1/me/devices/:id/confirm", method = "post", operation_id = "confirm_device")]
    async fn confirm(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        id: Path<String>,
        body: Sent<body::Code>,
    ) -> Result<Json<Device>, Fail<(Sending, SignedIn, NotFound, Typing, NoCode)>> {
        let caller = user.caller(&app).await?;
        let code = body.0.secret("passcode").unwrap_or_default();
        let added = confirm::confirm(&app, &client, &caller, &self::id(&id)?, &code).await?;
        Ok(Json(Device::added(&app.plan.devices, added)))
    }
}
