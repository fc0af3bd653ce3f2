//! The programs that are not ours: which, where, and how they get there.
//!
//! Each is pinned, by a lock file with hashes in `xtask/tools` or by a version of a registry that never changes one, and
//! fetched into a folder of its own below `.tools`.

mod cargo_fuzz;
mod envoy;
mod fetch;
mod npm;
mod prerequisites;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

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
}

impl Tool {
    const ALL: [Self; 7] = [
        Self::Node,
        Self::Chromium,
        Self::WasmTarget,
        Self::Npm,
        Self::Envoy,
        Self::OldestEnvoy,
        Self::CargoFuzz,
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

/// Carries out `cargo xtask tools`.
pub(crate) fn fetch_all(repo: &Repo) -> Result<ExitCode> {
    for tool in Tool::ALL {
        tool.ensure(repo)?;
    }
    for binary in [
        envoy::binary(repo, envoy::CURRENT),
        envoy::binary(repo, envoy::OLDEST),
        npm::anvil(repo),
        npm::forge(repo),
        cargo_fuzz::binary(repo),
    ] {
        let version = process::capture(process::command(&binary, &repo.root).arg("--version"))?;
        let version = version.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        println!(
            "{}\n    {}",
            binary.display(),
            version.trim().trim_start_matches(&*binary.to_string_lossy()).trim()
        );
    }
    println!("{}\n    {}", npm::solc(repo).display(), npm::solc_version(repo)?);
    Ok(ExitCode::SUCCESS)
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
