//! `uraiden check --envoy`: nothing is wrong with what is shipped, and each thing that can be wrong is found in it, alone
//! and in its place.

use serde_json::{Value, json};
use uraiden_core::wire::Identity;
use uraiden_sidecar::envoy::{Code, Document, Severity, check};

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const PLUGIN: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";

/// One price by a rule, and the paywall on every route.
const RULES: &str = "envoy.yaml";
/// Prices on routes, and the paywall off elsewhere.
const ROUTES: &str = "route-prices.yaml";
const XDS: [&str; 4] = ["xds/bootstrap.yaml", "xds/listeners.yaml", "xds/routes.yaml", "xds/clusters.yaml"];

fn shipped(name: &str) -> Value {
    let path = format!("{}/../envoy/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_norway::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn documents(files: &[(&str, Value)]) -> Vec<Document> {
    files.iter().map(|(name, value)| Document::new(*name, value.clone())).collect()
}

fn found(files: &[(&str, Value)]) -> Vec<(Code, String)> {
    let findings = check(&documents(files), None);
    findings.into_iter().map(|finding| (finding.code, finding.path)).collect()
}

/// Sets what is at the pointer, or takes it away by null.
fn set(file: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match file.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")) {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        Value::Object(entries) if value.is_null() => {
            entries.remove(key).unwrap_or_else(|| panic!("no {pointer}"));
        }
        Value::Object(entries) => {
            entries.insert(key.to_owned(), value);
        }
        other => panic!("{parent} is {other}"),
    }
}

fn at(place: &str) -> String {
    format!("{MANAGER}/{place}")
}

/// Changes the plugin's own JSON.
fn plugin(file: &mut Value, key: &str, value: Value) {
    let text = file.pointer(&format!("{PLUGIN}/configuration/value")).unwrap().as_str().unwrap();
    let mut config: Value = serde_json::from_str(text).unwrap();
    set(&mut config, key, value);
    set(file, &format!("{PLUGIN}/configuration/value"), json!(config.to_string()));
}

/// Puts a filter between the paywall and the router.
fn behind(file: &mut Value, name: &str, more: Value) {
    let kind = format!("type.googleapis.com/envoy.extensions.filters.http.{name}.v3.Any");
    let mut config = json!({ "@type": kind });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let filters = file.pointer_mut(&at("http_filters")).unwrap().as_array_mut().unwrap();
    filters.insert(1, json!({ "name": "mine", "typed_config": config }));
}

fn route(number: usize, place: &str) -> String {
    at(&format!("route_config/virtual_hosts/0/routes/{number}/{place}"))
}

#[test]
fn nothing_is_wrong_with_what_is_shipped() {
    for name in [RULES, ROUTES, "tls.yaml"] {
        assert_eq!(found(&[(name, shipped(name))]), [], "{name}");
    }
    assert_eq!(found(&XDS.map(|name| (name, shipped(name)))), []);
}

/// A change of a shipped file, and what is found then.
type Variant = (Code, &'static str, fn(&mut Value), &'static str);

const VARIANTS: &[Variant] = &[
    (Code::NotEnvoy, RULES, |file| *file = json!({ "a": 1 }), "."),
    (Code::NoPaywall, RULES, |file| set(file, &at("http_filters"), json!([])), "."),
    (
        Code::PluginNotText,
        RULES,
        |file| {
            set(
                file,
                &format!("{PLUGIN}/configuration/@type"),
                json!("type.googleapis.com/google.protobuf.Struct"),
            )
        },
        "configuration",
    ),
    (Code::PluginConfiguration, RULES, |file| plugin(file, "/chainId", json!("1")), "configuration.value"),
    (
        Code::PluginConfiguration,
        RULES,
        |file| plugin(file, "/rules/0/price", json!(1000)),
        "configuration.value",
    ),
    (
        Code::MissingCluster,
        RULES,
        |file| plugin(file, "/sidecar/cluster", json!("gone")),
        "configuration.value",
    ),
    (
        Code::MissingCluster,
        RULES,
        |file| {
            plugin(file, "/rules/0", json!({ "match": {}, "priceFrom": { "cluster": "gone", "path": "/" } }))
        },
        "configuration.value",
    ),
    (Code::FailOpen, RULES, |file| set(file, &format!("{PLUGIN}/fail_open"), json!(true)), "fail_open"),
    (
        Code::FailOpen,
        RULES,
        |file| set(file, &format!("{PLUGIN}/failure_policy"), json!("FAIL_OPEN")),
        "failure_policy",
    ),
    (
        Code::NoReload,
        RULES,
        |file| set(file, &format!("{PLUGIN}/failure_policy"), Value::Null),
        "failure_policy",
    ),
    (
        Code::StopIteration,
        RULES,
        |file| set(file, &format!("{PLUGIN}/allow_on_headers_stop_iteration"), json!(true)),
        "allow_on_headers_stop_iteration",
    ),
    (
        Code::NoIdleTimeout,
        RULES,
        |file| set(file, &at("stream_idle_timeout"), Value::Null),
        "stream_idle_timeout",
    ),
    (
        Code::NoIdleTimeout,
        RULES,
        |file| set(file, &at("stream_idle_timeout"), json!("0s")),
        "stream_idle_timeout",
    ),
    (
        Code::ShortIdleTimeout,
        RULES,
        |file| set(file, &at("stream_idle_timeout"), json!("0.5s")),
        "stream_idle_timeout",
    ),
    (
        Code::ShortIdleTimeout,
        ROUTES,
        |file| set(file, &route(4, "route/idle_timeout"), json!("0.1s")),
        "routes[4].route.idle_timeout",
    ),
    (Code::PathsAroundPrices, ROUTES, |file| set(file, &at("normalize_path"), Value::Null), "normalize_path"),
    (Code::PathsAroundPrices, ROUTES, |file| set(file, &at("merge_slashes"), json!(false)), "merge_slashes"),
    (
        Code::PathsAroundPrices,
        ROUTES,
        |file| set(file, &at("path_with_escaped_slashes_action"), json!("KEEP_UNCHANGED")),
        "path_with_escaped_slashes_action",
    ),
    (Code::PathsRefused, RULES, |file| set(file, &at("merge_slashes"), Value::Null), "merge_slashes"),
    (
        Code::RoutePrice,
        ROUTES,
        |file| set(file, &route(4, "metadata/filter_metadata/uraiden/price"), json!(1000)),
        "routes[4].metadata.filter_metadata.uraiden.price",
    ),
    (
        Code::RoutePrice,
        ROUTES,
        |file| set(file, &route(4, "metadata/filter_metadata/uraiden/price"), json!("1.5")),
        "routes[4].metadata.filter_metadata.uraiden.price",
    ),
    (
        Code::RoutePrice,
        RULES,
        |file| {
            let host = at("route_config/virtual_hosts/0/metadata");
            set(file, &host, json!({ "filter_metadata": { "uraiden": { "prise": "5" } } }));
            // Its other routes have a price of their own, so that it is found once.
            let own = json!({ "filter_metadata": { "uraiden": { "price": "0" } } });
            for number in [0, 1] {
                set(file, &route(number, "metadata"), own.clone());
            }
        },
        "virtual_hosts[0].metadata.filter_metadata.uraiden.price",
    ),
    (
        Code::PriceWithoutPaywall,
        ROUTES,
        |file| set(file, &route(4, "typed_per_filter_config"), Value::Null),
        "routes[4].metadata.filter_metadata.uraiden",
    ),
    (
        Code::PriceWithoutPaywall,
        ROUTES,
        |file| {
            let off = json!({ "envoy.filters.http.wasm": { "disabled": true } });
            set(file, &route(4, "typed_per_filter_config"), off);
        },
        "routes[4].metadata.filter_metadata.uraiden",
    ),
    (
        Code::PaywallWithoutPrice,
        ROUTES,
        |file| set(file, &route(4, "metadata"), Value::Null),
        "routes[4].typed_per_filter_config[\"envoy.filters.http.wasm\"]",
    ),
    (
        Code::EnabledNowhere,
        RULES,
        |file| {
            set(file, &at("http_filters/0/disabled"), json!(true));
            let ours =
                ["sender", "amount", "channel", "payment", "mark"].map(|name| format!("X-Uraiden-{name}"));
            set(file, &at("route_config/request_headers_to_remove"), json!(ours));
        },
        "http_filters[0].disabled",
    ),
    (
        Code::StrangersHeaders,
        ROUTES,
        |file| set(file, &route(5, "request_headers_to_remove"), json!(["x-uraiden-sender"])),
        "routes[5].request_headers_to_remove",
    ),
    (Code::Reroutes, RULES, |file| behind(file, "lua", json!({})), "http_filters[1]"),
    (Code::Reroutes, RULES, |file| behind(file, "ext_proc", json!({})), "http_filters[1]"),
    (
        Code::Reroutes,
        RULES,
        |file| behind(file, "ext_authz", json!({ "clear_route_cache": true })),
        "http_filters[1]",
    ),
    (Code::AnswersAfterPayment, RULES, |file| behind(file, "ext_authz", json!({})), "http_filters[1]"),
    (Code::UnknownFilter, RULES, |file| behind(file, "of_tomorrow", json!({})), "http_filters[1]"),
    (
        Code::NoGatewayRoute,
        RULES,
        |file| {
            for number in [0, 1] {
                set(file, &route(number, "route/cluster"), json!("app"));
            }
        },
        "configuration.value",
    ),
    (
        Code::DefaultCircuitBreakers,
        RULES,
        |file| set(file, "/static_resources/clusters/1/circuit_breakers", Value::Null),
        "clusters[1].circuit_breakers",
    ),
    (
        Code::LowCircuitBreaker,
        RULES,
        |file| {
            set(file, "/static_resources/clusters/1/circuit_breakers/thresholds/0/max_requests", json!(100))
        },
        "clusters[1].circuit_breakers.thresholds[0].max_requests",
    ),
    (Code::StatsTags, RULES, |file| set(file, "/stats_config", Value::Null), "stats_config.stats_tags"),
];

#[test]
fn each_thing_that_is_wrong_is_found_alone_and_in_its_place() {
    for (number, (code, name, damage, place)) in VARIANTS.iter().enumerate() {
        let mut file = shipped(name);
        damage(&mut file);
        let found = found(&[(name, file)]);
        // A file that is not Envoy's has no paywall either.
        let others = if *code == Code::NotEnvoy { 1 } else { 0 };
        assert_eq!(found.len(), 1 + others, "{number}: {code:?}: {found:?}");
        assert!(found[0].0 == *code && found[0].1.ends_with(place), "{number}: {code:?}: {found:?}");
    }
}

#[test]
fn what_is_in_files_that_were_not_given_is_only_hinted_at() {
    let given = |names: &[&'static str]| {
        let files: Vec<_> = names.iter().map(|name| (*name, shipped(name))).collect();
        found(&files).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    let [bootstrap, listeners, routes, clusters] = XDS;
    assert_eq!(given(&[bootstrap, listeners, clusters]), [Code::RoutesUnseen]);
    assert_eq!(given(&[bootstrap, listeners, routes]), [Code::ClusterUnseen; 2]);
    assert_eq!(given(&[bootstrap]), [Code::NoPaywall]);
    assert_eq!(Code::RoutesUnseen.severity(), Severity::Hint);
    assert_eq!(Code::ClusterUnseen.severity(), Severity::Hint);
}

#[test]
fn a_filter_of_another_merchant_than_the_sidecars_is_found() {
    let config = shipped(RULES);
    let text = config.pointer(&format!("{PLUGIN}/configuration/value")).unwrap().as_str().unwrap();
    let own = uraiden_core::config::Config::from_json(text.as_bytes()).unwrap().identity;
    let differs = |served: Identity| {
        let findings = check(&documents(&[(RULES, shipped(RULES))]), Some(&served));
        findings.into_iter().map(|finding| (finding.code, finding.found)).collect::<Vec<_>>()
    };
    assert_eq!(differs(own), []);
    let found = differs(Identity { chain_id: 1, receiver: own.token, ..own });
    let expected = [
        "chainId: 31337, and the sidecar serves 1".to_owned(),
        format!("receiver: {}, and the sidecar serves {}", own.receiver, own.token),
    ];
    assert_eq!(found, expected.map(|found| (Code::OtherIdentity, found)));
}

#[test]
fn both_spellings_of_fields_are_read() {
    // As protobuf's JSON form has them, and as a running Envoy shows its listeners.
    let mut listener = shipped(RULES).pointer("/static_resources/listeners/0").unwrap().clone();
    set(&mut listener, "/@type", json!("type.googleapis.com/envoy.config.listener.v3.Listener"));
    let text = json!({ "configs": [{ "dynamic_listeners": [{ "listener": listener }] }] })
        .to_string()
        .replace("\"typed_config\"", "\"typedConfig\"")
        .replace("\"http_filters\"", "\"httpFilters\"")
        .replace("\"normalize_path\":true", "\"normalizePath\":true")
        .replace("\"stream_idle_timeout\"", "\"streamIdleTimeout\"");
    let documents = [Document::parse("dump.json", &text).unwrap()];
    let codes: Vec<_> = check(&documents, None).into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::ClusterUnseen; 2]);
}

#[test]
fn a_token_in_the_configuration_is_never_shown() {
    let mut file = shipped(RULES);
    plugin(&mut file, "/sidecar/bearerToken", json!("two words"));
    let [finding] = &check(&documents(&[(RULES, file)]), None)[..] else { panic!("not one finding") };
    let shown = format!("{finding} {}", serde_json::to_string(finding).unwrap());
    assert!(shown.contains("sidecar.bearerToken: expected") && !shown.contains("two words"), "{shown}");
}
