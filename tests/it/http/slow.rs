//! What does not move ends: answers that nobody takes, connections that rest, bodies that trickle.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use multauth::settings::{Settings, Span};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::bounded::{PATIENCE, announced, narrow, with_twilio};
use crate::support::h2::H2;
use crate::support::program::{Program, config};
use crate::support::raw::{Answer, Call};
use crate::support::server::Server;

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
