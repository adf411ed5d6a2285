use std::net::IpAddr;

use super::*;
use crate::base::clock::{HOUR, MINUTE};

fn throttle(action: &str, text: &str, windows: Windows) -> Throttle {
    let given = BTreeMap::from([(action.to_owned(), text.to_owned())]);
    Throttle::new(rates("throttle", &given, 1).unwrap(), windows)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn each_key_is_counted_on_its_own_and_never_the_pair() {
    let throttle = throttle("signin", "3/m/ip, 2/m/identifier", Windows::memory());
    let keys = |ip, identifier| Keys { ip: Some(ip), identifier: Some(identifier), ..Keys::default() };
    let (here, there) = (ip("192.0.2.1"), ip("192.0.2.2"));
    for name in ["a", "b", "c"] {
        throttle.check("signin", 0, &keys(here, name)).await.unwrap();
    }
    throttle.check("signin", 0, &keys(here, "d")).await.unwrap_err();
    throttle.check("signin", 0, &keys(there, "a")).await.unwrap();
    throttle.check("signin", 0, &keys(there, "a")).await.unwrap_err();
    let unnamed = Keys { ip: Some(there), ..Keys::default() };
    throttle.check("signin", 0, &unnamed).await.unwrap();
}

#[tokio::test]
async fn the_wait_is_told_coarsely_and_the_longest_counts() {
    let throttle = throttle("signin", "1/m/ip, 1/h/identifier", Windows::memory());
    let keys = Keys { ip: Some(ip("192.0.2.1")), identifier: Some("a"), ..Keys::default() };
    throttle.check("signin", 0, &keys).await.unwrap();
    let limited = throttle.check("signin", 1_000, &keys).await.unwrap_err();
    assert_eq!(limited, Limited { retry_after: 3_600, exact: HOUR - 1_000, action: "signin" });
    assert_eq!(Limited::new("signin", 1).retry_after, 30);
    assert_eq!(Limited::new("signin", 30_001).retry_after, 60);
}

#[tokio::test]
async fn looking_counts_nothing() {
    let throttle = throttle("failures", "1/10m/ip", Windows::memory());
    let keys = Keys { ip: Some(ip("2001:db8::1")), ..Keys::default() };
    for _ in 0..9 {
        throttle.peek("failures", 0, &keys).await.unwrap();
    }
    throttle.check("failures", 0, &keys).await.unwrap();
    let neighbour = Keys { ip: Some(ip("2001:db8::ffff")), ..Keys::default() };
    throttle.peek("failures", 0, &neighbour).await.unwrap_err();
}

/// Whoever has proven something, and known devices, count apart from strangers.
async fn counted_apart(throttle: &Throttle) {
    let stranger = Keys { ip: Some(ip("192.0.2.1")), address: Some("a"), ..Keys::default() };
    throttle.check("send", 0, &stranger).await.unwrap();
    throttle.check("send", 0, &stranger).await.unwrap_err();
    let proven = Keys { apart: true, ..stranger };
    throttle.check("send", 0, &proven).await.unwrap();
    throttle.check("send", 0, &proven).await.unwrap_err();
    for device in ["d", "e"] {
        // Others of their network do not slow them, nor does one device another.
        let known = Keys { known: Some(device), address: Some(device), ..stranger };
        throttle.check("send", 0, &known).await.unwrap();
        throttle.check("send", 0, &known).await.unwrap_err();
    }
    let known = Keys { known: Some("f"), ..stranger };
    throttle.check("send", 0, &known).await.expect_err("the address is the one that the proven one used");
}

#[tokio::test]
async fn known_devices_and_proven_attempts_count_apart() {
    let rates = "1/h/ip, 1/h/net, 1/h/address";
    counted_apart(&throttle("send", rates, Windows::memory())).await;
}

#[tokio::test]
async fn off_lifts_a_limit_and_an_unknown_action_is_refused() {
    let throttle = throttle("me", "off", Windows::memory());
    let keys = Keys { ip: Some(ip("192.0.2.1")), ..Keys::default() };
    for _ in 0..1_000 {
        throttle.check("me", 0, &keys).await.unwrap();
    }
    throttle.check("page", 0, &keys).await.unwrap_err();
}

#[tokio::test]
async fn without_redis_an_address_keeps_its_share_evenly() {
    let url = "redis://127.0.0.1:1".into(); // nobody listens there
    let server = Server { url, prefix: "test".into(), instances: 2, time: Time::Given };
    let throttle = throttle("send", "4/h/address", Windows::redis(&server).await.unwrap());
    let keys = Keys { address: Some("a"), ..Keys::default() };
    for now in [0, 0, HOUR / 2, HOUR] {
        throttle.check("send", now, &keys).await.unwrap();
        if now > 0 {
            assert_eq!(throttle.check("send", now, &keys).await.unwrap_err().exact, HOUR / 2);
        }
    }
}

#[tokio::test]
async fn without_redis_an_instance_keeps_its_share() {
    let server = Server {
        url: "redis://127.0.0.1:1".into(), // nobody listens there
        prefix: "test".into(),
        instances: 2,
        time: Time::Given,
    };
    let throttle = throttle("signin", "4/m/ip", Windows::redis(&server).await.unwrap());
    let keys = Keys { ip: Some(ip("192.0.2.1")), ..Keys::default() };
    for _ in 0..2 {
        throttle.check("signin", 0, &keys).await.unwrap();
    }
    throttle.check("signin", 0, &keys).await.unwrap_err();
    assert!(Windows::redis(&Server { url: "no url".into(), ..server }).await.is_err());
}

/// With a Redis server at `MULTAUTH_TEST_REDIS`.
mod with_redis {
    use std::time::{Duration, Instant};

    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;

    use super::*;
    use crate::base::Random;

    /// A server whose windows nobody else has, or `None` (and a line that says so) where there is none.
    fn server(time: Time) -> Option<Server> {
        let Ok(url) = std::env::var("MULTAUTH_TEST_REDIS") else {
            // Past what the harness swallows of a test that passes.
            let line = "the limits are tested in memory alone: MULTAUTH_TEST_REDIS names no Redis";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
            return None;
        };
        Some(Server { url, prefix: format!("test-{}", Random::System.uuid()), instances: 1, time })
    }

    #[tokio::test]
    async fn instances_share_their_windows() {
        let Some(server) = server(Time::Server) else { return };
        let one = throttle("send_phone", "3/h/block, 5/d/all", Windows::redis(&server).await.unwrap());
        let two = throttle("send_phone", "3/h/block, 5/d/all", Windows::redis(&server).await.unwrap());
        let keys = |block| Keys { block: Some(block), ..Keys::default() };
        for instance in [&one, &two, &one] {
            instance.check("send_phone", 0, &keys("+4860100")).await.unwrap();
        }
        let limited = two.check("send_phone", 0, &keys("+4860100")).await.unwrap_err();
        assert!(limited.exact > HOUR - MINUTE && limited.exact <= HOUR, "{limited:?}");
        two.peek("send_phone", 0, &keys("+4860101")).await.unwrap();
        two.check("send_phone", 0, &keys("+4860101")).await.unwrap();
        one.check("send_phone", 0, &keys("+4860101")).await.unwrap();
        one.check("send_phone", 0, &keys("+4860102")).await.unwrap_err();
    }

    #[tokio::test]
    async fn known_devices_and_proven_attempts_count_apart() {
        let Some(server) = server(Time::Given) else { return };
        let rates = "1/h/ip, 1/h/net, 1/h/address";
        counted_apart(&throttle("send", rates, Windows::redis(&server).await.unwrap())).await;
    }

    #[tokio::test]
    async fn redis_and_memory_say_the_same() {
        let Some(server) = server(Time::Given) else { return };
        let steps = proptest::collection::vec(-2_000i64..4_000, 300);
        for text in
            ["5/20s/ip, 9/m/net", "40/30s/ip, 1000/d/net", "5/20s/address", "7/9s/address, 40/m/address"]
        {
            let shared = throttle("send", text, Windows::redis(&server).await.unwrap());
            let own = throttle("send", text, Windows::memory());
            let keys = Keys { ip: Some(ip("192.0.2.1")), address: Some("a"), ..Keys::default() };
            let mut now = 1_700_000_000_000;
            for step in steps.new_tree(&mut TestRunner::deterministic()).unwrap().current() {
                now += step;
                let (a, b) = (shared.check("send", now, &keys).await, own.check("send", now, &keys).await);
                assert_eq!(a, b, "{text} at {now}");
            }
        }
    }

    /// A way to the server that can be stopped: `true` lets bytes through, `false` swallows them.
    async fn way(to: String) -> (String, watch::Sender<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (open, opened) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&to).await.unwrap();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near_in, far_out, opened.clone()));
                tokio::spawn(carry(far_in, near_out, opened.clone()));
            }
        });
        (address, open)
    }

    async fn carry(
        mut from: tokio::net::tcp::OwnedReadHalf,
        mut to: tokio::net::tcp::OwnedWriteHalf,
        mut open: watch::Receiver<bool>,
    ) {
        let mut bytes = [0; 4_096];
        while let Ok(many @ 1..) = from.read(&mut bytes).await {
            if open.wait_for(|open| *open).await.is_err() || to.write_all(&bytes[..many]).await.is_err() {
                return;
            }
        }
    }

    #[tokio::test]
    async fn a_silent_redis_is_left_at_once_and_found_again() {
        let Some(server) = server(Time::Server) else { return };
        let url = url::Url::parse(&server.url).unwrap();
        let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(6379));
        let (address, open) = way(host.clone()).await;
        let through = Server { url: server.url.replace(&host, &address), ..server };
        let throttle = throttle("signin", "5/h/ip", Windows::redis(&through).await.unwrap());
        let keys = Keys { ip: Some(ip("192.0.2.1")), ..Keys::default() };
        throttle.check("signin", 0, &keys).await.unwrap();

        open.send(false).unwrap();
        let start = Instant::now();
        for _ in 0..5 {
            throttle.check("signin", 0, &keys).await.unwrap();
        }
        assert!(start.elapsed() < Duration::from_millis(400), "{:?} for five calls", start.elapsed());
        throttle.check("signin", 0, &keys).await.expect_err("limits hold in memory");

        open.send(true).unwrap();
        let back = async {
            while throttle.peek("signin", 0, &keys).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), back).await.expect("the shared windows are back");
    }
}
