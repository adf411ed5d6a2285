//! `cargo bench -- --timing`: whether the time of an answer tells who has an account (R16), by the test T-TIME.
//!
//! At each door requests for identifiers of several classes are sent in random order over one connection, each
//! identifier once. For each class beside those that nobody has, the AUC is the chance that an answer about one of it
//! comes later than one about nobody's; half is nothing told.
//!
//! Two controls, without which nothing is judged: nobody's identifiers beside others of nobody must pass, and accounts
//! whose password was hashed for more than is spent on nobody must be told apart: for half as much again, and for all
//! of it, where a hasher is handed in that spends next to nothing.

mod accounts;
mod doors;
mod report;
mod statistics;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::http::{Http, field};
use crate::instance::{Instance, Kind};
use crate::load::{Options, Result};
use crate::providers;
use doors::{Door, SERVERS, Settle};
use statistics::{Comparison, compare};

/// How many of a class are measured.
const COUNT: usize = 2_000;
/// The same in a short run, which is too few to judge by.
const SHORT: usize = 300;
/// The same where it is only to be seen that every door answers as it should.
const CHECK: usize = 3;
/// Requests before the first that counts.
const WARM_UP: usize = 200;

/// Who an identifier may belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nobody.
    Missing,
    /// Nobody, others than those: they must not be told apart.
    MissingToo,
    /// Somebody.
    Existing,
    /// Somebody whose account is disabled.
    Disabled,
    /// Somebody who never confirmed it.
    Unconfirmed,
    /// Somebody whose password was hashed for more than is spent on nobody: they must be told apart.
    Costly,
}

impl Class {
    /// What it is called, in identifiers too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::MissingToo => "missing-too",
            Self::Existing => "existing",
            Self::Disabled => "disabled",
            Self::Unconfirmed => "unconfirmed",
            Self::Costly => "costly",
        }
    }

    /// The `n`th identifier of it at a door, an address or a Polish number.
    pub fn address(self, door: &Door, n: usize) -> String {
        match door.kind {
            "phone" => format!("+4850{}{}{n:05}", door.key, self as usize),
            _ => format!("{}-{}-{n:06}@example.org", door.key, self.name()),
        }
    }
}

/// What was found at a door about one class.
pub struct Finding {
    /// The door, with the database.
    pub door: String,
    /// The class that was set beside nobody.
    pub class: Class,
    /// How the two compare.
    pub comparison: Comparison,
}

/// What the whole says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is told.
    Passes,
    /// Something is told.
    Tells,
    /// A control failed, so that nothing can be said.
    Void,
    /// Too few to judge by.
    Short,
}

impl Verdict {
    fn of(findings: &[Finding], short: bool) -> Self {
        let passes = |finding: &Finding| finding.comparison.passes();
        let mut controls = findings.iter().filter(|it| it.class == Class::MissingToo);
        let mut costly = findings.iter().filter(|it| it.class == Class::Costly);
        let judged = [Class::Existing, Class::Disabled, Class::Unconfirmed];
        match short {
            true => Self::Short,
            _ if !controls.all(passes) || costly.any(passes) => Self::Void,
            _ if findings.iter().filter(|it| judged.contains(&it.class)).all(passes) => Self::Passes,
            _ => Self::Tells,
        }
    }

    fn exit(self) -> ExitCode {
        match self {
            Self::Passes | Self::Short => ExitCode::SUCCESS,
            Self::Tells => ExitCode::from(1),
            Self::Void => ExitCode::from(2),
        }
    }
}

/// Measures every door that the options let through, writes the report, and says by the exit code what was found: 0
/// nothing is told (or nothing judged, in a short run), 1 something is, 2 a control failed.
pub async fn run(options: &Options) -> Result<ExitCode> {
    statistics::check();
    let mut report = report::Report::begin(options);
    for kind in Kind::available() {
        for (settle, doors) in SERVERS {
            report.findings.extend(at_server(kind.clone(), settle, doors, options).await?);
        }
    }
    if options.check {
        println!("{} comparisons run", report.findings.len());
        return Ok(ExitCode::SUCCESS);
    }
    let verdict = Verdict::of(&report.findings, options.short);
    let text = report.end(verdict);
    print!("{text}");
    if let Some(path) = path(options) {
        std::fs::write(path, text)?;
    }
    Ok(verdict.exit())
}

/// Measures the doors of one server that the options let through.
async fn at_server(kind: Kind, settle: Settle, doors: &[Door], options: &Options) -> Result<Vec<Finding>> {
    let wanted: Vec<&Door> = doors.iter().filter(|door| options.wants(&kind.title(door.name))).collect();
    let mut findings = Vec::new();
    if wanted.is_empty() {
        return Ok(findings);
    }
    let instance = Instance::start_with(kind, providers::NULL, settle).await?;
    for door in wanted {
        let title = instance.kind.title(door.name);
        eprintln!("{title}");
        findings.extend(at(&instance, door, options, title).await?);
    }
    instance.stop().await?;
    Ok(findings)
}

fn count(options: &Options) -> usize {
    options.of(COUNT, SHORT, CHECK)
}

/// Where the report goes; a short run, or one of some doors, takes the place of no whole one unless it is told to.
fn path(options: &Options) -> Option<PathBuf> {
    let whole = !options.short && !options.check && options.is_whole();
    let usual = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/timing/report.md"));
    options.report.clone().or_else(|| whole.then(usual))
}

async fn at(instance: &Instance, door: &Door, options: &Options, title: String) -> Result<Vec<Finding>> {
    let app = &instance.app;
    let (count, spare) = (count(options), options.many(WARM_UP).div_ceil(door.classes.len()));
    for class in door.classes {
        accounts::make(app, door, *class, count + spare).await?;
    }
    let mut http = Http::open(instance.address).await?;
    let each = |from: usize, to: usize| -> Vec<(usize, usize)> {
        (0..door.classes.len()).flat_map(|class| (from..to).map(move |n| (class, n))).collect()
    };
    for (class, n) in shuffled(app, each(count, count + spare)) {
        ask(&mut http, door, door.classes[class], n).await?;
    }
    let mut times = vec![Vec::with_capacity(count); door.classes.len()];
    for (class, n) in shuffled(app, each(0, count)) {
        times[class].push(ask(&mut http, door, door.classes[class], n).await?);
    }
    let missing = times.remove(0);
    let others = door.classes[1..].iter().zip(times);
    let findings = others.map(|(class, times)| Finding {
        door: title.clone(),
        class: *class,
        comparison: compare(missing.clone(), times),
    });
    Ok(findings.collect())
}

/// Knocks at a door; gives how long the answer took, or that to what follows it.
async fn ask(http: &mut Http, door: &Door, class: Class, n: usize) -> Result<f64> {
    let body = (door.body)(&class.address(door, n));
    let Some((then, status)) = door.then else { return timed(http, door.path, &body, door.status).await };
    let attempt = field(http.post(door.path, None, &body).await?, "attempt")?.to_owned();
    timed(http, &format!("/v1/attempts/{attempt}"), then, status).await
}

/// Sends one request; gives how long its answer took, in milliseconds.
async fn timed(http: &mut Http, path: &str, body: &str, expected: u16) -> Result<f64> {
    let began = Instant::now();
    let status = http.status(path, body).await?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    match status == expected {
        true => Ok(took),
        false => Err(format!("{path}: {status}").into()),
    }
}

/// In random order (Fisher and Yates).
fn shuffled<T>(app: &multauth::app::App, mut all: Vec<T>) -> Vec<T> {
    for last in (1..all.len()).rev() {
        let chance = u64::from_le_bytes(app.random.bytes());
        let at = usize::try_from(chance % (last as u64 + 1)).unwrap_or(0);
        all.swap(last, at);
    }
    all
}
