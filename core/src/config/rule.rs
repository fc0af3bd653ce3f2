//! Which requests cost what.

use super::reader::{ConfigError, Node};
use super::{plain_path, price};
use crate::amount::Price;

/// A price, and the requests it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    path: PathMatch,
    /// In upper case; `None` is every method.
    methods: Option<Vec<String>>,
    /// `None` is free.
    pub(super) price: Option<Price>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathMatch {
    Any,
    Exact(String),
    Prefix(String),
}

impl Rule {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ConfigError> {
        let mut fields = node.object()?;
        let matches = fields.required("match")?;
        let price = price(&fields.required("price")?)?;
        fields.finish()?;

        let mut fields = matches.object()?;
        let path = match (fields.optional("path"), fields.optional("pathPrefix")) {
            (None, None) => PathMatch::Any,
            (Some(exact), None) => PathMatch::Exact(plain_path(&exact)?),
            (None, Some(prefix)) => PathMatch::Prefix(plain_path(&prefix)?),
            (Some(_), Some(_)) => return Err(matches.unlike("one of path and pathPrefix, not both")),
        };
        let methods = fields.optional("methods").map(|node| methods(&node)).transpose()?;
        fields.finish()?;
        Ok(Self { path, methods, price })
    }

    /// Whether the rule is for requests of this method and decoded path. A rule for GET is one for HEAD too. A rule
    /// for one path covers the same path with a slash behind it, because many servers do not tell them apart.
    pub(super) fn covers(&self, method: &[u8], path: &str) -> bool {
        let method_fits = self.methods.as_ref().is_none_or(|methods| {
            methods.iter().any(|own| own.as_bytes() == method || (own == "GET" && method == b"HEAD"))
        });
        let path_fits = match &self.path {
            PathMatch::Any => true,
            PathMatch::Exact(own) => path == own || path.strip_suffix('/') == Some(own),
            PathMatch::Prefix(own) => path.starts_with(own),
        };
        method_fits && path_fits
    }
}

fn methods(node: &Node<'_>) -> Result<Vec<String>, ConfigError> {
    let items = node.array()?;
    if items.is_empty() {
        return Err(node.unlike("at least one method; leave the key out for every method"));
    }
    let method = |item: &Node<'_>| {
        let method = item.name()?;
        let upper = method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if upper { Ok(method) } else { Err(item.unlike("a method in upper case, such as \"GET\"")) }
    };
    items.iter().map(method).collect()
}
