//! Looks through what needs Docker, a cluster or hours: files, flags and names have to exist.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::page::{Mark, blocks, pages};
use crate::manifests::Rendered;
use crate::{compose, place};

/// What is not ours: nothing is known of its arguments but files.
const OTHERS: [&str; 6] = ["crane", "curl", "openssl", "oras", "pip", "skopeo"];

/// The top folders whose files a command may name.
const FOLDERS: [&str; 5] = ["clients/", "docs/", "envoy/", "tests/", "xtask/"];

#[test]
fn what_cannot_be_run_here_names_what_is_there() -> Result<()> {
    let mut commands = 0;
    for page in pages()? {
        for block in blocks(&page)?.iter().filter(|block| block.mark == Some(Mark::Check)) {
            let text = block.text.replace("\\\n", " ");
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
            {
                check(line).with_context(|| format!("{}: {line}", block.place))?;
                commands += 1;
            }
        }
    }
    assert!(commands > 10);
    for wrong in [
        "cargo xtask buidl",
        "cargo xtask build --fast",
        "uraiden serve --receiver-keyfile k",
        "uraiden exports",
        "kubectl apply --kustomize envoy/helm",
        "kubectl label namespace a uraiden/gateway=true",
        "docker build --file envoy/images/Dockerfile --target paywall .",
        "docker compose run --rm customer",
        "curl --data @envoy/none.json http://127.0.0.1",
        "rm -rf target",
    ] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
    Ok(())
}

fn check(line: &str) -> Result<()> {
    // What is written to may be new.
    let (line, _made) = line.split_once(" > ").unwrap_or((line, ""));
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| is_variable(word)).collect();
    for word in &words {
        let file = word.rsplit(['=', '@', ':']).next().unwrap_or(word).trim_start_matches("./");
        if FOLDERS.iter().any(|folder| file.starts_with(folder)) {
            ensure!(place::root().join(file).exists(), "there is no {file}");
        }
    }
    match words.as_slice() {
        ["cargo", "xtask", command, arguments @ ..] => xtask(command, arguments),
        ["cargo", "test", arguments @ ..] => packages(arguments),
        ["uraiden", command, arguments @ ..] => uraiden(command, arguments),
        ["kubectl", arguments @ ..] => kubectl(arguments),
        ["docker", "build", arguments @ ..] => {
            let target = after(arguments, "--target").context("no --target")?;
            ensure!(compose::has_stage(target)?, "no stage {target}");
            Ok(())
        }
        ["docker", "compose", "run", "--rm", service] => {
            ensure!(compose::has_service(service)?, "no service {service}");
            Ok(())
        }
        ["docker", "compose", "up" | "down", ..] => Ok(()),
        [other, ..] if OTHERS.contains(other) => Ok(()),
        _ => bail!("this command is not known here"),
    }
}

fn is_variable(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| name.chars().all(|sign| sign.is_ascii_uppercase() || sign == '_'))
}

/// The word after a flag.
fn after<'a>(words: &[&'a str], flag: &str) -> Option<&'a str> {
    words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1)).copied()
}

/// Flags and names, as the command's own help has them.
fn xtask(command: &str, arguments: &[&str]) -> Result<()> {
    let program = place::made("URAIDEN_XTASK", "target/debug/xtask");
    let help = place::output(Command::new(program).args([command, "--help"]))?;
    ensure!(help.contains(&format!("cargo xtask {command}")), "no command {command}");
    known(&help, arguments)
}

fn uraiden(command: &str, arguments: &[&str]) -> Result<()> {
    let program = place::made("URAIDEN_BIN", "target/debug/uraiden");
    known(&place::output(Command::new(program).args([command, "--help"]))?, arguments)
}

/// Every flag is a word of the help, and so is every name that is no value of a flag.
fn known(help: &str, arguments: &[&str]) -> Result<()> {
    let is_there = |wanted: &str| {
        help.split(|sign: char| sign.is_whitespace() || "[],.".contains(sign)).any(|word| word == wanted)
    };
    for (at, word) in arguments.iter().enumerate() {
        let value = at > 0 && arguments[at - 1].starts_with("--");
        let file = word.contains('.') || word.contains('/');
        ensure!(value || file || is_there(word), "{word} is not in its help");
    }
    Ok(())
}

fn packages(arguments: &[&str]) -> Result<()> {
    let metadata = place::output(
        Command::new("cargo")
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(place::root()),
    )?;
    for (at, _) in arguments.iter().enumerate().filter(|(_, word)| ["--package", "--test"].contains(*word)) {
        let name = arguments.get(at + 1).context("no name")?;
        ensure!(metadata.contains(&format!("\"name\":\"{name}\"")), "no {name}");
    }
    Ok(())
}

fn kubectl(arguments: &[&str]) -> Result<()> {
    if let Some(at) = arguments.iter().position(|word| *word == "--") {
        let objects = Rendered::sidecar("")?;
        let pod = arguments.get(at - 1).and_then(|pod| pod.strip_suffix("-0")).context("no first pod")?;
        let set = objects.get("StatefulSet", pod);
        ensure!(
            set["metadata"]["namespace"].as_str() == after(arguments, "--namespace"),
            "another namespace"
        );
        // The pod has the token by a variable.
        return check(&arguments[at + 1..].join(" "));
    }
    match arguments {
        ["apply", "--kustomize", folder] => {
            let file = place::root().join(folder).join("kustomization.yaml");
            ensure!(file.is_file(), "there is no {}", file.display());
            Ok(())
        }
        ["label", "namespace", _, label] => {
            let policy = Rendered::sidecar("")?.sole("NetworkPolicy").to_string();
            let (name, value) = label.split_once('=').context("no value")?;
            ensure!(policy.contains(&format!("\"{name}\":\"{value}\"")), "the policy knows no {label}");
            Ok(())
        }
        _ => bail!("this use of kubectl is not known here"),
    }
}
