//! What a session stands on, and who comes with one.

use crate::base::Sensitive;
use crate::store::sessions::Session;

/// What was proven.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The flow's name.
    pub flow: String,
    /// The level.
    pub acr: String,
    /// The factors (RFC 8176).
    pub amr: Vec<String>,
}

/// Who calls with an access token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The live session.
    pub session: Session,
}

/// What a client carries after a sign-in.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token, a JWT.
    pub access_token: Sensitive,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    /// The refresh token; none after a re-authentication, which keeps the session's.
    pub refresh_token: Option<Sensitive>,
    /// The credential of this device, where it was not known before (R66).
    pub known_device: Option<Sensitive>,
    /// The recovery code that takes the place of the one that was used (R72).
    pub recovery_code: Option<Sensitive>,
    /// Recovery codes, where the account had none and a device above reach was shown: seen this once.
    pub recovery_codes: Vec<Sensitive>,
}

/// The factors that a session is of.
pub(super) fn amr(session: &Session) -> Vec<String> {
    session.amr.split(' ').filter(|m| !m.is_empty()).map(str::to_owned).collect()
}
