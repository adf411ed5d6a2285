//! The catalogue of failures: every code that a client can meet, with its status and what it means.

/// One documented failure.
#[derive(Debug, PartialEq, Eq)]
pub struct Case {
    /// The stable code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it means, in one sentence.
    pub title: &'static str,
}

/// The failures that an operation may answer with: one, or several in brackets.
pub trait Cases: Send + Sync + 'static {
    /// Their codes.
    fn codes() -> Vec<Code>;
}

macro_rules! several {
    ($($name:ident)*) => {
        impl<$($name: Cases),*> Cases for ($($name,)*) {
            fn codes() -> Vec<Code> {
                let lists: &[Vec<Code>] = &[$($name::codes()),*];
                lists.concat()
            }
        }
    };
}

several!();
several!(A B);
several!(A B C);
several!(A B C D);
several!(A B C D E);
several!(A B C D E F);
several!(A B C D E F G);
several!(A B C D E F G H);
several!(A B C D E F G H I);
several!(A B C D E F G H I J);

macro_rules! codes {
    ($($name:ident, $code:literal, $status:literal, $title:literal;)+) => {
        /// What went wrong. An unknown code does not compile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $name,)+
        }

        /// A type for each code, with which an operation says how it can fail.
        pub mod failures {
            $(
                #[doc = $title]
                pub struct $name;
                impl super::Cases for $name {
                    fn codes() -> Vec<super::Code> {
                        vec![super::Code::$name]
                    }
                }
            )+
        }

        /// Every failure, in the order of their statuses.
        pub const CASES: &[Case] = &[$(Case { code: $code, status: $status, title: $title },)+];
    };
}

codes! {
    InvalidRequest, "invalid_request", 400, "The request is not understood; `errors` names the fields.";
    NotAsked, "not_asked", 400, "Nothing was given that the attempt asks for.";
    WrongSecret, "wrong_secret", 401, "The secret is wrong.";
    InvalidToken, "invalid_token", 401, "The token or key is missing, wrong, over, or may not do this.";
    NoFlow, "no_flow", 403, "No configured flow is open to this user.";
    Refused, "refused", 403, "The installation refuses this; `detail` says why.";
    ReauthRequired, "reauth_required", 403, "A fresh authentication is needed first (`POST /v1/reauth`).";
    ProofRequired, "proof_required", 403, "A factor goes only where it is shown: its code in the request, a code of one of its class that is older than three days, or a recovery code.";
    NotFound, "not_found", 404, "There is no such thing.";
    AttemptGone, "attempt_gone", 404, "The attempt is unknown, over or was finished; begin again.";
    LinkDead, "link_dead", 404, "The link is unknown, over or was used.";
    MethodNotAllowed, "method_not_allowed", 405, "This method is not for this path.";
    Taken, "taken", 409, "Somebody has that identifier or value; `errors` names the field.";
    LastWayIn, "last_way_in", 409, "The last way into the account cannot be removed.";
    NoCode, "no_code", 409, "There is no live code; send a new one or begin again.";
    CodeUsed, "code_used", 410, "The code was used before.";
    CodeDead, "code_dead", 410, "The code has died of wrong guesses; begin again.";
    CodeOver, "code_over", 410, "The time of the code is over; send a new one or begin again.";
    TooLarge, "too_large", 413, "The request is too large.";
    UriTooLong, "uri_too_long", 414, "The request's address is too long.";
    UnsupportedMediaType, "unsupported_media_type", 415, "Send `application/json`.";
    TooMany, "too_many", 429, "Too many requests, messages or guesses; `Retry-After` says when to try again.";
    Internal, "internal", 500, "Something went wrong on our side.";
    Busy, "busy", 503, "The server has no time for this now; `Retry-After` says when to try again.";
}

impl Code {
    /// Its place in the catalogue.
    pub const fn case(self) -> &'static Case {
        &CASES[self as usize]
    }
}
