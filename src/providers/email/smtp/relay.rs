//! Connections to one mail server, kept open between messages.
//!
//! They are kept here and not in lettre's own pool: that one takes a connection back also when a time-out cut a
//! message short, and the next message would then read the answers to the one before.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::time::{Instant, timeout};

use super::super::letter::Letter;

/// The longest wait for a TCP connection, and for a kept one to answer (R147).
const CONNECT: Duration = Duration::from_secs(2);
/// How long an idle connection is kept; servers close theirs after some minutes.
const IDLE: Duration = Duration::from_secs(30);
/// How many idle connections are kept.
const KEPT: usize = 8;

/// How the connection is protected.
pub(super) enum Security {
    /// Upgraded before anything is said; without the offer nothing is sent (RFC 3207).
    StartTls(TlsParameters),
    /// TLS from the first byte (RFC 8314).
    Tls(TlsParameters),
    /// Plain text.
    None,
}

/// Why a message did not get through, and where.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server was not reached, not trusted, or did not let us in.
    Connecting(Error),
    /// It has no extension that the message needs.
    Unfit(Need),
    /// It did not take the message.
    Sending(Step, Error),
    /// It took too long.
    TimedOut,
}

/// What a server lacks for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// SMTPUTF8: the address has letters beyond ASCII.
    International,
    /// 8BITMIME: the message has.
    EightBits,
}

/// How far a message came. What is said of the sender is about us, what is said later about recipient and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `MAIL`
    Sender,
    /// `RCPT`
    Recipient,
    /// `DATA`, and what follows it.
    Content,
}

/// One mail server.
pub(super) struct Relay {
    host: String,
    port: u16,
    security: Security,
    hello: ClientId,
    credentials: Option<Credentials>,
    timeout: Duration,
    kept: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Relay {
    pub(super) fn new(
        host: String,
        port: u16,
        security: Security,
        hello: ClientId,
        credentials: Option<Credentials>,
        timeout: Duration,
    ) -> Self {
        Self { host, port, security, hello, credentials, timeout, kept: Mutex::default() }
    }

    /// Sends one letter and returns the server's last reply.
    pub(super) async fn send(&self, letter: &Letter) -> Result<Response, Failure> {
        let sending = async {
            let mut connection = self.connection().await.map_err(Failure::Connecting)?;
            let said = converse(&mut connection, letter).await;
            match &said {
                Ok(_) => self.keep(connection),
                // The next message begins anew, whatever this one left behind.
                Err(_) => connection.abort().await,
            }
            said
        };
        timeout(self.timeout, sending).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// Connects, authenticates and takes leave.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        let greeting = async {
            let mut connection = self.connect().await.map_err(Failure::Connecting)?;
            connection.quit().await.map(|_| ()).map_err(Failure::Connecting)
        };
        timeout(self.timeout, greeting).await.unwrap_or(Err(Failure::TimedOut))
    }

    #[cfg(test)]
    pub(super) fn security(&self) -> &Security {
        &self.security
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        while let Some(mut connection) = self.take() {
            if timeout(CONNECT, connection.test_connected()).await == Ok(true) {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let server = (self.host.as_str(), self.port);
        let wrapper = match &self.security {
            Security::Tls(parameters) => Some(parameters.clone()),
            Security::StartTls(_) | Security::None => None,
        };
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &self.hello, wrapper, None).await?;
        if let Security::StartTls(parameters) = &self.security {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    /// The youngest connection kept; those idle for too long are dropped.
    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, since)| since.elapsed() < IDLE);
        kept.pop().map(|(connection, _)| connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.has_broken() && kept.len() < KEPT {
            kept.push((connection, Instant::now()));
        }
    }
}

/// One message, step by step: lettre's own `send` does not say which of them failed.
async fn converse(connection: &mut AsyncSmtpConnection, letter: &Letter) -> Result<Response, Failure> {
    let mut parameters = Vec::new();
    let mut need = |is_needed: bool, extension, need, parameter| match is_needed {
        true if !connection.server_info().supports_feature(extension) => Err(Failure::Unfit(need)),
        true => {
            parameters.push(parameter);
            Ok(())
        }
        false => Ok(()),
    };
    let (international, eight_bits) = (letter.is_international(), !letter.bytes.is_ascii());
    need(international, Extension::SmtpUtfEight, Need::International, MailParameter::SmtpUtfEight)?;
    let body = MailParameter::Body(MailBodyParameter::EightBitMime);
    need(eight_bits, Extension::EightBitMime, Need::EightBits, body)?;

    let failed = |step| move |error| Failure::Sending(step, error);
    let sender = Mail::new(letter.envelope.from().cloned(), parameters);
    connection.command(sender).await.map_err(failed(Step::Sender))?;
    for to in letter.envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(failed(Step::Recipient))?;
    }
    connection.command(Data).await.map_err(failed(Step::Content))?;
    connection.message(&letter.bytes).await.map_err(failed(Step::Content))
}
