//! Rules and paths: a rule prices what it says, by every kind of match, and a regular expression means the whole path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use regex_lite::Regex;
use serde_json::{Value, json};
use uraiden_core::config::{Config, Tariff};
use uraiden_core::path::{Path, PathError};
use uraiden_core::request::Request;

fuzz_target!(|data: &[u8]| {
    // What the rule says, and the path that is asked for.
    let mut lines = data.splitn(2, |&byte| byte == b'\n');
    let (Some(rule), Some(target)) = (lines.next(), lines.next()) else { return };
    let Ok(rule) = core::str::from_utf8(rule) else { return };
    let Ok(path) = Path::read(target) else { return };

    check(json!({ "path": rule }), target, &path, |path| {
        path == rule || path.strip_suffix('/') == Some(rule)
    });
    check(json!({ "pathPrefix": rule }), target, &path, |path| path.starts_with(rule));
    check(json!({ "pathSuffix": rule }), target, &path, |path| path.ends_with(rule));
    if check(json!({ "pathRegex": rule }), target, &path, |path| whole(rule, path)) {
        Regex::new(rule).expect("it is an expression by itself, not by what is put around it");
    }
});

/// Checks what a path costs by a rule of this match. `false` where there can be no such rule.
fn check(matches: Value, target: &[u8], path: &Path, covers: impl Fn(&str) -> bool) -> bool {
    let mut config = json!({
        "sidecar": { "cluster": "a", "publicCluster": "b" },
        "contract": "0x0000000000000000000000000000000000000001",
        "receiver": "0x0000000000000000000000000000000000000002",
        "token": "0x0000000000000000000000000000000000000003",
        "chainId": 1,
    });
    config["rules"] = json!([{ "match": matches, "price": "7" }]);
    let Ok(config) = Config::from_json(config.to_string().as_bytes()) else { return false };
    let head = [(":method".to_owned(), b"GET".to_vec()), (":path".to_owned(), target.to_vec())];
    let covered: Vec<bool> = path.readings().map(covers).collect();
    match config.price_of(Request::new(&head), path).map(|quote| quote.tariff) {
        Ok(Tariff::Fixed(price)) => assert_eq!(covered, vec![price.is_some(); covered.len()], "{matches}"),
        Err(PathError::TwoPrices) => {
            assert!(covered.contains(&true) && covered.contains(&false), "{matches}")
        }
        Err(PathError::TooLong) => assert!(target.len() > 4096, "{matches}"),
        other => panic!("{matches}: {other:?}"),
    }
    true
}

/// Whether an expression describes a whole text.
fn whole(expression: &str, text: &str) -> bool {
    let anchored =
        Regex::new(&format!(r"\A(?:{expression})\z")).expect("the same expression, anchored otherwise");
    anchored.is_match(text)
}
