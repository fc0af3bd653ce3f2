//! How our types stand in columns.

use alloy::primitives::U256;
use sqlx::Row;
use sqlx::any::AnyRow;
use sqlx::postgres::PgRow;
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber, Signature, TokenAmount};

pub(super) type Column = &'static str;

/// A column that cannot hold what stands in it: somebody else wrote to the file.
fn corrupt(column: Column, found: impl core::fmt::Display) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: found.to_string().into() }
}

/// A row, whichever library read it. NULL is `None`.
pub(super) trait Fields {
    fn blob(&self, column: Column) -> Result<Option<&[u8]>, sqlx::Error>;
    fn integer(&self, column: Column) -> Result<Option<i64>, sqlx::Error>;
    fn text(&self, column: Column) -> Result<Option<&str>, sqlx::Error>;
}

impl Fields for AnyRow {
    fn blob(&self, column: Column) -> Result<Option<&[u8]>, sqlx::Error> {
        self.try_get(column)
    }

    fn integer(&self, column: Column) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn text(&self, column: Column) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(column)
    }
}

impl Fields for PgRow {
    fn blob(&self, column: Column) -> Result<Option<&[u8]>, sqlx::Error> {
        self.try_get(column)
    }

    fn integer(&self, column: Column) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn text(&self, column: Column) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(column)
    }
}

impl Fields for rusqlite::Row<'_> {
    fn blob(&self, column: Column) -> Result<Option<&[u8]>, sqlx::Error> {
        self.get_ref(column).map_err(failed)?.as_blob_or_null().map_err(|error| corrupt(column, error))
    }

    fn integer(&self, column: Column) -> Result<Option<i64>, sqlx::Error> {
        self.get_ref(column).map_err(failed)?.as_i64_or_null().map_err(|error| corrupt(column, error))
    }

    fn text(&self, column: Column) -> Result<Option<&str>, sqlx::Error> {
        self.get_ref(column).map_err(failed)?.as_str_or_null().map_err(|error| corrupt(column, error))
    }
}

/// What SQLite says through the other library.
pub(super) fn failed(error: rusqlite::Error) -> sqlx::Error {
    sqlx::Error::AnyDriverError(error.into())
}

pub(super) fn optional_bytes<const N: usize>(
    row: &impl Fields,
    column: Column,
) -> Result<Option<[u8; N]>, sqlx::Error> {
    let Some(bytes) = row.blob(column)? else { return Ok(None) };
    let length = bytes.len();
    bytes.try_into().map(Some).map_err(|_| corrupt(column, format_args!("{length} bytes in place of {N}")))
}

pub(super) fn bytes<const N: usize>(row: &impl Fields, column: Column) -> Result<[u8; N], sqlx::Error> {
    optional_bytes(row, column)?.ok_or_else(|| corrupt(column, "NULL"))
}

pub(super) fn address(row: &impl Fields, column: Column) -> Result<Address, sqlx::Error> {
    bytes(row, column).map(Address)
}

pub(super) fn amount(row: &impl Fields, column: Column) -> Result<TokenAmount, sqlx::Error> {
    bytes(row, column).map(TokenAmount::from_be_bytes)
}

pub(super) fn optional_amount(row: &impl Fields, column: Column) -> Result<Option<TokenAmount>, sqlx::Error> {
    Ok(optional_bytes(row, column)?.map(TokenAmount::from_be_bytes))
}

pub(super) fn optional_signature(
    row: &impl Fields,
    column: Column,
) -> Result<Option<Signature>, sqlx::Error> {
    optional_bytes::<65>(row, column)?
        .map(|bytes| Signature::from_bytes(&bytes).map_err(|error| corrupt(column, error)))
        .transpose()
}

pub(super) fn unsigned(row: &impl Fields, column: Column) -> Result<u64, sqlx::Error> {
    optional_unsigned(row, column)?.ok_or_else(|| corrupt(column, "NULL"))
}

pub(super) fn optional_unsigned(row: &impl Fields, column: Column) -> Result<Option<u64>, sqlx::Error> {
    match row.integer(column)? {
        Some(number) => u64::try_from(number).map(Some).map_err(|_| corrupt(column, number)),
        None => Ok(None),
    }
}

pub(super) fn key(row: &impl Fields) -> Result<ChannelKey, sqlx::Error> {
    let open_block = unsigned(row, "open_block")?;
    let open_block = u32::try_from(open_block).map_err(|_| corrupt("open_block", open_block))?;
    Ok(ChannelKey { sender: address(row, "sender")?, open_block: BlockNumber(open_block) })
}

/// One of a column's few words.
pub(super) fn word<T>(
    row: &impl Fields,
    column: Column,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    let text = row.text(column)?.ok_or_else(|| corrupt(column, "NULL"))?;
    read(text).ok_or_else(|| corrupt(column, text))
}

/// Bytes to bind.
pub(super) trait Blob {
    fn blob(&self) -> Vec<u8>;
}

impl Blob for TokenAmount {
    fn blob(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
}

impl Blob for Address {
    fn blob(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl Blob for Signature {
    fn blob(&self) -> Vec<u8> {
        self.to_bytes().to_vec()
    }
}

impl Blob for uraiden_core::wire::AttemptId {
    fn blob(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }
}

/// An amount to add up: sums of 192-bit amounts need more than 192 bits.
pub(super) fn wide(amount: TokenAmount) -> U256 {
    U256::from_be_slice(&amount.to_be_bytes())
}

/// Block numbers and log indices, which are far below 2^63.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
