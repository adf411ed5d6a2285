use ipnet::IpNet;
use serde::Deserialize;

use crate::settings::form;

/// `[outbound]`: where webhooks and hooks may go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    /// Private networks that may be called; the public internet always may (R135).
    #[serde(deserialize_with = "form::networks")]
    pub networks: Vec<IpNet>,
    /// Whether `http://` will do, where the way is private.
    pub http: bool,
}
