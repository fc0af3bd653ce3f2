//! The programs that people try first, with the ledger in PostgreSQL.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

#[test]
fn the_demo_tells_its_story() -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_demo")).args(["--database", "postgres"]).output()?;
    let (told, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{complained}");
    assert!(told.contains("PostgreSQL at 127.0.0.1:"), "{told}");
    Ok(())
}

#[test]
fn the_stack_runs_with_two_sidecars() -> Result<()> {
    let mut stack = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["--database", "postgres", "--sidecars", "2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(stack.stdout.take().context("it is piped")?).read_line(&mut line)?;
    // It runs until its stdin ends.
    drop(stack.stdin.take());
    let status = stack.wait()?;
    assert!(status.success() && line.contains("\"envoyUrl\":\"http://127.0.0.1:"), "{status}: {line:?}");
    Ok(())
}
