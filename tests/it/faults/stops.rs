//! SIGTERM under load, on connections that are kept (F17): nobody's call is broken off, and everybody is told to
//! connect elsewhere before the connection ends.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::site::Site;
use super::table::Seen;

/// How many connections are kept.
const KEPT: usize = 16;
/// From the signal to its end.
const END: Duration = Duration::from_secs(10);

/// What became of the calls of a client.
#[derive(Default)]
struct Tally {
    answered: usize,
    /// No answer on a connection that was not said to end.
    broken: usize,
    /// Answers that say that the connection ends.
    told: usize,
    failed: usize,
}

pub async fn play() -> Result<Seen, String> {
    let site = Site::on_sqlite().set("server.stop_delay", "2s");
    let mut program = site.start().await;
    let token = super::crowd::token(&site).await;
    let mut seen = Seen::default();
    let clients: Vec<_> = (0..KEPT).map(|_| tokio::spawn(keeps(site.address, token.clone()))).collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let caller = site.caller(Duration::from_secs(5));
    program.terminate();
    let began = Instant::now();
    let mut turned = None;
    while turned.is_none() && began.elapsed() < Duration::from_millis(1_500) {
        let ready = caller.get("readyz", "/readyz", None).await;
        turned = ready.is(503).then(|| began.elapsed());
    }
    seen.comes_within("/readyz 503 after", turned, Duration::from_millis(500));
    let code = program.exit_code().await;
    seen.within("it ended after", began.elapsed(), END);
    seen.must(code == Some(0), format!("exit code {code:?}"));
    let mut all = Tally::default();
    for client in clients {
        let tally = client.await.unwrap();
        all.answered += tally.answered;
        all.broken += tally.broken;
        all.told += tally.told;
        all.failed += tally.failed;
    }
    seen.figure(format!("{} answers on {KEPT} kept connections", all.answered));
    seen.figure(format!("told that the connection ends {}", all.told));
    seen.none("calls broken off", all.broken);
    seen.none("answers other than 200", all.failed);
    let program = site.start().await;
    drop(program);
    site.ends_well(&mut seen);
    Ok(seen)
}

/// Asks again and again over one connection, and over another where it was told to; until nobody takes connections.
async fn keeps(address: SocketAddr, token: String) -> Tally {
    let request = format!("GET /v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")
        .into_bytes();
    let mut tally = Tally::default();
    while let Ok(mut stream) = TcpStream::connect(address).await {
        loop {
            let Some(head) = exchange(&mut stream, &request).await else {
                tally.broken += 1;
                break;
            };
            tally.answered += 1;
            tally.failed += usize::from(!head.starts_with("http/1.1 200"));
            if head.contains("connection: close") {
                tally.told += 1;
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    tally
}

/// One call; the head of its answer in lower case.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> Option<String> {
    stream.write_all(request).await.ok()?;
    let mut all = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let n = stream.read(&mut part).await.ok().filter(|n| *n > 0)?;
        all.extend(&part[..n]);
        let text = String::from_utf8_lossy(&all);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(head);
        }
    }
}
