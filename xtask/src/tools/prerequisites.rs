//! What has to be installed by hand. Each check runs the program; an error says what to install.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::process;

/// Something that only the owner of the machine can put there.
#[derive(Debug)]
pub(crate) struct Missing {
    what: String,
    remedy: &'static str,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.remedy)
    }
}

impl std::error::Error for Missing {}

/// Says what is missing, and what helps.
pub(super) fn missing(what: String, remedy: &'static str) -> Missing {
    Missing { what, remedy }
}

/// The pins are for one platform: neither Envoy's wheel nor the node's package covers the others.
pub(super) fn platform() -> Result<(), Missing> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(());
    }
    let what = format!(
        "the pinned Envoy and anvil are for linux x86_64, this is {} {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    Err(Missing { what, remedy: "use such a machine or container" })
}

/// Python 3.9 or later, able to make an environment with pip in it.
pub(super) fn python() -> Result<(), Missing> {
    const REMEDY: &str =
        "install Python 3.9 or later with venv (Debian: apt-get install python3 python3-venv)";
    let version = &["-c", "import sys; print('%d.%d' % sys.version_info[:2])"];
    at_least("python3", &answer("python3", version, REMEDY)?, (3, 9), REMEDY)?;
    match answer("python3", &["-c", "import venv, ensurepip"], REMEDY) {
        Ok(_) => Ok(()),
        Err(_) => Err(Missing { what: "python3 has no venv with pip".into(), remedy: REMEDY }),
    }
}

/// Node.js 20 or later.
pub(super) fn node() -> Result<(), Missing> {
    const REMEDY: &str = "install Node.js 20 or later with npm (nodejs.org, or a distribution's package)";
    at_least("node", &answer("node", &["--version"], REMEDY)?, (20, 0), REMEDY)
}

/// npm 9 or later.
pub(super) fn npm() -> Result<(), Missing> {
    const REMEDY: &str = "install npm 9 or later (it comes with Node.js; Debian: apt-get install npm)";
    at_least("npm", &answer("npm", &["--version"], REMEDY)?, (9, 0), REMEDY)
}

/// A C++ compiler.
pub(super) fn cxx() -> Result<(), Missing> {
    const REMEDY: &str = "install a C++ compiler (Debian: apt-get install g++)";
    answer("c++", &["--version"], REMEDY).map(drop)
}

/// What starts the browser: `CHROMIUM` may name another one than Debian's.
pub(super) fn chromium_program() -> PathBuf {
    std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from)
}

/// Chromium 120 or later, installed from Debian's packages where that is possible without a password.
pub(super) fn chromium() -> Result<()> {
    const REMEDY: &str =
        "install Chromium 120 or later (Debian: apt-get install chromium), or name its program in CHROMIUM";
    let program = chromium_program();
    let program = program.to_string_lossy();
    if answer(&program, &["--version"], REMEDY).is_err() {
        install("Chromium", "chromium", REMEDY)?;
    }
    let version = answer(&program, &["--version"], REMEDY)?;
    Ok(at_least(
        "Chromium",
        version.trim_start_matches(|sign: char| !sign.is_ascii_digit()),
        (120, 0),
        REMEDY,
    )?)
}

/// What the documents' commands use beside our own.
pub(super) fn commands() -> Result<()> {
    const REMEDY: &str = "install openssl and curl (Debian: apt-get install openssl curl)";
    for (program, version) in [("openssl", "version"), ("curl", "--version")] {
        if answer(program, &[version], REMEDY).is_err() {
            install(program, program, REMEDY)?;
        }
        answer(program, &[version], REMEDY)?;
    }
    Ok(())
}

/// Namespaces of users, networks and processes, and the right to make them.
pub(super) fn namespaces() -> Result<()> {
    const REMEDY: &str = "install util-linux and iproute2 (Debian: apt-get install util-linux iproute2), and where only root \
                          may make user namespaces (Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0 \
                          changes that), be root";
    if answer("ip", &["-Version"], REMEDY).is_err() {
        install("iproute2", "iproute2", REMEDY)?;
    }
    let arguments =
        ["--user", "--map-root-user", "--net", "--pid", "--fork", "ip", "link", "set", "lo", "up"];
    Ok(answer("unshare", &arguments, REMEDY).map(drop)?)
}

/// One of Debian's packages, where that is possible without a password.
fn install(what: &str, package: &str, remedy: &'static str) -> Result<()> {
    if answer("id", &["-u"], remedy)? != "0" {
        return Ok(());
    }
    eprintln!("installing {what} with apt-get");
    let install = format!("apt-get update && apt-get install --yes --no-install-recommends {package}");
    process::run(process::command("sh", Path::new(".")).args(["-c", &install]))
        .map_err(|error| Missing { what: format!("{what} is missing ({error:#})"), remedy }.into())
}

/// Rust's standard library for wasm32-wasip1, added with rustup where that is how Rust was installed.
pub(super) fn wasm_target(root: &Path) -> Result<()> {
    const TARGET: &str = "wasm32-wasip1";
    const REMEDY: &str = "install rustup (rustup.rs), or the target with the Rust you have";
    if has_target(root, TARGET)? {
        return Ok(());
    }
    if answer("rustup", &["--version"], REMEDY).is_err() {
        return Err(Missing {
            what: format!("Rust's target {TARGET} and rustup are missing"),
            remedy: REMEDY,
        }
        .into());
    }
    eprintln!("adding Rust's target {TARGET} with rustup");
    process::run(process::command("rustup", root).args(["target", "add", TARGET]))?;
    if !has_target(root, TARGET)? {
        bail!("Rust's target {TARGET} is still missing after `rustup target add`: is this cargo rustup's?");
    }
    Ok(())
}

fn has_target(root: &Path, target: &str) -> Result<bool> {
    let folder = process::capture(process::command("rustc", root).args([
        "--print",
        "target-libdir",
        "--target",
        target,
    ]))?;
    Ok(Path::new(folder.trim()).is_dir())
}

fn answer(program: &str, arguments: &[&str], remedy: &'static str) -> Result<String, Missing> {
    match process::capture(process::command(program, Path::new(".")).args(arguments)) {
        Ok(answer) => Ok(answer.trim().to_owned()),
        Err(error) => Err(Missing { what: format!("{program} does not run ({error:#})"), remedy }),
    }
}

/// Compares the first two numbers of a version with the least that is needed.
pub(super) fn at_least(
    program: &str,
    version: &str,
    least: (u32, u32),
    remedy: &'static str,
) -> Result<(), Missing> {
    match two_numbers(version) {
        Some(found) if found >= least => Ok(()),
        _ => {
            let (major, minor) = least;
            let what = format!("{program} is version \"{version}\", needed is {major}.{minor} or later");
            Err(Missing { what, remedy })
        }
    }
}

/// `v20.11.1` or `3.9`: the first two numbers.
fn two_numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        for (version, expected) in
            [("3.9", true), ("v3.11.2", true), ("4.0", true), ("3.8", false), ("2.99", false), ("new", false)]
        {
            assert_eq!(at_least("python3", version, (3, 9), "").is_ok(), expected, "{version}");
        }
    }

    #[test]
    fn an_old_version_is_told_with_the_bound_and_the_remedy() {
        let error = at_least("node", "v18.19.0", (20, 0), "install it").expect_err("too old").to_string();
        assert_eq!(error, "node is version \"v18.19.0\", needed is 20.0 or later: install it");
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        let error = answer("no-such-program", &["--version"], "install it").expect_err("no such program");
        assert!(error.to_string().starts_with("no-such-program does not run ("), "{error}");
        assert!(error.to_string().ends_with(": install it"), "{error}");
    }
}
