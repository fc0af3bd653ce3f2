//! What the sidecar answers: a batch of answers that is read is written and read as the same, by either reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use uraiden_core::wire::BatchResponse;

fuzz_target!(|data: &[u8]| {
    let Ok(batch) = serde_json::from_slice::<BatchResponse>(data) else { return };
    let written = serde_json::to_vec(&batch).expect("a batch has a JSON form");
    assert_eq!(serde_json::from_slice::<BatchResponse>(&written).expect("our own text"), batch);
    // Fields that nobody knows are skipped, and need not even be text.
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    assert_eq!(serde_json::from_value::<BatchResponse>(value).expect("the same, read as a tree"), batch);
});
