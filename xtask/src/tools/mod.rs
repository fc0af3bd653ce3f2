//! The programs that are not ours: which, where, and how they get there.
//!
//! Each is pinned, by a lock file with hashes in `xtask/tools` or by a version of a registry that never changes one, and
//! fetched into a folder of its own below `.tools`.

mod cargo_fuzz;
mod envoy;
mod fetch;
mod hadolint;
mod manifests;
mod npm;
mod pip;
mod postgres;
mod prerequisites;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

pub(crate) use self::prerequisites::Missing;

use crate::process;
use crate::repo::Repo;

/// Something that has to be on the machine before a suite or a program can run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Tool {
    /// Node.js, for tests that are scripts.
    Node,
    /// Debian's browser, which shows the pages.
    Chromium,
    /// Rust's standard library for wasm32-wasip1.
    WasmTarget,
    /// anvil, forge and solc.
    Npm,
    /// The Envoy that everything runs on.
    Envoy,
    /// The oldest Envoy that the filter promises to run on.
    OldestEnvoy,
    /// cargo-fuzz, and a compiler for the fuzzer that it links.
    CargoFuzz,
    /// Python 3.9 or later, for tests that are scripts.
    Python,
    /// The linter of Dockerfiles.
    Hadolint,
    /// kubectl, and the models that Kubernetes manifests are checked against.
    Manifests,
    /// openssl and curl, which the documents use.
    Commands,
    /// Linux's namespaces, in which tests run containers without Docker.
    Namespaces,
    /// PostgreSQL's server, which tests start for themselves.
    Postgres,
}

impl Tool {
    /// All of them, by the names that `cargo xtask tools` takes.
    const ALL: [(&'static str, Self); 13] = [
        ("node", Self::Node),
        ("chromium", Self::Chromium),
        ("wasm", Self::WasmTarget),
        ("anvil", Self::Npm),
        ("envoy", Self::Envoy),
        ("oldest-envoy", Self::OldestEnvoy),
        ("cargo-fuzz", Self::CargoFuzz),
        ("python", Self::Python),
        ("hadolint", Self::Hadolint),
        ("manifests", Self::Manifests),
        ("commands", Self::Commands),
        ("namespaces", Self::Namespaces),
        ("postgres", Self::Postgres),
    ];

    /// Makes sure that the tool is here, in the pinned version, and fetches it if not.
    ///
    /// # Errors
    ///
    /// A missing prerequisite, with what to install, or a fetch that failed, with the end of its output.
    pub(crate) fn ensure(self, repo: &Repo) -> Result<()> {
        match self {
            Self::Node => Ok(prerequisites::node()?),
            Self::Chromium => prerequisites::chromium(),
            Self::WasmTarget => prerequisites::wasm_target(&repo.root),
            Self::Npm => npm::ensure(repo),
            Self::Envoy => envoy::ensure(repo, envoy::CURRENT),
            Self::OldestEnvoy => envoy::ensure(repo, envoy::OLDEST),
            Self::CargoFuzz => cargo_fuzz::ensure(repo),
            Self::Python => Ok(prerequisites::python()?),
            Self::Hadolint => hadolint::ensure(repo),
            Self::Manifests => manifests::ensure(repo),
            Self::Commands => prerequisites::commands(),
            Self::Namespaces => prerequisites::namespaces(),
            Self::Postgres => postgres::ensure(repo),
        }
    }

    /// What was fetched, with a program that tells its version; nothing for what has to be installed.
    fn binaries(self, repo: &Repo) -> Vec<PathBuf> {
        match self {
            Self::Node
            | Self::Chromium
            | Self::WasmTarget
            | Self::Python
            | Self::Commands
            | Self::Namespaces
            | Self::Postgres => vec![],
            Self::Npm => vec![npm::anvil(repo), npm::forge(repo)],
            Self::Envoy => vec![envoy(repo)],
            Self::OldestEnvoy => vec![oldest_envoy(repo)],
            Self::CargoFuzz => vec![cargo_fuzz(repo)],
            Self::Hadolint => vec![hadolint(repo)],
            Self::Manifests => vec![kubectl(repo)],
        }
    }
}

/// The browser's program.
pub(crate) fn chromium() -> PathBuf {
    prerequisites::chromium_program()
}

/// The current Envoy's binary.
pub(crate) fn envoy(repo: &Repo) -> PathBuf {
    envoy::binary(repo, envoy::CURRENT)
}

/// The oldest Envoy that the filter supports.
pub(crate) fn oldest_envoy(repo: &Repo) -> PathBuf {
    envoy::binary(repo, envoy::OLDEST)
}

/// The development chain's binary.
pub(crate) fn anvil(repo: &Repo) -> PathBuf {
    npm::anvil(repo)
}

/// What builds the fuzz targets.
pub(crate) fn cargo_fuzz(repo: &Repo) -> PathBuf {
    cargo_fuzz::binary(repo)
}

/// The linter of Dockerfiles.
pub(crate) fn hadolint(repo: &Repo) -> PathBuf {
    hadolint::binary(repo)
}

/// What renders Kubernetes manifests.
pub(crate) fn kubectl(repo: &Repo) -> PathBuf {
    manifests::kubectl(repo)
}

/// The folder of the models that Kubernetes manifests are checked against.
pub(crate) fn models(repo: &Repo) -> PathBuf {
    manifests::folder(repo).join("node_modules")
}

/// The folder of PostgreSQL's programs.
pub(crate) fn postgres(repo: &Repo) -> PathBuf {
    postgres::programs(repo)
}

/// Carries out `cargo xtask tools`: fetches what is named, or everything.
pub(crate) fn fetch(repo: &Repo, names: &[String]) -> Result<ExitCode> {
    let wanted = match names {
        [] => Tool::ALL.map(|(_, tool)| tool).to_vec(),
        names => names.iter().map(|name| named(name)).collect::<Result<_>>()?,
    };
    for tool in &wanted {
        tool.ensure(repo)?;
    }
    for binary in wanted.iter().flat_map(|tool| tool.binaries(repo)) {
        let version = process::capture(process::command(&binary, &repo.root).args(version_of(&binary)))?;
        let version = version.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        println!(
            "{}\n    {}",
            binary.display(),
            version.trim().trim_start_matches(&*binary.to_string_lossy()).trim()
        );
    }
    if wanted.contains(&Tool::Npm) {
        println!("{}\n    {}", npm::solc(repo).display(), npm::solc_version(repo)?);
    }
    if wanted.contains(&Tool::Manifests) {
        println!("{}", models(repo).display());
    }
    if wanted.contains(&Tool::Postgres) {
        let programs = postgres(repo);
        println!("{}\n    {}", programs.display(), postgres::version(&programs)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn named(name: &str) -> Result<Tool> {
    let names = || Tool::ALL.map(|(known, _)| known).join(", ");
    let found = Tool::ALL.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool);
    found.with_context(|| format!("there is no tool \"{name}\"; the tools are {}", names()))
}

/// What makes a program tell its version.
fn version_of(binary: &Path) -> &'static [&'static str] {
    match binary.file_name() {
        Some(name) if name == "kubectl" => &["version", "--client"],
        _ => &["--version"],
    }
}

/// Whether a program's answer to `--version` names exactly this version.
fn names_version(answer: &str, version: &str) -> bool {
    answer.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '.').any(|word| word == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_recognised_in_what_the_tools_answer() {
        for (answer, version, expected) in [
            ("envoy  version: 9e5580933739/1.40.0/Clean/RELEASE/BoringSSL", "1.40.0", true),
            ("anvil Version: 1.7.1\nCommit SHA: 4072e48705af", "1.7.1", true),
            ("0.8.37+commit.f401782d.Emscripten.clang", "0.8.37", true),
            ("anvil Version: 1.7.10", "1.7.1", false),
            ("anvil Version: 11.7.1", "1.7.1", false),
            ("", "1.7.1", false),
        ] {
            assert_eq!(names_version(answer, version), expected, "{version} in {answer}");
        }
    }
}
