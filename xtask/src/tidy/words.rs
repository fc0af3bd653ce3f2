//! What is true on one machine only.

use anyhow::Result;

use super::Findings;
use super::tree::Tree;

/// Folders in which people and machines keep their own things. Put together here, so that this file passes.
const FOLDERS: [&str; 4] =
    [concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/"), concat!("/", "Users/")];

/// Hosts that package tools are configured with, not sources.
const HOSTS: [&str; 6] = [
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("files.", "pythonhosted.org"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
];

pub(super) fn check(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::new();
    for (path, text) in tree.texts(&[])? {
        for (index, line) in text.lines().enumerate() {
            findings.extend(found(line).into_iter().map(|word| format!("{path}:{}: {word}", index + 1)));
        }
    }
    Ok(findings)
}

fn found(line: &str) -> Vec<&'static str> {
    // The folder at the start of a path, not one of that name within it.
    let begins = |at: usize| {
        !line[..at]
            .ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | '-' | '.' | '}'))
    };
    let folders = FOLDERS.into_iter().filter(|folder| line.match_indices(folder).any(|(at, _)| begins(at)));
    let hosts = HOSTS.into_iter().filter(|host| line.contains(host));
    folders.chain(hosts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_machine_and_registry_hosts_are_found() {
        for (line, expected) in [
            (format!("see {}main/x.md", FOLDERS[0]), vec![FOLDERS[0]]),
            (format!("\"{}me/.cargo\"", FOLDERS[2]), vec![FOLDERS[2]]),
            (format!("\"resolved\": \"https://{}/x.tgz\"", HOSTS[4]), vec![HOSTS[4]]),
            ("source = \"registry+https://github.com/rust-lang/crates.io-index\"".into(), vec![]),
            ("target/work/queue and https://example.com/home/x".into(), vec![]),
            (format!("${{DIR}}{}x", FOLDERS[1]), vec![]),
        ] {
            assert_eq!(found(&line), expected, "{line}");
        }
    }
}
