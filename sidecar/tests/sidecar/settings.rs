use std::path::PathBuf;
use std::time::Duration;

use uraiden_core::TokenAmount;
use uraiden_sidecar::settings::{CloseNeeds, KeySource, Layer, Listen, Settings, SettingsError, Span};
use uraiden_sidecar::store::Database;

const ADDRESS: &str = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512";

fn file(text: &str) -> Result<Layer, SettingsError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Layer::from_file(file.path())
}

/// The least that has to be said.
fn least() -> Layer {
    Layer {
        rpc_url: Some("http://127.0.0.1:8545".parse().unwrap()),
        contract: Some(ADDRESS.parse().unwrap()),
        receiver_key_file: Some("receiver.key".into()),
        ..Layer::default()
    }
}

#[test]
fn node_contract_and_key_have_to_be_said_and_the_rest_has_defaults() {
    let settings = Settings::from_layer(least()).unwrap();
    assert_eq!(settings.database, Database::Sqlite("uraiden.db".into()));
    assert_eq!(settings.confirmations, 1);
    assert_eq!(settings.poll_interval, Duration::from_secs(1));
    assert_eq!(settings.node_timeout, Duration::from_secs(30));
    assert_eq!(settings.internal_listen, "127.0.0.1:8091".parse::<Listen>().unwrap());
    assert_eq!(settings.gateway_path.as_str(), "/api/1");
    assert_eq!(settings.close_needs, CloseNeeds::Balance);
    assert_eq!((settings.min_challenge, settings.settle_grace), (TokenAmount::ZERO, 100));

    for (name, layer) in [
        ("rpc-url", Layer { rpc_url: None, ..least() }),
        ("contract", Layer { contract: None, ..least() }),
        ("receiver-key-file", Layer { receiver_key_file: None, ..least() }),
    ] {
        match Settings::from_layer(layer) {
            Err(SettingsError::Missing { name: missing }) => assert_eq!(missing, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_file_says_the_same_things_by_the_same_names() {
    let layer = file(&format!(
        r#"
        rpc-url = "http://127.0.0.1:8545"
        contract = "{ADDRESS}"
        start-block = 7
        confirmations = 12
        poll-interval = "500ms"
        node-timeout = "1m"
        receiver-keystore = "key.json"
        receiver-password-file = "password"
        database = "/var/lib/u.db"
        public-listen = "0.0.0.0:80"
        internal-listen = "unix:/run/u.sock"
        internal-token-file = "token"
        admin-listen = "[::1]:0"
        addresses-file = "addresses.json"
        gateway-path = "/pay"
        close-needs = "proof"
        min-challenge = "5000000000000000000000"
        settle-grace = 7
        log-format = "json"
        log-filter = "debug"
        "#
    ));
    let settings = Settings::from_layer(layer.unwrap()).unwrap();
    assert_eq!((settings.start_block, settings.confirmations), (7, 12));
    assert_eq!(settings.poll_interval, Duration::from_millis(500));
    let (keystore, password_file) = ("key.json".into(), "password".into());
    assert_eq!(settings.receiver_key, KeySource::Keystore { keystore, password_file });
    assert_eq!(settings.internal_listen, Listen::Unix("/run/u.sock".into()));
    assert_eq!(settings.close_needs, CloseNeeds::Proof);
    assert_eq!(settings.min_challenge, "5000000000000000000000".parse().unwrap());
    assert_eq!(settings.settle_grace, 7);
}

#[test]
fn what_stands_above_goes_before_what_stands_below() {
    let above = Layer { confirmations: Some(3), ..Layer::default() };
    let below = Layer { confirmations: Some(5), start_block: Some(9), ..least() };
    let settings = Settings::from_layer(above.over(below)).unwrap();
    assert_eq!((settings.confirmations, settings.start_block), (3, 9));
}

#[test]
fn a_wrong_line_of_the_file_is_named_with_what_is_expected() {
    for (text, parts) in [
        ("confirmation = 3", ["unknown field `confirmation`", "line 1"]),
        ("\nconfirmations = \"3\"", ["invalid type: string", "line 2"]),
        ("confirmations = -1", ["confirmations = -1", "u32"]),
        ("poll-interval = \"5\"", ["poll-interval", "is no duration"]),
        ("contract = \"0x12\"", ["contract", "where an address has 40"]),
        ("rpc-url = \"ftp://x\"", ["rpc-url", "http, https, ws or wss"]),
        ("internal-listen = \"here\"", ["internal-listen", "unix:PATH"]),
        ("gateway-path = \"api\"", ["gateway-path", "/api/1"]),
        ("close-needs = \"love\"", ["close-needs", "`balance` or `proof`"]),
        ("= 3", ["line 1", "key"]),
    ] {
        let error = file(text).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{text:?}: {part:?} is not in {error}");
        }
    }
    let missing = Layer::from_file("/nowhere/settings.toml".as_ref()).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read the settings file /nowhere/settings.toml"), "{missing}");
}

#[test]
fn a_value_out_of_bounds_is_named_with_its_bound() {
    for (layer, message) in [
        (
            Layer { confirmations: Some(10_001), ..least() },
            "confirmations is 10001, where at most 10000 is expected",
        ),
        (
            Layer { start_block: Some(1 << 32), ..least() },
            "start-block is 4294967296, where at most 4294967295 is expected",
        ),
        (
            Layer { poll_interval: Some(Span::millis(49)), ..least() },
            "poll-interval is 49ms, where 50ms to 1h is expected",
        ),
        (
            Layer { node_timeout: Some(Span::millis(999)), ..least() },
            "node-timeout is 999ms, where 1s to 24h is expected",
        ),
        (
            Layer { poll_interval: Some(Span::seconds(5)), node_timeout: Some(Span::seconds(5)), ..least() },
            "node-timeout is 5s, where more than poll-interval is expected",
        ),
    ] {
        assert_eq!(Settings::from_layer(layer).unwrap_err().to_string(), message);
    }
}

#[test]
fn strangers_cannot_reach_an_internal_listener_without_a_token() {
    let listen = |text: &str| Layer { internal_listen: Some(text.parse().unwrap()), ..least() };
    for open in ["0.0.0.0:8091", "[::]:8091", "10.0.0.1:8091"] {
        let refused = Settings::from_layer(listen(open));
        assert!(matches!(refused, Err(SettingsError::OpenInternalListener { .. })), "{open}");
        let with_token = Layer { internal_token_file: Some("token".into()), ..listen(open) };
        Settings::from_layer(with_token).unwrap();
    }
    for closed in ["127.0.0.1:8091", "127.9.9.9:1", "[::1]:8091", "unix:/run/u.sock"] {
        Settings::from_layer(listen(closed)).unwrap();
    }
}

#[test]
fn the_key_has_one_source() {
    let keystore = |keystore: Option<&str>, password: Option<&str>| Layer {
        receiver_key_file: None,
        receiver_keystore: keystore.map(PathBuf::from),
        receiver_password_file: password.map(PathBuf::from),
        ..least()
    };
    Settings::from_layer(keystore(Some("k"), Some("p"))).unwrap();
    for (layer, missing) in [
        (keystore(Some("k"), None), "receiver-password-file"),
        (keystore(None, Some("p")), "receiver-keystore"),
    ] {
        match Settings::from_layer(layer) {
            Err(SettingsError::Missing { name }) => assert_eq!(name, missing),
            other => panic!("{missing}: {other:?}"),
        }
    }
    let both = Layer { receiver_keystore: Some("k".into()), ..least() };
    assert!(matches!(Settings::from_layer(both), Err(SettingsError::Contradiction(_))));
}
