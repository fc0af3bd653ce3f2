//! The blocks of code of a document.

use anyhow::{Context, Result, bail};

use crate::place;

/// What happens to a block of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is run.
    Run,
    /// Its files, flags and names are looked up.
    Check,
}

#[derive(Debug)]
pub(super) struct Block {
    /// Page and line, for messages.
    pub(super) place: String,
    pub(super) language: String,
    pub(super) mark: Option<Mark>,
    pub(super) text: String,
}

/// The pages with commands in them.
pub(super) fn pages() -> Result<Vec<String>> {
    let mut pages = place::files("docs", ".md")?;
    pages.push("README.md".to_owned());
    Ok(pages)
}

/// The blocks of one page, in order.
pub(super) fn blocks(page: &str) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let text = place::text(page)?;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let place = format!("{page}:{}", number + 1);
        let indent = line.len() - line.trim_start().len();
        let mut words = info.split_whitespace();
        let language = words.next().unwrap_or_default().to_owned();
        let mark = match words.next() {
            None => None,
            Some("run") => Some(Mark::Run),
            Some("check") => Some(Mark::Check),
            Some(other) => bail!("{place}: {other} is neither run nor check"),
        };
        let mut text = String::new();
        loop {
            let (_, line) = lines.next().with_context(|| format!("{place}: a block without an end"))?;
            if line.trim() == "```" {
                break;
            }
            text.push_str(line.get(indent..).unwrap_or_default());
            text.push('\n');
        }
        blocks.push(Block { place, language, mark, text });
    }
    Ok(blocks)
}

#[test]
fn every_block_of_commands_is_run_or_checked() -> Result<()> {
    let mut marked = 0;
    for page in pages()? {
        for block in blocks(&page)?.iter().filter(|block| block.language == "sh") {
            assert!(block.mark.is_some(), "{} is neither run nor check", block.place);
            marked += 1;
        }
    }
    assert!(marked > 10);
    Ok(())
}
