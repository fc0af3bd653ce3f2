//! What Envoy knows of a request beside its headers: where it comes from, where it goes, and the price that an operator
//! wrote on its route.

use core::fmt;

use crate::TokenAmount;
use crate::amount::{AmountError, Price};

/// What is around a request. Each question costs a host call, so it is asked only when it matters.
pub trait Surroundings {
    /// The client's address and port, such as `192.0.2.1:4711`.
    fn source(&self) -> Option<Vec<u8>>;

    /// The name of the cluster that the route leads to.
    fn cluster(&self) -> Option<Vec<u8>>;

    /// The map `metadata.filter_metadata.uraiden` of the route, as Envoy encodes it; `None` where there is none.
    fn metadata(&self) -> Option<Vec<u8>>;

    /// The same map of the route's virtual host.
    fn virtual_host_metadata(&self) -> Option<Vec<u8>>;

    /// What any worker of this Envoy announced last under this number, below 16,384.
    fn announced(&self, slot: u32) -> Option<Vec<u8>>;
}

/// What an operator wrote on a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnRoute {
    /// The price; `None` is free.
    pub price: Option<Price>,
    map: Vec<u8>,
}

impl OnRoute {
    /// The text `name` beside the price, under which its requests are counted.
    pub fn name(&self) -> Option<&str> {
        member(&self.map, b"name").and_then(|name| core::str::from_utf8(name).ok())
    }
}

/// The price on a route, or else on its virtual host. `None` where neither names one.
///
/// # Errors
///
/// There is a map of ours without a price that can be read. Such a route is closed: a typing error must not make it
/// free.
pub fn price(route: &impl Surroundings) -> Result<Option<OnRoute>, RouteError> {
    let map = route.metadata().or_else(|| route.virtual_host_metadata());
    map.map(|map| read(&map).map(|price| OnRoute { price, map })).transpose()
}

fn read(map: &[u8]) -> Result<Option<Price>, RouteError> {
    let value = member(map, b"price").ok_or(RouteError::NoPrice)?;
    let text = core::str::from_utf8(value).ok().filter(|text| !text.contains('\0'));
    match text.map(str::parse::<TokenAmount>) {
        Some(Ok(amount)) => Ok(Price::new(amount)),
        // Envoy hands a number over as the 8 bytes of a float.
        _ if value.len() == 8 => Err(RouteError::Number),
        Some(Err(error)) => Err(RouteError::Unreadable { error }),
        None => Err(RouteError::NotText),
    }
}

/// A member of a map in Envoy's encoding: the number of pairs, the lengths of each key and value (all 32 bits,
/// little-endian), then keys and values, each with a NUL behind it.
fn member<'a>(map: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let (pairs, mut lengths) = length(map)?;
    let mut texts = lengths.get(pairs.checked_mul(8)?..)?;
    for _ in 0..pairs {
        let (key_length, rest) = length(lengths)?;
        let (value_length, rest) = length(rest)?;
        lengths = rest;
        let (key, rest) = texts.split_at_checked(key_length)?;
        let (value, rest) = rest.get(1..)?.split_at_checked(value_length)?;
        texts = rest.get(1..)?;
        if key == wanted {
            return Some(value);
        }
    }
    None
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*length)).ok()?, rest))
}

/// Why the price on a route cannot be used. Priced or not, the route is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// The metadata map `uraiden` has no `price`.
    NoPrice,
    /// The price is a number.
    Number,
    /// The price is neither text nor a number.
    NotText,
    /// The price is no decimal number.
    Unreadable {
        /// What is wrong with it.
        error: AmountError,
    },
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the route's filter_metadata.uraiden.price ")?;
        match self {
            Self::NoPrice => f.write_str("is missing or empty"),
            Self::Number => f.write_str("is a number: quote it"),
            Self::NotText => f.write_str("is no text"),
            Self::Unreadable { error } => write!(f, "has {error}"),
        }
    }
}

impl core::error::Error for RouteError {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Maps(Option<Vec<u8>>, Option<Vec<u8>>);

    impl Surroundings for Maps {
        fn source(&self) -> Option<Vec<u8>> {
            None
        }

        fn cluster(&self) -> Option<Vec<u8>> {
            None
        }

        fn metadata(&self) -> Option<Vec<u8>> {
            self.0.clone()
        }

        fn virtual_host_metadata(&self) -> Option<Vec<u8>> {
            self.1.clone()
        }

        fn announced(&self, _slot: u32) -> Option<Vec<u8>> {
            None
        }
    }

    fn map(pairs: &[(&str, &[u8])]) -> Option<Vec<u8>> {
        let word = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        let mut bytes = word(pairs.len()).to_vec();
        for (key, value) in pairs {
            bytes.extend([word(key.len()), word(value.len())].as_flattened());
        }
        for (key, value) in pairs {
            bytes.extend([key.as_bytes(), b"\0", value, b"\0"].concat());
        }
        Some(bytes)
    }

    fn price_of(route: Option<Vec<u8>>, virtual_host: Option<Vec<u8>>) -> String {
        match price(&Maps(route, virtual_host)) {
            Ok(None) => "by rule".to_owned(),
            Ok(Some(on_route)) => on_route.price.map_or("free".to_owned(), |price| price.to_string()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_routes_own_price_comes_first_then_the_virtual_hosts() {
        let (five, seven) = (map(&[("price", b"5")]), map(&[("note", b"x"), ("price", b"7")]));
        assert_eq!(price_of(None, None), "by rule");
        assert_eq!(price_of(five.clone(), seven.clone()), "5");
        assert_eq!(price_of(None, seven), "7");
        assert_eq!(price_of(map(&[("price", b"0")]), five), "free");
        assert_eq!(price_of(map(&[("price", b"12345678")]), None), "12345678", "8 bytes, but digits");
    }

    #[test]
    fn a_route_has_the_name_beside_its_price() {
        let name = |pairs: &[(&str, &[u8])]| {
            let on_route = price(&Maps(map(pairs), None)).unwrap().unwrap();
            on_route.name().map(str::to_owned)
        };
        assert_eq!(name(&[("price", b"5"), ("name", b"reports")]).as_deref(), Some("reports"));
        assert_eq!(name(&[("price", b"5")]), None);
        assert_eq!(name(&[("name", b"\xff"), ("price", b"5")]), None);
    }

    #[test]
    fn a_map_without_a_readable_price_closes_the_route() {
        let error = |value: &[u8]| price_of(map(&[("price", value)]), map(&[("price", b"5")]));
        let start = "the route's filter_metadata.uraiden.price ";
        assert_eq!(error(&1000.0_f64.to_le_bytes()), format!("{start}is a number: quote it"));
        assert_eq!(error(b"1.5"), format!("{start}has no decimal digit at position 1"));
        assert_eq!(error(b"\xff"), format!("{start}is no text"));
        assert_eq!(price_of(map(&[]), None), format!("{start}is missing or empty"));
        assert_eq!(price_of(map(&[("prise", b"5")]), None), format!("{start}is missing or empty"));
        // Whatever Envoy hands over, cut off anywhere.
        let whole = map(&[("price", b"5")]).unwrap();
        for end in 0..whole.len() {
            assert_eq!(price_of(Some(whole[..end].to_vec()), None), format!("{start}is missing or empty"));
        }
        let huge = [u32::MAX.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
        assert_eq!(price_of(Some(huge), None), format!("{start}is missing or empty"));
    }
}
