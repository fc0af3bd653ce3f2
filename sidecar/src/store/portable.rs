//! What senders signed, as JSON lines: the format of `uraiden export`, and what makes a line of it good.
//!
//! The first line is a [`Header`], each other one a [`Portable`]. Amounts are decimal text, hashes, addresses and
//! signatures 0x and hex digits, times milliseconds since 1970.

use serde::{Deserialize, Serialize};
use uraiden_core::wire::{AttemptId, ChannelKey, Ledger};
use uraiden_core::{Address, BalanceProof, BlockNumber, ChannelId, Signature, TokenAmount};

use super::{Binding, Chain};

/// The version of the format that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;

/// Whose channels follow, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Header {
    /// [`VERSION`].
    pub(super) uraiden_export: u32,
    pub(super) ledger: Ledger,
    chain_id: u64,
    #[serde(with = "hash")]
    genesis: [u8; 32],
    contract: Address,
    #[serde(with = "hash")]
    code_hash: [u8; 32],
    token: Address,
    receiver: Address,
    /// In blocks.
    challenge_period: u64,
    /// So many lines follow.
    pub(super) channels: u64,
}

/// What one sender has signed for one channel, and what we have agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Portable {
    pub(super) sender: Address,
    pub(super) open_block: BlockNumber,
    /// After the topmost payment.
    pub(super) balance: TokenAmount,
    pub(super) signature: Signature,
    /// What of the balance was paid for resources that failed.
    pub(super) credit: TokenAmount,
    /// How the topmost payment is taken back; none once it is final.
    pub(super) undo: Option<PortableUndo>,
    /// For each deposit before a top-up, the highest proof not above it.
    pub(super) levels: Vec<Level>,
    /// The balance of the agreement to close, where there is one.
    pub(super) closing_balance: Option<TokenAmount>,
    pub(super) created_at: u64,
    pub(super) updated_at: u64,
}

/// What was held before the topmost payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PortableUndo {
    /// The attempt that made the topmost payment.
    pub(super) attempt: AttemptId,
    pub(super) balance: TokenAmount,
    /// None before the first payment, at balance 0.
    pub(super) signature: Option<Signature>,
}

/// The highest proof not above a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Level {
    pub(super) deposit: TokenAmount,
    pub(super) balance: TokenAmount,
    pub(super) signature: Signature,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It is no JSON of this format.
    #[error("{0}")]
    Unreadable(String),
    /// A version that this program does not know.
    #[error(
        "the export has version {0}, and this program reads version {VERSION}: use the uraiden that wrote it"
    )]
    Version(u32),
    /// A signature that the sender did not make.
    #[error("the proof of the balance {balance} is not the sender's")]
    NotBySender {
        /// The balance beside it.
        balance: TokenAmount,
    },
    /// Amounts that cannot go with each other.
    #[error("{lower} is more than goes with {upper}")]
    Order {
        /// Which should be lower.
        lower: TokenAmount,
        /// Which should be higher.
        upper: TokenAmount,
    },
    /// A balance before the first payment is 0, and no other has no proof.
    #[error("the balance {balance} has no proof, where only 0 has none")]
    NoProof {
        /// The balance.
        balance: TokenAmount,
    },
    /// Without a proof the contract closes nothing.
    #[error("the agreement to close at {balance} has no proof beside it")]
    ClosingWithoutProof {
        /// The balance of the agreement.
        balance: TokenAmount,
    },
    /// The database knows of an agreement for another balance.
    #[error("it says that closing was agreed at {imported}, and the database that it was at {held}")]
    OtherAgreement {
        /// The balance in the line.
        imported: TokenAmount,
        /// The balance in the database.
        held: TokenAmount,
    },
    /// A channel has one line.
    #[error("the channel has a line before")]
    Twice,
}

impl Header {
    pub(super) fn new(ledger: Ledger, binding: &Binding, channels: u64) -> Self {
        Self {
            uraiden_export: VERSION,
            ledger,
            chain_id: binding.chain.id,
            genesis: binding.chain.genesis,
            contract: binding.contract,
            code_hash: binding.code_hash,
            token: binding.token,
            receiver: binding.receiver,
            challenge_period: binding.challenge_period,
            channels,
        }
    }

    /// Reads the first line. Another version may be shaped in another way, so its number is looked at first.
    pub(super) fn read(line: &str) -> Result<Self, LineFault> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Versioned {
            uraiden_export: u32,
        }
        let versioned: Versioned = serde_json::from_str(line).map_err(unreadable)?;
        match versioned.uraiden_export {
            VERSION => serde_json::from_str(line).map_err(unreadable),
            other => Err(LineFault::Version(other)),
        }
    }

    pub(super) fn binding(&self) -> Binding {
        Binding {
            chain: Chain { id: self.chain_id, genesis: self.genesis },
            contract: self.contract,
            code_hash: self.code_hash,
            token: self.token,
            receiver: self.receiver,
            challenge_period: self.challenge_period,
        }
    }
}

impl Portable {
    /// Reads a line and checks all that can be known without the ledger: first of all that everything in it was signed
    /// by the sender, for this contract and receiver.
    pub(super) fn read(line: &str, header: &Header) -> Result<Self, LineFault> {
        let portable: Self = serde_json::from_str(line).map_err(unreadable)?;
        portable.check(header)?;
        Ok(portable)
    }

    pub(super) fn key(&self) -> ChannelKey {
        ChannelKey { sender: self.sender, open_block: self.open_block }
    }

    fn check(&self, header: &Header) -> Result<(), LineFault> {
        let signed = |balance, signature| {
            let Self { sender, open_block, .. } = *self;
            let channel =
                ChannelId { contract: header.contract, receiver: header.receiver, sender, open_block };
            let signer = BalanceProof { channel, balance, signature }.signer();
            (signer == Some(sender)).then_some(()).ok_or(LineFault::NotBySender { balance })
        };
        let below = |lower: TokenAmount, upper: TokenAmount, holds: bool| {
            holds.then_some(()).ok_or(LineFault::Order { lower, upper })
        };
        signed(self.balance, self.signature)?;
        below(self.credit, self.balance, self.credit <= self.balance)?;
        if let Some(undo) = &self.undo {
            below(undo.balance, self.balance, undo.balance < self.balance)?;
            match undo.signature {
                Some(signature) => signed(undo.balance, signature)?,
                None if undo.balance.is_zero() => {}
                None => return Err(LineFault::NoProof { balance: undo.balance }),
            }
        }
        for level in &self.levels {
            below(level.balance, level.deposit, level.balance <= level.deposit)?;
            signed(level.balance, level.signature)?;
        }
        match self.closing_balance {
            Some(agreed) if !self.balances().any(|balance| balance == agreed) => {
                Err(LineFault::ClosingWithoutProof { balance: agreed })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The balances that can be claimed.
    fn balances(&self) -> impl Iterator<Item = TokenAmount> {
        self.levels.iter().map(|level| level.balance).chain([self.balance])
    }
}

fn unreadable(error: serde_json::Error) -> LineFault {
    LineFault::Unreadable(error.to_string())
}

/// 32 bytes as 0x and hex digits.
mod hash {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut hash = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        hex::decode_to_slice(digits, &mut hash)
            .map_err(|_| de::Error::custom(format_args!("{text:?} is no hash, 0x and 64 hex digits")))?;
        Ok(hash)
    }
}
