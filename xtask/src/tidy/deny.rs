//! deny.toml is for cargo-deny, which not every machine has; what it says of who may reach a crate is checked here
//! as well, against Cargo.lock.

use anyhow::Result;

use super::Findings;
use super::tree::Tree;

const SECTIONS: [&str; 4] = ["[advisories]", "[licenses]", "[bans]", "[sources]"];

pub(super) fn check(tree: &Tree) -> Result<Findings> {
    let deny = tree.text("deny.toml")?.unwrap_or_default();
    let lock = tree.text("Cargo.lock")?.unwrap_or_default();
    let sections = SECTIONS.into_iter().filter(|section| !deny.lines().any(|line| line.trim() == *section));
    let mut findings: Findings = sections.map(|section| format!("deny.toml: has no {section}")).collect();

    let bans = bans(&deny);
    if bans.is_empty() {
        findings.push("deny.toml: restricts no crate".into());
    }
    let locked = locked(&lock);
    for ban in bans {
        for dependent in locked.iter().filter(|package| package.dependencies.contains(&ban.name)) {
            if !ban.wrappers.contains(&dependent.name) {
                findings
                    .push(format!("{} depends on {}; deny.toml does not let it", dependent.name, ban.name));
            }
        }
    }
    Ok(findings)
}

/// A crate that only some others may depend on.
#[derive(PartialEq, Eq, Debug)]
struct Ban<'a> {
    name: &'a str,
    wrappers: Vec<&'a str>,
}

/// Reads the entries `{ crate = "x", wrappers = ["y"] }` of section `[bans]`, however they are broken into lines.
fn bans(deny: &str) -> Vec<Ban<'_>> {
    let section = deny.split_once("[bans]\n").map_or("", |(_, rest)| rest.split("\n[").next().unwrap_or(""));
    let entries = section.split("{ crate = \"").skip(1);
    entries
        .filter_map(|entry| {
            let (name, rest) = entry.split_once('"')?;
            let rest = rest.split('}').next()?;
            let list =
                rest.split_once("wrappers = [").map_or("", |(_, list)| list.split(']').next().unwrap_or(""));
            Some(Ban { name, wrappers: in_quotes(list) })
        })
        .collect()
}

/// A package of Cargo.lock.
struct Locked<'a> {
    name: &'a str,
    dependencies: Vec<&'a str>,
}

fn locked(lock: &str) -> Vec<Locked<'_>> {
    let packages = lock.split("[[package]]").skip(1);
    packages
        .filter_map(|package| {
            let name = package.split_once("name = \"")?.1.split('"').next()?;
            let list = package
                .split_once("dependencies = [")
                .map_or("", |(_, list)| list.split(']').next().unwrap_or(""));
            // "name" or, where there are several, "name version".
            let dependencies =
                in_quotes(list).into_iter().filter_map(|entry| entry.split(' ').next()).collect();
            Some(Locked { name, dependencies })
        })
        .collect()
}

fn in_quotes(list: &str) -> Vec<&str> {
    list.split('"').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_are_read_with_and_without_wrappers() {
        let deny = "[licenses]\nexceptions = [{ crate = \"ring\" }]\n[bans]\ndeny = [\n  { crate = \"openssl-sys\", reason = \"rustls\" },\n  { crate = \"tokio\", wrappers = [\n    \
                    \"hyper\",\n    \"axum\",\n  ], reason = \"x\" },\n]";
        assert_eq!(
            bans(deny),
            [
                Ban { name: "openssl-sys", wrappers: vec![] },
                Ban { name: "tokio", wrappers: vec!["hyper", "axum"] }
            ]
        );
    }

    #[test]
    fn the_lock_says_who_depends_on_whom() {
        let lock = "[[package]]\nname = \"axum\"\ndependencies = [\n \"tokio\",\n \"syn 2.0.1\",\n]\n\n\
                    [[package]]\nname = \"hex\"\nversion = \"0.4.3\"\n";
        let packages = locked(lock);
        assert_eq!(packages[0].name, "axum");
        assert_eq!(packages[0].dependencies, ["tokio", "syn"]);
        assert_eq!(packages[1].name, "hex");
        assert!(packages[1].dependencies.is_empty());
    }
}
