//! `cargo xtask bench`: builds everything optimised, and measures.
//!
//! The measuring itself is the harness's program `bench`. It writes its figures to `target/bench/NAME.json` and
//! prints a table of them.

mod table;

use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::process;
use crate::repo::Repo;
use table::{BENCHMARKS, Benchmark};

const HELP: &str = "\
Measures, and prints a table; the same figures go to target/bench/NAME.json.

Usage: cargo xtask bench NAME [OPTIONS]
";

const ADVICE: &str = "
`cargo xtask bench NAME --help` says more. Everything is built in release mode first, which takes some minutes
the first time. Run nothing else meanwhile. Figures of one run can be compared with each other; those of two
runs, or of two machines, only as ratios.
";

/// What `cargo xtask bench --help` prints, or `cargo xtask bench NAME --help`.
pub(crate) fn help(arguments: &[OsString]) -> String {
    let named = arguments.first().and_then(|name| find(&name.to_string_lossy()));
    match named {
        Some(Benchmark { name, measures, minutes, help, .. }) => format!(
            "Measures {measures}.\n\nUsage: cargo xtask bench {name} [OPTIONS]\n\n{help}\nTakes about {minutes} min. \
             The figures are in target/bench/{name}.json afterwards.\n"
        ),
        None => {
            let line =
                |one: &Benchmark| format!("  {:<10} {:>2} min  {}\n", one.name, one.minutes, one.measures);
            format!("{HELP}\n{}{ADVICE}", BENCHMARKS.iter().map(line).collect::<String>())
        }
    }
}

/// Fetches, builds and measures.
///
/// # Errors
///
/// A name that no benchmark has, what could not be built, and a benchmark that did not end well.
pub(crate) fn run(repo: &Repo, arguments: &[OsString]) -> Result<ExitCode> {
    let Some((name, options)) = arguments.split_first() else {
        bail!("name a benchmark: {}", names());
    };
    let name = name.to_string_lossy();
    let Some(benchmark) = find(&name) else {
        bail!("there is no benchmark \"{name}\"; the benchmarks are {}", names());
    };
    for tool in benchmark.tools.iter().chain(build::database_tools(options)) {
        tool.ensure(repo)?;
    }
    build::optimised(repo)?;
    let folder = repo.target.join("bench");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut program = process::command(repo.optimised_program("bench"), &repo.root);
    program
        .envs(build::environment(repo))
        .env("URAIDEN_BIN", repo.optimised_program("uraiden"))
        .env("URAIDEN_METER", repo.wasm("uraiden_meter.wasm"))
        .arg("--folder")
        .arg(folder)
        .arg(benchmark.name)
        .args(options);
    let status = program.status().with_context(|| process::display(&program))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(name: &str) -> Option<&'static Benchmark> {
    BENCHMARKS.iter().find(|benchmark| benchmark.name == name)
}

fn names() -> String {
    BENCHMARKS.iter().map(|benchmark| benchmark.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_the_benchmarks_or_explains_one() {
        let words = |text: &str| text.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        let all = help(&words("--help"));
        for benchmark in BENCHMARKS {
            assert!(all.contains(benchmark.name) && all.contains(benchmark.measures), "{}", benchmark.name);
            let one = help(&words(&format!("{} --help", benchmark.name)));
            assert!(one.contains(benchmark.help), "{one}");
        }
    }
}
