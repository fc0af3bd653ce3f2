//! What callers show: a bearer token, or the same token as a password. How long comparing takes tells nothing of the
//! token but its length.

use axum::http::{HeaderMap, Method, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq;

/// Whether the request carries the bearer token.
pub(super) fn shows_bearer(headers: &HeaderMap, token: &str) -> bool {
    credentials(headers, b"Bearer ").is_some_and(|shown| is(shown, token))
}

/// Whether the request carries the token, as a bearer token or as the password of any user. Browsers send a password
/// along with whatever a strange page has them do, so it allows changes only to pages of our own.
pub(super) fn admits(method: &Method, headers: &HeaderMap, token: &str) -> bool {
    if shows_bearer(headers, token) {
        return true;
    }
    let Some(encoded) = credentials(headers, b"Basic ") else { return false };
    let Ok(pair) = BASE64_STANDARD.decode(encoded) else { return false };
    let password = pair.split(|byte| *byte == b':').next().and_then(|user| pair.get(user.len() + 1..));
    password.is_some_and(|password| is(password, token)) && (method.is_safe() || is_same_origin(headers))
}

fn is(shown: &[u8], token: &str) -> bool {
    bool::from(shown.ct_eq(token.as_bytes()))
}

/// What follows the scheme, in any case of its letters.
fn credentials<'a>(headers: &'a HeaderMap, scheme: &[u8]) -> Option<&'a [u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (found, shown) = value.split_at_checked(scheme.len())?;
    found.eq_ignore_ascii_case(scheme).then(|| shown.trim_ascii())
}

/// What is no browser sends neither header.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text("host")
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn the_token_is_a_bearer_token_or_the_password_of_any_user() {
        let right = [format!("Bearer {TOKEN}"), format!("bEARER {TOKEN}"), basic(&format!("me:{TOKEN}"))];
        let wrong = [
            TOKEN.to_owned(),
            "Bearer".to_owned(),
            format!("Bearer {TOKEN}0"),
            "Bearer 0123456789abcdeg".to_owned(),
            basic(TOKEN),
            basic(&format!("{TOKEN}:")),
            basic(&format!("me:{TOKEN}:")),
            format!("Basic {TOKEN}"),
            "Basic !".to_owned(),
        ];
        for (values, expected) in [(&right[..], true), (&wrong[..], false)] {
            for value in values {
                let shown = headers(&[("authorization", value)]);
                assert_eq!(admits(&Method::POST, &shown, TOKEN), expected, "{value}");
            }
        }
        assert!(!admits(&Method::GET, &HeaderMap::new(), TOKEN));
    }

    #[test]
    fn a_password_changes_nothing_for_pages_of_others() {
        let password = basic(&format!("me:{TOKEN}"));
        let bearer = format!("Bearer {TOKEN}");
        for (more, ours) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://admin.example")], false),
            (&[("origin", "http://admin.example")], true),
            (&[("origin", "http://evil.example")], false),
            (&[("origin", "null")], false),
        ] {
            let with = |authorization: &str| {
                let mut all = headers(more);
                all.extend(headers(&[("authorization", authorization), ("host", "admin.example")]));
                all
            };
            assert_eq!(admits(&Method::POST, &with(&password), TOKEN), ours, "{more:?}");
            assert!(admits(&Method::GET, &with(&password), TOKEN), "{more:?}");
            assert!(admits(&Method::POST, &with(&bearer), TOKEN), "{more:?}: a page cannot know the token");
        }
    }
}
