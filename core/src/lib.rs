//! The rules of µRaiden: who is paid what, for which proof, and what everyone else is told.
//!
//! Nothing here has a clock, a socket, a thread or a host call, and no randomness but the seeds of [hash maps](map), so
//! the same code judges a payment in Envoy's wasm, in the sidecar and in the clients.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used,
        clippy::wildcard_enum_match_arm
    )
)]

pub mod address;
pub mod amount;
pub mod answer;
pub mod channel;
pub mod config;
pub mod cookie;
mod curve;
pub mod decide;
pub mod digest;
pub mod form;
pub mod gate;
pub mod header;
mod hex_digits;
mod json;
pub mod map;
pub mod mark;
pub mod offer;
pub mod page;
pub mod path;
pub mod proof;
pub mod request;
pub mod response;
pub mod route;
pub mod signature;
pub mod trace;
pub mod wire;

pub use address::Address;
pub use amount::{Price, TokenAmount};
pub use channel::{BlockNumber, ChannelId};
pub use curve::{SharedKeys, SignatureCounts, Signers};
pub use decide::{Payment, Refusal, Verdict, decide};
pub use proof::{BalanceProof, ClosingAgreement};
pub use signature::Signature;

/// Serialises a type as the text of its `Display`, and reads it back through its `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(|error| E::custom(format_args!("{text:?}: {error}")))
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}
pub(crate) use serde_as_text;
