use super::*;

/// Parameters that take next to no time.
fn light(threads: usize, queue: usize, wait_ms: u64) -> HashSettings {
    HashSettings { memory_kib: 64, iterations: 1, threads, queue, wait: Duration::from_millis(wait_ms) }
}

fn hasher(settings: HashSettings) -> Hasher {
    Hasher::new(settings).unwrap()
}

#[tokio::test]
async fn a_password_passes_and_another_does_not() {
    let hasher = hasher(light(2, 4, 1_000));
    let phc = hasher.hash("correct".into(), [1; 16]).await.unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
    let verify = async |secret: &str, phc: &str| hasher.verify(secret.into(), phc.into()).await.unwrap();
    assert_eq!(verify("correct", &phc).await, Verified { ok: true, stale: false });
    for secret in ["", "Correct", "correct ", "correct\0"] {
        assert!(!verify(secret, &phc).await.ok, "{secret}");
    }
    assert_ne!(phc, hasher.hash("correct".into(), [2; 16]).await.unwrap());
    let spoilt = phc.replace("m=64", "m=72");
    for broken in [
        "",
        "x",
        "$argon2id$",
        "$2b$12$abc",
        &phc[..phc.len() - 4],
        &spoilt,
        "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        assert!(!verify("correct", broken).await.ok, "{broken}");
        assert!(!verify("", broken).await.ok, "{broken}");
    }
}

#[tokio::test]
async fn the_vectors_of_the_reference_implementation() {
    // phc-winner-argon2, test.c: argon2id and argon2i, version 19, "password" and "somesalt".
    // The same parameters: stale by the short salt, and the other by its kind as well.
    let hasher = hasher(HashSettings { memory_kib: 256, iterations: 2, ..light(1, 1, 1_000) });
    let id = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let i = "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8";
    for phc in [id, i] {
        let found = hasher.verify("password".into(), phc.into()).await.unwrap();
        assert_eq!(found, Verified { ok: true, stale: true }, "{phc}");
    }
}

#[tokio::test]
async fn a_hash_is_stale_when_the_parameters_rise() {
    let old = hasher(light(1, 4, 1_000));
    let phc = old.hash("s".into(), [1; 16]).await.unwrap();
    for (memory_kib, iterations, stale) in [(64, 1, false), (65, 1, true), (64, 2, true), (32, 1, false)] {
        let now = hasher(HashSettings { memory_kib, iterations, ..light(1, 4, 1_000) });
        assert_eq!(now.verify("s".into(), phc.clone()).await.unwrap(), Verified { ok: true, stale });
        let kept = now.run(|present, memory| memory.capacity() <= present.argon.params().block_count()).await;
        assert_eq!(kept, Ok(true), "no more memory is kept than needed");
    }
}

#[tokio::test]
async fn impossible_parameters_are_refused() {
    for (memory_kib, iterations) in [(0, 1), (7, 1), (64, 0), (u32::MAX, 1), (64, 1_000)] {
        assert!(Hasher::new(HashSettings { memory_kib, iterations, ..light(1, 1, 1) }).is_err());
    }
}

/// Measures, so it is run by hand: `cargo test --release --lib throughput -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn throughput_is_that_of_the_bare_algorithm() {
    let hasher =
        hasher(HashSettings { queue: 10_000, wait: Duration::from_secs(60), ..HashSettings::default() });
    let cores = std::thread::available_parallelism().unwrap().get();
    let per_core = 100;
    let salt = [1; 16];
    let phc = hasher.hash("s".into(), salt).await.unwrap();
    for _ in 0..3 {
        let at = tokio::time::Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    let argon = new_argon(&HashSettings::default()).unwrap();
                    let mut memory = vec![Block::new(); argon.params().block_count()];
                    for _ in 0..per_core {
                        compute(&argon, &"s".into(), &salt, &mut [0; OUTPUT], &mut memory);
                    }
                });
            }
        });
        let bare = at.elapsed();
        let at = tokio::time::Instant::now();
        let all = (0..cores * per_core).map(|_| {
            tokio::spawn({
                let (hasher, phc) = (hasher.clone(), phc.clone());
                async move { hasher.verify("s".into(), phc).await }
            })
        });
        assert!(futures_util::future::join_all(all).await.into_iter().all(|done| done.unwrap().unwrap().ok));
        let ours = at.elapsed();
        let rate = (cores * per_core) as f64 / ours.as_secs_f64();
        println!("{rate:.1} a second, {:.3} of the bare rate", bare.as_secs_f64() / ours.as_secs_f64());
    }
}

#[test]
fn whoever_is_checked_costs_what_todays_hash_costs() {
    let made = |memory_kib, iterations| {
        let argon = new_argon(&HashSettings { memory_kib, iterations, ..light(1, 1, 1) }).unwrap();
        phc(argon.params(), &[1; 16], &[2; OUTPUT])
    };
    for (memory_kib, iterations) in [(256, 3), (512, 1), (1024, 2), (192, 5)] {
        let argon = new_argon(&HashSettings { memory_kib, iterations, ..light(1, 1, 1) }).unwrap();
        let today = cost(argon.params());
        let present = Present { nobody: phc(argon.params(), &[0; 16], &[0; OUTPUT]), argon };
        let spent = |phc: &str| verify(&present, &"wrong".into(), phc, &mut Vec::new()).1;
        assert_eq!(spent(&present.nobody), today);
        assert_eq!(spent("no hash"), today);
        let old = [(64, 1), (128, 1), (128, 2), (memory_kib, 1), (memory_kib, iterations), (68, 3)];
        for (m, t) in old.into_iter().filter(|(m, t)| u64::from(m * t) <= today) {
            let spent = spent(&made(m, t));
            let near = today * 98 / 100..=today;
            assert!(near.contains(&spent), "{m} {t} beside {memory_kib} {iterations}: {spent} of {today}");
        }
    }
}
