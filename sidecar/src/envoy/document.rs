//! A file, and places in it.

use serde_json::Value;

use super::finding::{Code, Finding};

/// How much of a value is shown, in characters.
const SHOWN: usize = 80;

/// One file of a configuration.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    value: Value,
}

impl Document {
    /// Reads YAML, of which JSON is a part.
    ///
    /// # Errors
    ///
    /// It is neither, and where.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self, serde_norway::Error> {
        Ok(Self::new(name, serde_norway::from_str(text)?))
    }

    /// What was read already.
    pub fn new(name: impl Into<String>, value: Value) -> Self {
        Self { name: name.into(), value }
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node { file: &self.name, path: String::new(), value: Some(&self.value) }
    }
}

/// A place in a file, and what is there. Where nothing is, is a place too.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    file: &'a str,
    path: String,
    value: Option<&'a Value>,
}

impl<'a> Node<'a> {
    /// A field of a message, by its name in Envoy's documentation. The JSON form has a second name for it.
    pub(super) fn get(&self, field: &str) -> Node<'a> {
        let found = self.member(field);
        if found.is_there() {
            return found;
        }
        let other = self.member(&camel_case(field));
        if other.is_there() { other } else { found }
    }

    /// A field of a field and so on, with dots between their names.
    pub(super) fn at(&self, path: &str) -> Node<'a> {
        path.split('.').fold(self.clone(), |node, field| node.get(field))
    }

    /// A member of a map with free keys.
    pub(super) fn member(&self, key: &str) -> Node<'a> {
        // Null is what protobuf takes for a field that is not set.
        let value = self.value.and_then(|value| value.get(key)).filter(|value| !value.is_null());
        let key = if key.contains('.') { format!("[{key:?}]") } else { key.to_owned() };
        let dot = if self.path.is_empty() || key.starts_with('[') { "" } else { "." };
        Node { file: self.file, path: format!("{}{dot}{key}", self.path), value }
    }

    /// The members of a map with their keys, or none.
    pub(super) fn members(&self) -> Vec<(&'a str, Node<'a>)> {
        let members = self.value.and_then(Value::as_object).into_iter().flatten();
        members.map(|(key, _)| (key.as_str(), self.member(key))).collect()
    }

    /// The items of a list, or none.
    pub(super) fn items(&self) -> Vec<Node<'a>> {
        let items = self.value.and_then(Value::as_array).into_iter().flatten().enumerate();
        let node =
            |(at, value)| Node { file: self.file, path: format!("{}[{at}]", self.path), value: Some(value) };
        items.map(node).collect()
    }

    pub(super) fn value(&self) -> Option<&'a Value> {
        self.value
    }

    pub(super) fn is_there(&self) -> bool {
        self.value.is_some()
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.and_then(Value::as_str)
    }

    pub(super) fn is_true(&self) -> bool {
        self.value == Some(&Value::Bool(true))
    }

    /// The name of a message's type, such as `envoy.config.listener.v3.Listener`.
    pub(super) fn message_type(&self) -> &'a str {
        let url = self.member("@type").text().unwrap_or_default();
        url.rsplit('/').next().unwrap_or_default()
    }

    /// What is here, as an operator wrote it.
    pub(super) fn shown(&self) -> String {
        let Some(value) = self.value else { return "nothing".to_owned() };
        let mut text = value.to_string();
        if let Some((end, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(end);
            text.push('…');
        }
        text
    }

    /// Something is wrong here.
    pub(super) fn finding(&self, code: Code, found: impl Into<String>) -> Finding {
        let path = if self.path.is_empty() { "." } else { &self.path };
        Finding { code, file: self.file.to_owned(), path: path.to_owned(), found: found.into() }
    }

    /// What is here is wrong.
    pub(super) fn wrong(&self, code: Code) -> Finding {
        self.finding(code, self.shown())
    }
}

/// `stream_idle_timeout` as protobuf's JSON form has it: `streamIdleTimeout`.
fn camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}
