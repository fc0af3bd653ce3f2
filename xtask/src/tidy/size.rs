//! Files that have grown too large.

use anyhow::Result;

use super::Findings;
use super::tree::Tree;

const FILE_LIMIT: u64 = 1_000_000;
const SOURCE_LINES: usize = 600;

pub(super) fn files(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::new();
    for path in &tree.paths {
        let size = tree.size(path)?;
        if size > FILE_LIMIT {
            findings.push(format!("{path}: {size} bytes, at most {FILE_LIMIT} are allowed"));
        }
    }
    Ok(findings)
}

/// A warning, no rule: some thoughts are long.
pub(super) fn long_sources(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::new();
    for (path, text) in tree.texts(&[".rs"])? {
        let lines = text.lines().count();
        if lines > SOURCE_LINES {
            findings.push(format!("{path}: {lines} lines, more than {SOURCE_LINES}: is it one thought?"));
        }
    }
    Ok(findings)
}
