//! Runs what is marked so, page by page, in a network of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::page::{Block, Mark, blocks};
use crate::compose::Cell;
use crate::place;

/// A folder that looks like the checkout, in which files can be made.
fn checkout() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for entry in fs::read_dir(place::root())? {
        let entry = entry?;
        symlink(entry.path(), folder.path().join(entry.file_name()))?;
    }
    Ok(folder)
}

/// A folder with what a reader has built and installed by then.
fn programs() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    symlink(place::made("URAIDEN_BIN", "target/debug/uraiden"), folder.path().join("uraiden"))?;
    let mut script = Command::new("python3");
    script.arg(place::root().join("clients/python/run_tests.py"));
    let python = place::output(script.args(["--environment", "requirements-oldest.txt"]))?;
    let source = place::root().join("clients/python/src");
    let pay = folder.path().join("uraiden-pay");
    let text =
        format!("#!/bin/sh\nPYTHONPATH={} exec {} -m uraiden \"$@\"\n", source.display(), python.trim());
    fs::write(&pay, text)?;
    fs::set_permissions(&pay, fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Runs the blocks one after the other, and compares what they print with the blocks of text that follow them.
fn run(page: &str) -> Result<()> {
    let blocks = blocks(page)?;
    let script: String = blocks
        .iter()
        .filter(|block| block.mark == Some(Mark::Run))
        .map(|block| block.text.as_str())
        .collect();
    ensure!(!script.is_empty(), "{page} has nothing to run");
    let (folder, programs) = (checkout()?, programs()?);
    let said =
        Cell::new()?.script(folder.path(), programs.path(), &script).with_context(|| page.to_owned())?;

    let mut expected = 0;
    for pair in blocks.windows(2) {
        if let [Block { mark: Some(Mark::Run), .. }, Block { language, text, place, .. }] = pair
            && language == "text"
        {
            in_order(text, &said).with_context(|| format!("{place}:\n{said}"))?;
            expected += 1;
        }
    }
    ensure!(expected > 0, "{page} says of nothing what it prints");
    Ok(())
}

/// Whether each line is among what was said, in this order. `…` stands for anything, and so does a hash.
fn in_order(text: &str, said: &str) -> Result<()> {
    let mut rest = said;
    for part in text.lines().flat_map(|line| line.split('…')).map(str::trim).filter(|part| !part.is_empty())
    {
        let part = match part.split_once("0x") {
            Some((before, hash)) if hash.len() == 64 => before.trim(),
            _ => part,
        };
        let at = rest.find(part).with_context(|| format!("{part:?} is not printed, or too early"))?;
        rest = &rest[at + part.len()..];
    }
    Ok(())
}

#[test]
fn what_is_printed_is_compared_in_order() {
    assert!(in_order("one … three\n…\nfour\n", "one two three\nand\nfour\n").is_ok());
    assert!(in_order("four\none\n", "one two three\nand\nfour\n").is_err());
}

#[test]
fn the_steps_in_front_of_a_service_lead_to_a_paid_request() -> Result<()> {
    run("docs/envoy.md")
}

#[test]
fn the_demo_ends_as_the_readme_says() -> Result<()> {
    run("README.md")
}

#[test]
fn no_other_page_has_something_to_run() -> Result<()> {
    for page in super::page::pages()? {
        let runs = blocks(&page)?.iter().any(|block| block.mark == Some(Mark::Run));
        assert_eq!(runs, ["docs/envoy.md", "README.md"].contains(&page.as_str()), "{page}");
    }
    Ok(())
}
