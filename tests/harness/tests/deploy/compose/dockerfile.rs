//! The Dockerfile, as far as ours needs it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::place;

pub(super) const FILE: &str = "envoy/images/Dockerfile";

/// One `FROM … AS name` with what follows.
#[derive(Debug, Default)]
pub(super) struct Stage {
    pub(super) base: String,
    pub(super) copies: Vec<Copy>,
    /// Each command of each RUN.
    pub(super) runs: Vec<Vec<String>>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) folder: Option<String>,
    pub(super) user: Option<String>,
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Copy {
    /// The stage or image that it comes from; the checkout otherwise.
    pub(super) from: Option<String>,
    pub(super) sources: Vec<String>,
    pub(super) target: String,
}

/// The stages by their names.
pub(super) fn read() -> Result<BTreeMap<String, Stage>> {
    let mut stages = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in lines(&place::text(FILE)?) {
        let (instruction, rest) = line.split_once(' ').with_context(|| line.clone())?;
        if instruction == "FROM" {
            let (base, name) = rest.split_once(" AS ").with_context(|| format!("{line}: no name"))?;
            stages.insert(name.to_owned(), Stage { base: base.to_owned(), ..Stage::default() });
            current = Some(name.to_owned());
            continue;
        }
        let stage = current.as_ref().and_then(|name| stages.get_mut(name)).context("no FROM at first")?;
        stage.take(instruction, rest).with_context(|| line.clone())?;
    }
    Ok(stages)
}

/// Whole instructions, without comments.
fn lines(text: &str) -> Vec<String> {
    let plain: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let joined = plain.join("\n").replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

impl Stage {
    /// The folders that it makes with `install --directory`.
    pub(super) fn folders(&self) -> impl Iterator<Item = &str> {
        let installs =
            self.runs.iter().filter(|words| words.starts_with(&["install".into(), "--directory".into()]));
        installs.flatten().map(String::as_str).filter(|word| word.starts_with('/'))
    }

    /// Whether it has a package of Debian.
    pub(super) fn installs(&self, package: &str) -> bool {
        let apt = ["apt-get".to_owned(), "install".to_owned()];
        self.runs.iter().any(|words| words.starts_with(&apt) && words.iter().any(|word| word == package))
    }

    fn take(&mut self, instruction: &str, rest: &str) -> Result<()> {
        match instruction {
            "COPY" => self.copies.push(copy(rest)?),
            "RUN" => self.runs.extend(rest.split("&&").map(words)),
            "ENV" => {
                for pair in words(rest) {
                    let (name, value) = pair.split_once('=').context("not NAME=VALUE")?;
                    self.variables.insert(name.to_owned(), value.to_owned());
                }
            }
            "WORKDIR" => self.folder = Some(rest.to_owned()),
            "USER" => self.user = Some(rest.to_owned()),
            "ENTRYPOINT" => self.entrypoint = serde_json::from_str(rest)?,
            "CMD" => self.command = serde_json::from_str(rest)?,
            other => bail!("{other} is not known here"),
        }
        Ok(())
    }
}

fn copy(rest: &str) -> Result<Copy> {
    let mut words = words(rest);
    let from = words.first().and_then(|word| word.strip_prefix("--from=")).map(str::to_owned);
    if from.is_some() {
        words.remove(0);
    }
    let target = words.pop().context("no target")?;
    Ok(Copy { from, sources: words, target })
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
