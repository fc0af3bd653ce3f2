//! Reads JSON node by node, so that an error can name the path, the value and what was expected.

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;
use core::time::Duration;

use serde_json::{Map, Value};

use crate::json;

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where, such as `rules[0].price`; empty for the whole document.
    pub path: String,
    /// What is wrong there, with the value found and what is expected.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "configuration" } else { &self.path };
        write!(f, "{path}: {}", self.problem)
    }
}

impl core::error::Error for ConfigError {}

/// A whole JSON text.
pub(super) struct Document(Value);

impl Document {
    pub(super) fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        json::read(json)
            .map(Self)
            .map_err(|error| ConfigError { path: String::new(), problem: format!("not JSON: {error}") })
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node { path: String::new(), value: &self.0 }
    }
}

/// A value and where it stands.
pub(super) struct Node<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    /// The error that this value is not what is expected here.
    pub(super) fn unlike(&self, expected: &str) -> ConfigError {
        ConfigError { path: self.path.clone(), problem: format!("{}, expected {expected}", self.found()) }
    }

    /// The value, as far as an error shows it.
    fn found(&self) -> String {
        let mut found = self.value.to_string();
        if let Some((end, _)) = found.char_indices().nth(80) {
            found.truncate(end);
            found.push('…');
        }
        found
    }

    /// The error of a parser for this value.
    pub(super) fn wrong(&self, error: &dyn fmt::Display) -> ConfigError {
        ConfigError { path: self.path.clone(), problem: format!("{}: {error}", self.found()) }
    }

    /// An error that does not show the value.
    pub(super) fn secret_unlike(&self, expected: &str) -> ConfigError {
        ConfigError { path: self.path.clone(), problem: format!("expected {expected}") }
    }

    pub(super) fn object(&self) -> Result<Fields<'a>, ConfigError> {
        let map = self.value.as_object().ok_or_else(|| self.unlike("an object"))?;
        Ok(Fields { path: self.path.clone(), map, known: Vec::new() })
    }

    /// The members of an object whose keys are free.
    pub(super) fn members(&self) -> Result<Vec<(&'a String, Node<'a>)>, ConfigError> {
        let map = self.value.as_object().ok_or_else(|| self.unlike("an object"))?;
        Ok(map
            .iter()
            .map(|(key, value)| (key, Node { path: format!("{}.{key}", self.path), value }))
            .collect())
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    pub(super) fn array(&self) -> Result<Vec<Node<'a>>, ConfigError> {
        let items = self.value.as_array().ok_or_else(|| self.unlike("a list"))?;
        let node = |(index, value)| Node { path: format!("{}[{index}]", self.path), value };
        Ok(items.iter().enumerate().map(node).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.unlike("a text in quotes"))
    }

    pub(super) fn secret(&self) -> Result<&'a str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.secret_unlike("a text in quotes"))
    }

    /// A text that is the name of something, so not empty.
    pub(super) fn name(&self) -> Result<String, ConfigError> {
        match self.text()? {
            "" => Err(self.unlike("a name")),
            name => Ok(name.to_owned()),
        }
    }

    pub(super) fn text_as<T: FromStr<Err: fmt::Display>>(&self) -> Result<T, ConfigError> {
        self.text()?.parse().map_err(|error| self.wrong(&error))
    }

    pub(super) fn integer(&self, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
        let number = self.value.as_u64().filter(|number| range.contains(number));
        number.ok_or_else(|| self.unlike(&format!("a whole number, {} to {}", range.start(), range.end())))
    }

    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.unlike("true or false"))
    }

    /// A number of bytes, written as a whole number of MiB.
    pub(super) fn memory(&self, range: RangeInclusive<usize>) -> Result<usize, ConfigError> {
        let mebibytes = self.value.as_str().and_then(|text| text.strip_suffix("MiB")?.parse::<usize>().ok());
        mebibytes
            .and_then(|number| number.checked_mul(1 << 20))
            .filter(|bytes| range.contains(bytes))
            .ok_or_else(|| {
                let [least, most] = [range.start(), range.end()].map(|bytes| bytes >> 20);
                self.unlike(&format!(
                    "an amount of memory from {least}MiB to {most}MiB as text, such as \"16MiB\""
                ))
            })
    }

    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Result<Duration, ConfigError> {
        let expected = || {
            self.unlike(&format!(
                "a duration from {:?} to {:?} as text, such as \"500ms\" or \"2s\"",
                range.start(),
                range.end()
            ))
        };
        let text = self.value.as_str().ok_or_else(expected)?;
        let parsed = match text.strip_suffix("ms") {
            Some(number) => number.parse().ok().map(Duration::from_millis),
            None => text.strip_suffix('s').and_then(|number| number.parse().ok()).map(Duration::from_secs),
        };
        parsed.filter(|duration| range.contains(duration)).ok_or_else(expected)
    }
}

/// The members of an object, each to be asked for by name.
pub(super) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn optional(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.known.push(key);
        self.map.get(key).map(|value| Node { path: self.path_of(key), value })
    }

    pub(super) fn required(&mut self, key: &'static str) -> Result<Node<'a>, ConfigError> {
        self.optional(key)
            .ok_or_else(|| ConfigError { path: self.path_of(key), problem: "missing".to_owned() })
    }

    /// Refuses members that nobody asked for.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        match self.map.keys().find(|key| !self.known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(ConfigError {
                path: self.path_of(key),
                problem: format!("unknown key, expected one of {}", self.known.join(", ")),
            }),
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
