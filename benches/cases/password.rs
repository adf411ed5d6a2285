//! Sign-ins by username and password, beside Argon2id alone on as many threads as there are cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use multauth::settings;

use super::Place;
use crate::http::Http;
use crate::load::{self, Pair, Result, Work, median};
use crate::people::{PASSWORD, Person};
use crate::row::Row;

/// What is to be reached of the bare hash.
const GOAL: f64 = 0.95;

struct Signin {
    http: Http,
    people: Arc<Vec<Person>>,
    next: Arc<AtomicUsize>,
}

impl Work for Signin {
    async fn once(&mut self) -> Result<bool> {
        let person = &self.people[self.next.fetch_add(1, Ordering::Relaxed) % self.people.len()];
        let body = format!(r#"{{"username":"{}","password":"{PASSWORD}"}}"#, person.name);
        let answer = self.http.post("/v1/signin", None, &body).await?;
        if answer.contains(r#""state":"done""#) { Ok(true) } else { Err(answer.to_owned().into()) }
    }
}

/// Measures it.
pub async fn run(place: Place<'_>) -> Result<Row> {
    let next = Arc::<AtomicUsize>::default();
    let connections = place.connections().await?.into_iter();
    let mut ours: Vec<Signin> =
        connections.map(|http| Signin { http, people: place.people.clone(), next: next.clone() }).collect();
    let mut memory = memory(&place.instance.app.settings.password);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..=place.options.rounds() {
        let pair = (
            load::rate(&mut ours, place.options.round()).await?,
            hashes(&place.instance.app.settings.password, &mut memory, place.options.round()).await?,
        );
        eprintln!("    {:>10.1} /s  beside {:>10.1} /s", pair.0, pair.1);
        if round > 0 {
            a.push(pair.0);
            b.push(pair.1);
        }
    }
    let pair = Pair { ours: median(&mut a), limit: median(&mut b) };
    Ok(Row::rate(place.title, &pair, "(Argon2id alone)", GOAL))
}

/// The memory of one hash for each core; it is used again, as the server does.
fn memory(settings: &settings::Password) -> Vec<Vec<Block>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    vec![vec![Block::new(); settings.memory_kib as usize]; cores]
}

/// How many hashes a second all cores compute.
async fn hashes(settings: &settings::Password, memory: &mut Vec<Vec<Block>>, time: Duration) -> Result<f64> {
    let params = Params::new(settings.memory_kib, settings.iterations, 1, Some(32))?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let began = Instant::now();
    let hashing = memory.drain(..).map(|mut memory| {
        let argon = argon.clone();
        tokio::task::spawn_blocking(move || {
            let (mut done, mut output) = (0u32, [0; 32]);
            while began.elapsed() < time {
                let (password, salt) = (PASSWORD.as_bytes(), b"sixteen of bytes");
                argon.hash_password_into_with_memory(password, salt, &mut output, &mut memory)?;
                done += 1;
            }
            Ok::<_, argon2::Error>((done, memory))
        })
    });
    let (mut all, hashing) = (0, hashing.collect::<Vec<_>>());
    for core in hashing {
        let (done, used) = core.await??;
        all += done;
        memory.push(used);
    }
    Ok(f64::from(all) / began.elapsed().as_secs_f64())
}
