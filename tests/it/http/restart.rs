//! The program itself, killed and stopped: what was acknowledged is there, what was under way is finished.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use multauth::base::Random;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::person::PASSWORD;
use crate::support::program::{Program, config};
use crate::support::raw::{Answer, Call, exchange};
use crate::support::server::Tokens;

async fn get(program: &Program, path: &str) -> Option<Answer> {
    TcpStream::connect(program.address).await.ok()?;
    exchange(program.address, &Call::new("GET", path).bytes()).await.0
}

/// One request to a server that may go at any moment.
async fn post(address: SocketAddr, path: &str, body: serde_json::Value) -> Option<Answer> {
    let bytes = Call::new("POST", path).json(body.to_string()).bytes();
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(&bytes).await.ok()?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.ok()?;
    Answer::whole(&all)
}

fn body(name: &str) -> serde_json::Value {
    json!({ "username": name, "password": PASSWORD })
}

/// What a client knows: names that it sent, and refresh tokens of those that were acknowledged.
#[derive(Default)]
struct Ledger {
    sent: Vec<String>,
    acknowledged: Vec<(String, String)>,
}

async fn sign_up(address: SocketAddr, prefix: String, ledger: Arc<Mutex<Ledger>>) {
    for n in 0.. {
        let name = format!("{prefix}x{n}");
        ledger.lock().unwrap().sent.push(name.clone());
        let Some(answer) = post(address, "/v1/signup", body(&name)).await else { return };
        assert_eq!(answer.status, 200, "{}", answer.body);
        ledger.lock().unwrap().acknowledged.push((name, Tokens::of(&answer).refresh));
    }
}

#[tokio::test]
async fn what_happened_before_anybody_asked_is_counted() {
    let folder = TempDir::new().unwrap();
    let (file, address) = config(folder.path(), "metrics = true", "");
    let program = Program::start(&file, address).await;
    let counted = get(&program, "/metrics").await.unwrap().body;
    assert!(counted.contains("multauth_requests_total{route=\"/readyz\""), "{counted}");
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let folder = TempDir::new().unwrap();
    let (file, address) = config(folder.path(), "", "");
    let mut acknowledged = 0;
    for round in 0..5 {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let mut program = Program::start(&file, address).await;
        let clients: Vec<_> = (0..4)
            .map(|n| tokio::spawn(sign_up(address, format!("kill{round}c{n}"), ledger.clone())))
            .collect();
        let [chance] = Random::System.bytes::<1>();
        tokio::time::sleep(Duration::from_millis(300 + 3 * u64::from(chance))).await;
        program.kill();
        for client in clients {
            client.await.unwrap();
        }
        let program = Program::start(&file, address).await;
        let ledger = std::mem::take(&mut *ledger.lock().unwrap());
        acknowledged += ledger.acknowledged.len();
        compare(address, &ledger).await;
        drop(program);
    }
    assert!(acknowledged > 10, "there was something to lose: {acknowledged}");
}

async fn compare(address: SocketAddr, ledger: &Ledger) {
    for (name, refresh) in &ledger.acknowledged {
        let signin = post(address, "/v1/signin", body(name)).await.unwrap();
        assert_eq!(signin.status, 200, "{name} was acknowledged and is lost: {}", signin.body);
        let pair = post(address, "/v1/token", json!({ "refresh_token": refresh })).await.unwrap();
        assert_eq!(pair.status, 200, "the session of {name} was acknowledged and is lost: {}", pair.body);
    }
    let known = |name: &String| ledger.acknowledged.iter().any(|(acknowledged, _)| acknowledged == name);
    for name in ledger.sent.iter().filter(|name| !known(name)) {
        // All of it or nothing: then the name is free.
        let signin = post(address, "/v1/signin", body(name)).await.unwrap();
        if signin.status != 200 {
            let again = post(address, "/v1/signup", body(name)).await.unwrap();
            assert_eq!(again.status, 200, "{name} is half made: {}", again.body);
        }
    }
}

/// Another request on a connection that is kept.
async fn again(kept: &mut TcpStream) -> Answer {
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut all = Vec::new();
    loop {
        let mut some = [0; 4_096];
        let many = kept.read(&mut some).await.unwrap();
        assert!(many > 0, "it was cut");
        all.extend_from_slice(&some[..many]);
        if let Some(answer) = Answer::whole(&all) {
            return answer;
        }
    }
}

#[tokio::test]
async fn a_stop_is_announced_and_finishes_what_is_under_way() {
    let folder = TempDir::new().unwrap();
    let (file, address) = config(folder.path(), "stop_delay = \"1s\"", "");
    let mut program = Program::start(&file, address).await;
    let whole = Call::new("POST", "/v1/signup").json(body("latecomer").to_string()).bytes();
    let (first, second) = whole.split_at(whole.len() - 10);
    let mut under_way = TcpStream::connect(address).await.unwrap();
    under_way.write_all(first).await.unwrap();
    assert_eq!(get(&program, "/readyz").await.unwrap().status, 200);
    let mut kept = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        assert_eq!(again(&mut kept).await.header("connection"), None);
    }
    program.terminate();
    let mut told = 200;
    while let (200, Some(answer)) = (told, get(&program, "/readyz").await) {
        told = answer.status;
    }
    assert_eq!(told, 503, "a load balancer is told before connections are refused");
    assert_eq!(get(&program, "/healthz").await.unwrap().status, 200, "and it still answers");
    // A connection that is kept ends with the answer that it has.
    let told = again(&mut kept).await;
    assert_eq!((told.status, told.header("connection")), (200, Some("close")));
    assert_eq!(kept.read(&mut [0]).await.unwrap(), 0, "it is closed");
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    under_way.write_all(second).await.unwrap();
    let mut all = Vec::new();
    under_way.read_to_end(&mut all).await.unwrap();
    assert_eq!(Answer::whole(&all).map(|answer| answer.status), Some(200), "what was under way is finished");
    assert_eq!(program.exit_code().await, Some(0));
    let program = Program::start(&file, address).await;
    assert_eq!(post(program.address, "/v1/signin", body("latecomer")).await.unwrap().status, 200);
}
