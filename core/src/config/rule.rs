//! Which requests cost what.

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;

use super::price_source::PriceSource;
use super::reader::{ConfigError, Node};
use super::{plain_path, price};
use crate::amount::Price;
use crate::gate::is_label;
use crate::request::Request;

/// The longest regular expression, in bytes.
const MAX_REGEX: usize = 256;

/// The largest one in memory, in bytes: `(.?){9999}` would take a second to look at the longest path.
const MAX_REGEX_SIZE: usize = 256 << 10;

/// A price, and the requests it is for.
#[derive(Clone, Debug)]
pub struct Rule {
    name: Option<String>,
    path: PathMatch,
    /// In upper case; `None` is every method.
    methods: Option<Vec<String>>,
    /// In lower case; `None` is every host.
    hosts: Option<Vec<HostMatch>>,
    headers: Vec<HeaderMatch>,
    pub(super) price: RulePrice,
}

/// What a rule says of the price.
#[derive(Clone, Debug)]
pub(super) enum RulePrice {
    /// This; `None` is free.
    Fixed(Option<Price>),
    /// What this service says.
    From(PriceSource),
}

#[derive(Clone, Debug)]
enum PathMatch {
    Any,
    Exact(String),
    Prefix(String),
    Suffix(String),
    /// Matches the whole path.
    Regex(Regex),
}

#[derive(Clone, Debug)]
enum HostMatch {
    Exact(String),
    /// `*.example.com`, kept as `.example.com`.
    Below(String),
}

#[derive(Clone, Debug)]
struct HeaderMatch {
    /// In lower case.
    name: String,
    /// `None` is any value.
    value: Option<String>,
}

impl Rule {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ConfigError> {
        let mut fields = node.object()?;
        let matches = fields.required("match")?;
        let name = fields.optional("name").map(|node| label(&node)).transpose()?;
        let price = match (fields.optional("price"), fields.optional("priceFrom")) {
            (Some(fixed), None) => RulePrice::Fixed(price(&fixed)?),
            (None, Some(source)) => RulePrice::From(PriceSource::read(&source)?),
            (None, None) | (Some(_), Some(_)) => return Err(node.unlike("one of price and priceFrom")),
        };
        fields.finish()?;

        let mut fields = matches.object()?;
        let mut paths = Vec::new();
        for (key, read) in PATH_KEYS {
            paths.extend(fields.optional(key).map(|node| read(&node)).transpose()?);
        }
        let path = paths.pop().unwrap_or(PathMatch::Any);
        if !paths.is_empty() {
            return Err(matches.unlike("only one of path, pathPrefix, pathSuffix and pathRegex"));
        }
        let methods = fields.optional("methods").map(|node| list(&node, method)).transpose()?;
        let hosts = fields.optional("hosts").map(|node| list(&node, host)).transpose()?;
        let headers = fields.optional("headers").map_or(Ok(Vec::new()), |node| headers(&node))?;
        fields.finish()?;
        Ok(Self { name, path, methods, hosts, headers, price })
    }

    /// What its requests are counted under, where it says so.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Who is asked for the price, where it is not fixed.
    pub fn price_source(&self) -> Option<&PriceSource> {
        match &self.price {
            RulePrice::Fixed(_) => None,
            RulePrice::From(source) => Some(source),
        }
    }

    /// Whether the rule looks at a path by a regular expression, which bounds how long the path may be.
    pub(super) fn has_regex(&self) -> bool {
        matches!(self.path, PathMatch::Regex(_))
    }

    /// Whether the rule is for a request, read as one of this method, host and decoded path. A rule for GET is one
    /// for HEAD too. A rule for one path covers the same path with a slash behind it, because many servers do not
    /// tell them apart.
    pub(super) fn covers(&self, method: &[u8], host: &str, path: &str, request: Request<'_>) -> bool {
        let method_fits = self.methods.as_ref().is_none_or(|methods| {
            methods.iter().any(|own| own.as_bytes() == method || (own == "GET" && method == b"HEAD"))
        });
        let host_fits = self.hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|own| own.covers(host)));
        let headers_fit = || self.headers.iter().all(|own| own.covers(request));
        method_fits && host_fits && self.path.covers(path) && headers_fit()
    }
}

impl PathMatch {
    fn covers(&self, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(own) => path == own || path.strip_suffix('/') == Some(own),
            Self::Prefix(own) => path.starts_with(own),
            Self::Suffix(own) => path.ends_with(own),
            Self::Regex(own) => own.is_match(path),
        }
    }
}

impl HostMatch {
    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Exact(own) => host == own,
            Self::Below(own) => host.len() > own.len() && host.ends_with(own),
        }
    }
}

impl HeaderMatch {
    fn covers(&self, request: Request<'_>) -> bool {
        let mut values = request.values(&self.name);
        match &self.value {
            None => values.next().is_some(),
            Some(own) => values.any(|value| value == own.as_bytes()),
        }
    }
}

type ReadPath = fn(&Node<'_>) -> Result<PathMatch, ConfigError>;

const PATH_KEYS: [(&str, ReadPath); 4] = [
    ("path", |node| plain_path(node).map(PathMatch::Exact)),
    ("pathPrefix", |node| plain_path(node).map(PathMatch::Prefix)),
    ("pathSuffix", |node| suffix(node).map(PathMatch::Suffix)),
    ("pathRegex", |node| regex(node).map(PathMatch::Regex)),
];

fn suffix(node: &Node<'_>) -> Result<String, ConfigError> {
    let text = node.name()?;
    let plain = !text.contains([';', '?', '#']);
    if plain { Ok(text) } else { Err(node.unlike("an end of a path without ; ? and #")) }
}

fn regex(node: &Node<'_>) -> Result<Regex, ConfigError> {
    let text = node.name()?;
    if text.len() > MAX_REGEX {
        return Err(node.unlike(&format!("a regular expression of at most {MAX_REGEX} bytes")));
    }
    // By itself first: `a)|(?:b` is one only inside the group that is put around it.
    Regex::new(&text).map_err(|error| node.wrong(&error))?;
    let whole = RegexBuilder::new(&format!("^(?:{text})$")).size_limit(MAX_REGEX_SIZE).build();
    whole.map_err(|_| {
        node.unlike(&format!(
            "an expression of at most {} KB with its repetitions written out, and without a comment at its end",
            MAX_REGEX_SIZE >> 10
        ))
    })
}

fn label(node: &Node<'_>) -> Result<String, ConfigError> {
    let text = node.text()?;
    let fits = is_label(text);
    if fits { Ok(text.to_owned()) } else { Err(node.unlike("1 to 64 letters, digits and any of - _ . / :")) }
}

fn list<T>(node: &Node<'_>, read: fn(&Node<'_>) -> Result<T, ConfigError>) -> Result<Vec<T>, ConfigError> {
    let items = node.array()?;
    if items.is_empty() {
        return Err(node.unlike("at least one; leave the key out to match all"));
    }
    items.iter().map(read).collect()
}

fn method(node: &Node<'_>) -> Result<String, ConfigError> {
    let method = node.name()?;
    let upper = method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if upper { Ok(method) } else { Err(node.unlike("a method in upper case, such as \"GET\"")) }
}

fn host(node: &Node<'_>) -> Result<HostMatch, ConfigError> {
    let expected = || node.unlike("a host without port, such as \"api.example.com\" or \"*.example.com\"");
    let text = node.name()?.to_ascii_lowercase();
    let (name, below) = match text.strip_prefix('*') {
        Some(rest) => (rest.strip_prefix('.').ok_or_else(expected)?, true),
        None => (text.as_str(), false),
    };
    let bracketed = name.starts_with('[') && name.ends_with(']');
    let odd = name.is_empty() || name.contains(['*', '/', ' ']) || name.ends_with('.');
    if odd || (name.contains(':') && !bracketed) {
        return Err(expected());
    }
    Ok(if below { HostMatch::Below(format!(".{name}")) } else { HostMatch::Exact(name.to_owned()) })
}

fn headers(node: &Node<'_>) -> Result<Vec<HeaderMatch>, ConfigError> {
    let read = |(name, node): (&String, Node<'_>)| {
        let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if name.is_empty() || !fits {
            return Err(
                node.wrong(&format!("{name:?} is no header name, which has letters, digits, - and _"))
            );
        }
        let value = if *node.value() == Value::Bool(true) {
            None
        } else {
            Some(node.text().map_err(|_| node.unlike("the value as text, or true for any value"))?.to_owned())
        };
        Ok(HeaderMatch { name: name.to_ascii_lowercase(), value })
    };
    node.members()?.into_iter().map(read).collect()
}
