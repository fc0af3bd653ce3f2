//! Every chore of the repository by name: `cargo xtask --help` lists them.
//!
//! A command reads its arguments here and is carried out in a module of its own. Whatever xtask says about its
//! own work goes to stderr; stdout belongs to the program that is started, or to the result that was asked for.

mod bench;
mod build;
mod counts;
mod exports;
mod fuzz;
mod help;
mod image;
mod process;
mod repo;
mod report;
mod suites;
mod test;
mod tidy;
mod tools;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};

use crate::build::Program;
use crate::repo::Repo;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(command) = arguments.next() else {
        eprint!("{}", help::OVERVIEW);
        return Ok(ExitCode::FAILURE);
    };
    let command = command.to_string_lossy().into_owned();
    let arguments: Vec<OsString> = arguments.collect();

    if command == "bench" && arguments.iter().any(|word| word == "--help" || word == "-h") {
        print!("{}", bench::help(&arguments));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(text) = help::asked_for(&command, &arguments) {
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    match command.as_str() {
        "demo" => build::start(&Repo::locate()?, Program::Demo, &arguments),
        "stack" => build::start(&Repo::locate()?, Program::Stack, &arguments),
        "bench" => bench::run(&Repo::locate()?, &arguments),
        "test" => test::run(&Repo::locate()?, &test_options(arguments)?),
        "tidy" => no_arguments(&command, &arguments).and_then(|()| tidy::run(&Repo::locate()?)),
        "tools" => tools::fetch(&Repo::locate()?, &names(arguments)?),
        "build" => match release(arguments)? {
            true => build::release(&Repo::locate()?),
            false => build::everything(&Repo::locate()?),
        },
        "image" => no_arguments(&command, &arguments).and_then(|()| image::run(&Repo::locate()?)),
        other => bail!("there is no command \"{other}\"; the commands are {}", help::names()),
    }
}

fn test_options(arguments: Vec<OsString>) -> Result<test::Options> {
    let mut options = test::Options::default();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("allow-missing") => options.allow_missing = true,
            Long("list") => options.list = true,
            Long("seed") => options.seed = Some(parser.value()?.string()?),
            Long("seconds") => options.seconds = Some(parser.value()?.parse()?),
            Value(name) => options.suites.push(name.to_string_lossy().into_owned()),
            Short(_) | Long(_) => return Err(argument.unexpected().into()),
        }
    }
    Ok(options)
}

/// Arguments that are names, without options.
fn names(arguments: Vec<OsString>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Value(name) => names.push(name.string()?),
            Short(_) | Long(_) => return Err(argument.unexpected().into()),
        }
    }
    Ok(names)
}

/// Whether `--release` is among the arguments; nothing else may be.
fn release(arguments: Vec<OsString>) -> Result<bool> {
    let mut release = false;
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("release") => release = true,
            Short(_) | Long(_) | Value(_) => return Err(argument.unexpected().into()),
        }
    }
    Ok(release)
}

fn no_arguments(command: &str, arguments: &[OsString]) -> Result<()> {
    match arguments.first() {
        None => Ok(()),
        Some(found) => bail!("\"{command}\" takes no arguments, found \"{}\"", found.to_string_lossy()),
    }
}
