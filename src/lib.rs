//! The µRaiden paywall as an Envoy filter: Envoy's callbacks in, the gate's steps carried out.
//!
//! The filter has no opinion about money. `uraiden_core::gate` decides; here is only what touches Envoy's host calls.

#![expect(missing_docs, reason = "the SDK's macro exports a function that cannot be documented")]

mod host;
mod meters;
mod root;
mod shared_keys;
mod stream;

use proxy_wasm::types::LogLevel;

// A lost `--cfg cpubits="32"` (see .cargo/config.toml) would halve the speed of every signature check.
#[cfg(target_arch = "wasm32")]
const _: () =
    assert!(uraiden_core::signature::FIELD_WORD_BYTES == 4, "build with the flags of .cargo/config.toml");

#[cfg(all(target_arch = "wasm32", not(target_feature = "simd128")))]
compile_error!("build with the flags of .cargo/config.toml: simd128 makes signature checks a tenth faster");

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(root::Root::new(id)));
}}
