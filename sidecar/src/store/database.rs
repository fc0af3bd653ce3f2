//! Where a ledger is.

use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

use serde::Deserialize;

use super::postgres::{PostgresUrl, PostgresUrlError};

/// A SQLite file, or a database of a PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Database {
    /// The file.
    Sqlite(PathBuf),
    /// The server and the database.
    Postgres(PostgresUrl),
}

impl FromStr for Database {
    type Err = PostgresUrlError;

    /// What looks like a URL is one, and anything else is the name of a file.
    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        match text.split_once("://") {
            Some(_) => text.parse().map(Self::Postgres),
            None => Ok(Self::Sqlite(text.into())),
        }
    }
}

impl TryFrom<String> for Database {
    type Error = PostgresUrlError;

    fn try_from(text: String) -> Result<Self, PostgresUrlError> {
        text.parse()
    }
}

impl From<PathBuf> for Database {
    fn from(path: PathBuf) -> Self {
        Self::Sqlite(path)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}
