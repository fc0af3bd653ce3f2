//! Configurations: what is read means the same in every layout, nothing unknown is let through, no secret is shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use uraiden_core::config::Config;

fuzz_target!(|data: &[u8]| {
    let config = match Config::from_json(data) {
        Ok(config) => config,
        Err(error) => {
            assert!(error.problem.len() < 1000, "{} bytes of error", error.problem.len());
            return;
        }
    };
    let value: Value = serde_json::from_slice(data).expect("what was read is JSON");
    for layout in [serde_json::to_vec(&value), serde_json::to_vec_pretty(&value)] {
        let again =
            Config::from_json(&layout.expect("a JSON value has a text")).expect("the same configuration");
        assert_eq!(format!("{again:?}"), format!("{config:?}"));
    }
    // None of its objects lets through what it does not know, but for the names of headers.
    for pointer in ["", "/sidecar", "/mark", "/rules/0", "/rules/0/match", "/rules/0/priceFrom"] {
        let mut wider = value.clone();
        let Some(object) = wider.pointer_mut(pointer).and_then(Value::as_object_mut) else { continue };
        object.insert("surprise".to_owned(), json!("1"));
        let error = Config::from_json(wider.to_string().as_bytes()).expect_err("an unknown key");
        assert!(error.path.ends_with("surprise"), "{error}");
    }
    for pointer in ["/sidecar/bearerToken", "/mark/secret"] {
        let Some(secret) = value.pointer(pointer).and_then(Value::as_str) else { continue };
        let elsewhere = value.to_string().matches(secret).count() > 1;
        assert!(elsewhere || secret.len() < 8 || !format!("{config:?}").contains(secret), "{pointer}");
    }
});
