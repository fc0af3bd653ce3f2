//! The messages between filter and sidecar: JSON over the sidecar's internal listener.
//!
//! One `POST` to [`BATCH_PATH`] carries any number of entries and is answered by one answer an entry, in order. A
//! batch without entries asks for identity and health only. Unknown fields are ignored; another [`VERSION`] is not.
//!
//! Filter and sidecar are upgraded one after the other, so a release speaks with the one before it: a field that is
//! added has a default, and a change that cannot be read by the other side is another version. Whatever the version, a
//! message is an object with a member `version`, so that each side can name both ([`version_of`]).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::channel::{BlockNumber, ChannelState};
use crate::json;
use crate::trace::TraceContext;
use crate::{Address, Signature, TokenAmount};

/// The version of these messages.
pub const VERSION: u32 = 1;

/// The version of a message that may be shaped in another way; `None` where it is no message at all.
pub fn version_of(message: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    // The fields of a struct are read from a list, too.
    let object = message.trim_ascii_start().starts_with(b"{");
    object.then(|| json::read::<Versioned>(message).ok()).flatten().map(|message| message.version)
}

/// What the sidecar answers, with status 400, to a batch of another version than its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherVersion {
    /// [`VERSION`] of the sidecar.
    pub version: u32,
    /// One sentence for the filter's log.
    pub error: String,
}

/// Where the sidecar takes batches.
pub const BATCH_PATH: &str = "/v1/batch";

/// The most entries that one batch may have.
pub const MAX_ENTRIES: usize = 1024;

/// The most entries of a batch whose traces are told: whoever sends traces must not make batches too large.
pub const MAX_TRACED: usize = 32;

/// How long a filter repeats a take-back of an attempt whose outcome it does not know.
pub const TAKE_BACK_FOR: Duration = Duration::from_secs(5 * 60);

/// How old a commit may be when the ledger judges it: less than [`TAKE_BACK_FOR`] by more than [`CLOCK_LEAD`], so that
/// no commit is accepted that its filter has stopped taking back.
pub const COMMIT_FOR: Duration = Duration::from_secs(4 * 60);

/// How far the filter's clock may be ahead of the sidecar's.
pub const CLOCK_LEAD: Duration = Duration::from_secs(50);

/// Whose payments are judged. Filter and sidecar must agree on all of it, since neither digest names the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// EIP-155's id of the chain.
    pub chain_id: u64,
    /// The `RaidenMicroTransferChannels`.
    pub contract: Address,
    /// The merchant.
    pub receiver: Address,
    /// The token that the contract was deployed for.
    pub token: Address,
}

/// Which ledger answers: a restored backup is another generation of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Random, made with the database: 32 lower-case hex digits.
    pub id: String,
    /// Counts restorations from 1.
    pub generation: u64,
}

/// Whether paid requests can be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum Health {
    /// They can.
    Ready,
    /// They are refused with 502 until this is mended.
    NotReady {
        /// One sentence for operators and payers, such as "Ethereum node is not responding".
        reason: String,
    },
}

/// What a filter asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRequest {
    /// [`VERSION`] of the filter.
    pub version: u32,
    /// What the filter is configured for.
    pub identity: Identity,
    /// When it was sent, in milliseconds since 1970 by the filter's clock. Commits older than [`COMMIT_FOR`] are
    /// refused.
    pub sent_at: u64,
    /// Decided one after the other.
    pub entries: Vec<Entry>,
    /// The traces that entries belong to, as far as they are recorded; at most [`MAX_TRACED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<EntryTrace>,
}

/// The trace that an entry belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryTrace {
    /// The entry's place, from 0.
    pub entry: usize,
    /// The trace, and the place of the entry's request in it.
    #[serde(flatten)]
    pub context: TraceContext,
}

/// What the sidecar answers with status 200, and with 409 (no answers) where the identity is not its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// [`VERSION`] of the sidecar.
    pub version: u32,
    /// What the sidecar serves.
    pub identity: Identity,
    /// Whose figures these are.
    pub ledger: Ledger,
    /// Whether it can serve now.
    pub health: Health,
    /// One an entry, in order.
    pub answers: Vec<Answer>,
}

/// One question of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Entry {
    /// What is this channel's state?
    Lookup(ChannelKey),
    /// Accept this payment, once, durably.
    Commit(Attempt),
    /// Undo this attempt, whether or not its commit ever arrived.
    TakeBack(Attempt),
}

/// A channel of the batch's contract and receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelKey {
    /// Who pays.
    pub sender: Address,
    /// The block in which the channel was opened.
    pub open_block: BlockNumber,
}

/// One attempt to pay. A repeated message names the same attempt; another request with the same proof is another
/// attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Which attempt.
    pub id: AttemptId,
    /// The channel that pays.
    #[serde(flatten)]
    pub channel: ChannelKey,
    /// The price that was asked.
    pub price: TokenAmount,
    /// The balance after this payment.
    pub balance: TokenAmount,
    /// The sender's proof of that balance.
    pub signature: Signature,
}

/// Names an attempt: random for each of Envoy's workers, then counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub u128);

/// Written as 32 lower-case hex digits.
impl core::fmt::Display for AttemptId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl core::str::FromStr for AttemptId {
    type Err = AttemptIdError;

    fn from_str(text: &str) -> Result<Self, AttemptIdError> {
        let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if text.len() != 32 || !digits {
            return Err(AttemptIdError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| AttemptIdError)
    }
}

crate::serde_as_text!(AttemptId);

/// A text is no [`AttemptId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptIdError;

impl core::fmt::Display for AttemptIdError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("not an attempt id, 32 lower-case hex digits")
    }
}

impl core::error::Error for AttemptIdError {}

/// The answer to one [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Answer {
    /// To a lookup.
    Channel {
        /// The channel as it stands now.
        channel: ChannelState,
    },
    /// To a commit: the payment is durable.
    Accepted {
        /// The channel after it.
        channel: ChannelState,
    },
    /// To a commit: nothing was charged. The channel's state says why.
    Refused {
        /// The channel as it stands now.
        channel: ChannelState,
    },
    /// To a take-back: the attempt does not count, now or ever. To a commit: the attempt was taken back before.
    TakenBack {
        /// The channel without it.
        channel: ChannelState,
    },
    /// To a take-back: the payment stays, because it is final (a later payment or a closing agreement stands on it).
    /// Its price is now a credit of the channel. To a commit: the attempt became a credit before.
    Credited {
        /// The channel as it stands now.
        channel: ChannelState,
    },
    /// To a take-back: the payment stays, because as many as the merchant allows were taken back in a row.
    Final {
        /// The channel as it stands now.
        channel: ChannelState,
    },
    /// The same attempt id came with other contents. Nothing was changed.
    Conflict,
}

impl Answer {
    /// The channel's state, where the answer has one.
    pub fn state(&self) -> Option<&ChannelState> {
        match self {
            Self::Channel { channel }
            | Self::Accepted { channel }
            | Self::Refused { channel }
            | Self::TakenBack { channel }
            | Self::Credited { channel }
            | Self::Final { channel } => Some(channel),
            Self::Conflict => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::OpenChannel;

    fn attempt() -> Attempt {
        Attempt {
            id: AttemptId(1),
            channel: ChannelKey { sender: Address([0x11; 20]), open_block: BlockNumber(7) },
            price: TokenAmount::new(3),
            balance: TokenAmount::MAX,
            signature: Signature::from_bytes(&[27; 65]).unwrap(),
        }
    }

    #[test]
    fn an_entry_is_one_flat_object_with_amounts_as_text() {
        let json = serde_json::to_string(&Entry::Commit(attempt())).unwrap();
        assert_eq!(
            json,
            format!(
                r#"{{"do":"commit","id":"{}1","sender":"0x1111111111111111111111111111111111111111","openBlock":7,"price":"3","balance":"{}","signature":"0x{}"}}"#,
                "0".repeat(31),
                TokenAmount::MAX,
                "1b".repeat(65),
            )
        );
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), Entry::Commit(attempt()));
    }

    #[test]
    fn a_channel_state_is_named_and_flat() {
        let fresh = OpenChannel::new(TokenAmount::new(30));
        let open = ChannelState::Open(fresh);
        let json = serde_json::to_string(&Answer::Accepted { channel: open }).unwrap();
        assert_eq!(
            json,
            r#"{"is":"accepted","channel":{"state":"open","deposit":"30","balance":"0","signature":null}}"#
        );
        assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), Answer::Accepted { channel: open });

        let bounded =
            OpenChannel { credit: TokenAmount::new(2), ceiling: Some(TokenAmount::new(20)), ..fresh };
        let answer = Answer::Channel { channel: ChannelState::Open(bounded) };
        let json = serde_json::to_string(&answer).unwrap();
        assert!(json.contains(r#""credit":"2","ceiling":"20""#), "{json}");
        assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
    }

    #[test]
    fn unknown_fields_are_ignored_and_unknown_names_are_not() {
        let later = r#"{"is":"channel","channel":{"state":"absent","color":1},"later":true}"#;
        assert_eq!(
            serde_json::from_str::<Answer>(later).unwrap(),
            Answer::Channel { channel: ChannelState::Absent }
        );
        assert!(serde_json::from_str::<Answer>(r#"{"is":"maybe"}"#).is_err());
        assert!(serde_json::from_str::<Answer>(r#"{"is":"channel","channel":{"state":"ajar"}}"#).is_err());
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        let whole = serde_json::to_value(Entry::Commit(attempt())).unwrap();
        for field in ["do", "id", "sender", "openBlock", "price", "balance", "signature"] {
            let mut cut = whole.clone();
            cut.as_object_mut().unwrap().remove(field);
            let error = serde_json::from_value::<Entry>(cut).unwrap_err().to_string();
            assert_eq!(error, format!("missing field `{field}`"));
        }
        for (answer, field) in [
            (r#"{"is":"accepted"}"#, "channel"),
            (r#"{"channel":{"state":"absent"}}"#, "is"),
            (r#"{"is":"accepted","channel":{}}"#, "state"),
            (r#"{"is":"accepted","channel":{"state":"unconfirmed"}}"#, "missing"),
            (r#"{"is":"accepted","channel":{"state":"open","balance":"0"}}"#, "deposit"),
            (r#"{"is":"accepted","channel":{"state":"open","deposit":"0"}}"#, "balance"),
        ] {
            let error = serde_json::from_str::<Answer>(answer).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{field}`")), "{answer}: {error}");
        }
    }

    #[test]
    fn every_answer_is_read_as_it_is_written() {
        let channel = ChannelState::Unconfirmed { missing: 2 };
        for answer in [
            Answer::Channel { channel },
            Answer::Accepted { channel: ChannelState::Closed },
            Answer::Refused { channel: ChannelState::Absent },
            Answer::TakenBack { channel },
            Answer::Credited { channel },
            Answer::Final { channel },
            Answer::Conflict,
        ] {
            let json = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer, "{json}");
        }
        for entry in [Entry::Lookup(attempt().channel), Entry::Commit(attempt()), Entry::TakeBack(attempt())]
        {
            let json = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry, "{json}");
        }
    }

    #[test]
    fn the_version_of_a_message_is_read_whatever_its_shape() {
        for (message, version) in [
            (r#"{"version":2}"#, Some(2)),
            (r#" {"shape":["new"],"version":7}"#, Some(7)),
            (r#"{"version":"2"}"#, None),
            (r#"{"version":-1}"#, None),
            ("{}", None),
            ("[2]", None),
            ("2", None),
            ("no healthy upstream", None),
            ("", None),
        ] {
            assert_eq!(version_of(message.as_bytes()), version, "{message}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_in_the_error() {
        let json = serde_json::to_string(&Entry::Commit(attempt())).unwrap().replace(r#""3""#, r#""3.5""#);
        let error = serde_json::from_str::<Entry>(&json).unwrap_err().to_string();
        assert!(error.contains(r#""3.5": no decimal digit at position 1"#), "{error}");
    }
}
