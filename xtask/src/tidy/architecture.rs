//! ARCHITECTURE.md and the folder listing tell the same story.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Findings;
use super::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";

pub(super) fn check(tree: &Tree) -> Result<Findings> {
    if !tree.paths.iter().any(|path| path == PAGE) {
        return Ok(vec![format!("there is no {PAGE}")]);
    }
    let text = tree.text(PAGE)?.unwrap_or_default();
    Ok(compare(&listed(&text), &top_level(&tree.paths)))
}

fn compare(listed: &BTreeSet<String>, there: &BTreeSet<String>) -> Findings {
    if listed.is_empty() {
        return vec![format!("{PAGE}: no block of code lists the folder core/")];
    }
    let absent = listed.difference(there).map(|name| format!("{PAGE}: {name} is listed, but not there"));
    let untold = there.difference(listed).map(|name| format!("{PAGE}: {name} is there, but not listed"));
    absent.chain(untold).collect()
}

/// The names at the top of the repository; a folder's ends in `/`.
fn top_level(paths: &[String]) -> BTreeSet<String> {
    paths
        .iter()
        .map(|path| match path.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => path.clone(),
        })
        .collect()
}

/// The names in the first block of code that lists `core/`.
///
/// A line holds one name or several, with a space or a comma between them, and after two spaces a remark. A line
/// that begins with a space goes on with the remark before it.
fn listed(page: &str) -> BTreeSet<String> {
    page.split("```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').map_or("", |(_language, lines)| lines))
        .find(|block| block.lines().any(|line| line.starts_with("core/")))
        .unwrap_or("")
        .lines()
        .filter(|line| !line.starts_with(' '))
        .flat_map(|line| line.split("  ").next().unwrap_or("").split([' ', ',']))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_TEXT: &str = "# Map\n```sh\ncargo xtask test\n```\n```text\ncore/        the rules\n             \
                             of money\nREADME.md, LICENSE-MIT  to read\nCargo.toml\n```\n```\nsrc/\n```\n";

    #[test]
    fn the_listing_is_read_from_its_block() {
        let names: Vec<_> = listed(PAGE_TEXT).into_iter().collect();
        assert_eq!(names, ["Cargo.toml", "LICENSE-MIT", "README.md", "core/"]);
    }

    #[test]
    fn both_directions_are_compared() {
        let paths = ["core/src/lib.rs", "README.md", "LICENSE-MIT", "src/lib.rs"].map(str::to_owned);
        assert_eq!(
            compare(&listed(PAGE_TEXT), &top_level(&paths)),
            [
                "ARCHITECTURE.md: Cargo.toml is listed, but not there",
                "ARCHITECTURE.md: src/ is there, but not listed"
            ]
        );
        assert_eq!(compare(&listed("no listing"), &top_level(&paths)).len(), 1);
    }
}
