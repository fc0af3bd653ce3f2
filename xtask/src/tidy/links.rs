//! Links from one document to another.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::Findings;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::new();
    for (path, text) in tree.texts(&[".md"])? {
        for (line, target) in relative(&text) {
            match resolve(path, &target) {
                None => findings.push(format!("{path}:{line}: {target} leads out of the repository")),
                Some(file) if !exists(tree, &file) => {
                    findings.push(format!("{path}:{line}: {target} is not there"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(findings)
}

/// Whether the repository has this file or folder. Asked of git's list: a link to an ignored file is dead for
/// everyone else.
fn exists(tree: &Tree, path: &Path) -> bool {
    path.as_os_str().is_empty() || tree.paths.iter().any(|known| Path::new(known).starts_with(path))
}

/// The path from the root that `target`, written in the file `from`, leads to.
fn resolve(from: &str, target: &str) -> Option<PathBuf> {
    let mut path = Path::new(from).parent()?.to_path_buf();
    for part in Path::new(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// Line and target of each link to a file: `[text](target)`, `![text](target)` and `[name]: target`.
fn relative(markdown: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut fenced = false;
    for (index, line) in markdown.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let prose = without_code(line);
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let definition =
            prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        for target in inline.chain(definition) {
            let file = target.split_whitespace().next().unwrap_or("").split('#').next().unwrap_or("");
            if !file.is_empty() && !has_scheme(file) {
                links.push((index + 1, file.to_owned()));
            }
        }
    }
    links
}

/// A line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

fn has_scheme(target: &str) -> bool {
    let scheme = target.split(':').next().unwrap_or("");
    target.contains(':') && scheme.chars().all(|sign| sign.is_ascii_alphanumeric() || "+-.".contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_files_are_followed() {
        let page = "[a](docs/a.md) and [b](b.md#part \"title\")\n\
                    [web](https://example.com/x.md), [mail](mailto:a@example.com), [here](#below)\n\
                    `[code](no.md)`\n```\n[code](no.md)\n```\n![image](shots/c.png)\n\n[ref]: ../d.md";
        let expected = [(1, "docs/a.md"), (1, "b.md"), (7, "shots/c.png"), (9, "../d.md")];
        assert_eq!(relative(page), expected.map(|(line, target)| (line, target.to_owned())));
    }

    #[test]
    fn a_target_is_seen_from_the_folder_of_its_file() {
        for (from, target, expected) in [
            ("README.md", "docs/a.md", Some("docs/a.md")),
            ("docs/a.md", "../README.md", Some("README.md")),
            ("docs/a.md", "./b.md", Some("docs/b.md")),
            ("docs/a.md", "../../x.md", None),
            ("docs/a.md", "/x.md", None),
        ] {
            assert_eq!(resolve(from, target), expected.map(PathBuf::from), "{from} -> {target}");
        }
    }

    #[test]
    fn a_folder_counts_as_there_if_a_file_is_in_it() {
        let tree = Tree { root: ".".into(), paths: vec!["docs/a.md".into()] };
        for (path, expected) in [("docs", true), ("docs/a.md", true), ("docs/a", false), ("doc", false)] {
            assert_eq!(exists(&tree, Path::new(path)), expected, "{path}");
        }
    }
}
