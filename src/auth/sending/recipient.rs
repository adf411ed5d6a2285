//! Whom a message goes to, resolved once: every bound of sending asks here, and none reads the address again.

use super::counted::counted;
use crate::app::App;
use crate::base::{Channel, DeviceId, Sensitive};
use crate::devices::phone::Number;
use crate::store::devices::Device;

/// An address with what is asked of it on the way to it.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The device that has that address, where there is one.
    pub device: Option<DeviceId>,
    /// How messages leave.
    pub channel: Channel,
    /// Where they go: the stored address, never one that was only submitted (R10).
    pub address: String,
    /// The address in the one form that it is counted by (R44).
    pub counted: String,
    /// What its plan says of a phone number; none for mail, and for a number that no plan has.
    pub number: Option<Number>,
}

impl Recipient {
    /// A device that messages reach, or is to be one: its kind, its address as it is unique and as it is delivered to.
    pub fn new(app: &App, channel: Channel, kind: &str, (canonical, delivery): (&str, &str)) -> Self {
        // What is unique is what is counted, but for an own kind, which may have another idea of it.
        let counted = match kind {
            "email" | "phone" => canonical.to_owned(),
            _ => counted(app, channel, delivery),
        };
        Self { counted, ..Self::nobody(channel, delivery) }
    }

    /// A device of an account.
    pub fn of(app: &App, channel: Channel, device: &Device) -> Self {
        let delivery = device.delivery.as_deref().unwrap_or_default();
        let unique = device.canonical.as_deref().unwrap_or(delivery);
        let to = Self::new(app, channel, &device.kind, (unique, delivery));
        Self { device: Some(device.id.clone()), ..to }
    }

    /// Whatever an identifier says that nobody has: nothing is sent there, and all is asked as if it was (R16).
    pub fn nobody(channel: Channel, canonical: &str) -> Self {
        let (address, counted) = (canonical.to_owned(), canonical.to_owned());
        let number = if channel == Channel::Email { None } else { Number::read(canonical) };
        Self { device: None, channel, address, counted, number }
    }

    /// Whether messages to it go by phone, and cost money.
    pub fn is_by_phone(&self) -> bool {
        Channel::PHONE.contains(&self.channel)
    }

    /// Its country (ISO 3166-1 alpha-2, such as `PL`); empty for mail, and for a number of none.
    pub fn country(&self) -> &str {
        self.number.as_ref().map_or("", Number::country)
    }

    /// Whether it is texted at all (R46).
    pub fn is_texted(&self, app: &App) -> bool {
        self.number.as_ref().is_some_and(|number| number.sendable(&app.rules).is_ok())
    }

    /// The fixed code that it has in the sandbox now, where nothing is sent to it.
    pub fn fixed_code(&self, app: &App) -> Option<Sensitive> {
        app.plan.sandbox.code(&self.counted, app.now())
    }
}
