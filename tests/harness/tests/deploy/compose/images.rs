//! What the images are made of.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::dockerfile::{self, Copy, Stage};
use super::file::Compose;
use crate::place;

/// The stage that builds and fetches, and where the checkout is in it.
const BUILD: &str = "build";
const CHECKOUT: &str = "/src/";

impl Copy {
    /// What of this machine stands for each source, with its path in the image.
    pub(super) fn files(&self) -> Result<Vec<(PathBuf, PathBuf)>> {
        let mut files = Vec::new();
        for source in &self.sources {
            let file = match self.from.as_deref() {
                None => place::root().join(source),
                Some(BUILD) => artefact(source.strip_prefix(CHECKOUT).context("not of the checkout")?)?,
                Some(other) => bail!("{other} is another image"),
            };
            ensure!(file.exists(), "there is no {}", file.display());
            let mut target = PathBuf::from(&self.target);
            if self.target.ends_with('/') {
                target.push(file.file_name().context("no name")?);
            }
            files.push((file, target));
        }
        Ok(files)
    }
}

/// What the build stage has at this path of the checkout. The sidecar is a debug build here.
fn artefact(path: &str) -> Result<PathBuf> {
    let of = |variable: &str| {
        let file = place::made(variable, path);
        ensure!(file.ends_with(path), "{path} is {} here", file.display());
        Ok(file)
    };
    match path {
        "target/release/uraiden" => Ok(place::made("URAIDEN_BIN", "target/debug/uraiden")),
        "target/wasm32-wasip1/wasm/uraiden.wasm" => Ok(place::made("URAIDEN_WASM", path)),
        path if path.starts_with(".tools/envoy-") => of("URAIDEN_ENVOY"),
        path if path.starts_with(".tools/node/") => of("URAIDEN_ANVIL"),
        ".tools/python-*" => {
            let mut script = Command::new("python3");
            script.arg(place::root().join("clients/python/run_tests.py"));
            let python = place::output(script.args(["--environment", "requirements-oldest.txt"]))?;
            let bin = PathBuf::from(python.trim());
            Ok(bin.parent().and_then(|bin| bin.parent()).context("no bin/python")?.to_path_buf())
        }
        other => bail!("nothing is known to make {other}"),
    }
}

/// Whether a command of a RUN is one that developers run too, or prepares the image for it.
fn check_run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["apt-get", "update"]
        | ["apt-get", "install", "--yes", "--no-install-recommends", ..]
        | ["rm", "-rf", "/var/lib/apt/lists/*"]
        | ["install", "--directory", "--owner", "10001", "--group", "10001", "--mode", "0700", ..] => Ok(()),
        ["cargo", "xtask", command, arguments @ ..] => {
            let xtask = place::made("URAIDEN_XTASK", "target/debug/xtask");
            let help = place::output(Command::new(xtask).args([*command, "--help"]))?;
            ensure!(help.contains(&format!("cargo xtask {command}")), "xtask has no {command}:\n{help}");
            for argument in arguments {
                let known = |word: &str| word.trim_matches(['[', ']', ',', '.']) == *argument;
                ensure!(help.split_whitespace().any(known), "xtask {command} has no {argument}:\n{help}");
            }
            Ok(())
        }
        ["python3", "clients/python/run_tests.py", "--environment", lock] => {
            let path = place::root().join("clients/python").join(lock);
            ensure!(path.is_file(), "there is no {}", path.display());
            Ok(())
        }
        other => bail!("{other:?} is run by nobody else"),
    }
}

#[test]
fn images_are_made_by_the_commands_that_developers_run() -> Result<()> {
    let stages = dockerfile::read()?;
    for (name, stage) in &stages {
        for run in &stage.runs {
            check_run(run).with_context(|| format!("stage {name}"))?;
        }
        for copy in stage.copies.iter().filter(|_| name != BUILD) {
            copy.files().with_context(|| format!("stage {name}: {copy:?}"))?;
        }
    }
    assert!(check_run(&["curl".into(), "https://example.com/install.sh".into()]).is_err());
    assert!(check_run(&["cargo".into(), "xtask".into(), "build".into(), "--fast".into()]).is_err());
    Ok(())
}

#[test]
fn every_image_is_slim_and_runs_without_rights() -> Result<()> {
    let stages = dockerfile::read()?;
    for (name, stage) in stages.iter().filter(|(name, _)| *name != BUILD) {
        let Stage { base, user, entrypoint, .. } = stage;
        assert!(base.ends_with("-slim"), "{name} stands on {base}");
        assert_eq!(user.as_deref(), Some("10001:10001"), "{name}");
        assert!(!entrypoint.is_empty(), "{name} has no entrypoint");
    }
    let toolchain: toml::Value = toml::from_str(&place::text("rust-toolchain.toml")?)?;
    let rust = toolchain["toolchain"]["channel"].as_str().context("no channel")?;
    let from = |copy: &Copy| copy.from.clone().unwrap_or_default();
    let images: Vec<_> = stages[BUILD].copies.iter().map(from).filter(|from| !from.is_empty()).collect();
    assert!(!images.is_empty());
    assert!(images.iter().all(|image| image.starts_with(&format!("rust:{rust}-"))), "{images:?}, not {rust}");
    Ok(())
}

#[test]
fn the_linter_finds_nothing_in_the_dockerfile() -> Result<()> {
    let mut hadolint = Command::new(place::made("URAIDEN_HADOLINT", ".tools/hadolint/bin/hadolint"));
    // Steps of their own are a cache of their own.
    hadolint.args(["--ignore", "DL3059", "--no-color"]).arg(place::root().join(dockerfile::FILE));
    assert_eq!(place::output(&mut hadolint)?, "");
    Ok(())
}

#[test]
fn every_service_names_what_is_there() -> Result<()> {
    let (compose, stages) = (Compose::read()?, dockerfile::read()?);
    let mut volumes = std::collections::BTreeSet::new();
    for (name, service) in &compose.services {
        assert_eq!(
            (service.build.context.as_str(), service.build.dockerfile.as_str()),
            (".", dockerfile::FILE)
        );
        assert!(stages.contains_key(&service.build.target), "{name}: no stage {}", service.build.target);
        for (volume, _) in service.mounts() {
            assert!(compose.volumes.contains_key(volume), "{name}: no volume {volume}");
            volumes.insert(volume);
        }
        // Whatever stays is started again and has a check; whatever ends is waited for, or asked for by name.
        let stays = service.restart.is_some();
        assert_eq!(stays, service.healthcheck.is_some(), "{name}");
        assert_eq!(!stays, compose.ends(name) || service.profiles == ["payer"], "{name}");
        if name != "envoy" && name != "keys" {
            assert_eq!(service.network_mode.as_deref(), Some("service:envoy"), "{name}");
            assert!(service.ports.is_empty(), "{name}: ports are Envoy's");
        }
        for port in &service.ports {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to the network");
        }
    }
    assert_eq!(volumes.len(), compose.volumes.len(), "a volume is not used");
    Ok(())
}
