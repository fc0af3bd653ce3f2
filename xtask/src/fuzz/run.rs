//! One run of one target.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::process;

/// What all runs have in common.
pub(super) struct Plan {
    /// The checkout.
    pub(super) root: PathBuf,
    /// Where the built targets are.
    pub(super) programs: PathBuf,
    /// The inputs under version control, in a folder for each target.
    pub(super) corpora: PathBuf,
    /// Words for some of the targets, which the fuzzer would not guess.
    pub(super) dictionaries: PathBuf,
    /// Where everything goes that is found.
    pub(super) work: PathBuf,
    /// How long each target runs.
    pub(super) seconds: u32,
    /// What its random choices start from.
    pub(super) seed: u32,
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It found nothing.
    Clean {
        /// How many inputs it tried.
        executions: u64,
    },
    /// It found this.
    Found(String),
}

impl Plan {
    /// Runs a target on its inputs, and then on what it makes of them.
    ///
    /// # Errors
    ///
    /// There are no inputs to start from, or the target did not run.
    pub(super) fn run(&self, target: &str) -> Result<Verdict> {
        let program = self.programs.join(target);
        ensure!(program.is_file(), "{} was not built: is it in the manifest?", program.display());
        let inputs = self.corpora.join(target);
        let count = fs::read_dir(&inputs).with_context(|| inputs.display().to_string())?.count();
        ensure!(count > 0, "{} has no inputs to start from", inputs.display());

        let [corpus, artifacts, logs] =
            ["corpus", "artifacts", "logs"].map(|name| self.work.join(name).join(target));
        for folder in [&corpus, &artifacts, &logs] {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let log_path = logs.join("last");
        let log = File::create(&log_path).with_context(|| log_path.display().to_string())?;
        let mut command = process::command(&program, &self.root);
        command
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args([format!("-seed={}", self.seed), format!("-max_total_time={}", self.seconds)])
            // A second is already a thousand times longer than an input may take.
            .args(["-timeout=5", "-rss_limit_mb=1024", "-print_final_stats=1"])
            .args(self.dictionary(target))
            .args([&corpus, &inputs])
            .stdout(log.try_clone()?)
            .stderr(log);
        let status = command.status().with_context(|| program.display().to_string())?;
        let log = String::from_utf8_lossy(&fs::read(&log_path)?).into_owned();
        if let Some(input) = finding(&log) {
            let repeat = format!("repeat it with: {} {input}", program.display());
            return Ok(Verdict::Found(format!("{}\n{repeat}", reason(&log))));
        }
        match executions(&log) {
            Some(executions) if status.success() && executions > 0 => Ok(Verdict::Clean { executions }),
            _ => bail!("it ended with {status} and no finding, see {}", log_path.display()),
        }
    }

    fn dictionary(&self, target: &str) -> Option<String> {
        let file = self.dictionaries.join(format!("{target}.dict"));
        file.is_file().then(|| format!("-dict={}", file.display()))
    }
}

/// The file of the input that broke something.
fn finding(log: &str) -> Option<&str> {
    log.split("Test unit written to ").nth(1)?.lines().next()
}

/// What was wrong: the panic's lines, or else the fuzzer's own words.
fn reason(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let start = lines.iter().position(|line| line.contains("panicked at"));
    let start = start.or_else(|| lines.iter().position(|line| line.contains("ERROR: libFuzzer")));
    let shown = lines.iter().skip(start.unwrap_or(0)).take(6);
    shown.map(|line| format!("        {line}")).collect::<Vec<_>>().join("\n")
}

fn executions(log: &str) -> Option<u64> {
    log.split("stat::number_of_executed_units:").nth(1)?.lines().next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_what_was_found_and_how_much_was_tried() {
        let log = "INFO: Seed: 1\nthread '<unnamed>' panicked at targets/path.rs:1:1:\nwrong\n\
                   artifact_prefix='a/'; Test unit written to a/crash-1\nBase64: AA==\n\
                   stat::number_of_executed_units: 17\n";
        assert_eq!(finding(log), Some("a/crash-1"));
        assert!(
            reason(log)
                .starts_with("        thread '<unnamed>' panicked at targets/path.rs:1:1:\n        wrong")
        );
        assert_eq!(executions(log), Some(17));
        assert_eq!(finding("Done 5 runs"), None);
        assert_eq!(executions("Done 5 runs"), None);
    }

    #[test]
    fn a_target_that_was_not_built_or_has_no_inputs_is_no_success() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let plan = Plan {
            root: here.clone(),
            programs: here.join("src"),
            corpora: here.join("no-such-folder"),
            dictionaries: here.join("no-such-folder"),
            work: here.join("no-such-folder"),
            seconds: 1,
            seed: 1,
        };
        let error = |target: &str| format!("{:#}", plan.run(target).expect_err("it cannot run"));
        assert!(
            error("absent").ends_with("absent was not built: is it in the manifest?"),
            "{}",
            error("absent")
        );
        assert!(error("main.rs").contains("no-such-folder"), "{}", error("main.rs"));
    }
}
