//! What may not stand in our code: in core, anything that reaches outside; nowhere, `unsafe`.

use anyhow::Result;

use super::tree::Tree;
use super::{Findings, rust};

/// Modules of std through which a program sees or changes the world.
const OUTSIDE: [&str; 9] = ["env", "fs", "io", "net", "os", "path", "process", "thread", "time"];
/// The same by other names.
const WORDS: [&str; 9] =
    ["Instant", "SystemTime", "rand", "getrandom", "proxy_wasm", "print", "println", "eprint", "eprintln"];

pub(super) fn core_is_pure(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::new();
    for (path, text) in tree.texts(&[".rs"])? {
        if path.starts_with("core/src/") {
            findings.extend(reaches_outside(&text).into_iter().map(|found| format!("{path}:{found}")));
        }
    }
    Ok(findings)
}

pub(super) fn no_unsafe(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::new();
    for (path, text) in tree.texts(&[".rs"])? {
        for line in rust::lines_with(&rust::code(&text), "unsafe") {
            findings.push(format!("{path}:{line}: unsafe"));
        }
    }
    Ok(findings)
}

/// `line: what` for each use of std's outside modules or of the words.
fn reaches_outside(source: &str) -> Findings {
    let code = rust::code(source);
    let mut found: Vec<(usize, String)> = std_modules(&code)
        .into_iter()
        .filter(|(_, module)| OUTSIDE.contains(module))
        .map(|(line, module)| (line, format!("std::{module}")))
        .collect();
    for word in WORDS {
        found.extend(rust::lines_with(&code, word).into_iter().map(|line| (line, word.to_owned())));
    }
    found.sort();
    found.into_iter().map(|(line, what)| format!("{line}: {what}")).collect()
}

/// Line and name of each module of std that is named: `std::x`, and `std::{x, y::z}` in braces.
fn std_modules(code: &str) -> Vec<(usize, &str)> {
    let mut modules = Vec::new();
    for (at, path) in code.match_indices("std::") {
        if code[..at].ends_with(rust::is_word) {
            continue;
        }
        let start = at + path.len();
        let mut depth = 0;
        let mut expects_module = true;
        for (offset, sign) in code[start..].char_indices() {
            match sign {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => expects_module = true,
                sign if rust::is_word(sign) && expects_module && depth < 2 => {
                    let from = start + offset;
                    let length = code[from..].find(|sign| !rust::is_word(sign)).unwrap_or(code.len() - from);
                    modules.push((code[..from].matches('\n').count() + 1, &code[from..from + length]));
                    expects_module = false;
                }
                _ => {}
            }
            if depth == 0 && !expects_module {
                break;
            }
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_out_of_core_is_seen() {
        for (source, expected) in [
            ("use std::time::Duration;", "1: std::time"),
            ("use std::{fmt, fs::File};", "1: std::fs"),
            ("use std::{\n    fmt::{self, Display},\n    thread,\n};", "3: std::thread"),
            ("fn f() -> std::io::Result<()> {}", "1: std::io"),
            ("let now = Instant::now();", "1: Instant"),
            ("fn f() { println!(\"x\") }", "1: println"),
            ("use proxy_wasm::hostcalls;", "1: proxy_wasm"),
        ] {
            assert_eq!(reaches_outside(source), [expected], "{source}");
        }
    }

    #[test]
    fn what_stays_inside_is_left_alone() {
        for source in [
            "use core::time::Duration;",
            "use std::{fmt, collections::{BTreeMap, hash_map}};",
            "/// Like std::fs, but pure. An Instant is given.\nfn f() {}",
            "let text = \"std::net\";",
            "let operand = 1; my_std::net::x();",
        ] {
            assert!(reaches_outside(source).is_empty(), "{source}: {:?}", reaches_outside(source));
        }
    }
}
