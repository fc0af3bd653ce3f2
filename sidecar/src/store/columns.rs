//! How our types stand in columns.

use alloy::primitives::U256;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber, Signature, TokenAmount};

pub(super) type Column = &'static str;

/// A column that cannot hold what stands in it: somebody else wrote to the file.
fn corrupt(column: Column, found: impl core::fmt::Display) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: found.to_string().into() }
}

pub(super) fn optional_bytes<const N: usize>(
    row: &SqliteRow,
    column: Column,
) -> Result<Option<[u8; N]>, sqlx::Error> {
    let Some(bytes) = row.try_get::<Option<&[u8]>, _>(column)? else { return Ok(None) };
    let length = bytes.len();
    bytes.try_into().map(Some).map_err(|_| corrupt(column, format_args!("{length} bytes in place of {N}")))
}

pub(super) fn bytes<const N: usize>(row: &SqliteRow, column: Column) -> Result<[u8; N], sqlx::Error> {
    optional_bytes(row, column)?.ok_or_else(|| corrupt(column, "NULL"))
}

pub(super) fn address(row: &SqliteRow, column: Column) -> Result<Address, sqlx::Error> {
    bytes(row, column).map(Address)
}

pub(super) fn amount(row: &SqliteRow, column: Column) -> Result<TokenAmount, sqlx::Error> {
    bytes(row, column).map(TokenAmount::from_be_bytes)
}

pub(super) fn optional_amount(row: &SqliteRow, column: Column) -> Result<Option<TokenAmount>, sqlx::Error> {
    Ok(optional_bytes(row, column)?.map(TokenAmount::from_be_bytes))
}

pub(super) fn optional_signature(row: &SqliteRow, column: Column) -> Result<Option<Signature>, sqlx::Error> {
    optional_bytes::<65>(row, column)?
        .map(|bytes| Signature::from_bytes(&bytes).map_err(|error| corrupt(column, error)))
        .transpose()
}

pub(super) fn unsigned(row: &SqliteRow, column: Column) -> Result<u64, sqlx::Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| corrupt(column, number))
}

pub(super) fn optional_unsigned(row: &SqliteRow, column: Column) -> Result<Option<u64>, sqlx::Error> {
    match row.try_get::<Option<i64>, _>(column)? {
        Some(number) => u64::try_from(number).map(Some).map_err(|_| corrupt(column, number)),
        None => Ok(None),
    }
}

pub(super) fn key(row: &SqliteRow) -> Result<ChannelKey, sqlx::Error> {
    let open_block = unsigned(row, "open_block")?;
    let open_block = u32::try_from(open_block).map_err(|_| corrupt("open_block", open_block))?;
    Ok(ChannelKey { sender: address(row, "sender")?, open_block: BlockNumber(open_block) })
}

/// One of a column's few words.
pub(super) fn word<T>(
    row: &SqliteRow,
    column: Column,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(column)?;
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
