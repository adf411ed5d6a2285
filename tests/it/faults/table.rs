//! What a fault did, and the table of all of them.

use std::fmt::Write;
use std::time::Duration;

/// What was seen while a fault was played: figures, and what was not as it must be.
#[derive(Debug, Default)]
pub struct Seen {
    figures: Vec<String>,
    broken: Vec<String>,
    beside_others: bool,
}

impl Seen {
    /// For a test that shares the machine with others: every time may be twice its bound.
    pub fn beside_others() -> Self {
        Self { beside_others: true, ..Self::default() }
    }

    /// Something to know; once, however often it is seen.
    pub fn figure(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.figures.contains(&text) {
            self.figures.push(text);
        }
    }

    /// Something that must be; `what` says what is wrong where it is not.
    pub fn must(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.broken.push(what.into());
        }
    }

    /// A count that must be zero.
    pub fn none(&mut self, what: &str, count: usize) {
        self.figure(format!("{what} {count}"));
        self.must(count == 0, format!("{what}: {count}"));
    }

    /// A time with its bound.
    pub fn within(&mut self, what: &str, took: Duration, bound: Duration) {
        self.figure(format!("{what} {}", seconds(took)));
        let bound = if self.beside_others { 2 * bound } else { bound };
        self.must(took <= bound, format!("{what}: {}, not {}", seconds(took), seconds(bound)));
    }

    /// A time with its bound; `None` is never.
    pub fn comes_within(&mut self, what: &str, took: Option<Duration>, bound: Duration) {
        match took {
            Some(took) => self.within(what, took, bound),
            None => {
                self.figure(format!("{what} never"));
                self.must(false, format!("{what}: never, not {}", seconds(bound)));
            }
        }
    }

    /// What was not as it must be; a test of the ordinary suite fails by it.
    pub fn broken(&self) -> &[String] {
        &self.broken
    }
}

/// A time to read: `0.25 s`.
pub fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

/// One line of the table.
pub struct Row {
    pub name: &'static str,
    pub run: &'static str,
    pub bound: &'static str,
    pub end: End,
}

/// How playing a fault ended.
pub enum End {
    Played(Seen),
    /// It could not be played here, and why.
    NotTested(String),
}

impl Row {
    /// Whether something was not as it must be.
    pub fn is_fault(&self) -> bool {
        matches!(&self.end, End::Played(seen) if !seen.broken.is_empty())
    }

    fn verdict(&self) -> String {
        match &self.end {
            End::NotTested(why) => format!("NOT TESTED: {why}"),
            End::Played(seen) if seen.broken.is_empty() => "holds".to_owned(),
            End::Played(seen) => format!("FAULT: {}", seen.broken.join("; ")),
        }
    }

    /// The row in Markdown.
    pub fn line(&self) -> String {
        let figures = match &self.end {
            End::Played(seen) => seen.figures.join(", "),
            End::NotTested(_) => String::new(),
        };
        let cells = [self.name, self.run, &figures, self.bound, &self.verdict()];
        format!("| {} |", cells.map(|cell| cell.replace('|', "/").replace('\n', " ")).join(" | "))
    }
}

/// The whole table in Markdown, and how many of it hold.
pub fn text(rows: &[Row]) -> String {
    let mut text =
        String::from("| fault | what was run | figures | bound | verdict |\n|---|---|---|---|---|\n");
    for row in rows {
        let _ = writeln!(text, "{}", row.line());
    }
    let faults = rows.iter().filter(|row| row.is_fault()).count();
    let untested = rows.iter().filter(|row| matches!(row.end, End::NotTested(_))).count();
    let _ = writeln!(text, "{} hold, {faults} FAULT, {untested} NOT TESTED", rows.len() - faults - untested);
    text
}

#[test]
fn a_row_says_what_was_seen_and_what_must_be() {
    let mut seen = Seen::default();
    seen.within("ready again after", Duration::from_millis(14_250), Duration::from_secs(15));
    seen.none("lost", 0);
    let row = |end| Row { name: "F0", run: "a | pipe", bound: "15 s", end };
    let good = row(End::Played(seen));
    assert_eq!(good.line(), "| F0 | a / pipe | ready again after 14.25 s, lost 0 | 15 s | holds |");
    let mut seen = Seen::default();
    seen.comes_within("ready again after", None, Duration::from_secs(15));
    let bad = row(End::Played(seen));
    assert!(bad.is_fault() && bad.line().ends_with("| FAULT: ready again after: never, not 15.00 s |"));
    let rows = [good, bad, row(End::NotTested("no root".into()))];
    assert!(text(&rows).ends_with("\n1 hold, 1 FAULT, 1 NOT TESTED\n"), "{}", text(&rows));
}
