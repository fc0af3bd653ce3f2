//! Running other programs.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// How many last lines of a failed program's output an error shows.
const TAIL: usize = 20;

/// What `cargo run` sets for xtask itself. Build scripts that watch these variables would run again, and with
/// them everything that depends on their crates, each time the same build is called with and without xtask.
const OWN_VARIABLES: [&str; 5] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
];

/// A program that runs in `folder`, without the variables that describe xtask.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || OWN_VARIABLES.contains(&text.as_ref()) {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that runs xtask.
pub(crate) fn cargo(root: &Path) -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), root)
}

/// A cargo that builds for wasm32-wasip1 with the flags of `.cargo/config.toml`.
///
/// The variables are taken away because cargo lets them replace the file's flags, and the filter needs those.
pub(crate) fn wasm_cargo(root: &Path) -> Command {
    let mut cargo = cargo(root);
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS"] {
        cargo.env_remove(name);
    }
    cargo
}

/// Runs to the end with stdout sent to our stderr, so that ours stays clean.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start `{}`", display(command)))?;
    if !status.success() {
        bail!("`{}`: {status}", display(command));
    }
    Ok(())
}

/// Runs to the end in silence and answers what came on stdout; a failure shows the tail of the output.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", display(command)))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let both = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        bail!("`{}`: {}\n{}", display(command), output.status, tail(&both, TAIL));
    }
    Ok(stdout)
}

/// The command as one would type it.
pub(crate) fn display(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_command_its_status_and_the_end_of_its_output() {
        let mut shell = command("sh", Path::new("."));
        shell.args(["-c", "seq 1 99; echo the reason >&2; exit 3"]);
        let error = capture(&mut shell).expect_err("exit 3").to_string();
        assert!(error.starts_with("`sh -c seq 1 99"), "{error}");
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.ends_with("98\n99\nthe reason"), "{error}");
        assert_eq!(error.lines().count(), 1 + TAIL);
    }

    #[test]
    fn flags_from_outside_do_not_reach_the_wasm_build() {
        let cargo = wasm_cargo(Path::new("."));
        let removed = |name: &str| cargo.get_envs().any(|(found, value)| found == name && value.is_none());
        assert!(removed("RUSTFLAGS") && removed("CARGO_ENCODED_RUSTFLAGS"));
    }
}
