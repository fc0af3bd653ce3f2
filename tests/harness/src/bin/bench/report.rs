//! The figures of a benchmark: JSON for programs, a table for people.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::machine;

/// What a benchmark found. Make it before measuring: it notes how busy the machine is.
pub(crate) struct Report {
    name: &'static str,
    machine: Value,
    figures: Vec<Figure>,
}

struct Figure {
    key: String,
    value: f64,
    unit: &'static str,
    /// The bound it has to keep, in words; empty where there is none.
    bound: String,
}

impl Report {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, machine: machine::describe(), figures: Vec::new() }
    }

    /// Adds a figure. The key says its unit too.
    pub(crate) fn figure(&mut self, key: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure { key: key.into(), value, unit, bound: String::new() });
    }

    /// Adds a figure that has to be at most this.
    pub(crate) fn at_most(&mut self, key: impl Into<String>, value: f64, unit: &'static str, bound: f64) {
        self.figure(key, value, unit);
        self.bound(value <= bound, format!("at most {bound}"));
    }

    /// Adds a figure that has to be at least this.
    pub(crate) fn at_least(&mut self, key: impl Into<String>, value: f64, unit: &'static str, bound: f64) {
        self.figure(key, value, unit);
        self.bound(value >= bound, format!("at least {bound}"));
    }

    fn bound(&mut self, kept: bool, bound: String) {
        if let Some(figure) = self.figures.last_mut() {
            figure.bound = if kept { bound } else { format!("{bound}: MISSED") };
        }
    }

    /// Writes `NAME.json` into the folder and prints the table.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn publish(&self, folder: &Path) -> Result<()> {
        let mut keys: Map<String, Value> =
            self.figures.iter().map(|figure| (figure.key.clone(), json!(figure.value))).collect();
        let at = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
        keys.insert("machine".into(), self.machine.clone());
        keys.insert("measured_at".into(), json!(at.as_secs()));
        let file = folder.join(format!("{}.json", self.name));
        let text = serde_json::to_string_pretty(&Value::Object(keys))?;
        fs::write(&file, text + "\n").with_context(|| file.display().to_string())?;
        print!("{}", self.table());
        Ok(())
    }

    fn table(&self) -> String {
        let width = self.figures.iter().map(|figure| figure.key.chars().count()).max().unwrap_or(0);
        let mut text = format!("{}: {}\n", self.name, self.machine);
        for Figure { key, value, unit, bound } in &self.figures {
            let line = format!("  {key:<width$}  {:>12} {unit:<6} {bound}", number(*value));
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

/// Three significant places, or all of those before the point.
fn number(value: f64) -> String {
    let places = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bound_stands_out() {
        let mut report = Report::new("sample");
        report.figure("one_us", 12.345, "µs");
        report.at_most("ratio", 0.5, "", 0.97);
        report.at_most("other_ratio", 2.0, "", 0.97);
        let table = report.table();
        let lines: Vec<_> = table.lines().skip(1).collect();
        assert_eq!(lines[0], "  one_us               12.3 µs");
        assert_eq!(lines[1], "  ratio                0.50        at most 0.97");
        assert_eq!(lines[2], "  other_ratio          2.00        at most 0.97: MISSED");
    }
}
