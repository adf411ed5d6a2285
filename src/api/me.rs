//! The signed-in user.

use std::borrow::Cow;
use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{Object, OpenApi};
use serde_json::{Map, Value};

use super::Tag;
use super::answers::Gone;
use super::body::bodies::named;
use super::body::{self, Sent};
use super::caller::User;
use super::fail::{Fail, NotFound, Sending, SignedIn, Taken, Trusted, WrongSecret};
use super::profile::Profile;
use crate::app::App;
use crate::auth::account::{Account, claims};
use crate::auth::devices::recovery_codes;
use crate::auth::input::Client;
use crate::auth::me::{self, secret};
use crate::base::clock::rfc3339;
use crate::devices::DeviceKind;

/// The signed-in user.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Me {
    /// The user's id.
    id: String,
    /// The profile.
    profile: Profile,
    /// The groups that it is in.
    groups: Vec<String>,
    /// Whether there is a password.
    has_password: bool,
    /// The secrets beside the password that are set.
    secrets: Option<Vec<String>>,
    /// How many recovery codes are left.
    recovery_codes: u64,
    /// When the account was made (RFC 3339).
    created_at: String,
    /// When it last signed in (RFC 3339).
    signed_in_at: Option<String>,
}

/// The signed-in user, and what they are called by: which identifiers there are, the settings say.
pub struct Called {
    me: Me,
    names: Map<String, Value>,
}

impl Called {
    fn of(app: &App, account: Account) -> Self {
        let primary = |kind: &'static dyn DeviceKind| {
            let mut devices: Vec<_> = account.of_kind(kind.name()).collect();
            devices.sort_by_key(|device| !device.is_primary);
            let shown = kind.readable(devices.first()?.delivery.as_deref()?);
            Some((kind.name().to_owned(), shown.into()))
        };
        let names = named(&app.plan.surface()).into_iter().filter_map(primary).collect();
        let own: Vec<_> = app.plan.secrets.own().map(|kind| kind.name().to_owned()).collect();
        let set = own.iter().filter(|kind| account.has_secret(kind)).cloned().collect();
        let me = Me {
            groups: claims::groups(&account.user.group_names),
            has_password: account.has_password(),
            secrets: (!own.is_empty()).then_some(set),
            recovery_codes: account.recovery.len() as u64,
            created_at: rfc3339(account.user.created_at),
            signed_in_at: account.user.signed_in_at.map(rfc3339),
            profile: Profile::shown(&app.plan.profile, &account.user.profile),
            id: account.user.id.into(),
        };
        Self { me, names }
    }
}

impl Type for Called {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Me::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        Me::schema_ref()
    }

    /// That of [`Me`]; [`super::document`] adds the identifiers.
    fn register(registry: &mut Registry) {
        Me::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Called {
    fn to_json(&self) -> Option<Value> {
        let mut shown = self.me.to_json()?;
        shown.as_object_mut()?.extend(self.names.clone());
        Some(shown)
    }
}

/// Ten codes, shown this once.
#[derive(Object)]
pub struct RecoveryCodes {
    /// Each works once, instead of a passcode.
    codes: Vec<String>,
}

/// The signed-in user.
pub struct MeApi;

#[OpenApi(tag = "Tag::Me")]
impl MeApi {
    /// Who am I
    ///
    /// The signed-in user, with the primary confirmed identifiers.
    #[oai(path = "/v1/me", method = "get", operation_id = "me")]
    async fn get(&self, app: Data<&Arc<App>>, user: User) -> Result<Json<Called>, Fail<SignedIn>> {
        let caller = user.caller(&app).await?;
        Ok(Json(Called::of(&app, me::get(&app, &caller).await?)))
    }

    /// Change the profile
    ///
    /// Only the fields that are given; `null` takes one away.
    #[oai(path = "/v1/me", method = "patch", operation_id = "change_me")]
    async fn change(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        body: Sent<body::ChangeMe>,
    ) -> Result<Json<Called>, Fail<(Sending, SignedIn, Taken)>> {
        let caller = user.caller(&app).await?;
        let changed = body.0.profile().cloned().unwrap_or_default();
        Ok(Json(Called::of(&app, me::change_profile(&app, &client, &caller, &changed).await?)))
    }

    /// Delete the account
    ///
    /// Its sessions end at once, and nobody signs in to it any more. The operator can bring it back until the grace
    /// period of the installation is over; then nothing personal is left of it. It needs a fresh authentication.
    #[oai(path = "/v1/me", method = "delete", operation_id = "delete_me")]
    async fn delete(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
    ) -> Result<Gone, Fail<Trusted>> {
        let caller = user.caller(&app).await?;
        me::delete(&app, &client, &caller).await?;
        Ok(Gone::NoContent)
    }

    /// Change the password
    ///
    /// Or set the first one. All other sessions end.
    #[oai(path = "/v1/me/password", method = "put", operation_id = "change_password")]
    async fn password(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        body: Sent<body::ChangePassword>,
    ) -> Result<Gone, Fail<(Sending, Trusted, WrongSecret)>> {
        let caller = user.caller(&app).await?;
        let (current, chosen) =
            (body.0.secret("password"), body.0.secret("new_password").unwrap_or_default());
        secret::change_password(&app, &client, &caller, current.as_ref(), &chosen).await?;
        Ok(Gone::NoContent)
    }

    /// Set or change a secret of your own
    ///
    /// One that the operator's program adds beside the password. It needs a fresh authentication and, where there
    /// is one already, the current secret. All other sessions end.
    #[oai(path = "/v1/me/secrets/:secret", method = "put", operation_id = "change_secret")]
    async fn secret(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        secret: Path<String>,
        body: Sent<body::ChangeSecret>,
    ) -> Result<Gone, Fail<(Sending, Trusted, WrongSecret, NotFound)>> {
        let caller = user.caller(&app).await?;
        let (current, chosen) = (body.0.secret("current"), body.0.secret("new").unwrap_or_default());
        secret::change_own(&app, &client, &caller, &secret, current.as_ref(), &chosen).await?;
        Ok(Gone::NoContent)
    }

    /// Make recovery codes
    ///
    /// Ten new ones; earlier ones are dead. Every address is told, and can take it back for three days.
    #[oai(path = "/v1/me/recovery-codes", method = "post", operation_id = "make_recovery_codes")]
    async fn recovery_codes(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
    ) -> Result<Json<RecoveryCodes>, Fail<Trusted>> {
        let caller = user.caller(&app).await?;
        let codes = recovery_codes::make(&app, &client, &caller).await?;
        Ok(Json(RecoveryCodes { codes: codes.iter().map(|code| code.expose().to_owned()).collect() }))
    }
}
