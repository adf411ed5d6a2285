//! A mail server for tests: plain SMTP on loopback. The local part of a recipient says how it answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// One mail that was taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Mail {
    /// The connection that it came by, counted from 1.
    pub(super) connection: usize,
    /// What stood in `RCPT TO`.
    pub(super) to: Vec<String>,
    /// Header and body as sent, dots undone.
    pub(super) data: String,
}

/// What the server has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) mails: Vec<Mail>,
    pub(super) connections: usize,
    pub(super) commands: Vec<String>,
}

/// A running sink; it ends with the test's runtime.
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Sink {
    /// Listens on a free port and greets with the given lines of capabilities.
    pub(super) async fn start(capabilities: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = sink.seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, capabilities, seen.clone()));
            }
        });
        sink
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, capabilities: &[&str], seen: Arc<Mutex<Seen>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let connection = seen.lock().unwrap().connections;
    let mut mail = Mail { connection, ..Mail::default() };
    say(&mut write, "220 sink").await?;
    while let Some(line) = lines.next_line().await.ok()? {
        seen.lock().unwrap().commands.push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => say(&mut write, &greeting(capabilities)).await?,
            "AUTH" if line.ends_with("AG1haWxlcgBzM2NyZXQ=") => say(&mut write, "235 2.7.0 ok").await?,
            "AUTH" => say(&mut write, "535 5.7.8 wrong for mailer@example.org").await?,
            "MAIL" if line.contains("<stranger@") => {
                say(&mut write, "553 5.7.1 stranger@example.org is not yours").await?;
            }
            "RCPT" => {
                let address = line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                say(&mut write, reply_to(&address).await?).await?;
                mail.to.push(address);
            }
            "DATA" => {
                say(&mut write, "354 go on").await?;
                mail.data = data(&mut lines).await?;
                let said = mail.to.first().and_then(|to| reply_to_mail(to));
                if let Some(said) = said {
                    mail = Mail { connection, ..Mail::default() };
                    say(&mut write, said).await?;
                    continue;
                }
                seen.lock().unwrap().mails.push(std::mem::take(&mut mail));
                mail.connection = connection;
                say(&mut write, "250 2.0.0 Ok: queued as 4B2F").await?;
            }
            "QUIT" => return say(&mut write, "221 bye").await,
            _ => say(&mut write, "250 ok").await?,
        }
    }
    Some(())
}

fn greeting(capabilities: &[&str]) -> String {
    let mut lines: Vec<String> = capabilities.iter().map(|line| format!("250-{line}")).collect();
    lines.insert(0, "250-sink".into());
    lines.push("250 8BITMIME".into());
    lines.join("\r\n")
}

/// The answer to a recipient; none cuts the connection.
async fn reply_to(address: &str) -> Option<&'static str> {
    match address.split('@').next()? {
        "unknown" => Some("550 5.1.1 <unknown@example.org> no such user"),
        "bare" => Some("550 no such user bare@example.org"),
        "554" => Some("554 Message rejected: 554@example.org"),
        "554x" => Some("554 5.7.1 <554x@example.org> rejected"),
        "relay" => Some("550 5.7.1 relaying denied for relay@example.org"),
        "cloud" => Some("550 5.4.1 Recipient address rejected: Access denied cloud@example.org"),
        "sender" => Some("550 5.1.8 the server of sender@example.org does not know example.com"),
        "proof" => Some("530 5.7.0 authentication required for proof@example.org"),
        "limit" => Some("454 4.7.1 relay access denied for limit@example.org"),
        "away" => Some("421 4.3.2 bye away@example.org"),
        "later" => Some("451 4.7.1 try again later, later@example.org"),
        "cut" => None,
        "slow" => {
            tokio::time::sleep(std::time::Duration::from_secs(30)).await;
            Some("250 ok")
        }
        _ => Some("250 2.1.5 ok"),
    }
}

/// The answer to a mail for that address, where it is not taken.
fn reply_to_mail(address: &str) -> Option<&'static str> {
    match address.split('@').next()? {
        "spam" => Some("554 5.7.1 spam for spam@example.org"),
        "bulk" => Some("550 bulk for bulk@example.org"),
        "lost" => Some("550 5.1.1 <lost@example.org> no such user"),
        "full" => Some("452 4.2.2 full@example.org is over quota"),
        _ => None,
    }
}

async fn data(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> Option<String> {
    let mut text = String::new();
    loop {
        let line = lines.next_line().await.ok()??;
        if line == "." {
            return Some(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
}

async fn say(write: &mut OwnedWriteHalf, line: &str) -> Option<()> {
    write.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}
