//! What an own program adds to what is built in: kinds of providers, devices and secrets, and hooks.

use std::sync::Arc;

use crate::devices::{self, DeviceKind};
use crate::hooks::Hook;
use crate::providers::ProviderKind;
use crate::secrets::{self, SecretKind};

/// What an own program adds to the built-in kinds.
///
/// `Server::builder()` fills it: `examples/own_provider.rs`, `examples/own_device.rs` and `examples/own_secret.rs`.
#[derive(Clone, Default)]
pub struct Extensions {
    /// Kinds of providers.
    pub providers: Vec<ProviderKind>,
    /// Kinds of devices.
    pub devices: Vec<&'static dyn DeviceKind>,
    /// Kinds of secrets.
    pub secrets: Vec<&'static dyn SecretKind>,
    /// Hooks, in the order they are asked.
    pub hooks: Vec<Arc<dyn Hook>>,
}

impl Extensions {
    /// What is wrong with the kinds themselves, whatever the settings are: which kind, and why.
    pub fn mistakes(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for kind in &self.devices {
            let why = devices::contract::name(kind.name()).into_iter();
            let why =
                why.chain(devices::contract::capabilities(*kind)).chain(named_like_a_secret(kind.name()));
            found.extend(why.map(|why| (format!("device kind \"{}\"", kind.name()), why)));
            names.push(kind.name());
        }
        for kind in &self.secrets {
            let why = devices::contract::name(kind.name()).into_iter();
            let why = why.chain(secrets::contract(*kind)).chain(named_like_a_secret(kind.name()));
            found.extend(why.map(|why| (format!("secret kind \"{}\"", kind.name()), why)));
            names.push(kind.name());
        }
        for kind in &self.providers {
            if crate::providers::PROVIDERS.iter().any(|built_in| built_in.name == kind.name) {
                let why = "is built in; choose another name".to_owned();
                found.push((format!("provider kind \"{}\"", kind.name), why));
            }
        }
        let again = |at: usize| names[..at].contains(&names[at]);
        let twice = (0..names.len()).filter(|at| again(*at));
        found.extend(twice.map(|at| (format!("kind \"{}\"", names[at]), "is added twice".to_owned())));
        found
    }
}

/// Why a kind may not be called so: there is a built-in secret of that name.
pub(crate) fn named_like_a_secret(name: &str) -> Option<String> {
    let built_in = secrets::SECRETS.iter().any(|kind| kind.name() == name || kind.field() == name);
    built_in.then(|| format!("\"{name}\" is a built-in secret; choose another name"))
}
