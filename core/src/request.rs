//! A request's head, as Envoy gives it.

/// All headers of a request: names in lower case, pseudo headers among them, each copy an item of its own.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    headers: &'a [(String, Vec<u8>)],
}

impl<'a> Request<'a> {
    /// A request with these headers.
    pub fn new(headers: &'a [(String, Vec<u8>)]) -> Self {
        Self { headers }
    }

    /// All headers, in their order.
    pub fn headers(self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Every value of a header; `name` in lower case.
    pub fn values(self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers().filter(move |(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The first value of a header; `name` in lower case.
    pub fn first(self, name: &'a str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// The method, such as `GET`.
    pub fn method(self) -> &'a [u8] {
        self.first(":method").unwrap_or_default()
    }

    /// The path with its query; empty where there is none.
    pub fn target(self) -> &'a [u8] {
        self.first(":path").unwrap_or_default()
    }

    /// The host in lower case, without port and without the dot of a fully qualified name; empty where it is no text.
    pub fn host(self) -> String {
        let authority =
            core::str::from_utf8(self.first(":authority").unwrap_or_default()).unwrap_or_default();
        let host = match authority.rsplit_once(':') {
            // An IPv6 address in brackets has colons of its own.
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
    }

    /// Whether the connection is to be used for something else than HTTP from here on, as by a WebSocket.
    pub fn is_upgrade(self) -> bool {
        self.method() == b"CONNECT" || self.first("upgrade").is_some() || self.first(":protocol").is_some()
    }

    /// Whether a browser asks here whether it may send the real request.
    pub fn is_preflight(self) -> bool {
        self.method() == b"OPTIONS"
            && self.first("origin").is_some()
            && self.first("access-control-request-method").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_port_case_and_last_dot() {
        for (authority, host) in [
            ("api.example.com", "api.example.com"),
            ("API.Example.com:8443", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("api.example.com.:80", "api.example.com"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            let headers = [(":authority".to_owned(), authority.as_bytes().to_vec())];
            assert_eq!(Request::new(&headers).host(), host, "{authority}");
        }
        let hostile = [(":authority".to_owned(), b"\xff".to_vec())];
        assert_eq!(Request::new(&hostile).host(), "");
    }

    #[test]
    fn only_a_true_preflight_is_one() {
        let preflight = |method: &str, names: &[&str]| {
            let mut headers = vec![(":method".to_owned(), method.as_bytes().to_vec())];
            headers.extend(names.iter().map(|name| ((*name).to_owned(), b"x".to_vec())));
            Request::new(&headers).is_preflight()
        };
        assert!(preflight("OPTIONS", &["origin", "access-control-request-method"]));
        assert!(!preflight("OPTIONS", &["origin"]));
        assert!(!preflight("OPTIONS", &["access-control-request-method"]));
        assert!(!preflight("GET", &["origin", "access-control-request-method"]));
    }
}
