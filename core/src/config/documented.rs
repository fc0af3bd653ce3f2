//! docs/configuration.md is true: its keys are the keys there are, its defaults and examples are taken, and its wrong
//! values say what it says.

use serde_json::{Value, json};

use super::{Config, ConfigError};

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// A configuration with a value at this place, such as `rules[0].match.path`; `None` takes away what is there.
fn with(place: &str, value: Option<Value>) -> Result<Config, ConfigError> {
    let mut config = json!({
        "sidecar": { "cluster": "uraiden-internal", "publicCluster": "uraiden-public" },
        "contract": "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512",
        "receiver": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "token": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
        "chainId": 31337,
        "rules": [{ "match": {}, "price": "1" }],
    });
    if place.contains("priceFrom") {
        config["rules"][0] = json!({ "match": {}, "priceFrom": { "cluster": "c", "path": "/p" } });
    }
    let pointer = format!("/{}", place.replace('[', "/").replace(']', "").replace('.', "/"));
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    for outer in ["/mark", "/page", "/rules/0/match/headers"] {
        if parent == outer {
            let (outermost, own) = outer.rsplit_once('/').unwrap();
            config.pointer_mut(outermost).unwrap()[own] = json!({});
        }
    }
    if parent.ends_with("/methods") || parent.ends_with("/hosts") {
        let (outermost, own) = parent.rsplit_once('/').unwrap();
        config.pointer_mut(outermost).unwrap()[own] = json!([null]);
    }
    let parent = config.pointer_mut(parent).unwrap();
    match (value, parent) {
        (Some(value), Value::Array(list)) => list[key.parse::<usize>().unwrap()] = value,
        (Some(value), parent) => parent[key] = value,
        (None, parent) => drop(parent.as_object_mut().unwrap().remove(key)),
    }
    Config::from_json(config.to_string().as_bytes())
}

/// The cells of each row of the page's tables, the keys with the place of their table before them.
fn rows() -> Vec<(String, Vec<&'static str>)> {
    let mut before = "";
    let mut rows = Vec::new();
    for line in PAGE.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells[0] {
            "key" => before = "",
            "key of `match`" => before = "rules[0].match.",
            "key of `priceFrom`" => before = "rules[0].priceFrom.",
            key => {
                rows.extend(in_backticks(key).first().map(|key| (format!("{before}{key}"), cells.clone())))
            }
        }
    }
    rows
}

fn in_backticks(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_key_is_in_the_page_and_the_page_has_no_other() {
    let documented: Vec<String> = rows().into_iter().map(|(place, _)| place).collect();
    let mut keys = Vec::new();
    for object in ["", "sidecar.", "page.", "mark.", "rules[0].", "rules[0].match.", "rules[0].priceFrom."] {
        let inner = match object {
            "mark." => with("mark", Some(json!({ "secret": "s".repeat(32), "surprise": 1 }))),
            object => with(&format!("{object}surprise"), Some(json!(1))),
        };
        let error = inner.unwrap_err().problem;
        let known = error.strip_prefix("unknown key, expected one of ").unwrap_or_else(|| panic!("{error}"));
        keys.extend(known.split(", ").map(|key| format!("{object}{key}")));
    }
    for key in &keys {
        // These three are told in the text and in the tables of what is in them.
        let told = ["rules[0].match", "rules[0].price", "rules[0].priceFrom"].contains(&key.as_str());
        assert!(told || documented.contains(key), "docs/configuration.md says nothing of {key}");
    }
    for place in &documented {
        assert!(keys.contains(place), "{place} is documented, but there is no such key");
    }
}

#[test]
fn defaults_and_examples_are_taken() {
    let mut tried = 0;
    for (place, cells) in rows() {
        let of_match = place.starts_with("rules[0].match");
        let default = (!of_match).then(|| in_backticks(cells[2]).first().copied()).flatten();
        if let Some(default) = default.filter(|_| cells[2].starts_with('`')) {
            let default = serde_json::from_str(default).unwrap();
            let [set, left] = [with(&place, Some(default)), with(&place, None)].map(Result::unwrap);
            assert!(place == "rules" || format!("{set:?}") == format!("{left:?}"), "{place}");
            tried += 1;
        }
        let example =
            if of_match { Some(cells[2]) } else { cells[3].rsplit_once(": `").map(|(_, example)| example) };
        if let Some(example) = example {
            let example =
                serde_json::from_str(example.trim_matches('`')).unwrap_or_else(|_| panic!("{example}"));
            with(&place, Some(example)).unwrap_or_else(|error| panic!("{error}"));
            tried += 1;
        }
    }
    assert!(tried > 25, "only {tried} were found in the page");
}

#[test]
fn a_wrong_value_says_what_the_page_says() {
    // Its value is not shown, or there is none.
    let hidden = [
        ("sidecar.bearerToken", json!("two words")),
        ("mark.secret", json!("short")),
        ("sidecar.colour", json!(1)),
    ];
    let mut tried = 0;
    for quoted in in_backticks(PAGE) {
        let Some((place, rest)) = quoted.split_once(": ") else { continue };
        if !place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".[]-".contains(&byte)) {
            continue;
        }
        let value = match hidden.iter().find(|(hidden, _)| *hidden == place) {
            Some((_, value)) => Some(value.clone()),
            None if rest == "missing" => None,
            None => {
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
                let value = values.next().and_then(Result::ok);
                let shown = value.is_some() && rest[values.byte_offset()..].starts_with([',', ':']);
                if !shown {
                    continue;
                }
                value
            }
        };
        let error = with(place, value).err().unwrap_or_else(|| panic!("{quoted} is no error"));
        assert_eq!(error.to_string(), quoted);
        tried += 1;
    }
    assert!(tried > 25, "only {tried} were found in the page");
}
