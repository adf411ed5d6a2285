//! The table.

use multauth::base::Clock;
use multauth::base::clock::rfc3339;

use crate::load::{AT_ONCE, Options, Pair};

/// One figure.
pub struct Row {
    name: String,
    figure: String,
    limit: String,
    ratio: String,
    goal: String,
    met: Option<bool>,
}

impl Row {
    /// A rate beside its limit; the goal is the least ratio.
    pub fn rate(name: String, pair: &Pair, limit: &str, goal: f64) -> Self {
        let ratio = pair.ours / pair.limit;
        Self {
            name,
            figure: format!("{:.0} /s", pair.ours),
            limit: format!("{:.0} /s {limit}", pair.limit),
            ratio: format!("{ratio:.2}"),
            goal: format!("≥ {goal:.2}"),
            met: Some(ratio >= goal),
        }
    }

    /// A figure that must not pass `goal`.
    pub fn most(name: &str, figure: f64, unit: &str, goal: f64) -> Self {
        Self {
            goal: format!("≤ {goal:.0} {unit}"),
            met: Some(figure <= goal),
            ..Self::plain(name, figure, unit)
        }
    }

    /// A figure beside another of the same run, which is what `limit` says; the goal is the greatest ratio.
    pub fn beside(name: &str, (figure, other): (f64, f64), unit: &str, limit: &str, goal: f64) -> Self {
        let ratio = figure / other;
        Self {
            limit: format!("{other:.1} {unit} {limit}"),
            ratio: format!("{ratio:.2}"),
            goal: format!("≤ {goal:.2}"),
            met: Some(ratio <= goal),
            ..Self::plain(name, figure, unit)
        }
    }

    /// A time in milliseconds beside another of the same run; the goal is the greatest difference.
    pub fn later(name: &str, (figure, other): (f64, f64), limit: &str, goal: f64) -> Self {
        let later = figure - other;
        Self {
            figure: format!("{figure:.2} ms"),
            limit: format!("{other:.2} ms {limit}"),
            ratio: format!("{later:+.2} ms"),
            goal: format!("≤ +{goal:.0} ms"),
            met: Some(later <= goal),
            ..Self::plain(name, later, "ms")
        }
    }

    /// A figure without a goal.
    pub fn plain(name: &str, figure: f64, unit: &str) -> Self {
        let none = || "–".to_owned();
        let figure = format!("{figure:.1} {unit}");
        Self { name: name.to_owned(), figure, limit: none(), ratio: none(), goal: none(), met: None }
    }

    fn cells(&self) -> [String; 6] {
        let met = self.met.map_or("–", |met| if met { "yes" } else { "no" });
        [&self.name, &self.figure, &self.limit, &self.ratio, &self.goal, met].map(str::to_owned)
    }
}

const HEAD: [&str; 6] = ["", "multauth", "limit, same run", "ratio", "goal", "met"];

/// The table in Markdown, with what it was measured by.
pub fn table(rows: &[Row], options: &Options) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: Vec<usize> =
        (0..6).map(|n| lines.iter().map(|cells| cells[n].chars().count()).max().unwrap_or(0)).collect();
    lines.insert(1, std::array::from_fn(|n| "-".repeat(widths[n])));
    let mut text = String::new();
    for cells in &lines {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
        text += &format!("| {} |\n", padded.join(" | "));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let today = rfc3339(Clock::System.now());
    let date = today.get(..10).unwrap_or_default();
    text + &format!(
        "\n`{}`, {date}, {cores} cores; {AT_ONCE} connections over loopback, whose clients share the cores.\n",
        options.command
    )
}
