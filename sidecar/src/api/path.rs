//! What stands in paths and queries.

use core::ops::RangeInclusive;
use std::collections::HashMap;

use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber};

use crate::api::error::ApiError;
use crate::store::Listing;

/// The most lines of a list.
const MAX_LIMIT: u32 = 1000;

/// A sender, in any letter case.
pub(super) fn sender(text: &str) -> Result<Address, ApiError> {
    text.to_ascii_lowercase()
        .parse()
        .map_err(|error| ApiError::bad_request(format!("{text:?} is no address: {error}")))
}

/// A channel.
pub(super) fn channel(sender_text: &str, block_text: &str) -> Result<ChannelKey, ApiError> {
    let open_block: BlockNumber =
        block_text.parse().map_err(|error| ApiError::bad_request(format!("{block_text:?} is {error}")))?;
    Ok(ChannelKey { sender: sender(sender_text)?, open_block })
}

/// A parameter that is a number.
pub(super) fn number(
    query: &HashMap<String, String>,
    name: &str,
    default: u32,
    bound: RangeInclusive<u32>,
) -> Result<u32, ApiError> {
    let Some(text) = query.get(name) else { return Ok(default) };
    text.parse().ok().filter(|number| bound.contains(number)).ok_or_else(|| {
        let (low, high) = bound.into_inner();
        ApiError::bad_request(format!("{name} is {text:?}, where a number from {low} to {high} is expected"))
    })
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) listing: Listing,
    pub(super) limit: u32,
    pub(super) offset: u32,
}

impl Page {
    /// From `status` (open, opened, closed, all), `limit` (1 to 1000) and `offset`. Other parameters are ignored.
    pub(super) fn read(query: &HashMap<String, String>) -> Result<Self, ApiError> {
        let listing = match query.get("status").map(String::as_str) {
            None | Some("open" | "opened") => Listing::Open,
            Some("closed") => Listing::Closed,
            Some("all") => Listing::All,
            Some(other) => {
                return Err(ApiError::bad_request(format!(
                    "status is {other:?}, where open, closed or all is expected"
                )));
            }
        };
        Ok(Self {
            listing,
            limit: number(query, "limit", MAX_LIMIT, 1..=MAX_LIMIT)?,
            offset: number(query, "offset", 0, 0..=u32::MAX)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_read_in_any_case() {
        let address = Address([0xab; 20]);
        for text in [address.to_string(), format!("0x{}", "aB".repeat(20)), "AB".repeat(20)] {
            assert_eq!(sender(&text), Ok(address), "{text}");
        }
        assert!(sender("0x12").is_err());
    }

    #[test]
    fn a_page_is_bounded() {
        let page = |pairs: &[(&str, &str)]| {
            Page::read(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert_eq!(page(&[]), Ok(Page { listing: Listing::Open, limit: 1000, offset: 0 }));
        let all = page(&[("status", "all"), ("limit", "1"), ("offset", "7"), ("other", "x")]);
        assert_eq!(all, Ok(Page { listing: Listing::All, limit: 1, offset: 7 }));
        for wrong in [("status", "shut"), ("limit", "0"), ("limit", "1001"), ("limit", "x"), ("offset", "-1")]
        {
            assert!(page(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}
