//! Work done over and over by several at once, and how often a second.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

/// Anything that ends the run.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;
/// What a step gives.
pub type Result<T> = std::result::Result<T, Failed>;

/// How many work at the same time: connections of the client, or callers of the driver.
pub const AT_ONCE: usize = 16;

/// What the command line says.
pub struct Options {
    /// Whether little is to be done.
    pub short: bool,
    /// Whether hardly anything is to be done: it is only to be seen that it can be.
    pub check: bool,
    /// Whether it is measured what time tells.
    pub timing: bool,
    /// Where the report of that goes.
    pub report: Option<PathBuf>,
    filter: Option<String>,
    /// The command, as it can be repeated.
    pub command: String,
}

impl Options {
    /// Reads the arguments; cargo adds `--bench`.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let command = "cargo bench".into();
        let mut options =
            Self { short: false, check: false, timing: false, report: None, filter: None, command };
        let given: Vec<String> = arguments.filter(|argument| argument != "--bench").collect();
        if !given.is_empty() {
            options.command += &format!(" -- {}", given.join(" "));
        }
        let mut given = given.into_iter();
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "--short" => options.short = true,
                "--check" => options.check = true,
                "--timing" => options.timing = true,
                "--report" => options.report = Some(given.next().ok_or("--report FILE")?.into()),
                unknown if unknown.starts_with('-') => {
                    let known = "--short, --check, --timing, --report FILE, and a part of a name";
                    return Err(format!("{unknown}: there are {known}").into());
                }
                _ => options.filter = Some(argument),
            }
        }
        Ok(options)
    }

    /// Whether a figure of that name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|part| name.contains(part.as_str()))
    }

    /// Whether every figure is wanted.
    pub fn is_whole(&self) -> bool {
        self.filter.is_none()
    }

    /// How often each side is measured.
    pub fn rounds(&self) -> usize {
        self.of(21, 5, 1)
    }

    /// How long one round is.
    pub fn round(&self) -> Duration {
        Duration::from_millis(self.of(1_000, 500, 50))
    }

    /// How much is laid ready for a round of work that uses something up.
    pub fn prepared(&self) -> usize {
        self.of(1_200, 600, 24)
    }

    /// How long something rests that takes `time` to come to rest.
    pub fn rest(&self, time: Duration) -> Duration {
        self.of(time, time, Duration::ZERO)
    }

    /// How many of `count` that are not measured one by one.
    pub fn many(&self, count: usize) -> usize {
        self.of(count, count, count.min(40))
    }

    /// What a run of each length takes: a whole one, a short one, and one that only checks.
    pub fn of<T>(&self, whole: T, short: T, check: T) -> T {
        match (self.check, self.short) {
            (true, _) => check,
            (_, true) => short,
            _ => whole,
        }
    }
}

/// Something that can be done again and again.
pub trait Work: Send + 'static {
    /// Does it once; `false` where there is nothing left to do.
    fn once(&mut self) -> impl Future<Output = Result<bool>> + Send;
}

/// Lets all `workers` work for `time`; gives how often a second.
pub async fn rate<W: Work>(workers: &mut Vec<W>, time: Duration) -> Result<f64> {
    let began = Instant::now();
    let mut working = JoinSet::new();
    for mut worker in workers.drain(..) {
        working.spawn(async move {
            let mut done = 0u32;
            while began.elapsed() < time && worker.once().await? {
                done += 1;
            }
            Ok::<_, Failed>((done, worker))
        });
    }
    let mut all = 0;
    while let Some(joined) = working.join_next().await {
        let (done, worker) = joined??;
        all += done;
        workers.push(worker);
    }
    Ok(f64::from(all) / began.elapsed().as_secs_f64())
}

/// Two rates that were measured in turn: ours, and what bounds it.
pub struct Pair {
    /// Ours, a second.
    pub ours: f64,
    /// The limit, a second.
    pub limit: f64,
}

/// Measures both in turn; `before` lays ready what a round uses up. The first round of each warms up and is
/// not counted.
pub async fn compare<A: Work, B: Work>(
    options: &Options,
    ours: &mut Vec<A>,
    bare: &mut Vec<B>,
    mut before: impl AsyncFnMut() -> Result<()>,
) -> Result<Pair> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds() {
        before().await?;
        let pair = (rate(ours, options.round()).await?, rate(bare, options.round()).await?);
        eprintln!("    {:>10.1} /s  beside {:>10.1} /s", pair.0, pair.1);
        if round > 0 {
            a.push(pair.0);
            b.push(pair.1);
        }
    }
    Ok(Pair { ours: median(&mut a), limit: median(&mut b) })
}

/// The median.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
