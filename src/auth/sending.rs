//! What bounds sending: rates by address, client and block of numbers, the countries that are served, money, and
//! the conversion of a prefix (R44–R47).

use super::challenge::Order;
use super::conversion;
use super::error::{AuthError, Result};
use super::input::Client;
use super::spend::{self, Parcel, Terms};
use crate::app::App;
use crate::devices::{self, phone};
use crate::messages::Channel;
use crate::throttle::{Keys, block};

/// What may leave of an order now.
///
/// # Errors
/// [`AuthError::TooMany`] where the address, the network or the installation had enough messages.
pub async fn limit(app: &App, client: &Client, order: &Order) -> Result<Parcel> {
    if app.sandbox.code(&counted(app, order), app.now()).is_some() {
        // It is sent to nobody.
        return Ok(order.parcel);
    }
    let address = app.subject(&["address", &counted(app, order), &order.counted_as]);
    let told = order.identifier.as_deref().unwrap_or(&address);
    let keys = Keys { ip: Some(client.ip), address: Some(told), ..Keys::default() };
    let now = app.now();
    app.throttle.peek("send", now, &keys).await?;
    let by_phone = limit_phone(app, order, &keys).await;
    if order.identifier.is_none() {
        by_phone?;
        app.throttle.check("send", now, &keys).await?;
        return Ok(order.parcel);
    }
    app.throttle.check("send", now, &keys).await?;
    let keys = Keys { address: Some(&address), ..Keys::default() };
    let by_address = app.throttle.check("send", now, &keys).await;
    Ok(if by_phone.is_ok() && by_address.is_ok() { order.parcel } else { Parcel::Nothing })
}

async fn limit_phone(app: &App, order: &Order, keys: &Keys<'_>) -> Result<()> {
    if !Channel::PHONE.contains(&order.channel) {
        return Ok(());
    }
    if phone::sendable(&order.address, &app.rules).is_err() {
        return Err(AuthError::TooMany { retry_after: 60 });
    }
    spend::peek(app, &order.address).await?;
    conversion::check(app, &order.address).await?;
    let block = app.subject(&["block", block(&order.address)]);
    Ok(app.throttle.check("send_phone", app.now(), &Keys { block: Some(&block), ..*keys }).await?)
}

/// What it means for an order that no message may leave.
pub fn terms(order: &Order) -> Terms {
    if order.identifier.is_some() { Terms::Silent } else { Terms::Told }
}

/// The address in the one form that is counted: other capitals are no other mailbox (R44).
pub fn counted(app: &App, order: &Order) -> String {
    let kind = app.devices.kind(if order.channel == Channel::Email { "email" } else { "phone" });
    let canonical = kind.and_then(|kind| devices::read(kind, &order.address, &app.rules).ok());
    canonical.map_or_else(|| order.address.clone(), |address| address.canonical)
}
