//! The providers, and the API document, against what others wrote: real servers, mocks that hold a call to its
//! vendor's own document, and generators of clients.

mod aws;
mod clients;
mod lookup;
mod sendgrid;
mod smtp;
mod twilio;
mod twilio_verify;
mod vonage;

use std::sync::Arc;

use multauth::messages::{Catalogue, Channel, Context, Kind, Message, Sender};
use multauth::providers::{Configured, Provider, Site};
use multauth::startup;

/// The provider of these settings, an inline table as an operator writes it.
pub fn provider(channels: &[Channel], settings: &str) -> Arc<dyn Provider> {
    startup::choose_cryptography();
    let public_url = "https://id.example.com".parse().unwrap();
    let site = Site { public_url, from: "no-reply@example.com".into(), production: true };
    let entry = Configured::read(&table(settings), "providers[0]", channels, &site, &[]);
    entry.unwrap_or_else(|mistakes| panic!("{mistakes:?}")).provider
}

/// An inline table.
fn table(settings: &str) -> toml::Table {
    let table: toml::Table = toml::from_str(&format!("it = {settings}")).unwrap();
    table["it"].as_table().unwrap().clone()
}

/// A message with the code 305118.
pub fn message(id: &str, kind: Kind, channel: Channel, to: &str) -> Message {
    let public_url = "https://id.example.com".parse().unwrap();
    let catalogue = Catalogue::load(Sender { service: "Acmé".into(), public_url, contact: None }).unwrap();
    let rendered = catalogue.render(kind, channel, catalogue.fallback(), &Context::sample(kind)).unwrap();
    Message::new(id, 1_772_359_200_000, channel, to, kind, rendered)
}

/// The status that a mock answers a form with; what a request should not be shows that it looks.
async fn status(url: &str, login: Option<&str>, form: &[(&str, &str)]) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(url).form(form);
    if let Some(user) = login {
        request = request.basic_auth(user, Some("s3cret"));
    }
    request.send().await.unwrap().status().as_u16()
}
