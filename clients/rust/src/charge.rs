//! What a 402 says: the terms, what is wrong with our payment, and what the server holds.

use core::fmt;
use core::str::FromStr;

use reqwest::header::HeaderMap;
use uraiden_core::{Address, BalanceProof, Price, Signature, TokenAmount, header};

use crate::{Error, Payer};

/// A 402, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// What is asked.
    pub terms: Terms,
    /// What is wrong with the payment that was sent; `None` also where it was a replay.
    pub complaint: Option<Complaint>,
    /// What the server says it holds. A claim: see [`Held::verified`].
    pub held: Option<Held>,
}

/// What a server asks for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What one request costs.
    pub price: Price,
    /// The contract that must hold the deposit.
    pub contract: Address,
    /// Who must be paid.
    pub receiver: Address,
    /// The token that the price is in.
    pub token: Address,
    /// The path root of the channel API.
    pub gateway_path: String,
}

/// What is wrong with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// The channel is unknown to the server, or closed.
    NonexistingChannel,
    /// The channel's opening is too young.
    InsufficientConfirmations,
    /// The balance is above the deposit that the server knows, or the proof is not the sender's.
    InvalidBalanceProof,
    /// The step from the server's balance to ours is not the price.
    InvalidAmount,
}

/// The balance that a server says it holds for our channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The balance.
    pub balance: TokenAmount,
    /// The proof of it; absent before the first payment.
    pub signature: Option<Signature>,
}

impl Charge {
    /// Reads the headers of a 402.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`] names the header that is missing or makes no sense.
    pub fn read(headers: &HeaderMap) -> Result<Self, Error> {
        let held = match optional(headers, header::SENDER_BALANCE)? {
            Some(balance) => Some(Held { balance, signature: optional(headers, header::BALANCE_SIGNATURE)? }),
            None => None,
        };
        Ok(Self { terms: Terms::read(headers)?, complaint: Complaint::read(headers), held })
    }
}

impl Terms {
    fn read(headers: &HeaderMap) -> Result<Self, Error> {
        let amount: TokenAmount = required(headers, header::PRICE)?;
        let price = Price::new(amount).ok_or_else(|| Error::Unreadable {
            header: header::PRICE,
            found: amount.to_string(),
            why: "a price is above 0".to_owned(),
        })?;
        Ok(Self {
            price,
            contract: required(headers, header::CONTRACT_ADDRESS)?,
            receiver: required(headers, header::RECEIVER_ADDRESS)?,
            token: required(headers, header::TOKEN_ADDRESS)?,
            gateway_path: required(headers, header::GATEWAY_PATH)?,
        })
    }
}

impl Complaint {
    /// Only whether a header is there counts, and they are looked for in the order of the original client.
    fn read(headers: &HeaderMap) -> Option<Self> {
        [
            (header::NONEXISTING_CHANNEL, Self::NonexistingChannel),
            (header::INSUFFICIENT_CONFIRMATIONS, Self::InsufficientConfirmations),
            (header::INVALID_BALANCE_PROOF, Self::InvalidBalanceProof),
            (header::INVALID_AMOUNT, Self::InvalidAmount),
        ]
        .into_iter()
        .find(|(name, _)| headers.contains_key(*name))
        .map(|(_, complaint)| complaint)
    }
}

impl Held {
    /// The balance, if it is one that the payer signed, or zero.
    ///
    /// # Errors
    ///
    /// [`Error::FalseBalance`].
    pub fn verified(&self, payer: &Payer) -> Result<TokenAmount, Error> {
        let signer = self.signature.and_then(|signature| {
            let proof = BalanceProof { channel: *payer.channel(), balance: self.balance, signature };
            proof.signer()
        });
        if self.balance.is_zero() || signer == Some(payer.channel().sender) {
            Ok(self.balance)
        } else {
            Err(Error::FalseBalance { claimed: self.balance, channel: *payer.channel() })
        }
    }
}

/// The balance that an answer shows, where it shows a readable one.
pub(crate) fn shown_balance(headers: &HeaderMap) -> Option<TokenAmount> {
    optional(headers, header::SENDER_BALANCE).ok().flatten()
}

fn required<T: FromStr<Err: fmt::Display>>(headers: &HeaderMap, name: &'static str) -> Result<T, Error> {
    optional(headers, name)?.ok_or_else(|| Error::Unreadable {
        header: name,
        found: String::new(),
        why: "missing".to_owned(),
    })
}

fn optional<T: FromStr<Err: fmt::Display>>(
    headers: &HeaderMap,
    name: &'static str,
) -> Result<Option<T>, Error> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = String::from_utf8_lossy(value.as_bytes());
    text.parse().map(Some).map_err(|error: T::Err| Error::Unreadable {
        header: name,
        found: text.chars().take(48).collect(),
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    const TERMS: [(&str, &str); 5] = [
        ("RDN-Price", "1000"),
        ("RDN-Contract-Address", "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"),
        ("RDN-Receiver-Address", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        ("RDN-Token-Address", "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
        ("RDN-Gateway-Path", "/api/1"),
    ];

    fn headers(more: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in TERMS.iter().chain(more) {
            map.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn a_plain_402_has_terms_only() {
        let charge = Charge::read(&headers(&[])).unwrap();
        assert_eq!(charge.terms.price, Price::new(TokenAmount::new(1000)).unwrap());
        assert_eq!((charge.complaint, charge.held), (None, None));
    }

    #[test]
    fn a_missing_or_senseless_term_is_named() {
        for (name, _) in TERMS {
            let mut without = headers(&[]);
            without.remove(name);
            let error = Charge::read(&without).unwrap_err();
            assert!(matches!(&error, Error::Unreadable { header, .. } if *header == name), "{name}: {error}");
        }
        for (name, value) in [("RDN-Price", "0"), ("RDN-Price", "-1"), ("RDN-Token-Address", "0x12")] {
            let error = Charge::read(&headers(&[(name, value)])).unwrap_err();
            assert!(
                matches!(&error, Error::Unreadable { header, found, .. } if *header == name && found == value),
                "{error}"
            );
        }
    }

    #[test]
    fn a_complaint_counts_by_its_presence_and_the_gravest_first() {
        let both = headers(&[("RDN-Invalid-Amount", "1"), ("RDN-Nonexisting-Channel", "0")]);
        assert_eq!(Charge::read(&both).unwrap().complaint, Some(Complaint::NonexistingChannel));
    }

    #[test]
    fn the_servers_balance_comes_with_or_without_a_proof() {
        let charge = Charge::read(&headers(&[("RDN-Sender-Balance", "0")])).unwrap();
        assert_eq!(charge.held, Some(Held { balance: TokenAmount::ZERO, signature: None }));
        let proof = format!("0x{}", "1b".repeat(65));
        let charge =
            Charge::read(&headers(&[("RDN-Sender-Balance", "5"), ("RDN-Balance-Signature", &proof)]))
                .unwrap();
        assert_eq!(charge.held.unwrap().signature.unwrap().to_string(), proof);
    }
}
