//! Strangers are bounded: what is large is shared, what does not move ends, and nothing is held for nobody.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use multauth::settings::{Settings, Span};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::server::{Answer, Call, Server, exchange};
use crate::support::h2::H2;
use crate::support::program::{Program, config};

/// How long what should happen at once may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects with so little room that little of an answer is taken before it is read.
async fn narrow(address: SocketAddr) -> TcpStream {
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

/// Settings with room for one connection that may rest for a second: another is served once the first has ended.
fn one_at_a_time(settings: &mut Settings) {
    settings.server.connections = 1;
    settings.server.idle_timeout = Span(1_000);
}

async fn has_room(server: &Server, what: &str) {
    let waiting = tokio::time::timeout(PATIENCE, server.get("/healthz")).await;
    assert_eq!(waiting.unwrap_or_else(|_| panic!("{what}: still there")).status, 200, "{what}");
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_its_connection() {
    let server = Server::start(one_at_a_time).await;
    let mut stream = narrow(server.address).await;
    stream.write_all(&Call::new("GET", "/docs").bytes()).await.unwrap();
    has_room(&server, "HTTP/1.1 that reads nothing").await;
    drop(stream);

    let mut h2 = H2::connect(server.address, 0).await;
    h2.get(1, "/v1/flows").await;
    let frames = h2.rest().await;
    assert_eq!(frames[0].status(), Some(200), "{frames:?}");
    assert!(frames.iter().all(|frame| frame.kind != 0), "a closed window: {frames:?}");
    has_room(&server, "a closed window").await;
}

/// A window that is opened by a byte now and then is as good as closed; one that is taken in turn is not.
#[tokio::test]
async fn an_answer_that_trickles_ends_its_connection_and_one_that_moves_does_not() {
    let server = Server::start(one_at_a_time).await;
    let mut h2 = H2::connect(server.address, 0).await;
    h2.get(1, "/docs").await;
    let (began, mut bytes) = (Instant::now(), 0);
    loop {
        match tokio::time::timeout(Duration::from_millis(100), h2.next()).await {
            Err(_) => h2.widen(1, 1).await,
            Ok(Some(frame)) => bytes += if frame.kind == 0 { frame.payload.len() } else { 0 },
            Ok(None) => break,
        }
        assert!(began.elapsed() < PATIENCE, "{bytes} bytes and still there");
    }
    assert!(bytes < 100, "{bytes}");

    let mut h2 = H2::connect(server.address, 0).await;
    h2.get(1, "/openapi.json").await;
    let (began, mut bytes) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(2_500) {
        match tokio::time::timeout(Duration::from_millis(400), h2.next()).await {
            Err(_) => h2.widen(1, 20_000).await,
            Ok(frame) => bytes += frame.expect("it moves").payload.len(),
        }
        h2.widen(0, 20_000).await;
    }
    assert!(bytes > 60_000, "{bytes}");
}

#[tokio::test]
async fn a_connection_that_only_answers_pings_rests() {
    let server = Server::start(one_at_a_time).await;
    let mut h2 = H2::connect(server.address, 65_535).await;
    h2.get(1, "/healthz").await;
    let (began, mut goodbye) = (Instant::now(), false);
    loop {
        match tokio::time::timeout(Duration::from_millis(100), h2.next()).await {
            Err(_) => h2.ping().await,
            Ok(Some(frame)) => goodbye |= frame.says_goodbye(),
            Ok(None) => break,
        }
        assert!(began.elapsed() < PATIENCE, "it stays for ever");
    }
    assert!(goodbye, "a request on its way is told that it does not count");
    has_room(&server, "pings").await;
    // One that asks now and then is not at rest.
    let mut h2 = H2::connect(server.address, 65_535).await;
    let began = Instant::now();
    for stream in (1..).step_by(2).take_while(|_| began.elapsed() < Duration::from_millis(2_500)) {
        h2.get(stream, "/healthz").await;
        loop {
            let frame = h2.next().await.expect("it is served");
            assert!(!frame.says_goodbye());
            if frame.kind == 0 {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// An own program's provider is not needed for this: Twilio reports, the file does not.
fn with_twilio(settings: &mut Settings) {
    let account = format!("AC{}", "1".repeat(32));
    let text = format!(
        "it = {{ kind = \"twilio\", name = \"twilio\", account_sid = \"{account}\", auth_token = \"{}\", \
         from = \"+12025550100\" }}",
        "0".repeat(32)
    );
    settings.phone.providers = vec![text.parse::<toml::Table>().unwrap()["it"].as_table().unwrap().clone()];
}

/// A request that announces a body, and sends none of it.
fn announced(call: Call, length: usize) -> Vec<u8> {
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
async fn a_body_that_trickles_is_ended_at_every_door() {
    let server = Server::start(|settings| {
        with_twilio(settings);
        settings.server.body_timeout = Span(6_000);
    })
    .await;
    let user = server.user("somebody").await;
    let (_, key) = server.api_key(&["introspect"]).await;
    let json = |method: &str, path: &str| Call::new(method, path).header("Content-Type", "application/json");
    let doors = [
        json("POST", "/v1/signin"),
        json("POST", "/v1/token"),
        json("PATCH", "/v1/me").bearer(&user.access),
        json("POST", "/v1/introspect").bearer(&key),
        json("DELETE", "/v1/me/devices/x").bearer(&user.access),
        json("POST", "/confirm/x"),
        json("POST", "/recover/at_x"),
        json("POST", "/v1/receipts/twilio"),
    ];
    let slow = doors.map(|call| {
        let (path, bytes) = (call.path.clone(), announced(call, 5_000));
        tokio::spawn(trickle(server.address, path, bytes))
    });
    for door in slow {
        let (path, status, took) = door.await.unwrap();
        // A sixth of the time is theirs; after that, 1 KiB a second.
        assert!(took > Duration::from_millis(900) && took < Duration::from_secs(4), "{path}: {took:?}");
        assert_eq!(status, 400, "{path}");
    }
    let mut h2 = H2::connect(server.address, 65_535).await;
    h2.request(1, ("POST", "/v1/signin"), "localhost", false).await;
    let began = Instant::now();
    let frame = loop {
        h2.data(1, b" ").await;
        if let Ok(frame) = tokio::time::timeout(Duration::from_millis(50), h2.next()).await {
            break frame.unwrap();
        }
    };
    assert_eq!((frame.status(), began.elapsed() < Duration::from_secs(4)), (Some(400), true));
}

/// Sends a byte now and then until it is answered and closed; the path, the status, and how long it took.
async fn trickle(address: SocketAddr, path: String, head: Vec<u8>) -> (String, u16, Duration) {
    let began = Instant::now();
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let sending = tokio::spawn(async move {
        writing.write_all(&head).await.unwrap();
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(Ok(n @ 1..)) = tokio::time::timeout(PATIENCE, reading.read(&mut part)).await {
        all.extend(&part[..n]);
    }
    let took = began.elapsed();
    sending.abort();
    (path, Answer::whole(&all).map_or(0, |answer| answer.status), took)
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

#[tokio::test]
async fn what_rests_does_not_hold_the_stop() {
    let folder = TempDir::new().unwrap();
    let (file, address) = config(folder.path(), "drain = \"8s\"", "");
    let mut program = Program::start(&file, address).await;
    let mut h2 = H2::connect(address, 65_535).await;
    h2.get(1, "/healthz").await;
    while h2.next().await.expect("an answer").kind != 0 {}
    let idle = TcpStream::connect(address).await.unwrap();
    let began = Instant::now();
    program.terminate();
    assert!(h2.rest().await.iter().any(|frame| frame.says_goodbye()));
    assert_eq!(program.exit_code().await, Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(idle);
}

/// Bytes of memory that a process has.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A hundred that take nothing, of either HTTP, for the largest answer there is; and a hundred that send to nobody.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hundred_strangers_hold_little_memory() {
    const MOST: u64 = 20 * 1024 * 1024;
    let folder = TempDir::new().unwrap();
    let (file, address) = config(folder.path(), "", "docs = \"off\"\n");
    let program = Program::start(&file, address).await;
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

    let mut to_nobody = Vec::new();
    for n in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let path = ["/v1/receipts/nobody", "/nowhere", "/v1/receipts/file", "/docs"][n % 4];
        stream.write_all(&announced(Call::new("POST", path), 1 << 20)).await.unwrap();
        // The server may take no more than a little of it.
        let _ =
            tokio::time::timeout(Duration::from_millis(20), stream.write_all(&vec![b' '; 1_048_000])).await;
        to_nobody.push(stream);
    }
    assert!(grown() < MOST, "{} with bodies for nobody", grown());
    let mut h2 = H2::connect(address, 65_535).await;
    for n in 0..32 {
        h2.request(2 * n + 1, ("POST", "/v1/receipts/nobody"), "localhost", false).await;
        h2.data(2 * n + 1, &[b' '; 2_000]).await;
    }
    while h2.next().await.expect("an answer").stream != 63 {}
    assert!(grown() < MOST, "{} with bodies of HTTP/2 for nobody", grown());
}
