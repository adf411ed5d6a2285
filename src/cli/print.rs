//! What commands print: aligned columns for people, JSON for machines.

use std::io::Write;

use serde_json::Value;

use super::Failure;
use crate::base::{Millis, clock};
use crate::telemetry::text::plain;

/// Rows under a heading, each column as wide as its widest cell.
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; what a user may have written cannot move the cursor or end the line.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| plain(cell)).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head: Vec<String> = self.head.iter().map(|name| (*name).to_owned()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |n: usize| all.iter().filter_map(|row| row.get(n)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..head.len()).map(|n| width(n).unwrap_or(0)).collect();
        for row in all {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Prints `text` to standard output; a reader that went away (`| head`) is no failure.
pub fn out(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        _ => Ok(()),
    }
}

/// Prints a table, or with `json` the same as JSON.
pub fn list(json: bool, table: &Table, value: &Value) -> Result<(), Failure> {
    if json { self::json(value) } else { out(&table.to_string()) }
}

/// Prints JSON, indented.
pub fn json(value: &Value) -> Result<(), Failure> {
    out(&format!("{value:#}\n"))
}

/// A moment for people: `2026-03-01 10:00`, UTC.
pub fn moment(at: Millis) -> String {
    clock::rfc3339(at).chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// A moment that may not have come, for people.
pub fn moment_or_none(at: Option<Millis>) -> String {
    at.map_or_else(|| "-".to_owned(), moment)
}

/// A moment for machines: RFC 3339, or null.
pub fn time(at: Option<Millis>) -> Value {
    at.map(clock::rfc3339).into()
}
