//! What the paywall answers is documented, and only that.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::Findings;
use super::tree::Tree;

const SOURCE: &str = "core/src/answer.rs";
const PAGE: &str = "docs/problems.md";
/// Where the scenes name the answers that they expect.
const SCENES: [&str; 2] = ["core/tests/", "tests/harness/tests/"];

pub(super) fn check(tree: &Tree) -> Result<Findings> {
    let text = |path: &str| tree.text(path)?.with_context(|| path.to_owned());
    let (answered, documented) = (codes(&text(SOURCE)?), documented(&text(PAGE)?));
    let mut findings: Findings = answered
        .difference(&documented)
        .map(|code| format!("{PAGE}: says nothing of {code}"))
        .chain(documented.difference(&answered).map(|code| format!("{PAGE}: {code} is never answered")))
        .collect();
    let mut scenes = String::new();
    for (path, text) in tree.texts(&[".rs"])? {
        if SCENES.iter().any(|folder| path.starts_with(folder)) {
            scenes.push_str(&text);
        }
    }
    let unseen = answered.iter().filter(|code| !scenes.contains(&format!("\"{code}\"")));
    findings.extend(unseen.map(|code| format!("no scene or test of core expects the answer {code}")));
    Ok(findings)
}

/// The codes in the bodies of the functions `code`: what stands in quotes behind an arrow.
fn codes(source: &str) -> BTreeSet<String> {
    source
        .split("pub fn code(&self)")
        .skip(1)
        .map(|rest| rest.split("\n    }").next().unwrap_or(""))
        .flat_map(|body| body.lines())
        .filter_map(|line| line.split("=> \"").nth(1)?.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// The first cell of each row of the page's table, without its backticks.
fn documented(page: &str) -> BTreeSet<String> {
    page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_rows_are_found() {
        let source = "    pub fn code(&self) -> &str {\n        match self {\n            Self::A => \"a-b\",\n            \
                      Self::B { .. } => \"c\",\n        }\n    }\n    fn other() { X => \"not\" }";
        assert_eq!(codes(source).into_iter().collect::<Vec<_>>(), ["a-b", "c"]);
        let page = "| code | status |\n| --- | --- |\n| `a-b` | 402 |\ntext `x`\n";
        assert_eq!(documented(page).into_iter().collect::<Vec<_>>(), ["a-b"]);
    }
}
