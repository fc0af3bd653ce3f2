//! What is true of every answer of the paywall, whatever was asked.

use uraiden_core::answer::{PROBLEM_TYPE_PREFIX, Reply};

/// The longest body that an answer of ours may have, in bytes: it must not grow with what was sent.
const LONGEST_BODY: usize = 8192;

/// Checks that nothing of a request can break out of the answer to it.
///
/// # Panics
///
/// If a header holds more than printable ASCII, a problem document is none, a page has markup of a stranger's in it,
/// or the answer is longer than any honest one.
pub fn assert_sound(reply: &Reply) {
    assert!((400..600).contains(&reply.status), "{reply:?}");
    for (name, value) in &reply.headers {
        let printable = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        assert!(printable, "{name}: {value:?}");
    }
    assert!(reply.body.len() <= LONGEST_BODY, "{} bytes: {}", reply.body.len(), reply.body);
    let mut types = reply.headers.iter().filter(|(name, _)| *name == "content-type");
    match types.next().map(|(_, value)| value.as_str()) {
        Some("application/problem+json") => {
            let document: serde_json::Value = serde_json::from_str(&reply.body).expect("a JSON document");
            assert_eq!(document["status"], reply.status, "{document}");
            assert_eq!(document["type"], format!("{PROBLEM_TYPE_PREFIX}{}", reply.code), "{document}");
        }
        Some("text/html; charset=utf-8") => {
            let body = reply.body.to_ascii_lowercase();
            // The page's own script, by its tag as it is written, and no other.
            let own = "<script type=\"module\" src=\"/js/paywall.js\"></script>";
            assert_eq!(
                (body.matches("<script").count(), body.matches(own).count()),
                (1, 1),
                "{}",
                reply.body
            );
            assert!(!body.contains("<img"), "{}", reply.body);
        }
        None => assert!(reply.grpc_status.is_some(), "{reply:?}"),
        Some(other) => panic!("{other}"),
    }
    assert!(types.next().is_none(), "{reply:?}");
}
