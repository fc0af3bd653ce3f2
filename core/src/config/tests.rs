use serde_json::{Value, json};

use super::*;

fn sample() -> Value {
    json!({
        "sidecar": { "cluster": "uraiden-internal", "publicCluster": "uraiden-public", "bearerToken": "secret" },
        "contract": "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512",
        "receiver": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "token": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
        "chainId": 31337,
        "rules": [
            { "match": { "pathPrefix": "/premium/", "methods": ["GET"] }, "price": "1000" },
            { "match": { "path": "/report.pdf" }, "price": "25000" },
            { "match": { "pathPrefix": "/premium/" }, "price": "0" },
        ],
    })
}

fn read(value: &Value) -> Result<Config, ConfigError> {
    Config::from_json(value.to_string().as_bytes())
}

fn price_of(config: &Config, method: &str, target: &str) -> Result<String, PathError> {
    let price = config.price_of(method.as_bytes(), &Path::read(target.as_bytes())?)?;
    Ok(price.map_or("free".to_owned(), |price| price.to_string()))
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = read(&sample()).unwrap();
    assert_eq!(config.sidecar.timeout, Duration::from_millis(500));
    assert_eq!((config.gateway_path.as_str(), config.assets_path.as_str()), ("/api/1", "/js/"));
    assert_eq!(config.default_price, None);
}

#[test]
fn the_first_rule_that_matches_is_the_price() {
    let config = read(&sample()).unwrap();
    for (method, target, price) in [
        ("GET", "/premium/a", "1000"),
        ("HEAD", "/premium/a", "1000"),
        ("POST", "/premium/a", "free"),
        ("GET", "/premium", "free"),
        ("GET", "/report.pdf", "25000"),
        ("POST", "/report.pdf/", "25000"),
        ("GET", "/report.pdf?page=2", "25000"),
        ("GET", "/report.pdf.html", "free"),
        ("GET", "/", "free"),
    ] {
        assert_eq!(price_of(&config, method, target).as_deref(), Ok(price), "{method} {target}");
    }
}

#[test]
fn a_default_price_is_for_what_no_rule_names() {
    let mut value = sample();
    value["defaultPrice"] = json!("7");
    let config = read(&value).unwrap();
    assert_eq!(price_of(&config, "GET", "/other").as_deref(), Ok("7"));
    assert_eq!(price_of(&config, "POST", "/premium/a").as_deref(), Ok("free"));
}

#[test]
fn a_path_whose_readings_cost_different_prices_is_refused() {
    let config = read(&sample()).unwrap();
    assert_eq!(price_of(&config, "GET", "/report.pdf;v=1"), Err(PathError::TwoPrices));
    assert_eq!(price_of(&config, "GET", "/report.pdf%3Fx"), Err(PathError::TwoPrices));
    assert_eq!(price_of(&config, "GET", "/premium/a;v=1").as_deref(), Ok("1000"));
    assert_eq!(price_of(&config, "GET", "/other;v=1").as_deref(), Ok("free"));
}

#[test]
fn the_gateway_and_the_assets_are_known_by_whole_segments() {
    let config = read(&sample()).unwrap();
    for (target, ours) in [
        ("/api/1", true),
        ("/api/1/stats", true),
        ("/api/10", false),
        ("/js/main.js", true),
        ("/js", false),
        ("/api;x/1/stats", false),
    ] {
        assert_eq!(config.is_gateway_path(&Path::read(target.as_bytes()).unwrap()), ours, "{target}");
    }
}

#[test]
fn a_wrong_value_is_named_with_its_path_and_what_is_expected() {
    for (pointer, value, error) in [
        ("/chainId", json!(0), "chainId: 0, expected a whole number, 1 to 9007199254740991"),
        ("/chainId", json!("1"), "chainId: \"1\", expected a whole number, 1 to 9007199254740991"),
        ("/contract", json!("0x12"), "contract: \"0x12\": 2 digits, where an address has 40"),
        ("/sidecar", json!(7), "sidecar: 7, expected an object"),
        ("/sidecar/cluster", json!(""), "sidecar.cluster: \"\", expected a name"),
        (
            "/sidecar/timeout",
            json!("1m"),
            "sidecar.timeout: \"1m\", expected a duration from 10ms to 30s as text, such as \"500ms\" or \"2s\"",
        ),
        (
            "/sidecar/timeout",
            json!("9ms"),
            "sidecar.timeout: \"9ms\", expected a duration from 10ms to 30s as text, such as \"500ms\" or \"2s\"",
        ),
        (
            "/sidecar/bearerToken",
            json!("two words"),
            "sidecar.bearerToken: expected printable ASCII characters without spaces",
        ),
        (
            "/sidecar/colour",
            json!(1),
            "sidecar.colour: unknown key, expected one of cluster, publicCluster, timeout, bearerToken",
        ),
        (
            "/gatewayPath",
            json!("api"),
            "gatewayPath: \"api\": the path can be read in more than one way: it does not start with /",
        ),
        (
            "/gatewayPath",
            json!("/api/"),
            "gatewayPath: \"/api/\", expected a path without a slash at its end, such as \"/api/1\"",
        ),
        (
            "/assetsPath",
            json!("/"),
            "assetsPath: \"/\", expected a path with a slash at its end, such as \"/js/\"",
        ),
        ("/defaultPrice", json!(5), "defaultPrice: 5, expected a text in quotes"),
        ("/defaultPrice", json!("5.5"), "defaultPrice: \"5.5\": no decimal digit at position 1"),
        ("/rules", json!({}), "rules: {}, expected a list"),
        ("/rules/0/price", json!("-1"), "rules[0].price: \"-1\": no decimal digit at position 0"),
        (
            "/rules/0/match/methods",
            json!([]),
            "rules[0].match.methods: [], expected at least one method; leave the key out for every method",
        ),
        (
            "/rules/0/match/methods",
            json!(["get"]),
            "rules[0].match.methods[0]: \"get\", expected a method in upper case, such as \"GET\"",
        ),
        (
            "/rules/1/match/path",
            json!("/a;b"),
            "rules[1].match.path: \"/a;b\", expected a path without ; ? and #, written without percent-encoding",
        ),
        (
            "/rules/1/match/pathPrefix",
            json!("/a"),
            "rules[1].match: {\"path\":\"/report.pdf\",\"pathPrefix\":\"/a\"}, expected one of path and pathPrefix, not both",
        ),
        ("/rules/1/surprise", json!(1), "rules[1].surprise: unknown key, expected one of match, price"),
        (
            "/paywal",
            json!(true),
            "paywal: unknown key, expected one of sidecar, chainId, contract, receiver, token, gatewayPath, assetsPath, defaultPrice, rules",
        ),
    ] {
        let mut config = sample();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[key] = value;
        assert_eq!(read(&config).unwrap_err().to_string(), error, "{pointer}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for key in ["sidecar", "chainId", "contract", "receiver", "token"] {
        let mut config = sample();
        config.as_object_mut().unwrap().remove(key);
        assert_eq!(read(&config).unwrap_err().to_string(), format!("{key}: missing"));
    }
}

#[test]
fn a_text_that_is_no_json_is_refused_with_its_place() {
    let error = Config::from_json(b"{\n  sidecar: 1 }").unwrap_err().to_string();
    assert_eq!(error, "configuration: not JSON: key must be a string at line 2 column 3");
}

#[test]
fn the_bearer_token_is_not_in_the_debug_output() {
    assert!(!format!("{:?}", read(&sample()).unwrap()).contains("secret"));
}
