//! Public keys in Envoy's shared data, where all workers see them.
//!
//! Envoy never frees a shared datum, so keys have a fixed number of slots; `uraiden_core::SharedKeys` has the rest.

use proxy_wasm::hostcalls;
use uraiden_core::SharedKeys;

use crate::host;

pub(crate) struct SharedKeyStore;

impl SharedKeys for SharedKeyStore {
    fn get(&self, slot: u16) -> Option<Vec<u8>> {
        hostcalls::get_shared_data(&name(slot)).ok()?.0
    }

    fn put(&self, slot: u16, key: &[u8; 64]) {
        host::report("share a key", hostcalls::set_shared_data(&name(slot), Some(key), None));
    }
}

fn name(slot: u16) -> String {
    format!("uraiden-signer-{slot}")
}
