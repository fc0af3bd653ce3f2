//! What a request offers as payment: its headers, or its cookies, read once.

use core::fmt;
use core::str::FromStr;

use crate::request::Request;
use crate::wire::ChannelKey;
use crate::{Address, BlockNumber, Signature, TokenAmount, cookie, header};

/// What a request says about payment. Nothing of it is believed yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The contract that the sender means.
    pub contract: Option<Address>,
    /// The merchant that the sender means.
    pub receiver: Option<Address>,
    /// The amount that the sender means to pay.
    pub amount: Option<TokenAmount>,
    /// The balance proof; `None` where nothing is paid.
    pub proof: Option<OfferedProof>,
    /// Whether cookies that should have paid could not be read. They count as absent, and a page takes them away.
    pub bad_cookies: bool,
}

/// A balance proof as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedProof {
    /// Who says to pay.
    pub sender: Address,
    /// The block in which the channel was opened.
    pub open_block: BlockNumber,
    /// The running total, this payment included.
    pub balance: TokenAmount,
    /// The signature of it.
    pub signature: Signature,
}

impl OfferedProof {
    /// The channel that it says it is for.
    pub fn channel(&self) -> ChannelKey {
        ChannelKey { sender: self.sender, open_block: self.open_block }
    }
}

impl Offer {
    /// Reads an offer from a request.
    ///
    /// A request that carries one of the headers that pay is judged by its headers alone. Cookies pay only for GET
    /// and HEAD of a page that the browser navigates to, since a browser sends them with every request to the host;
    /// cookies that cannot be read count as absent.
    ///
    /// # Errors
    ///
    /// Names the header that cannot be read, stands twice, contradicts another, or is missing beside a signature.
    pub fn read(request: Request<'_>) -> Result<Self, HeaderError> {
        let mut fields = Fields::default();
        for (name, value) in request.headers() {
            if let Some((known, field)) = fields.of_header(name) {
                if field.is_some() {
                    return Err(HeaderError::Repeated { header: known });
                }
                *field = Some(value);
            }
        }
        if fields.pays() || !cookies_may_pay(request) {
            return fields.parse();
        }
        let by_header = fields.parse()?;
        let cookies = Fields::of_cookies(request);
        Ok(match cookies.parse() {
            Ok(Self { proof, .. }) => {
                Self { proof, bad_cookies: proof.is_none() && cookies.pays(), ..by_header }
            }
            Err(_) => Self { bad_cookies: true, ..by_header },
        })
    }
}

/// The raw values, by name.
#[derive(Clone, Default)]
struct Fields<'a> {
    contract: Option<&'a [u8]>,
    receiver: Option<&'a [u8]>,
    sender: Option<&'a [u8]>,
    payment: Option<&'a [u8]>,
    sender_balance: Option<&'a [u8]>,
    balance: Option<&'a [u8]>,
    signature: Option<&'a [u8]>,
    open_block: Option<&'a [u8]>,
    price: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// The place for a header's value and the header's name as the protocol writes it.
    fn of_header(&mut self, name: &str) -> Option<(&'static str, &mut Option<&'a [u8]>)> {
        if !header::is_payment(name) {
            return None;
        }
        [
            (header::CONTRACT_ADDRESS, &mut self.contract),
            (header::RECEIVER_ADDRESS, &mut self.receiver),
            (header::SENDER_ADDRESS, &mut self.sender),
            (header::PAYMENT, &mut self.payment),
            (header::SENDER_BALANCE, &mut self.sender_balance),
            (header::BALANCE, &mut self.balance),
            (header::BALANCE_SIGNATURE, &mut self.signature),
            (header::OPEN_BLOCK, &mut self.open_block),
            (header::PRICE, &mut self.price),
        ]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The four cookies that the web page pays with. One that stands twice is taken as unreadable.
    fn of_cookies(request: Request<'a>) -> Self {
        let mut fields = Self::default();
        for (name, value) in cookie::all(request) {
            let field = [
                (header::SENDER_ADDRESS, &mut fields.sender),
                (header::OPEN_BLOCK, &mut fields.open_block),
                (header::SENDER_BALANCE, &mut fields.sender_balance),
                (header::BALANCE_SIGNATURE, &mut fields.signature),
            ]
            .into_iter()
            .find(|(known, _)| known.as_bytes() == name);
            if let Some((_, field)) = field {
                *field = Some(if field.is_some() { b"(stands twice)" } else { value });
            }
        }
        fields
    }

    /// Whether one of the headers is there that say who pays how much.
    fn pays(&self) -> bool {
        [self.sender, self.open_block, self.sender_balance, self.balance, self.signature]
            .iter()
            .any(Option::is_some)
    }

    fn parse(&self) -> Result<Offer, HeaderError> {
        let contract = read(header::CONTRACT_ADDRESS, self.contract)?;
        let receiver = read(header::RECEIVER_ADDRESS, self.receiver)?;
        let sender = read(header::SENDER_ADDRESS, self.sender)?;
        let amount = read(header::PAYMENT, self.payment)?;
        let open_block = read(header::OPEN_BLOCK, self.open_block)?;
        let _price: Option<TokenAmount> = read(header::PRICE, self.price)?;
        let balance = match (
            read(header::SENDER_BALANCE, self.sender_balance)?,
            read(header::BALANCE, self.balance)?,
        ) {
            (Some(a), Some(b)) if a != b => {
                return Err(HeaderError::BalancesDiffer { sender_balance: a, balance: b });
            }
            (a, b) => a.or(b),
        };
        // The original server takes an empty signature for none.
        let signature = read(header::BALANCE_SIGNATURE, self.signature.filter(|value| !value.is_empty()))?;
        let missing = |header| HeaderError::Missing { header };
        let proof = match signature {
            None => None,
            Some(signature) => Some(OfferedProof {
                sender: sender.ok_or(missing(header::SENDER_ADDRESS))?,
                open_block: open_block.ok_or(missing(header::OPEN_BLOCK))?,
                balance: balance.ok_or(missing(header::SENDER_BALANCE))?,
                signature,
            }),
        };
        Ok(Offer { contract, receiver, amount, proof, bad_cookies: false })
    }
}

fn read<T: FromStr<Err: fmt::Display>>(
    header: &'static str,
    value: Option<&[u8]>,
) -> Result<Option<T>, HeaderError> {
    let Some(value) = value else { return Ok(None) };
    let unreadable = |why: &dyn fmt::Display| HeaderError::Unreadable {
        header,
        found: excerpt(value),
        why: why.to_string(),
    };
    let text = core::str::from_utf8(value).map_err(|_| unreadable(&"not UTF-8 text"))?;
    text.parse().map(Some).map_err(|error| unreadable(&error))
}

/// The start of a header's value, in printable ASCII: enough to recognise it, never a whole signature.
fn excerpt(value: &[u8]) -> String {
    const SHOWN: usize = 48;
    let shown = value.get(..SHOWN).unwrap_or(value);
    let ellipsis = if shown.len() < value.len() { "…" } else { "" };
    format!("{}{ellipsis}", shown.escape_ascii())
}

/// Whether this is a page that the browser's user asked for.
fn cookies_may_pay(request: Request<'_>) -> bool {
    let only = |name, allowed: &[&[u8]]| request.values(name).all(|value| allowed.contains(&value));
    matches!(request.method(), b"GET" | b"HEAD")
        && only("sec-fetch-site", &[b"same-origin", b"same-site", b"none"])
        && only("sec-fetch-dest", &[b"document"])
}

/// Why a request's payment cannot be read: row 3 of the protocol's table, answered with 409.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The value is not what the header holds.
    Unreadable {
        /// Which header.
        header: &'static str,
        /// The start of its value, in printable ASCII.
        found: String,
        /// What is wrong with it, with the bound.
        why: String,
    },
    /// The header stands there more than once.
    Repeated {
        /// Which header.
        header: &'static str,
    },
    /// There is a signature, but not this beside it.
    Missing {
        /// Which header.
        header: &'static str,
    },
    /// Both names of the balance are there and do not agree.
    BalancesDiffer {
        /// What `RDN-Sender-Balance` says.
        sender_balance: TokenAmount,
        /// What `RDN-Balance` says.
        balance: TokenAmount,
    },
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { header, found, why } => write!(f, "{header}: \"{found}\": {why}"),
            Self::Repeated { header } => write!(f, "{header}: stands more than once"),
            Self::Missing { header } => {
                write!(f, "{header}: missing, and {} needs it", header::BALANCE_SIGNATURE)
            }
            Self::BalancesDiffer { sender_balance, balance } => write!(
                f,
                "{} is {sender_balance}, but {} is {balance}: they name the same balance",
                header::SENDER_BALANCE,
                header::BALANCE
            ),
        }
    }
}

impl core::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: &str = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";

    fn signature() -> String {
        format!("0x{}1b", "11".repeat(64))
    }

    fn get(headers: &[(&str, &str)]) -> Result<Offer, HeaderError> {
        read_as("GET", headers)
    }

    fn read_as(method: &str, headers: &[(&str, &str)]) -> Result<Offer, HeaderError> {
        let mut all = vec![(":method".to_owned(), method.into())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
        Offer::read(Request::new(&all))
    }

    fn proof(balance: u64) -> Option<OfferedProof> {
        Some(OfferedProof {
            sender: SENDER.parse().unwrap(),
            open_block: BlockNumber(14),
            balance: TokenAmount::new(balance),
            signature: signature().parse().unwrap(),
        })
    }

    fn paid<'a>(signature: &'a str, balance: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
        vec![
            ("rdn-sender-address", SENDER),
            ("rdn-open-block", "14"),
            balance,
            ("rdn-balance-signature", signature),
        ]
    }

    #[test]
    fn no_header_of_ours_offers_nothing() {
        assert_eq!(get(&[("accept", "*/*"), ("rdn", "x"), ("é", "x")]), Ok(Offer::default()));
    }

    #[test]
    fn the_balance_goes_under_either_name() {
        for name in ["rdn-balance", "rdn-sender-balance", "RDN-Balance"] {
            assert_eq!(get(&paid(&signature(), (name, "6"))).unwrap().proof, proof(6), "{name}");
        }
    }

    #[test]
    fn both_balances_must_agree() {
        let text = signature();
        let mut headers = paid(&text, ("rdn-balance", "6"));
        headers.push(("rdn-sender-balance", "6"));
        assert_eq!(get(&headers).unwrap().proof, proof(6));
        headers.pop();
        headers.push(("rdn-sender-balance", "7"));
        let differ =
            HeaderError::BalancesDiffer { sender_balance: TokenAmount::new(7), balance: TokenAmount::new(6) };
        assert_eq!(get(&headers), Err(differ));
    }

    #[test]
    fn a_header_that_stands_twice_is_refused_for_each_of_ours() {
        for (name, value) in [
            (header::CONTRACT_ADDRESS, SENDER),
            (header::RECEIVER_ADDRESS, SENDER),
            (header::SENDER_ADDRESS, SENDER),
            (header::PAYMENT, "1"),
            (header::SENDER_BALANCE, "1"),
            (header::BALANCE, "1"),
            (header::BALANCE_SIGNATURE, &signature()),
            (header::OPEN_BLOCK, "1"),
            (header::PRICE, "1"),
        ] {
            let lower = name.to_lowercase();
            assert_eq!(get(&[(&lower, value), (&lower, value)]), Err(HeaderError::Repeated { header: name }));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_even_without_a_signature() {
        for (name, value) in [
            (header::CONTRACT_ADDRESS, "0x12"),
            (header::RECEIVER_ADDRESS, "nobody"),
            (header::SENDER_ADDRESS, "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293Bc"),
            (header::PAYMENT, "-1"),
            (header::SENDER_BALANCE, "1e3"),
            (header::BALANCE, "1_000"),
            (header::BALANCE_SIGNATURE, "0x1234"),
            (header::OPEN_BLOCK, "4294967296"),
            (header::PRICE, " 1"),
        ] {
            match get(&[(&name.to_lowercase(), value)]) {
                Err(HeaderError::Unreadable { header, found, .. }) => {
                    assert_eq!((header, found.as_str()), (name, value));
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_error_shows_the_header_the_value_and_the_bound() {
        let error = get(&[("rdn-open-block", "12x")]).unwrap_err();
        assert_eq!(error.to_string(), r#"RDN-Open-Block: "12x": not a block number, 0 to 4294967295"#);
        let hostile = [("rdn-payment".to_owned(), b"\xff\"\r\n".to_vec())];
        let error = Offer::read(Request::new(&hostile)).unwrap_err();
        assert_eq!(error.to_string(), r#"RDN-Payment: "\xff\"\r\n": not UTF-8 text"#);
    }

    #[test]
    fn a_signature_needs_sender_open_block_and_balance() {
        let text = signature();
        for missing in [header::SENDER_ADDRESS, header::OPEN_BLOCK, header::SENDER_BALANCE] {
            let mut headers = paid(&text, ("rdn-sender-balance", "6"));
            headers.retain(|(name, _)| *name != missing.to_lowercase());
            assert_eq!(get(&headers), Err(HeaderError::Missing { header: missing }));
        }
    }

    #[test]
    fn an_empty_signature_is_none() {
        let offer = get(&[("rdn-contract-address", SENDER), ("rdn-balance-signature", "")]).unwrap();
        assert_eq!((offer.contract, offer.proof), (Some(SENDER.parse().unwrap()), None));
    }

    fn cookies(balance: &str) -> String {
        format!(
            "a=b; RDN-Price=3; RDN-Sender-Address={SENDER}; RDN-Open-Block=14;RDN-Sender-Balance={balance}; \
             RDN-Balance-Signature={}",
            signature()
        )
    }

    #[test]
    fn the_four_cookies_pay_for_a_page() {
        for method in ["GET", "HEAD"] {
            assert_eq!(read_as(method, &[("cookie", &cookies("6"))]).unwrap().proof, proof(6));
        }
        let split = cookies("6").replacen("; ", "\n", 2);
        let lines: Vec<_> = split.split('\n').map(|line| ("cookie", line)).collect();
        assert_eq!(get(&lines).unwrap().proof, proof(6), "HTTP/1.1 may keep several cookie lines");
        for navigation in ["same-origin", "same-site", "none"] {
            let headers =
                [("sec-fetch-site", navigation), ("sec-fetch-dest", "document"), ("cookie", &cookies("6"))];
            assert_eq!(get(&headers).unwrap().proof, proof(6));
        }
    }

    #[test]
    fn cookies_do_not_pay_for_anything_else() {
        let cookie = cookies("6");
        assert_eq!(read_as("POST", &[("cookie", &cookie)]).unwrap().proof, None);
        for (name, value) in
            [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "image"), ("sec-fetch-dest", "empty")]
        {
            assert_eq!(get(&[(name, value), ("cookie", &cookie)]).unwrap().proof, None, "{name}: {value}");
        }
    }

    #[test]
    fn headers_that_pay_win_over_cookies() {
        let (text, cookie) = (signature(), cookies("6"));
        let mut headers = paid(&text, ("rdn-balance", "9"));
        headers.push(("cookie", &cookie));
        assert_eq!(get(&headers).unwrap().proof, proof(9));
        assert_eq!(get(&[("rdn-sender-address", SENDER), ("cookie", &cookie)]).unwrap().proof, None);
        let contract = [("rdn-contract-address", SENDER), ("cookie", &cookie)];
        assert_eq!(get(&contract).unwrap().contract, Some(SENDER.parse().unwrap()));
        assert_eq!(get(&contract).unwrap().proof, proof(6), "the contract alone says nothing of payment");
    }

    #[test]
    fn cookies_that_cannot_be_read_count_as_absent() {
        let incomplete = cookies("6").replace("RDN-Open-Block", "other");
        let twice = format!("{}; RDN-Open-Block=14", cookies("6"));
        for cookie in [&cookies("6e0"), &incomplete, &twice, "RDN-Balance-Signature", "=;==;;", "\u{fffd}"] {
            let offer = get(&[("cookie", cookie)]).unwrap();
            assert_eq!(offer.proof, None, "{cookie}");
            assert_eq!(offer.bad_cookies, cookie.contains("RDN-Sender-Balance"), "{cookie}");
        }
        assert!(
            !get(&[("cookie", "RDN-Price=3; a=b")]).unwrap().bad_cookies,
            "set by a 402, and nobody signed"
        );
    }
}
