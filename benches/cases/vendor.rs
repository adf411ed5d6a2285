//! The answer to a sign-up whose code goes to a provider that is slow or down, beside one that takes it at once.

use std::time::Instant;

use crate::http::Http;
use crate::instance::{Instance, Kind};
use crate::load::{Options, Result};
use crate::providers::{DOWN, NULL, SLOW};
use crate::row::Row;

/// The figures.
pub const NAMES: [&str; 2] =
    ["sign-up, median, provider takes 5 s", "sign-up, 99th percentile, provider down"];
/// What a slow vendor may cost an answer, in milliseconds.
const SLOWER: f64 = 2.0;
/// What one that is down may cost the slowest in a hundred.
const DOWN_COSTS: f64 = 1.1;

/// What the quick provider is called in the table.
const QUICK: &str = "(takes it at once)";

struct Side {
    instance: Instance,
    http: Http,
    /// How long each answer took, in milliseconds.
    took: Vec<f64>,
}

/// Measures all of them, on SQLite: one sign-up by each in turn, over and over.
pub async fn run(options: &Options) -> Result<Vec<Row>> {
    eprintln!("answers while a provider is slow or down");
    let mut sides = Vec::new();
    for provider in [NULL, SLOW, DOWN] {
        let instance = Instance::start(Kind::Sqlite, provider).await?;
        let http = Http::open(instance.address).await?;
        sides.push(Side { instance, http, took: Vec::new() });
    }
    let warm = options.prepared() / 10;
    for n in 0..warm + options.prepared() {
        for side in &mut sides {
            let body = format!(r#"{{"email":"new{n}@example.org"}}"#);
            let began = Instant::now();
            let answer = side.http.post("/v1/signup", None, &body).await?;
            let took = began.elapsed().as_secs_f64() * 1e3;
            if !answer.contains(r#""state":"ask""#) {
                return Err(answer.to_owned().into());
            }
            if n >= warm {
                side.took.push(took);
            }
        }
    }
    let (mut medians, mut slowest) = (Vec::new(), Vec::new());
    for mut side in sides {
        side.took.sort_by(f64::total_cmp);
        let at = |part: f64| side.took[(side.took.len() as f64 * part) as usize];
        eprintln!("    median {:.2} ms, 99th percentile {:.2} ms", at(0.5), at(0.99));
        medians.push(at(0.5));
        slowest.push(at(0.99));
        side.instance.stop().await?;
    }
    let rows = [
        Row::later(NAMES[0], (medians[1], medians[0]), QUICK, SLOWER),
        Row::beside(NAMES[1], (slowest[2], slowest[0]), "ms", QUICK, DOWN_COSTS),
    ];
    Ok(rows.into_iter().zip(NAMES).filter(|(_, name)| options.wants(name)).map(|(row, _)| row).collect())
}
