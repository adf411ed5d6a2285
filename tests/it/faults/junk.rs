//! What providers answer and should not (F21): a page, ten megabytes, bytes that are no text, nothing, a byte now and
//! then. No answer to a client waits for it, memory does not grow by it, and what was not taken is not called sent.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::load::longest;
use super::site::Site;
use super::sql;
use super::table::{Seen, seconds};

/// A sign-up whose code goes out by the provider.
const ANSWER: Duration = Duration::from_millis(500);
/// Kilobytes by which the program may grow.
const GROWTH: u64 = 20 * 1_024;
/// How long a message may be on its way until it is put off: the time-out of a provider, and a little more.
const PUT_OFF: Duration = Duration::from_secs(14);

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Junk {
    /// A page with status 200, as a proxy's sign-in is.
    Page,
    TenMegabytes,
    NoText,
    /// `{"id": null}`
    NullId,
    Empty,
    /// Two bytes a second.
    Drip,
    Cut,
    /// 429 with a `Retry-After` of twenty digits.
    TooMany,
    Reset,
}

const ALL: [Junk; 9] = [
    Junk::Page,
    Junk::TenMegabytes,
    Junk::NoText,
    Junk::NullId,
    Junk::Empty,
    Junk::Drip,
    Junk::Cut,
    Junk::TooMany,
    Junk::Reset,
];

/// One that answers junk; what is said of the first request of a kind is said of all.
struct Vendor {
    url: String,
    junk: Arc<Mutex<Junk>>,
}

impl Vendor {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let junk = Arc::new(Mutex::new(Junk::Page));
        let says = junk.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let junk = *says.lock().unwrap();
                tokio::spawn(answer(stream, junk));
            }
        });
        Self { url, junk }
    }
}

async fn answer(mut stream: TcpStream, junk: Junk) -> Option<()> {
    let mut request = Vec::new();
    let mut part = [0; 4_096];
    while !is_whole(&request) {
        let n = stream.read(&mut part).await.ok().filter(|n| *n > 0)?;
        request.extend(&part[..n]);
    }
    let whole = |status: &str, more: &str, body: &[u8]| {
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let page = b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>";
    match junk {
        Junk::Page => stream.write_all(&whole("200 OK", "content-type: text/html\r\n", page)).await.ok()?,
        Junk::TenMegabytes => stream.write_all(&whole("200 OK", "", &vec![b'x'; 10_485_760])).await.ok()?,
        Junk::NoText => stream.write_all(&whole("200 OK", "", &[0xff, 0xfe, 0x80, 0x00])).await.ok()?,
        Junk::NullId => {
            let body = br#"{"id":null,"MessageId":null,"sid":null}"#;
            stream.write_all(&whole("200 OK", "content-type: application/json\r\n", body)).await.ok()?;
        }
        Junk::Empty => stream.write_all(&whole("200 OK", "", b"")).await.ok()?,
        Junk::Drip => {
            for byte in whole("200 OK", "", &[b'x'; 900]).chunks(1) {
                stream.write_all(byte).await.ok()?;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
        Junk::Cut => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{").await.ok()?,
        Junk::TooMany => {
            let header = "retry-after: 99999999999999999999\r\n";
            stream.write_all(&whole("429 Too Many Requests", header, b"")).await.ok()?;
        }
        Junk::Reset => stream.set_zero_linger().ok()?,
    }
    Some(())
}

/// Whether head and body of a request are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length: ")?.trim().parse::<usize>().ok()
    });
    request.len() >= head.len() + 4 + length.unwrap_or(0)
}

/// The generic webhook, which is told where the reference stands.
pub async fn webhook() -> Result<Seen, String> {
    let more = r#"url = "URL/send", json = '{"to": {{ to }}, "text": {{ text }}}', reference = "/id""#;
    play("webhook", more, &[]).await
}

pub async fn sendgrid() -> Result<Seen, String> {
    play("sendgrid", r#"url = "URL", key = "SG.key", from = "a@example.org""#, &NEVER_SENT).await
}

const AWS: &str = r#"url = "URL", region = "eu-central-1", key_id = "AKIAIOSFODNN7EXAMPLE", secret = "s""#;

pub async fn ses() -> Result<Seen, String> {
    play("ses", &format!(r#"{AWS}, from = "a@example.org""#), &NEVER_SENT).await
}

pub async fn sns() -> Result<Seen, String> {
    play("sns", AWS, &NEVER_SENT).await
}

/// What is no answer of a vendor whose answers are known, though its status is 200.
const NEVER_SENT: [Junk; 5] = [Junk::Page, Junk::TenMegabytes, Junk::NoText, Junk::NullId, Junk::Empty];

async fn play(kind: &str, more: &str, never_sent: &[Junk]) -> Result<Seen, String> {
    let vendor = Vendor::start().await;
    let provider = format!("{{ kind = \"{kind}\", {} }}", more.replace("URL", &vendor.url));
    let (by_phone, section) = if kind == "sns" { (true, "phone") } else { (false, "email") };
    let site = Site::on_sqlite()
        .set(&format!("{section}.providers"), format!("[{provider}]"))
        .set("flows", r#"[["phone", "passcode"], ["email", "passcode"]]"#);
    let program = site.start().await;
    let mut seen = Seen::default();
    let (before, caller) = (memory(program.id()), site.caller(Duration::from_secs(30)));
    let mut ends = Vec::new();
    for (n, junk) in ALL.into_iter().enumerate() {
        *vendor.junk.lock().unwrap() = junk;
        let body = if by_phone {
            json!({ "phone": format!("+1202555{:04}", 100 + n) })
        } else {
            json!({ "email": format!("p{n}@example.org") })
        };
        let said = caller.post("signup", "/v1/signup", body).await;
        seen.must(said.is(200), format!("{junk:?}: a sign-up {:?} {}", said.status, said.text));
        let end = tried(&site).await;
        let is_sent = end.as_deref() == Some("sent");
        let must_fail =
            never_sent.contains(&junk) || [Junk::Drip, Junk::Cut, Junk::TooMany, Junk::Reset].contains(&junk);
        seen.must(!(must_fail && is_sent), format!("{junk:?} counts as sent"));
        seen.must(end.is_some(), format!("{junk:?} is waited for without end"));
        ends.push(format!("{junk:?} {}", end.as_deref().unwrap_or("waits")));
        if kind == "webhook" && junk == Junk::NullId {
            let told = site.logged("reference");
            seen.must(!told.is_empty(), "a reference that is not there is not told of");
        }
    }
    seen.figure(ends.join(", "));
    seen.within("longest answer", longest(&caller.calls().of(|_| true)), ANSWER);
    let after = memory(program.id());
    seen.figure(format!("memory {} → {} MiB", before / 1_024, after / 1_024));
    seen.must(after < before + GROWTH, "it grew by what was answered");
    site.ends_well(&mut seen);
    Ok(seen)
}

/// Waits until the newest message was tried; what became of it: `sent`, `failed`, or why it was put off.
async fn tried(site: &Site) -> Option<String> {
    const NEWEST: &str =
        "SELECT CASE WHEN state = 'queued' THEN COALESCE(problem, '') ELSE state END FROM outbox
        ORDER BY created_at DESC, id LIMIT 1";
    let began = Instant::now();
    while began.elapsed() < PUT_OFF {
        let state = sql::strings(&site.database, NEWEST).await;
        if let Some(state) = state.into_iter().next().filter(|state| !state.is_empty()) {
            return Some(if state == "sent" {
                state
            } else {
                format!("{} ({})", "not", seconds(began.elapsed()))
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// Kilobytes that a process has in memory.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
