//! `cargo xtask tidy`: the house rules as a program.
//!
//! A rule looks at the tree and answers with what it found, a line each; nothing found means that it holds. Rules
//! that read text are small functions on text, with tests of their own beside them.

mod architecture;
mod deny;
mod dependencies;
mod leftovers;
mod links;
mod problems;
mod purity;
mod rust;
mod size;
mod tree;
mod words;

use std::process::ExitCode;

use anyhow::{Context, Result};

use self::tree::Tree;
use crate::counts::Counts;
use crate::repo::Repo;

/// What a rule says of the tree: one line for each place where it is broken.
type Findings = Vec<String>;

/// A rule, said as what is true while it holds.
type Rule = (&'static str, fn(&Tree) -> Result<Findings>);

const RULES: &[Rule] = &[
    ("core, the filter and xtask depend directly on what they are permitted", dependencies::direct),
    ("core's whole dependency tree consists of permitted crates", dependencies::whole_tree_of_core),
    ("every package has the workspace's lints", dependencies::lints_are_inherited),
    ("deny.toml has its sections, and only those it names reach tokio, proxy-wasm and the like", deny::check),
    ("core has no clock, thread, file, socket, randomness or host call", purity::core_is_pure),
    ("no unsafe code of ours", purity::no_unsafe),
    ("nothing unfinished, switched off or singled out", leftovers::check),
    ("no paths of one machine and no hosts of package registries", words::check),
    ("relative links in Markdown lead to files", links::check),
    ("every answer of the paywall is documented, and expected by a test", problems::check),
    ("ARCHITECTURE.md lists exactly what is at the top", architecture::check),
    ("no file above a megabyte", size::files),
];

/// Checks all rules and prints each, with what breaks it.
pub(crate) fn run(repo: &Repo) -> Result<ExitCode> {
    let tree = Tree::open(&repo.root)?;
    let mut counts = Counts::default();
    for (rule, check) in RULES {
        let findings = check(&tree).with_context(|| (*rule).to_owned())?;
        if findings.is_empty() {
            counts.passed += 1;
            println!("ok      {rule}");
        } else {
            counts.failed += 1;
            println!("BROKEN  {rule}");
            for finding in findings {
                println!("        {finding}");
            }
        }
    }
    for warning in size::long_sources(&tree)? {
        println!("warning {warning}");
    }
    println!("{counts}");
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
