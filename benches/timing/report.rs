//! The report, in Markdown.

use multauth::base::Clock;
use multauth::base::clock::rfc3339;

use super::statistics::PERCENTILES;
use super::{Class, Finding, Verdict, count};
use crate::load::Options;

/// What was found, and how.
pub struct Report {
    /// What was found.
    pub findings: Vec<Finding>,
    count: usize,
    command: String,
    began: String,
    load: String,
}

impl Report {
    /// Notes when it began, and how busy the machine is.
    pub fn begin(options: &Options) -> Self {
        Self {
            findings: Vec::new(),
            count: count(options),
            command: options.command.clone(),
            began: rfc3339(Clock::System.now()),
            load: load(),
        }
    }

    /// The text.
    pub fn end(&self, verdict: Verdict) -> String {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let [low, middle, high] = PERCENTILES;
        let mut text = format!(
            "# Whether time tells who has an account\n\n{}\n\n`{}`, {}, {cores} cores, {} of each class; load \
             average {} before and {} after.\n\n\
             | door | class | AUC | median of nobody | p{low} | p{middle} | p{high} | |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            said(verdict),
            self.command,
            self.began,
            self.count,
            self.load,
            load(),
        );
        for finding in &self.findings {
            text += &line(finding);
        }
        text + "\nTimes in milliseconds; beside nobody's median the others' differences at each percentile. |AUC − 0.5| is \
                to be 0.035 at most, and each difference 1 ms. `missing-too` are nobody's as well and must pass; `costly` \
                are accounts whose password costs more than nobody's, and must not.\n"
    }
}

fn line(finding: &Finding) -> String {
    let Finding { door, class, comparison } = finding;
    let [low, middle, high] = comparison.later;
    let found = match (class, comparison.passes()) {
        (Class::MissingToo, true) | (Class::Costly, false) => "control holds",
        (Class::MissingToo | Class::Costly, _) => "**control fails**",
        (_, true) => "passes",
        (_, false) => "**tells**",
    };
    let (name, auc, median) = (class.name(), comparison.auc, comparison.median);
    format!(
        "| {door} | {name} | {auc:.3} | {median:.3} | {low:+.3} | {middle:+.3} | {high:+.3} | {found} |\n"
    )
}

fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passes => "Nothing is told.",
        Verdict::Tells => "**Something is told.**",
        Verdict::Void => "**Not judged: a control failed. The machine is too busy, or the bench is wrong.**",
        Verdict::Short => "Not judged: a short run has too few of each class.",
    }
}

/// The load averages of 1, 5 and 15 minutes, where the system says them.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let three: Vec<&str> = text.split(' ').take(3).collect();
    if three.len() == 3 { three.join(", ") } else { "unknown".to_owned() }
}
