//! Cookies, as far as the payment page uses them.

use crate::header;
use crate::request::Request;

/// The four cookies that a page pays with.
pub(crate) const PAYING: [&str; 4] =
    [header::SENDER_ADDRESS, header::OPEN_BLOCK, header::SENDER_BALANCE, header::BALANCE_SIGNATURE];

/// All cookies of a request, names and values.
pub(crate) fn all(request: Request<'_>) -> impl Iterator<Item = (&[u8], &[u8])> {
    pairs(request).filter_map(|pair| {
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        let (name, value) = pair.split_at_checked(equals)?;
        Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
    })
}

/// The request's cookies without those of the protocol, as one header value; `None` where there are none of the
/// protocol, so that nothing has to be changed.
pub fn without_payment(request: Request<'_>) -> Option<Vec<u8>> {
    if !pairs(request).any(header::starts_a_payment) {
        return None;
    }
    let kept: Vec<&[u8]> =
        pairs(request).filter(|pair| !pair.is_empty() && !header::starts_a_payment(pair)).collect();
    Some(kept.join(&b"; "[..]))
}

/// A cookie that a page's scripts can read, for this session of the browser.
pub(crate) fn set(name: &str, value: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; SameSite=Lax{secure}")
}

/// Takes a cookie away.
pub(crate) fn expire(name: &str) -> String {
    format!("{name}=; Path=/; Max-Age=0; SameSite=Lax")
}

/// The items between semicolons. HTTP/2 and HTTP/1.1 may spread them over several headers.
fn pairs(request: Request<'_>) -> impl Iterator<Item = &[u8]> {
    request.values("cookie").flat_map(|value| value.split(|&byte| byte == b';')).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(lines: &[&str]) -> Option<String> {
        let headers: Vec<_> =
            lines.iter().map(|line| ("cookie".to_owned(), line.as_bytes().to_vec())).collect();
        without_payment(Request::new(&headers)).map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn the_upstream_sees_its_own_cookies_only() {
        assert_eq!(left(&["a=b; c=d"]), None);
        assert_eq!(left(&["a=b; RDN-Price=3; c=d;RDN-Balance-Signature=0x"]).as_deref(), Some("a=b; c=d"));
        assert_eq!(left(&["a=b", "rdn-price=3", "c=d"]).as_deref(), Some("a=b; c=d"));
        assert_eq!(left(&["RDN-Price=3"]).as_deref(), Some(""));
        let no_text = [("cookie".to_owned(), b"RDN-Price=\xff; a=\xff".to_vec())];
        assert_eq!(without_payment(Request::new(&no_text)), Some(b"a=\xff".to_vec()));
        assert_eq!(left(&[]), None);
    }
}
