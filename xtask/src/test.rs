//! `cargo xtask test`: runs suites.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build;
use crate::counts::Counts;
use crate::fuzz;
use crate::process;
use crate::repo::Repo;
use crate::report::{End, Row, report};
use crate::suites::{SUITES, Step, Suite};
use crate::tools::{Missing, Tool};

/// What to run.
#[derive(Default)]
pub(crate) struct Options {
    /// Names of suites; none means all.
    pub(crate) suites: Vec<String>,
    /// Skip a suite that lacks something on this machine, instead of failing it.
    pub(crate) allow_missing: bool,
    /// Only say which suites there are.
    pub(crate) list: bool,
    /// How long each fuzz target runs; `None` is [`fuzz::SECONDS`].
    pub(crate) seconds: Option<u32>,
    /// What random choices start from: any text, or `random`.
    pub(crate) seed: Option<String>,
}

/// Why a suite cannot run.
enum Obstacle {
    Missing(String),
    Broken(String),
}

/// Minutes for fetching tools, one of which is built from its source, and for building our own parts.
const FETCH_BUDGET: u32 = 4;
const BUILD_BUDGET: u32 = 7;

/// Runs the suites that were named.
///
/// # Errors
///
/// A name that no suite has. Failures of suites are no errors: they end in the table and the exit code.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<ExitCode> {
    let suites = select(&options.suites)?;
    if options.list {
        list();
        return Ok(ExitCode::SUCCESS);
    }
    let seed = seed(repo, options.seed.as_deref())?;
    let mut rows = Vec::new();

    let started = Instant::now();
    let tools = fetch(repo, &suites);
    let end = End::of(tools.values().filter_map(|tool| match tool {
        Some(Obstacle::Broken(reason)) => Some(reason.clone()),
        Some(Obstacle::Missing(_)) | None => None,
    }));
    rows.push(Row {
        name: "tools",
        end,
        counts: Counts::default(),
        time: started.elapsed(),
        budget: FETCH_BUDGET,
    });

    // Built when the first suite asks for them, so that cheaper suites have failed before.
    let mut built: Option<bool> = None;
    for suite in suites {
        let obstacle = suite.tools.iter().find_map(|tool| tools[tool].as_ref());
        if suite.parts && obstacle.is_none() && built.is_none() {
            let row = build_parts(repo);
            built = Some(matches!(row.end, End::Passed));
            rows.push(row);
        }
        rows.push(match obstacle {
            Some(obstacle) => cannot_run(suite, obstacle, options.allow_missing),
            None if suite.parts && built == Some(false) => {
                cannot_run(suite, &Obstacle::Broken("the parts could not be built".into()), false)
            }
            None => run_suite(repo, suite, options, &seed),
        });
    }
    Ok(report(&rows))
}

/// What random choices start from: one commit is tried in the same way twice, and another one in another way.
fn seed(repo: &Repo, wanted: Option<&str>) -> Result<String> {
    match wanted {
        // A hasher's keys are random.
        Some("random") => Ok(format!("{:016x}", RandomState::new().build_hasher().finish())),
        Some(text) => Ok(text.to_owned()),
        None => {
            let tree =
                process::capture(process::command("git", &repo.root).args(["rev-parse", "HEAD^{tree}"]))?;
            Ok(tree.trim().to_owned())
        }
    }
}

fn select(names: &[String]) -> Result<Vec<&'static Suite>> {
    if let Some(unknown) = names.iter().find(|name| !SUITES.iter().any(|suite| suite.name == **name)) {
        let known: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
        bail!("there is no suite \"{unknown}\"; the suites are {}", known.join(", "));
    }
    Ok(SUITES
        .iter()
        .filter(|suite| names.is_empty() || names.iter().any(|name| name == suite.name))
        .collect())
}

fn list() {
    for suite in SUITES {
        println!("{:<10} {:>2} min  {}", suite.name, suite.budget, suite.proves);
    }
}

fn heading(name: &str) {
    println!("\n── {name} ──");
}

fn fetch(repo: &Repo, suites: &[&Suite]) -> HashMap<Tool, Option<Obstacle>> {
    let mut tools = HashMap::new();
    for tool in suites.iter().flat_map(|suite| suite.tools) {
        tools.entry(*tool).or_insert_with(|| {
            let error = tool.ensure(repo).err()?;
            let reason = format!("{error:#}");
            let missing = error.chain().any(|cause| cause.is::<Missing>());
            Some(if missing { Obstacle::Missing(reason) } else { Obstacle::Broken(reason) })
        });
    }
    tools
}

fn build_parts(repo: &Repo) -> Row {
    heading("build");
    let started = Instant::now();
    let end = End::of(build::everything(repo).err().map(|error| format!("{error:#}")));
    Row { name: "build", end, counts: Counts::default(), time: started.elapsed(), budget: BUILD_BUDGET }
}

fn cannot_run(suite: &Suite, obstacle: &Obstacle, allow_missing: bool) -> Row {
    let (end, failed) = match obstacle {
        Obstacle::Missing(reason) if allow_missing => (End::Skipped(reason.clone()), 0),
        Obstacle::Missing(reason) => (End::Failed(vec![reason.clone()]), 1),
        // The rest of it stands with the row of tools.
        Obstacle::Broken(reason) => {
            (End::Failed(reason.lines().next().map(str::to_owned).into_iter().collect()), 1)
        }
    };
    let counts = Counts { passed: 0, failed };
    Row { name: suite.name, end, counts, time: Duration::ZERO, budget: suite.budget }
}

fn run_suite(repo: &Repo, suite: &'static Suite, options: &Options, seed: &str) -> Row {
    heading(suite.name);
    let started = Instant::now();
    let mut counts = Counts::default();
    let mut reasons = Vec::new();
    match (suite.steps)(repo) {
        Ok(steps) => {
            for step in steps {
                let is_build = matches!(step, Step::Build(_));
                let failed_before = counts.failed;
                let result = match step {
                    Step::Build(mut command) | Step::Check(mut command) => process::run(&mut command),
                    Step::Tests(mut command) => run_tests(command.env("URAIDEN_SEED", seed), &mut counts),
                    Step::Fuzz => fuzz::run(repo, options.seconds, &mut counts),
                };
                let Err(error) = result else { continue };
                reasons.push(format!("{error:#}"));
                // What fails without a failed test, such as a build, must not end in "0 failed".
                if counts.failed == failed_before {
                    counts.failed += 1;
                }
                if is_build {
                    break;
                }
            }
        }
        Err(error) => {
            reasons.push(format!("{error:#}"));
            counts.failed += 1;
        }
    }
    Row { name: suite.name, end: End::of(reasons), counts, time: started.elapsed(), budget: suite.budget }
}

/// Runs a test program, shows its output and adds up its closing lines.
fn run_tests(command: &mut Command, sum: &mut Counts) -> Result<()> {
    let mut counts = Counts::default();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::display(command)))?;
    let mut output = BufReader::new(child.stdout.take().context("the pipe of stdout")?);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        if let Some(found) = Counts::in_line(&text) {
            counts += found;
        }
        line.clear();
    }
    *sum += counts;
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}`: {status}", process::display(command));
    }
    if counts.failed > 0 {
        bail!("`{}`: {counts}, though it ended with {status}", process::display(command));
    }
    if counts.total() == 0 {
        bail!("`{}`: it ran no test", process::display(command));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(steps: fn(&Repo) -> Result<Vec<Step>>) -> &'static Suite {
        Box::leak(Box::new(Suite { name: "sample", proves: "", budget: 1, tools: &[], parts: false, steps }))
    }

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    fn outcome(steps: fn(&Repo) -> Result<Vec<Step>>) -> (bool, u64, u64) {
        let repo = Repo { root: ".".into(), target: "target".into() };
        let row = run_suite(&repo, suite(steps), &Options::default(), "seed");
        (matches!(row.end, End::Passed), row.counts.passed, row.counts.failed)
    }

    #[test]
    fn a_suite_passes_only_if_tests_ran_and_every_step_ended_well() {
        let passed = outcome(|_| {
            Ok(vec![
                Step::Check(shell("true")),
                Step::Tests(shell("echo 2 passed, 0 failed; echo 3 passed, 0 failed")),
            ])
        });
        assert_eq!(passed, (true, 5, 0));

        let no_test = outcome(|_| Ok(vec![Step::Tests(shell("echo all is well"))]));
        assert_eq!(no_test, (false, 0, 1));

        let half =
            outcome(|_| Ok(vec![Step::Tests(shell("echo 2 passed, 0 failed")), Step::Tests(shell("true"))]));
        assert_eq!(half, (false, 2, 1));

        let told = outcome(|_| Ok(vec![Step::Tests(shell("echo 2 passed, 1 failed; exit 1"))]));
        assert_eq!(told, (false, 2, 1));

        let hidden = outcome(|_| Ok(vec![Step::Tests(shell("echo 2 passed, 1 failed"))]));
        assert_eq!(hidden, (false, 2, 1));

        let crashed = outcome(|_| Ok(vec![Step::Tests(shell("echo 2 passed, 0 failed; exit 101"))]));
        assert_eq!(crashed, (false, 2, 1));

        let check =
            outcome(|_| Ok(vec![Step::Check(shell("false")), Step::Tests(shell("echo 2 passed, 0 failed"))]));
        assert_eq!(check, (false, 2, 1));

        let built =
            outcome(|_| Ok(vec![Step::Build(shell("false")), Step::Tests(shell("echo 2 passed, 0 failed"))]));
        assert_eq!(built, (false, 0, 1));

        let absent = outcome(|_| Ok(vec![Step::Tests(Command::new("no-such-program"))]));
        assert_eq!(absent, (false, 0, 1));
    }

    #[test]
    fn what_is_missing_fails_unless_that_is_allowed_and_what_is_broken_always_fails() {
        let suite = suite(|_| Ok(vec![]));
        let missing = Obstacle::Missing("no node: install it".into());
        let broken = Obstacle::Broken("wrong hash".into());
        assert!(matches!(
            cannot_run(suite, &missing, false),
            Row { end: End::Failed(_), counts: Counts { failed: 1, .. }, .. }
        ));
        assert!(matches!(
            cannot_run(suite, &missing, true),
            Row { end: End::Skipped(_), counts: Counts { failed: 0, .. }, .. }
        ));
        assert!(matches!(
            cannot_run(suite, &broken, true),
            Row { end: End::Failed(_), counts: Counts { failed: 1, .. }, .. }
        ));
    }

    #[test]
    fn an_unknown_suite_is_told_with_the_known_ones() {
        let error = select(&["htpp".into()]).err().expect("unknown").to_string();
        assert!(error.starts_with("there is no suite \"htpp\"; the suites are lint, core, "), "{error}");
        assert_eq!(select(&["http".into()]).expect("known").len(), 1);
        assert_eq!(select(&[]).expect("all").len(), SUITES.len());
    }
}
