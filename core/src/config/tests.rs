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
    price_with(config, &[(":method", method), (":path", target)])
}

fn price_with(config: &Config, headers: &[(&str, &str)]) -> Result<String, PathError> {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let request = Request::new(&headers);
    Ok(match config.price_of(request, &Path::read(request.target())?)?.tariff {
        Tariff::Fixed(price) => price.map_or("free".to_owned(), |price| price.to_string()),
        Tariff::Ask(Question { source, method, host, path }) => {
            format!("ask {} about {method} {host} {path}", source.cluster)
        }
    })
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

fn with_rules(rules: Value) -> Config {
    let mut value = sample();
    value["rules"] = rules;
    read(&value).unwrap()
}

#[test]
fn a_rule_matches_by_suffix_or_by_a_regular_expression_over_the_whole_path() {
    let config = with_rules(json!([
        { "match": { "pathSuffix": ".pdf" }, "price": "5" },
        { "match": { "pathRegex": "/v[0-9]+/report" }, "price": "7" },
    ]));
    for (target, price) in [
        ("/a/b.pdf", "5"),
        ("/a/b.pdf/c", "free"),
        ("/v12/report", "7"),
        ("/v12/reports", "free"),
        ("/x/v12/report", "free"),
    ] {
        assert_eq!(price_of(&config, "GET", target).as_deref(), Ok(price), "{target}");
    }
    let longest = format!("/{}", "a".repeat(4095));
    assert_eq!(price_of(&config, "GET", &longest).as_deref(), Ok("free"));
    assert_eq!(price_of(&config, "GET", &(longest + "a")), Err(PathError::TooLong));
}

#[test]
fn a_rule_matches_by_host_and_by_header() {
    let config = with_rules(json!([
        { "match": { "hosts": ["API.example.com"], "headers": { "X-Plan": "gold" } }, "price": "1" },
        { "match": { "hosts": ["api.example.com", "*.data.example.com"] }, "price": "2" },
        { "match": { "headers": { "x-trace": true } }, "price": "3" },
    ]));
    for (host, headers, price) in [
        ("api.example.com:443", &[("x-plan", "gold")][..], "1"),
        ("api.example.com.", &[("x-plan", "silver")], "2"),
        ("a.b.data.example.com", &[], "2"),
        ("data.example.com", &[], "free"),
        ("xdata.example.com", &[], "free"),
        ("other", &[("x-trace", "")], "3"),
        ("other", &[], "free"),
    ] {
        let request = [&[(":method", "GET"), (":path", "/"), (":authority", host)][..], headers].concat();
        assert_eq!(price_with(&config, &request).as_deref(), Ok(price), "{host} {headers:?}");
    }
}

#[test]
fn a_rule_may_ask_a_service_for_the_price() {
    let config = with_rules(json!([
        { "match": { "pathPrefix": "/auction/" }, "priceFrom": { "cluster": "prices", "path": "/price" } },
    ]));
    let asked =
        price_with(&config, &[(":method", "GET"), (":path", "/auction/1?x"), (":authority", "A.example:1")]);
    assert_eq!(asked.as_deref(), Ok("ask prices about GET a.example /auction/1"));
    // Which path would the service be asked about?
    assert_eq!(price_of(&config, "GET", "/auction/1;v=2"), Err(PathError::TwoPrices));
}

#[test]
fn a_header_that_overrides_method_or_path_must_not_change_the_price() {
    let config = read(&sample()).unwrap();
    let priced =
        |method, target, header| price_with(&config, &[(":method", method), (":path", target), header]);
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        assert_eq!(priced("POST", "/premium/a", (name, "GET")), Err(PathError::TwoPrices), "{name}");
        assert_eq!(priced("GET", "/premium/a", (name, "HEAD")).as_deref(), Ok("1000"), "{name}");
        assert_eq!(priced("POST", "/other", (name, "DELETE")).as_deref(), Ok("free"), "{name}");
    }
    for name in ["x-original-url", "x-rewrite-url"] {
        assert_eq!(priced("GET", "/other", (name, "/premium/a")), Err(PathError::TwoPrices), "{name}");
        assert_eq!(priced("GET", "/other", (name, "/other?a=b")).as_deref(), Ok("free"), "{name}");
        assert_eq!(priced("GET", "/other", (name, "//premium/a")), Err(PathError::EmptySegment), "{name}");
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
            "gatewayPath: \"api\": the path has no certain price: it does not start with /",
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
        ("/paywallPage", json!("yes"), "paywallPage: \"yes\", expected true or false"),
        ("/page", json!({ "title": " " }), "page.title: \" \", expected a text of 1 to 100 characters"),
        (
            "/page",
            json!({ "logo": "//cdn.example/logo.svg" }),
            "page.logo: \"//cdn.example/logo.svg\", expected a path on this host, such as \"/logo.svg\", or a URL that begins with data:image/",
        ),
        (
            "/page",
            json!({ "accent": "teal" }),
            "page.accent: \"teal\", expected a colour with six hex digits, such as \"#1f5f57\"",
        ),
        (
            "/page",
            json!({ "font": "x" }),
            "page.font: unknown key, expected one of title, text, logo, accent",
        ),
        (
            "/signerMemory",
            json!("16MB"),
            "signerMemory: \"16MB\", expected an amount of memory from 1MiB to 1024MiB as text, such as \"16MiB\"",
        ),
        (
            "/signerMemory",
            json!("0MiB"),
            "signerMemory: \"0MiB\", expected an amount of memory from 1MiB to 1024MiB as text, such as \"16MiB\"",
        ),
        (
            "/signerMemory",
            json!("17592186044416MiB"),
            "signerMemory: \"17592186044416MiB\", expected an amount of memory from 1MiB to 1024MiB as text, such as \"16MiB\"",
        ),
        (
            "/chargeOn",
            json!("always"),
            "chargeOn: \"always\", expected \"request\", \"success\" or a list such as [\"2xx\", \"304\"]",
        ),
        (
            "/chargeOn",
            json!(true),
            "chargeOn: true, expected \"request\", \"success\" or a list such as [\"2xx\", \"304\"]",
        ),
        ("/chargeOn", json!([]), "chargeOn: [], expected at least one status"),
        (
            "/chargeOn",
            json!(["6xx"]),
            "chargeOn[0]: \"6xx\", expected a status such as \"304\", or a class such as \"2xx\"",
        ),
        (
            "/chargeOn",
            json!(["99"]),
            "chargeOn[0]: \"99\", expected a status such as \"304\", or a class such as \"2xx\"",
        ),
        ("/mark", json!({ "secret": "short" }), "mark.secret: expected at least 32 bytes"),
        ("/rules", json!({}), "rules: {}, expected a list"),
        ("/rules/0/price", json!("-1"), "rules[0].price: \"-1\": no decimal digit at position 0"),
        (
            "/rules/0/match/methods",
            json!([]),
            "rules[0].match.methods: [], expected at least one; leave the key out to match all",
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
            "rules[1].match: {\"path\":\"/report.pdf\",\"pathPrefix\":\"/a\"}, expected only one of path, pathPrefix, pathSuffix and pathRegex",
        ),
        (
            "/rules/1/match/pathRegex",
            json!("a"),
            "rules[1].match: {\"path\":\"/report.pdf\",\"pathRegex\":\"a\"}, expected only one of path, pathPrefix, pathSuffix and pathRegex",
        ),
        (
            "/rules/0/match",
            json!({ "pathRegex": "(" }),
            "rules[0].match.pathRegex: \"(\": found open group without closing ')'",
        ),
        (
            "/rules/0/match",
            json!({ "pathRegex": "/a)|(?:/b" }),
            "rules[0].match.pathRegex: \"/a)|(?:/b\": found closing ')' without matching '('",
        ),
        (
            "/rules/0/match",
            json!({ "pathRegex": "(?:.{99}){999}" }),
            "rules[0].match.pathRegex: \"(?:.{99}){999}\", expected an expression of at most 256 KB with its repetitions written out, and without a comment at its end",
        ),
        (
            "/rules/0/match",
            json!({ "pathSuffix": "a;b" }),
            "rules[0].match.pathSuffix: \"a;b\", expected an end of a path without ; ? and #",
        ),
        (
            "/rules/0/match/hosts",
            json!(["a:80"]),
            "rules[0].match.hosts[0]: \"a:80\", expected a host without port, such as \"api.example.com\" or \"*.example.com\"",
        ),
        (
            "/rules/0/match/hosts",
            json!(["*"]),
            "rules[0].match.hosts[0]: \"*\", expected a host without port, such as \"api.example.com\" or \"*.example.com\"",
        ),
        (
            "/rules/0/match/headers",
            json!({ "x-a": 1 }),
            "rules[0].match.headers.x-a: 1, expected the value as text, or true for any value",
        ),
        (
            "/rules/0/match/headers",
            json!({ "x a": true }),
            "rules[0].match.headers.x a: true: \"x a\" is no header name, which has letters, digits, - and _",
        ),
        (
            "/rules/1/surprise",
            json!(1),
            "rules[1].surprise: unknown key, expected one of match, name, price, priceFrom",
        ),
        ("/rules", json!([{ "match": {} }]), "rules[0]: {\"match\":{}}, expected one of price and priceFrom"),
        (
            "/rules",
            json!([{ "match": {}, "priceFrom": { "cluster": "c", "path": "p" } }]),
            "rules[0].priceFrom.path: \"p\", expected a path as it is sent, such as \"/price\"",
        ),
        (
            "/rules",
            json!([{ "match": {}, "priceFrom": { "cluster": "c", "path": "/p", "ttl": "1ms" } }]),
            "rules[0].priceFrom.ttl: \"1ms\", expected a duration from 100ms to 86400s as text, such as \"500ms\" or \"2s\"",
        ),
        (
            "/paywal",
            json!(true),
            "paywal: unknown key, expected one of sidecar, chainId, contract, receiver, token, gatewayPath, assetsPath, defaultPrice, rules, paywallPage, page, signerMemory, chargeOn, overlap, mark, amountUnit, mode",
        ),
    ] {
        let mut config = sample();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[key] = value;
        assert_eq!(read(&config).unwrap_err().to_string(), error, "{pointer}");
    }
}

#[test]
fn a_long_value_is_shown_by_its_start() {
    let mut value = sample();
    value["gatewayPath"] = json!(format!("/{}", "é;".repeat(5000)));
    let error = read(&value).unwrap_err().to_string();
    assert!(error.starts_with("gatewayPath: \"/é;é;") && error.chars().count() < 200, "{error}");
}

#[test]
fn a_page_looks_as_its_operator_wants() {
    let mut config = sample();
    config["page"] =
        json!({ "title": "The Daily", "text": "é", "logo": "data:image/png;base64,", "accent": "#00fFa9" });
    let look = read(&config).unwrap().look;
    assert_eq!(json!(look), config["page"]);
    config["page"] = json!({ "text": "é".repeat(1000), "logo": format!("/{}", "a".repeat(16 * 1024 - 1)) });
    read(&config).unwrap();
    config["page"]["text"] = json!("é".repeat(1001));
    assert!(read(&config).unwrap_err().to_string().ends_with("expected a text of 1 to 1000 characters"));
    config["page"] = json!({ "logo": format!("/{}", "a".repeat(16 * 1024)) });
    assert!(
        read(&config)
            .unwrap_err()
            .to_string()
            .ends_with("at most 16384 bytes; serve it at a free path instead")
    );
}

#[test]
fn which_answers_are_paid_for_can_be_chosen() {
    let charges = |value: Option<Value>, status| {
        let mut config = sample();
        if let Some(value) = value {
            config["chargeOn"] = value;
        }
        read(&config).unwrap().charge_on.charges(status)
    };
    for (value, charged, free) in [
        (None, &[101, 200, 304, 404, 499][..], &[500, 503, 599][..]),
        (Some(json!("success")), &[200, 499], &[500]),
        (Some(json!("request")), &[200, 404, 500, 503], &[]),
        (Some(json!(["2xx", "304"])), &[200, 204, 299, 304], &[101, 300, 404, 500]),
    ] {
        for status in charged {
            assert!(charges(value.clone(), *status), "{value:?} {status}");
        }
        for status in free {
            assert!(!charges(value.clone(), *status), "{value:?} {status}");
        }
    }
}

#[test]
fn a_regular_expression_has_at_most_256_bytes() {
    let mut value = sample();
    value["rules"] = json!([{ "match": { "pathRegex": "a".repeat(256) }, "price": "1" }]);
    assert!(read(&value).is_ok());
    value["rules"] = json!([{ "match": { "pathRegex": "a".repeat(257) }, "price": "1" }]);
    assert!(
        read(&value).unwrap_err().to_string().ends_with("expected a regular expression of at most 256 bytes")
    );
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
