//! Suite fuzz: builds the targets in tests/fuzz and runs each for a while.
//!
//! They are built by the compiler that builds everything else. Without a sanitizer, whose use asks for a nightly one,
//! the fuzzer needs stable flags only; what a sanitizer would find beyond a panic, an overflow, a hang or a lack of
//! memory is undefined behaviour, and no line of ours is unsafe.

mod run;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};

use self::run::{Plan, Verdict};
use crate::counts::Counts;
use crate::process;
use crate::repo::Repo;
use crate::tools;

/// How long each target runs where nothing else is asked for.
pub(crate) const SECONDS: u32 = 10;

const FOLDER: &str = "tests/fuzz";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// Builds and runs all targets, as many at a time as there are processors, and counts each as a test.
///
/// # Errors
///
/// A build that failed, or targets with findings; those are told on stdout with the command that repeats one.
pub(crate) fn run(repo: &Repo, seconds: Option<u32>, counts: &mut Counts) -> Result<()> {
    let targets = targets(&repo.root.join(FOLDER).join("targets"))?;
    let programs = build(repo)?;
    let plan = Plan {
        root: repo.root.clone(),
        programs,
        corpora: repo.root.join(FOLDER).join("corpus"),
        dictionaries: repo.root.join(FOLDER).join("dictionaries"),
        work: repo.target.join("fuzz"),
        seconds: seconds.unwrap_or(SECONDS),
        seed: seed(&repo.root)?,
    };
    println!("{} targets, {} s each, seed {}", targets.len(), plan.seconds, plan.seed);

    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Counts::default()));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = plan.run(target);
                    let mut sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match verdict {
                        Ok(Verdict::Clean { executions }) => {
                            println!("ok      {target:<15} {executions} executions");
                            sum.passed += 1;
                        }
                        Ok(Verdict::Found(finding)) => {
                            println!("FOUND   {target}\n{finding}");
                            sum.failed += 1;
                        }
                        Err(error) => {
                            println!("FAILED  {target:<15} {error:#}");
                            sum.failed += 1;
                        }
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    *counts += sum;
    if sum.failed > 0 {
        bail!("{sum} of the fuzz targets");
    }
    Ok(())
}

/// The names of the targets, which are those of their files.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        targets.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    targets.sort();
    Ok(targets)
}

/// Builds all targets with debug assertions and overflow checks; answers the folder of the programs.
fn build(repo: &Repo) -> Result<PathBuf> {
    let folder = repo.target.join("fuzz/build");
    let mut cargo_fuzz = process::command(tools::cargo_fuzz(repo), &repo.root);
    cargo_fuzz
        .args(["build", "--sanitizer", "none", "--target", TRIPLE, "--fuzz-dir", FOLDER, "--target-dir"])
        .arg(&folder);
    process::run(&mut cargo_fuzz)?;
    Ok(folder.join(TRIPLE).join("release"))
}

/// A seed that changes with what is tested, so that one commit is tried in the same way twice, and another one in
/// another way.
fn seed(root: &Path) -> Result<u32> {
    let tree = process::capture(process::command("git", root).args(["rev-parse", "HEAD:core"]))?;
    seed_of(tree.trim()).with_context(|| format!("git names core's tree {tree:?}"))
}

/// The first 32 bits of a hash in hex; 1 for 0, which the fuzzer takes for "any".
fn seed_of(hash: &str) -> Option<u32> {
    Some(u32::from_str_radix(hash.get(..8)?, 16).ok()?.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_comes_from_the_hash_and_is_never_0() {
        assert_eq!(seed_of("0000002a99999999"), Some(42));
        assert_eq!(seed_of("00000000ffffffff"), Some(1));
        assert_eq!(seed_of("abc"), None);
        assert_eq!(seed_of("not a hash"), None);
    }
}
