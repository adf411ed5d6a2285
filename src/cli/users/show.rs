//! `multauth users show`

use serde_json::{Value, json};

use super::people;
use crate::auth::account::{Account, claims};
use crate::base::Millis;
use crate::cli::print::{Table, moment, moment_or_none, time};
use crate::devices::Kinds;
use crate::store::sessions::Session;
use crate::telemetry::text::plain;

/// A user for people.
pub fn text(kinds: &Kinds, (account, sessions): &(Account, Vec<Session>)) -> String {
    let user = &account.user;
    let since = |at: Option<Millis>| at.map_or("no".to_owned(), |at| format!("since {}", moment(at)));
    let (disabled, deleted) = (since(user.disabled_at), since(user.deleted_at));
    let groups = claims::groups(&user.group_names).join(", ");
    let mut table = Table::new(&["ID", "FLOW", "LEVEL", "NETWORK", "AGENT", "MADE", "ENDS"]);
    for s in sessions {
        let level = s.acr.rsplit(':').next().unwrap_or_default().to_owned();
        let (made, ends) = (moment(s.created_at), moment(s.expires_at));
        table.row([s.id.to_string(), s.flow.clone(), level, s.ip.clone(), s.agent.clone(), made, ends]);
    }
    format!(
        "user            {}\nmade            {}\nlast sign-in    {}\ndisabled        {disabled}\n\
         deleted         {deleted}\ngroups          {groups}\n\
         password        {}\nrecovery codes  {}\nprofile         {}\n\nDEVICES\n{}\nSESSIONS\n{table}",
        user.id,
        moment(user.created_at),
        moment_or_none(user.signed_in_at),
        if account.has_password() { "yes" } else { "no" },
        account.recovery.len(),
        plain(&user.profile),
        people::table(kinds, &account.devices),
    )
}

/// A user for machines.
pub fn value(kinds: &Kinds, (account, sessions): &(Account, Vec<Session>)) -> Value {
    let user = &account.user;
    let session = |s: &Session| {
        json!({
            "id": s.id, "flow": s.flow, "acr": s.acr, "network": s.ip, "agent": s.agent,
            "created_at": time(Some(s.created_at)), "expires_at": time(Some(s.expires_at)),
        })
    };
    json!({
        "id": user.id, "created_at": time(Some(user.created_at)), "signed_in_at": time(user.signed_in_at),
        "disabled_at": time(user.disabled_at), "deleted_at": time(user.deleted_at),
        "groups": claims::groups(&user.group_names), "password": account.has_password(),
        "secrets": account.hashes.keys().collect::<Vec<_>>(),
        "recovery_codes": account.recovery.len(),
        "profile": serde_json::from_str::<Value>(&user.profile).unwrap_or_default(),
        "devices": account.devices.iter().map(|device| people::value(kinds, device)).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
    })
}
