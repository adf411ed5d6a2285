//! Receipts: what vendors report back about a message they took.

use async_trait::async_trait;
use poem::http::HeaderMap;

use crate::base::Millis;

/// A vendor's call to `/v1/receipts/{name}`, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Callback<'a> {
    /// The URL that the vendor called, as it knows it: the public URL, path and query.
    pub url: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
    /// When it came.
    pub now: Millis,
}

/// Reads callbacks of one vendor.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// The receipts in a callback, once it is shown to be the vendor's own.
    ///
    /// # Errors
    /// [`Untrusted`] where the signature is missing, wrong or too old; nothing of it is believed then.
    async fn read(&self, callback: &Callback<'_>) -> Result<Vec<Receipt>, Untrusted>;
}

/// The callback is not shown to come from the vendor; why, for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the callback is not believed: {0}")]
pub struct Untrusted(pub String);

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Our id of the message, where the vendor carries it back.
    pub message: Option<String>,
    /// The vendor's own name for it.
    pub reference: Option<String>,
    /// What became of it.
    pub fate: Fate,
    /// The vendor's code for a failure, such as `30003`; never its words.
    pub code: Option<String>,
}

/// What became of a message after the vendor took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Still on its way.
    Underway,
    /// It arrived.
    Delivered,
    /// It did not arrive this time; another way may do better.
    Failed,
    /// Nobody can be reached there: a hard bounce, an unknown or barred number.
    Unreachable,
}

impl Fate {
    /// Its name in the database and in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Underway => "underway",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
        }
    }
}
