//! A provider of one's own: carrier pigeons, written down in a file. Run it with settings that name it:
//!   [phone]
//!   providers = [{ kind = "pigeon", loft = "pigeons.txt" }]
use multauth::messages::{Channel, Message};
use multauth::providers::{Outcome, Provider, ProviderKind, Spec};

const PIGEON: ProviderKind = ProviderKind {
    name: "pigeon",
    channels: &[Channel::Sms],
    development_only: false,
    example: r#"{ kind = "pigeon", loft = "pigeons.txt" }"#,
    build: |spec: &Spec<'_>| Ok(Box::new(spec.read::<Pigeon>()?)),
};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Pigeon {
    loft: std::path::PathBuf,
}

#[async_trait::async_trait]
impl Provider for Pigeon {
    async fn send(&self, message: &Message) -> Outcome {
        let note = format!("{}: {}", message.to, message.text.expose());
        match tokio::fs::write(&self.loft, note).await {
            Ok(()) => Outcome::Delivered { reference: None },
            Err(_) => Outcome::retry("the loft is closed"),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), multauth::server::RunError> {
    let settings = std::env::args().nth(1).unwrap_or_else(|| "multauth.toml".into());
    multauth::Server::builder().settings(settings).provider(PIGEON).serve().await
}
