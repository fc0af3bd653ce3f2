//! How the operator wants pages to look.

use super::reader::{ConfigError, Node};
use crate::page::Look;

/// The longest title, in characters.
const MAX_TITLE: usize = 100;

/// The longest text, in characters.
const MAX_TEXT: usize = 1000;

/// The longest logo, in bytes: it is part of every page.
const MAX_LOGO: usize = 16 * 1024;

/// Reads the key `page`.
pub(super) fn read(node: &Node<'_>) -> Result<Look, ConfigError> {
    let mut fields = node.object()?;
    let look = Look {
        title: fields.optional("title").map(|node| plain(&node, MAX_TITLE)).transpose()?,
        text: fields.optional("text").map(|node| plain(&node, MAX_TEXT)).transpose()?,
        logo: fields.optional("logo").map(|node| logo(&node)).transpose()?,
        accent: fields.optional("accent").map(|node| colour(&node)).transpose()?,
    };
    fields.finish()?;
    Ok(look)
}

fn plain(node: &Node<'_>, most: usize) -> Result<String, ConfigError> {
    let text = node.text()?;
    if text.trim().is_empty() || text.chars().count() > most {
        return Err(node.unlike(&format!("a text of 1 to {most} characters")));
    }
    Ok(text.to_owned())
}

/// Whatever the page's policy would not load is refused here.
fn logo(node: &Node<'_>) -> Result<String, ConfigError> {
    let url = node.text()?;
    let here = url.starts_with('/') && !url.starts_with("//") && !url.contains('\\');
    if !(here || url.starts_with("data:image/")) {
        return Err(
            node.unlike("a path on this host, such as \"/logo.svg\", or a URL that begins with data:image/")
        );
    }
    if url.len() > MAX_LOGO {
        return Err(node.unlike(&format!("at most {MAX_LOGO} bytes; serve it at a free path instead")));
    }
    Ok(url.to_owned())
}

fn colour(node: &Node<'_>) -> Result<String, ConfigError> {
    let text = node.text()?;
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(node.unlike("a colour with six hex digits, such as \"#1f5f57\""));
    }
    Ok(text.to_owned())
}
