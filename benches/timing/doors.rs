//! The doors that anybody may knock at with an identifier.

use multauth::base::TupleSpec;
use multauth::settings::{Confirm, Settings};

use super::Class;
use super::Class::{Costly, Disabled, Existing, Missing, MissingToo, Unconfirmed};

/// One request that names an identifier, or one that follows it.
pub struct Door {
    /// What it is called in the report.
    pub name: &'static str,
    /// The same in identifiers, which no two doors share.
    pub key: &'static str,
    /// The kind of identifier.
    pub kind: &'static str,
    /// Where it is.
    pub path: &'static str,
    /// What is posted for an address.
    pub body: fn(&str) -> String,
    /// The status that everybody is answered.
    pub status: u16,
    /// What is posted to the attempt that it begins, and the status of that: the answer that is measured then.
    pub then: Option<(&'static str, u16)>,
    /// Whose identifiers are sent, nobody's first.
    pub classes: &'static [Class],
}

/// How the server of some doors is set.
pub type Settle = fn(&mut Settings);

/// Every one, by the server that has it.
pub const SERVERS: [(Settle, &[Door]); 3] =
    [(settle, &DOORS), (settle_later, &[LATER]), (settle_free, &[FREE])];

/// The one whose time is all hashing.
const WRONG: Door = Door {
    name: "sign-in, wrong password",
    key: "wrong",
    kind: "email",
    path: "/v1/signin",
    body: |address| format!(r#"{{"email":"{address}","password":"nine herons over the weir"}}"#),
    status: 401,
    then: None,
    classes: &[Missing, MissingToo, Existing, Disabled, Unconfirmed, Costly],
};

const SIGNUP: Door = Door {
    name: "sign-up by email",
    key: "signup",
    kind: "email",
    path: "/v1/signup",
    body: |address| format!(r#"{{"email":"{address}","password":"nine herons over the weir"}}"#),
    status: 200,
    then: None,
    classes: &[Missing, MissingToo, Existing, Disabled, Unconfirmed],
};

/// Where the account is made at once, and the address confirmed later.
const LATER: Door = Door { name: "sign-up by email, confirmed later", key: "later", ..SIGNUP };

const DOORS: [Door; 7] = [
    Door {
        name: "sign-in, identifier alone",
        key: "name",
        kind: "email",
        path: "/v1/signin",
        body: |address| format!(r#"{{"email":"{address}"}}"#),
        status: 200,
        then: None,
        classes: &[Missing, MissingToo, Existing, Disabled, Unconfirmed],
    },
    WRONG,
    SIGNUP,
    Door {
        name: "recovery",
        key: "recovery",
        kind: "email",
        path: "/v1/recovery",
        body: |address| format!(r#"{{"email":"{address}"}}"#),
        status: 200,
        then: None,
        classes: &[Missing, MissingToo, Existing, Disabled, Unconfirmed],
    },
    Door {
        name: "recovery, wrong code",
        key: "code",
        kind: "email",
        path: "/v1/recovery",
        body: |address| format!(r#"{{"email":"{address}"}}"#),
        status: 200,
        then: Some((r#"{"passcode":"000000"}"#, 401)),
        classes: &[Missing, MissingToo, Existing, Disabled, Unconfirmed],
    },
    Door {
        name: "sign-in by phone, identifier alone",
        key: "0",
        kind: "phone",
        path: "/v1/signin",
        body: |number| format!(r#"{{"phone":"{number}"}}"#),
        status: 200,
        then: None,
        classes: &[Missing, MissingToo, Existing, Disabled, Unconfirmed],
    },
    Door {
        name: "sign-up by phone",
        key: "1",
        kind: "phone",
        path: "/v1/signup",
        body: |number| format!(r#"{{"phone":"{number}"}}"#),
        status: 200,
        then: None,
        classes: &[Missing, MissingToo, Existing, Disabled, Unconfirmed],
    },
];

/// Where looking up nobody costs nothing that a password costs: whoever has an account must be told apart.
const FREE: Door = Door {
    name: "sign-in, wrong password, nobody for nothing",
    key: "free",
    classes: &[Missing, MissingToo, Costly],
    ..WRONG
};

/// The flows that these doors lead to, and texts without limits.
fn settle(settings: &mut Settings) {
    let flow = |words: &[&str]| TupleSpec::Plain(words.iter().copied().map(str::to_owned).collect());
    settings.flows = vec![flow(&["email", "password", "passcode"]), flow(&["phone", "passcode"])];
    settings.phone.countries = vec!["PL".to_owned()];
    let spend = &mut settings.phone.spend;
    (spend.per_hour, spend.per_day, spend.country_per_hour, spend.country_per_day) = (0, 0, 0, 0);
    spend.conversion.sends = 0;
}

/// The same, and accounts whose address is confirmed after they are made.
fn settle_later(settings: &mut Settings) {
    settle(settings);
    settings.email.confirm = Confirm::After;
}

/// The same as [`settle`], and a hasher that spends next to nothing: for nobody, as accounts have the hashes of another.
fn settle_free(settings: &mut Settings) {
    settle(settings);
    (settings.password.memory_kib, settings.password.iterations) = (8, 1);
}
