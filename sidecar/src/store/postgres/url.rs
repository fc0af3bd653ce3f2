//! Where PostgreSQL answers.

use core::fmt;
use core::str::FromStr;

use url::Url;

/// A `postgres` or `postgresql` URL. There may be a password in it, so that neither `Display` nor `Debug` shows more
/// than the host, the port and the name of the database.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Url);

impl PostgresUrl {
    /// The whole URL, password included, under a name by which the server's lists show us.
    pub(super) fn named(&self) -> Url {
        let mut url = self.0.clone();
        if !url.query_pairs().any(|(key, _)| key == "application_name") {
            url.query_pairs_mut().append_pair("application_name", "uraiden");
        }
        url
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let socket = self.0.query_pairs().find(|(key, _)| key == "host").map(|(_, host)| host);
        let host = self.0.host_str().filter(|host| !host.is_empty()).or(socket.as_deref());
        write!(f, "postgres://{}", host.unwrap_or_default())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        let url =
            Url::parse(text).map_err(|error| PostgresUrlError::NotAUrl { reason: error.to_string() })?;
        match url.scheme() {
            "postgres" | "postgresql" => {}
            other => return Err(PostgresUrlError::Scheme { scheme: other.to_owned() }),
        }
        let url = Self(url);
        // What sqlx does not understand, it says without quoting values.
        super::connection::options(&url)
            .map_err(|error| PostgresUrlError::NotAUrl { reason: error.to_string() })?;
        Ok(url)
    }
}

/// A text is no [`PostgresUrl`]. It is not quoted, since there may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostgresUrlError {
    /// It cannot be read.
    #[error("no URL such as postgres://user@host:5432/name: {reason}")]
    NotAUrl {
        /// What the parser says.
        reason: String,
    },
    /// It belongs to something else.
    #[error("a URL with the scheme {scheme:?}, where postgres or postgresql is expected")]
    Scheme {
        /// What stands in place of it.
        scheme: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_host_port_and_name_are_ever_shown() {
        for (text, shown) in [
            (
                "postgres://user:secret@db.example:5433/u?sslmode=require&password=secret",
                "postgres://db.example:5433/u",
            ),
            ("postgresql://user:secret@db.example/u", "postgres://db.example/u"),
            ("postgres:///u?host=/run/postgresql", "postgres:///run/postgresql/u"),
        ] {
            let url: PostgresUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), format!("{url:?}").as_str()), (shown, shown));
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_quoted() {
        for text in [
            "postgres://user:secret@host:port/u",
            "mysql://user:secret@host/u",
            "postgres://user:secret@host/u?sslmode=secret-mode-of-old",
        ] {
            let error = text.parse::<PostgresUrl>().unwrap_err().to_string();
            assert!(!error.contains("secret@"), "{error}");
        }
    }
}
