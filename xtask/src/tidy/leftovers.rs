//! Signs of work that is not finished, and of tests that do not all run.

use anyhow::Result;

use super::tree::Tree;
use super::{Findings, rust};

/// In Rust code; clippy sees most of them only where it looks.
const RUST: [&str; 4] = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
/// In the test files of the other languages.
const SCRIPTS: [&str; 6] =
    [".only(", ".skip(", "debugger;", "@pytest.mark.skip", "@pytest.mark.xfail", "vm.skip("];

pub(super) fn check(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::new();
    for (path, text) in tree.texts(&[".rs"])? {
        findings.extend(places(path, &rust::code(&text), &RUST));
    }
    for (path, text) in tree.texts(&[".ts", ".tsx", ".js", ".mjs", ".py", ".sol"])? {
        findings.extend(places(path, &text, &SCRIPTS));
    }
    Ok(findings)
}

fn places(path: &str, text: &str, signs: &[&str]) -> Findings {
    let mut findings = Findings::new();
    for (index, line) in text.lines().enumerate() {
        for sign in signs.iter().filter(|sign| line.contains(**sign)) {
            findings.push(format!("{path}:{}: {sign}", index + 1));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_told_with_their_place() {
        let source = "fn f() {\n    todo!()\n}\n#[ignore = \"slow\"]\nfn g() {}";
        assert_eq!(places("a.rs", &rust::code(source), &RUST), ["a.rs:2: todo!(", "a.rs:4: #[ignore"]);
        assert_eq!(places("a.test.ts", "test.only('x')", &SCRIPTS), ["a.test.ts:1: .only("]);
        assert!(places("a.rs", &rust::code("// todo!() is not allowed"), &RUST).is_empty());
    }
}
