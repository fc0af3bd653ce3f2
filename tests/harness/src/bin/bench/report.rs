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
    columns: Vec<Column>,
    figures: Vec<Figure>,
}

/// Figures that stand beside the same ones of something else.
struct Column {
    title: String,
    /// What distinguishes their keys.
    prefix: String,
}

struct Figure {
    /// Which of the columns it is in; 0 where there are none.
    column: usize,
    /// Without the column's prefix.
    key: String,
    value: f64,
    unit: &'static str,
    /// The bound it has to keep, in words; empty where there is none.
    bound: String,
}

impl Report {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, machine: machine::describe(), columns: Vec::new(), figures: Vec::new() }
    }

    /// Adds the figures that follow in a column of their own, under keys with this prefix.
    pub(crate) fn column(&mut self, title: impl Into<String>, prefix: impl Into<String>) {
        self.columns.push(Column { title: title.into(), prefix: prefix.into() });
    }

    /// Adds a figure. The key says its unit too.
    pub(crate) fn figure(&mut self, key: impl Into<String>, value: f64, unit: &'static str) {
        let column = self.columns.len().saturating_sub(1);
        self.figures.push(Figure { column, key: key.into(), value, unit, bound: String::new() });
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
            self.figures.iter().map(|figure| (self.key(figure), json!(figure.value))).collect();
        let at = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
        keys.insert("machine".into(), self.machine.clone());
        keys.insert("measured_at".into(), json!(at.as_secs()));
        let file = folder.join(format!("{}.json", self.name));
        let text = serde_json::to_string_pretty(&Value::Object(keys))?;
        fs::write(&file, text + "\n").with_context(|| file.display().to_string())?;
        print!("{}", self.table());
        Ok(())
    }

    /// The key that a program finds the figure under.
    fn key(&self, figure: &Figure) -> String {
        let prefix = self.columns.get(figure.column).map_or("", |column| &column.prefix);
        format!("{prefix}{}", figure.key)
    }

    fn table(&self) -> String {
        let mut rows: Vec<(&str, Vec<&Figure>)> = Vec::new();
        for figure in &self.figures {
            match rows.iter_mut().find(|(key, _)| *key == figure.key) {
                Some((_, row)) => row.push(figure),
                None => rows.push((&figure.key, vec![figure])),
            }
        }
        let width = rows.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
        let mut text = format!("{}: {}\n", self.name, self.machine);
        if self.columns.len() > 1 {
            text += &format!("  {:<width$}", "");
            text.extend(self.columns.iter().map(|column| format!("  {:>12}", column.title)));
            text.push('\n');
        }
        for (key, row) in rows {
            let mut line = format!("  {key:<width$}");
            for column in 0..self.columns.len().max(1) {
                let figure = row.iter().find(|figure| figure.column == column);
                line += &format!("  {:>12}", figure.map_or_else(String::new, |figure| number(figure.value)));
            }
            line += &format!(" {:<6} {}", row[0].unit, bounds(&row));
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

/// The bounds of figures that stand beside each other: one of them, where they are the same.
fn bounds(row: &[&Figure]) -> String {
    let mut bounds: Vec<&str> = row.iter().map(|figure| figure.bound.as_str()).collect();
    bounds.dedup();
    bounds.join("; ")
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

    #[test]
    fn what_is_compared_stands_side_by_side() {
        let mut report = Report::new("sample");
        report.column("this", "");
        report.at_least("rate", 2.0, "1/s", 1.0);
        report.figure("only_here_us", 1.0, "µs");
        report.column("that", "that_");
        report.at_least("rate", 0.5, "1/s", 1.0);
        let table = report.table();
        let lines: Vec<_> = table.lines().skip(1).collect();
        assert_eq!(lines[0], "                        this          that");
        assert_eq!(
            lines[1],
            "  rate                  2.00          0.50 1/s    at least 1; at least 1: MISSED"
        );
        assert_eq!(lines[2], "  only_here_us          1.00               µs");
        let keys: Vec<_> = report.figures.iter().map(|figure| report.key(figure)).collect();
        assert_eq!(keys, ["rate", "only_here_us", "that_rate"]);
    }
}
