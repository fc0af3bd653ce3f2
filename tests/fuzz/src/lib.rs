//! What the fuzz targets share: inputs that can be read and written by hand, a gate to throw them at, and what must
//! be true of every answer.

mod fixture;
mod head;
mod ledger;
mod reference;
mod reply;

pub use fixture::{Anywhere, NOW, OPEN_BLOCK, PRICE, config, heard, key, paying, proof, ready, sender};
pub use head::{Head, head};
pub use ledger::{Ledger, fresh};
pub use reference::recovered;
pub use reply::assert_sound;
