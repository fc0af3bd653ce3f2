//! Building our own parts, and starting the programs of the harness.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::exports;
use crate::process;
use crate::repo::Repo;
use crate::tools::{self, Tool};

/// The most that the filter's module may weigh, in bytes.
const WASM_LIMIT: u64 = 900_000;

/// The native packages with the large libraries in them.
///
/// They are always built and tested together: alone, each would ask for other features of the shared libraries,
/// and those would be compiled once per combination.
const NATIVE: [&str; 3] = ["uraiden-sidecar", "uraiden-client", "uraiden-harness"];

/// What a program or a suite of the whole stack needs on the machine.
pub(crate) const STACK_TOOLS: &[Tool] = &[Tool::WasmTarget, Tool::Npm, Tool::Envoy];

/// What a program needs beside that if its arguments say `--database postgres`.
pub(crate) fn database_tools(arguments: &[OsString]) -> &'static [Tool] {
    let mut words = arguments.iter();
    let apart = words.any(|word| word == "--database") && words.next().is_some_and(|kind| kind == "postgres");
    match apart || arguments.iter().any(|word| word == "--database=postgres") {
        true => &[Tool::Postgres],
        false => &[],
    }
}

/// A program of the harness.
#[derive(Clone, Copy)]
pub(crate) enum Program {
    /// The story, told once.
    Demo,
    /// The stack, left running.
    Stack,
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Stack => "stack",
        }
    }
}

/// Fetches, builds, and becomes the program: signals, stdin and stdout are then its own.
pub(crate) fn start(repo: &Repo, program: Program, arguments: &[OsString]) -> Result<ExitCode> {
    for tool in STACK_TOOLS.iter().chain(database_tools(arguments)) {
        tool.ensure(repo)?;
    }
    everything(repo)?;
    let mut command = process::command(repo.program(program.name()), &repo.root);
    command.args(arguments).envs(environment(repo));
    Err(command.exec()).with_context(|| format!("cannot start {}", process::display(&command)))
}

/// Builds the filter, the sidecar and the harness.
pub(crate) fn everything(repo: &Repo) -> Result<ExitCode> {
    Tool::WasmTarget.ensure(repo)?;
    filter(repo)?;
    eprintln!("building the sidecar and the harness (some minutes the first time)");
    process::run(cargo_native(repo, "build").arg("--bins"))?;
    Ok(ExitCode::SUCCESS)
}

/// Builds what is put to work: the filter's module and the sidecar, without the harness.
pub(crate) fn release(repo: &Repo) -> Result<ExitCode> {
    Tool::WasmTarget.ensure(repo)?;
    filter(repo)?;
    eprintln!("building the sidecar in release mode (some minutes the first time)");
    process::run(process::cargo(&repo.root).args(["build", "--release", "--package", "uraiden-sidecar"]))?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the same to be measured.
pub(crate) fn optimised(repo: &Repo) -> Result<()> {
    filter(repo)?;
    process::run(&mut cargo_wasm(repo, "uraiden-meter"))?;
    eprintln!("building the sidecar and the harness in release mode (some minutes the first time)");
    process::run(cargo_native(repo, "build").args(["--release", "--bins"]))
}

/// `cargo` with this subcommand on the native packages.
pub(crate) fn cargo_native(repo: &Repo, subcommand: &str) -> Command {
    let mut cargo = process::cargo(&repo.root);
    cargo.arg(subcommand);
    for package in NATIVE {
        cargo.args(["--package", package]);
    }
    cargo
}

/// `cargo build` with the flags and the profile of the module that Envoy loads.
pub(crate) fn cargo_wasm(repo: &Repo, package: &str) -> Command {
    let mut cargo = process::wasm_cargo(&repo.root);
    cargo.args(["build", "--profile", "wasm", "--target", "wasm32-wasip1", "--package", package]);
    cargo
}

/// What tells the harness where the parts are.
pub(crate) fn environment(repo: &Repo) -> [(&'static str, PathBuf); 7] {
    [
        ("URAIDEN_CRASHING_WASM", repo.target.join("crash-test/wasm32-wasip1/wasm/uraiden.wasm")),
        ("URAIDEN_ROOT", repo.root.clone()),
        ("URAIDEN_ENVOY", tools::envoy(repo)),
        ("URAIDEN_ANVIL", tools::anvil(repo)),
        ("URAIDEN_POSTGRES", tools::postgres(repo)),
        ("URAIDEN_WASM", repo.wasm("uraiden.wasm")),
        ("URAIDEN_BIN", repo.program("uraiden")),
    ]
}

/// The module that a test can crash, in a target folder of its own so that the two never replace each other.
pub(crate) fn cargo_crashing_filter(repo: &Repo) -> Command {
    let mut cargo = cargo_wasm(repo, "uraiden-filter");
    cargo.args(["--features", "crash-test", "--target-dir"]).arg(repo.target.join("crash-test"));
    cargo
}

/// Builds the filter's module.
pub(crate) fn filter(repo: &Repo) -> Result<()> {
    eprintln!("building the filter");
    process::run(&mut cargo_wasm(repo, "uraiden-filter"))?;
    let module = repo.wasm("uraiden.wasm");
    let built = fs::read(&module).with_context(|| module.display().to_string())?;
    let bytes = exports::without_unused(&built).with_context(|| module.display().to_string())?;
    // Cargo's own copy has the same inode, and an Envoy may be reading: a new file takes the place.
    let new = module.with_extension("new");
    fs::write(&new, &bytes).with_context(|| new.display().to_string())?;
    fs::rename(&new, &module).with_context(|| module.display().to_string())?;
    let size = bytes.len() as u64;
    if size > WASM_LIMIT {
        bail!("{} has {size} bytes, at most {WASM_LIMIT} are allowed", module.display());
    }
    eprintln!("uraiden.wasm has {} of at most {} KB", size.div_ceil(1000), WASM_LIMIT / 1000);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_in_postgresql_needs_postgresql() {
        for (arguments, tools) in [
            ("--database postgres", &[Tool::Postgres][..]),
            ("--sidecars 2 --database=postgres", &[Tool::Postgres]),
            ("--database sqlite", &[]),
            ("postgres", &[]),
            ("--database", &[]),
            ("", &[]),
        ] {
            let words: Vec<_> = arguments.split_whitespace().map(OsString::from).collect();
            assert_eq!(database_tools(&words), tools, "{arguments}");
        }
    }
}
