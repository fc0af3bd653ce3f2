//! What a ledger belongs to. Neither digest names the chain, so proofs of one ledger must never meet another chain,
//! contract or receiver.

use sqlx::AnyConnection;
use uraiden_core::Address;
use uraiden_core::wire::{Identity, Ledger};

use super::columns::{self, Blob, signed};
use super::random::random;
use super::{Bound, StoreError};

/// A chain. Private ones often share an id, but not the first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// EIP-155's id.
    pub id: u64,
    /// Hash of block 0.
    pub genesis: [u8; 32],
}

impl Chain {
    pub(super) fn compare(self, found: Self) -> Result<(), BindError> {
        same("chain id", self.id, found.id)?;
        same("genesis block", hash(&self.genesis), hash(&found.genesis))
    }
}

/// Chain, contract and receiver, as the node knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The chain.
    pub chain: Chain,
    /// The `RaidenMicroTransferChannels`.
    pub contract: Address,
    /// keccak-256 of its code.
    pub code_hash: [u8; 32],
    /// Its token.
    pub token: Address,
    /// The merchant.
    pub receiver: Address,
    /// Blocks between a close request and its settlement. Follows from the code, and is kept beside it.
    pub challenge_period: u64,
}

/// Why a ledger was not bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The ledger belongs to something else.
    #[error(
        "this database belongs to {name} {bound}, and now {name} is {found}: give the database that belongs to it, or \
         another file name for a new one"
    )]
    Other {
        /// What differs.
        name: &'static str,
        /// What the ledger was bound to.
        bound: String,
        /// What it was compared with.
        found: String,
    },
    /// The ledger failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Binding {
    /// Whether `found` is the same.
    pub(super) fn compare(&self, found: &Self) -> Result<(), BindError> {
        self.chain.compare(found.chain)?;
        self.compare_parties(found.contract, found.receiver)?;
        same("contract code", hash(&self.code_hash), hash(&found.code_hash))?;
        same("token", self.token, found.token)?;
        same("challenge period", self.challenge_period, found.challenge_period)
    }

    /// The part of [`Binding::compare`] that needs no node.
    pub(super) fn compare_parties(&self, contract: Address, receiver: Address) -> Result<(), BindError> {
        same("contract", self.contract, contract)?;
        same("receiver", self.receiver, receiver)
    }
}

fn hash(bytes: &[u8; 32]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn same<T: PartialEq + ToString>(name: &'static str, bound: T, found: T) -> Result<(), BindError> {
    if bound == found {
        return Ok(());
    }
    Err(BindError::Other { name, bound: bound.to_string(), found: found.to_string() })
}

/// The ledger's row, where there is one.
pub(super) async fn read(connection: &mut AnyConnection) -> Result<Option<Bound>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM ledger").fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let binding = Binding {
        chain: Chain { id: columns::unsigned(&row, "chain_id")?, genesis: columns::bytes(&row, "genesis")? },
        contract: columns::address(&row, "contract")?,
        code_hash: columns::bytes(&row, "code_hash")?,
        token: columns::address(&row, "token")?,
        receiver: columns::address(&row, "receiver")?,
        challenge_period: columns::unsigned(&row, "challenge_period")?,
    };
    Ok(Some(Bound {
        identity: Identity {
            chain_id: binding.chain.id,
            contract: binding.contract,
            receiver: binding.receiver,
            token: binding.token,
        },
        ledger: Ledger {
            id: columns::word(&row, "id", |id| Some(id.to_owned()))?,
            generation: columns::unsigned(&row, "generation")?,
        },
        binding,
    }))
}

/// Writes the ledger's row, unless there is one, and answers what stands there.
pub(super) async fn write(connection: &mut AnyConnection, binding: &Binding) -> Result<Bound, sqlx::Error> {
    sqlx::query(
        "INSERT INTO ledger (one, id, generation, chain_id, genesis, contract, code_hash, token, receiver, \
         challenge_period) VALUES (1, $1, 1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (one) DO NOTHING",
    )
    .bind(hex::encode(random::<16>()?))
    .bind(signed(binding.chain.id))
    .bind(binding.chain.genesis.to_vec())
    .bind(binding.contract.blob())
    .bind(binding.code_hash.to_vec())
    .bind(binding.token.blob())
    .bind(binding.receiver.blob())
    .bind(signed(binding.challenge_period))
    .execute(&mut *connection)
    .await?;
    read(connection).await?.ok_or(sqlx::Error::RowNotFound)
}
