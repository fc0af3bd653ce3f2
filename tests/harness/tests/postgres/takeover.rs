//! What one sidecar has begun on the chain, another one ends: the scenes of suite `chain` in which a sidecar is killed and
//! started again. Here it is one of two, and the other one takes over.

#[path = "../chain/fixture.rs"]
#[expect(dead_code, reason = "suite `chain` has more scenes")]
pub(crate) mod fixture;
#[path = "../chain/restarts.rs"]
mod restarts;

use uraiden_harness::Options;

fn parts() -> Options {
    Options { sidecars: 2, envoys: 1, ..crate::parts() }
}
