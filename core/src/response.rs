//! A response's head, as Envoy gives it, and what a paid one has to say to caches and browsers.

use crate::header;

/// All headers of a response: names in lower case, pseudo headers among them, each copy an item of its own.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    headers: &'a [(String, Vec<u8>)],
}

/// What scripts of other origins may read of an answer.
const EXPOSED: [&str; 13] = [
    header::GATEWAY_PATH,
    header::RECEIVER_ADDRESS,
    header::CONTRACT_ADDRESS,
    header::TOKEN_ADDRESS,
    header::PRICE,
    header::SENDER_ADDRESS,
    header::SENDER_BALANCE,
    header::BALANCE_SIGNATURE,
    header::COST,
    header::INSUFFICIENT_CONFIRMATIONS,
    header::NONEXISTING_CHANNEL,
    header::INVALID_BALANCE_PROOF,
    header::INVALID_AMOUNT,
];

/// What scripts of other origins may send.
const ALLOWED: [&str; 9] = [
    header::CONTRACT_ADDRESS,
    header::RECEIVER_ADDRESS,
    header::SENDER_ADDRESS,
    header::PAYMENT,
    header::SENDER_BALANCE,
    header::BALANCE,
    header::BALANCE_SIGNATURE,
    header::OPEN_BLOCK,
    header::PRICE,
];

impl<'a> Response<'a> {
    /// A response with these headers.
    pub fn new(headers: &'a [(String, Vec<u8>)]) -> Self {
        Self { headers }
    }

    /// The status; 500 where there is none that can be read, for that is no success.
    pub fn status(self) -> u16 {
        let status = self.values(":status").next().and_then(|value| core::str::from_utf8(value).ok());
        status.and_then(|text| text.parse().ok()).unwrap_or(500)
    }

    /// The `cache-control` that a paid answer needs so that no shared cache gives it away; `None` where the upstream's
    /// own is strict enough.
    pub(crate) fn private(self) -> Option<String> {
        let directives = self.list("cache-control");
        if directives.iter().any(|directive| matches!(directive.as_str(), "private" | "no-store")) {
            return None;
        }
        let kept = directives.iter().map(String::as_str);
        let kept = kept.filter(|directive| *directive != "public" && !directive.starts_with("s-maxage"));
        Some(kept.fold("private".to_owned(), |all, directive| all + ", " + directive))
    }

    /// The `access-control-expose-headers` with ours among them, where the operator allows other origins at all and
    /// something is missing.
    pub(crate) fn exposed(self) -> Option<String> {
        self.merged("access-control-expose-headers", &EXPOSED)
    }

    /// The `access-control-allow-headers` with ours among them, likewise, for the answer to a preflight.
    pub(crate) fn allowed(self) -> Option<String> {
        self.merged("access-control-allow-headers", &ALLOWED)
    }

    fn merged(self, name: &str, ours: &[&str]) -> Option<String> {
        self.values("access-control-allow-origin").next()?;
        let mut names = self.list(name);
        if names.iter().any(|name| name == "*") {
            return None;
        }
        let before = names.len();
        let missing = ours.iter().map(|name| name.to_ascii_lowercase()).filter(|name| !names.contains(name));
        let missing: Vec<_> = missing.collect();
        names.extend(missing);
        (names.len() > before).then(|| names.join(", "))
    }

    /// The items of a comma-separated header, in lower case.
    fn list(self, name: &str) -> Vec<String> {
        let items = self.values(name).flat_map(|value| value.split(|&byte| byte == b','));
        let items = items.map(|item| String::from_utf8_lossy(item.trim_ascii()).to_ascii_lowercase());
        items.filter(|item| !item.is_empty()).collect()
    }

    fn values(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(headers: &[(&str, &str)], ask: impl FnOnce(Response<'_>) -> T) -> T {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        ask(Response::new(&headers))
    }

    #[test]
    fn a_status_that_cannot_be_read_is_no_success() {
        assert_eq!(with(&[(":status", "204")], |it| it.status()), 204);
        for odd in ["", "abc", "99999"] {
            assert_eq!(with(&[(":status", odd)], |it| it.status()), 500, "{odd}");
        }
        assert_eq!(with(&[], |it| it.status()), 500);
    }

    #[test]
    fn a_paid_answer_is_kept_out_of_shared_caches() {
        for (upstream, sent) in [
            ("", Some("private")),
            ("no-store", None),
            ("max-age=60, Private", None),
            ("public, max-age=60, s-maxage=90", Some("private, max-age=60")),
        ] {
            assert_eq!(
                with(&[("cache-control", upstream)], |it| it.private()).as_deref(),
                sent,
                "{upstream}"
            );
        }
    }

    #[test]
    fn our_headers_are_added_once_to_what_others_expose() {
        assert_eq!(
            with(&[("access-control-expose-headers", "x-a")], |it| it.exposed()),
            None,
            "no other origins"
        );
        let origin = ("access-control-allow-origin", "https://a.example");
        let exposed = with(&[origin, ("access-control-expose-headers", "X-A, rdn-price")], |it| it.exposed());
        let exposed = exposed.unwrap();
        assert!(exposed.starts_with("x-a, rdn-price, rdn-gateway-path"), "{exposed}");
        assert_eq!(exposed.matches("rdn-price").count(), 1);
        let again = [origin, ("access-control-expose-headers", exposed.as_str())];
        assert_eq!(with(&again, |it| it.exposed()), None);
        assert_eq!(with(&[origin, ("access-control-expose-headers", "*")], |it| it.exposed()), None);
    }

    #[test]
    fn a_preflight_is_told_that_our_headers_may_be_sent() {
        let origin = ("access-control-allow-origin", "*");
        let allowed = with(&[origin], |it| it.allowed()).unwrap();
        for name in ALLOWED {
            assert!(allowed.contains(&name.to_ascii_lowercase()), "{name} in {allowed}");
        }
    }
}
