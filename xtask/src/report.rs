//! What `cargo xtask test` says at the end.

use std::process::ExitCode;
use std::time::Duration;

use crate::counts::Counts;

/// A line of the table at the end.
pub(crate) struct Row {
    /// The name of a suite, or of what had to be done before.
    pub(crate) name: &'static str,
    /// How it ended.
    pub(crate) end: End,
    /// The tests it ran.
    pub(crate) counts: Counts,
    /// How long it took.
    pub(crate) time: Duration,
    /// How many minutes it may take.
    pub(crate) budget: u32,
}

pub(crate) enum End {
    /// Well.
    Passed,
    /// Not well, for each of these reasons.
    Failed(Vec<String>),
    /// Not at all, for this reason, and that was allowed.
    Skipped(String),
}

impl End {
    /// Passed, if there is no reason why not.
    pub(crate) fn of(reasons: impl IntoIterator<Item = String>) -> Self {
        let reasons: Vec<_> = reasons.into_iter().collect();
        if reasons.is_empty() { Self::Passed } else { Self::Failed(reasons) }
    }
}

/// Prints what failed, the table and the closing line.
pub(crate) fn report(rows: &[Row]) -> ExitCode {
    println!();
    for row in rows {
        if let End::Failed(reasons) = &row.end {
            for reason in reasons {
                println!("{} failed: {reason}", row.name);
            }
        }
    }
    println!("\n{}", table(rows));
    let mut sum = Counts::default();
    for row in rows {
        sum += row.counts;
    }
    // Tools and build are no tests, but their failure is one.
    let broken =
        rows.iter().filter(|row| row.counts.failed == 0 && matches!(row.end, End::Failed(_))).count();
    sum.failed += broken as u64;
    println!("{sum}");
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<10} {:<8} {:>6} {:>8}  {}\n", "suite", "result", "tests", "seconds", "budget");
    for row in rows {
        let (result, note) = match &row.end {
            End::Passed => ("passed", String::new()),
            End::Failed(_) => ("FAILED", String::new()),
            End::Skipped(reason) => ("skipped", format!("  {reason}")),
        };
        let over =
            if row.time > Duration::from_secs(u64::from(row.budget) * 60) { "  over budget" } else { "" };
        text += &format!(
            "{:<10} {result:<8} {:>6} {:>8.1}  {} min{over}{note}\n",
            row.name,
            row.counts.total(),
            row.time.as_secs_f64(),
            row.budget,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_who_took_too_long() {
        let row = |name, seconds| Row {
            name,
            end: End::Passed,
            counts: Counts { passed: 7, failed: 0 },
            time: Duration::from_secs(seconds),
            budget: 1,
        };
        let table = table(&[row("quick", 60), row("slow", 61)]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[1], "quick      passed        7     60.0  1 min");
        assert_eq!(lines[2], "slow       passed        7     61.0  1 min  over budget");
    }
}
