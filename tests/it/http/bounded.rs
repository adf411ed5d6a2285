//! Strangers are bounded: what is large is shared, nothing is held for nobody, and who names no host is refused.

use std::net::SocketAddr;
use std::time::Duration;

use multauth::settings::Settings;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::h2::H2;
use crate::support::program::{Program, config};
use crate::support::raw::{Answer, Call, exchange};
use crate::support::server::Server;

/// How long what should happen at once may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Connects with so little room that little of an answer is taken before it is read.
pub async fn narrow(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address).await.unwrap()
}

/// Reads one answer with a body of the length that it names.
async fn answer(stream: &mut TcpStream) -> Answer {
    let (mut all, mut part) = (Vec::new(), [0; 16_384]);
    loop {
        if let Some(answer) = Answer::whole(&all) {
            return answer;
        }
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut part)).await.expect("an answer");
        let n = read.unwrap();
        assert!(n > 0, "closed after {:?}", String::from_utf8_lossy(&all));
        all.extend(&part[..n]);
    }
}

/// A provider that reports; the file that mails go to does not.
pub fn with_twilio(settings: &mut Settings) {
    let account = format!("AC{}", "1".repeat(32));
    let text = format!(
        "it = {{ kind = \"twilio\", name = \"twilio\", account_sid = \"{account}\", auth_token = \"{}\", \
         from = \"+12025550100\" }}",
        "0".repeat(32)
    );
    settings.phone.providers = vec![text.parse::<toml::Table>().unwrap()["it"].as_table().unwrap().clone()];
}

/// A request that announces a body, and sends none of it.
pub fn announced(call: Call, length: usize) -> Vec<u8> {
    call.without("Connection").header("Content-Length", length.to_string()).bytes()
}

#[tokio::test]
async fn what_needs_no_body_is_answered_before_it_comes() {
    let server = Server::start(with_twilio).await;
    let json = |method: &str, path: &str| Call::new(method, path).header("Content-Type", "application/json");
    let cases = [
        (404, json("POST", "/nowhere"), 60_000),
        (404, json("POST", "/v1/receipts/nobody"), 60_000),
        (404, json("POST", "/v1/receipts/file"), 1 << 20),
        (404, json("PUT", "/v1/nowhere"), 1 << 20),
        (405, json("POST", "/docs"), 60_000),
        (405, json("PUT", "/v1/signin"), 60_000),
        (405, json("PUT", "/v1/receipts/twilio"), 60_000),
        (415, Call::new("POST", "/v1/signin").header("Content-Type", "text/plain"), 60_000),
        (415, Call::new("POST", "/v1/signup"), 60_000),
        (401, json("PUT", "/v1/me/password"), 60_000),
        (401, json("POST", "/v1/introspect"), 60_000),
        (401, json("GET", "/v1/me"), 60_000),
        (413, json("POST", "/v1/signin"), 70_000),
        (413, json("POST", "/confirm/x"), 70_000),
        (413, json("POST", "/v1/receipts/twilio"), (1 << 20) + 1),
    ];
    for (status, call, length) in cases {
        let what = format!("{} {} {length}", call.method, call.path);
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&announced(call, length)).await.unwrap();
        assert_eq!(answer(&mut stream).await.status, status, "{what}");
    }
}

#[tokio::test]
async fn a_connection_goes_on_behind_a_body_that_nobody_read() {
    let server = Server::start(|_| {}).await;
    for (status, path, kind) in [(404, "/nowhere", "application/json"), (415, "/v1/signin", "text/plain")] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let call = Call::new("POST", path).header("Content-Type", kind);
        stream.write_all(&announced(call, 30_000)).await.unwrap();
        assert_eq!(answer(&mut stream).await.status, status);
        stream.write_all(&[b' '; 30_000]).await.unwrap();
        stream.write_all(&Call::new("GET", "/healthz").bytes()).await.unwrap();
        assert_eq!(answer(&mut stream).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_provider_that_reports_may_send_much() {
    let server = Server::start(with_twilio).await;
    let report = |length: usize| {
        let call = Call::new("POST", "/v1/receipts/twilio");
        server.call(call.body("application/x-www-form-urlencoded", vec![b'x'; length]))
    };
    assert_eq!(report(1 << 20).await.status, 403, "read, and not the vendor's");
    assert_eq!(report((1 << 20) + 1).await.status, 413);
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = Server::start(|_| {}).await;
    let get = |head: &str| format!("GET /healthz {head}\r\nConnection: close\r\n\r\n");
    let wrong = [
        "HTTP/1.1",
        "HTTP/1.1\r\nHost: a\r\nHost: b",
        "HTTP/1.1\r\nHost: a\r\nhost: a",
        "HTTP/1.1\r\nHost: a b/",
        "HTTP/1.1\r\nHost:",
        "HTTP/1.1\r\nHost: u@a",
        "HTTP/1.1\r\nHost: a,b",
        "HTTP/1.1\r\nHost: caf\u{e9}",
        "HTTP/1.0\r\nHost: a\r\nHost: b",
    ];
    for head in wrong {
        let (answer, closed) = exchange(server.address, get(head).as_bytes()).await;
        let answer = answer.unwrap_or_else(|| panic!("{head}: no answer"));
        assert!(closed && answer.status == 400, "{head}: {}", answer.status);
        assert!(answer.header("x-content-type-options").is_some(), "{head}: it is an answer like others");
    }
    for head in ["HTTP/1.1\r\nHost: a", "HTTP/1.1\r\nHost: [::1]:80", "HTTP/1.0", "HTTP/1.0\r\nHost: a"] {
        let (answer, _) = exchange(server.address, get(head).as_bytes()).await;
        assert_eq!(answer.map(|answer| answer.status), Some(200), "{head}");
    }
    for (host, status) in [("", 400), ("u@a", 400), ("a.example:80", 200)] {
        let mut h2 = H2::connect(server.address, 65_535).await;
        h2.request(1, ("GET", "/healthz"), host, true).await;
        let frame = h2.next().await.unwrap();
        let refused = status == 400 && frame.kind == 3;
        assert!(refused || frame.status() == Some(status), "{host:?}: {frame:?}");
    }
}

#[tokio::test]
async fn the_inbox_is_for_this_machine_alone() {
    let server = Server::start(|_| {}).await;
    let inbox = |host: &str| server.call(Call::new("GET", "/dev/inbox").without("Host").header("Host", host));
    for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        assert_eq!(inbox(host).await.status, 200, "{host}");
    }
    for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "192.0.2.1"] {
        assert_eq!(inbox(host).await.status, 404, "{host}");
    }
}

#[tokio::test]
async fn the_page_is_packed_for_those_who_take_it() {
    let server =
        Server::start(|settings| settings.server.cors_origins = vec!["https://a.example".into()]).await;
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for path in ["/docs", "/openapi.json"] {
        let get = |coding: &str| {
            http.get(format!("http://{}{path}", server.address))
                .header("accept-encoding", coding.to_owned())
                .send()
        };
        let (plain, packed) = (get("identity").await.unwrap(), get("br, gzip").await.unwrap());
        assert_eq!(plain.headers().get("content-encoding"), None, "{path}");
        for answer in [&plain, &packed] {
            assert_eq!(answer.headers()["vary"], "Accept-Encoding, Origin", "{path}");
            assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
        }
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
        assert_eq!(packed.headers()["content-type"], plain.headers()["content-type"], "{path}");
        let (plain, packed) = (plain.bytes().await.unwrap(), packed.bytes().await.unwrap());
        assert!(packed.len() * 3 < plain.len(), "{path}: {} of {}", packed.len(), plain.len());
        let mut unpacked = Vec::new();
        std::io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).unwrap();
        assert!(unpacked == plain, "{path}");
    }
    let page = server.get("/docs").await.body;
    for part in ["<title>multauth: the API</title>", "\"withDefaultFonts\":false", "/v1/signin", "</html>"] {
        assert!(page.contains(part), "{part}");
    }
}

#[tokio::test]
async fn the_page_is_counted_and_off_where_it_is_not_wanted() {
    let server = Server::start(|settings| {
        settings.throttle.insert("docs".to_owned(), "2/m/ip".to_owned());
    })
    .await;
    assert_eq!(server.get("/docs").await.status, 200);
    assert_eq!(server.call(Call::new("HEAD", "/openapi.json")).await.status, 200);
    assert_eq!((server.get("/docs").await.status, server.get("/openapi.json").await.status), (429, 429));
    let without = Server::start(|settings| settings.server.docs = Some(false)).await;
    assert_eq!((without.get("/docs").await.status, without.get("/openapi.json").await.status), (404, 404));
}

/// What strangers may add to it.
#[cfg(target_os = "linux")]
const MOST: u64 = 20 * 1024 * 1024;

/// Bytes of memory that a process has.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A hundred of either HTTP ask for the largest answer there is, and take nothing of it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hundred_who_take_no_answer_hold_little_memory() {
    let folder = TempDir::new().unwrap();
    let (file, address) = config(folder.path(), "", "docs = \"off\"\n");
    let program = Program::start(&file, address).await;
    // The page is made once, for all who ask: what it takes is none of theirs.
    reqwest::get(format!("http://{address}/docs")).await.unwrap().bytes().await.unwrap();
    let before = resident(program.id());
    let grown = || resident(program.id()).saturating_sub(before);

    let mut deaf = Vec::new();
    for _ in 0..100 {
        let mut stream = narrow(address).await;
        stream.write_all(&Call::new("GET", "/docs").bytes()).await.unwrap();
        deaf.push(stream);
    }
    for stream in &mut deaf {
        tokio::time::timeout(PATIENCE, stream.read_exact(&mut [0; 64])).await.expect("an answer").unwrap();
    }
    assert!(grown() < MOST, "{} for answers of HTTP/1.1", grown());

    let mut h2 = H2::connect(address, 0).await;
    for n in 0..100 {
        h2.get(2 * n + 1, "/docs").await;
    }
    // Each is answered or refused.
    let mut open: std::collections::BTreeSet<u32> = (0..100).map(|n| 2 * n + 1).collect();
    while !open.is_empty() {
        let frame = h2.next().await.expect("an answer to each");
        open.remove(&frame.stream);
    }
    assert!(grown() < MOST, "{} with answers of HTTP/2", grown());
}

/// A hundred connections, and as many requests as one of HTTP/2 may have, send bodies to nobody.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hundred_who_send_to_nobody_hold_little_memory() {
    let folder = TempDir::new().unwrap();
    let (file, address) = config(folder.path(), "", "");
    let program = Program::start(&file, address).await;
    let before = resident(program.id());
    let grown = || resident(program.id()).saturating_sub(before);

    let to_nobody = (0..100).map(|n| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let path = ["/v1/receipts/nobody", "/v1/receipts/file"][n % 2];
        stream.write_all(&announced(Call::new("POST", path), 1 << 20)).await.unwrap();
        // All but the last of it, as far as the server takes it.
        let _ = tokio::time::timeout(Duration::from_secs(2), stream.write_all(&vec![b' '; 1_048_000])).await;
        stream
    });
    let _open = futures_util::future::join_all(to_nobody).await;
    assert!(grown() < MOST, "{} with bodies for nobody", grown());
    let mut h2 = H2::connect(address, 65_535).await;
    for n in 0..32 {
        h2.request(2 * n + 1, ("POST", "/v1/receipts/nobody"), "localhost", false).await;
        h2.data(2 * n + 1, &[b' '; 2_000]).await;
    }
    while h2.next().await.expect("an answer").stream != 63 {}
    assert!(grown() < MOST, "{} with bodies of HTTP/2 for nobody", grown());
}
