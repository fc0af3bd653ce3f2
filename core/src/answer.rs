//! What the client is told: status, headers, and a problem document (RFC 9457) with the same facts.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::decide::{Asked, Held, Payment, Refusal};
use crate::form::Form;
use crate::offer::HeaderError;
use crate::page::{self, Page, PageSettings};
use crate::path::PathError;
use crate::route::RouteError;
use crate::{Address, TokenAmount};
use crate::{cookie, header};

/// What comes before a problem's code in its `type`.
pub const PROBLEM_TYPE_PREFIX: &str = "urn:uraiden:problem:";

/// An answer of ours, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The problem's stable word.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The gRPC status, where the client speaks gRPC; the body is then its message.
    pub grpc_status: Option<GrpcStatus>,
    /// Header names as the protocol writes them, and their values. A cookie each for a page's facts.
    pub headers: Vec<(&'static str, String)>,
    /// A problem document, a page, or a gRPC message.
    pub body: String,
}

/// The gRPC statuses that say what an HTTP status of ours says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcStatus {
    /// 3: 400 and 409.
    InvalidArgument,
    /// 9: 402, pay first.
    FailedPrecondition,
    /// 14: 502 and 503, try again.
    Unavailable,
}

/// Everything that is answered with a problem document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// 402: pay, and how.
    Refused(Refusal),
    /// 409: a header of the payment cannot be read.
    Malformed(HeaderError),
    /// 400: the path cannot be priced.
    AmbiguousPath(PathError),
    /// 502: no payment can be accepted now. Nothing was charged.
    Unavailable(Unavailable),
    /// 502: it is not known whether the payment was recorded, and it was taken back.
    TakenBack(Balance),
    /// The resource failed and its payment is final: it became a credit.
    Credited {
        /// The HTTP status: the upstream's, or 502.
        status: u16,
        /// What the credit is a part of.
        balance: Balance,
    },
    /// 503: too much at once. Nothing was charged.
    Busy(Busy),
}

/// Where a payer stands, told to nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Who pays.
    pub sender: Address,
    /// The balance that we hold; `None` where the channel takes no payments any more.
    pub held: Option<TokenAmount>,
}

impl Balance {
    /// The headers that say it.
    pub fn headers(self) -> Vec<(&'static str, String)> {
        let held = self.held.map(|held| (header::SENDER_BALANCE, held.to_string()));
        [(header::SENDER_ADDRESS, self.sender.to_string())].into_iter().chain(held).collect()
    }
}

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Payments that wait.
    Queue,
    /// Questions about channels that were never met.
    UnknownChannels,
    /// Money in this channel that the merchant has not claimed yet.
    ExposureLimit,
    /// The merchant's price service, which does not answer or has too many questions.
    PriceService,
}

/// Why no payment can be accepted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The sidecar does not answer.
    Sidecar,
    /// The sidecar says why it cannot serve, for example that its Ethereum node does not answer.
    NotReady {
        /// The sidecar's own words.
        reason: String,
    },
    /// The filter is configured for another chain, contract, receiver or token than the sidecar, or they speak different
    /// versions of their messages.
    Misconfigured,
    /// The route's own price cannot be read.
    BadRoute(RouteError),
    /// It is not known whether the payment was recorded, nor whether it could be taken back; that is tried on.
    UnknownOutcome,
}

impl Busy {
    /// Seconds until another try may go better.
    fn retry_after(self) -> u32 {
        match self {
            Self::Queue | Self::UnknownChannels | Self::PriceService => 1,
            Self::ExposureLimit => 60,
        }
    }
}

impl Problem {
    /// The answer to a client that was asked for these terms; a client that was asked for nothing yet has none.
    pub fn reply(&self, terms: Option<&Terms<'_>>, form: Form, settings: PageSettings<'_>) -> Reply {
        let mut headers = match (self, terms) {
            (Self::Refused(refusal), Some(terms)) => {
                terms.headers().into_iter().chain(refusal.headers()).collect()
            }
            (Self::Refused(refusal), None) => refusal.headers(),
            (Self::TakenBack(balance) | Self::Credited { balance, .. }, _) => balance.headers(),
            _ => Vec::new(),
        };
        let (detail, next) = (self.detail(), self.next());
        let body = match form {
            Form::Document => {
                let document = self.document(&headers);
                headers.push(("content-type", "application/problem+json".to_owned()));
                document
            }
            Form::Page { secure, payable } => {
                let problem = self.document(&headers);
                let (title, facts) = (self.title(), headers.as_slice());
                let payable = payable && matches!(self, Self::Refused(_));
                let page =
                    Page { settings, payable, title, detail: &detail, next, facts, problem: &problem }.html();
                if let Self::Refused(_) = self {
                    let cookies = headers.iter().map(|(name, value)| cookie::set(name, value, secure));
                    let cookies: Vec<_> = cookies.map(|cookie| ("set-cookie", cookie)).collect();
                    headers.extend(cookies);
                }
                headers.push(("content-type", "text/html; charset=utf-8".to_owned()));
                headers.push(("content-security-policy", page::POLICY.to_owned()));
                page
            }
            Form::Grpc => format!("{detail} {next}"),
        };
        headers.push(("cache-control", "no-store".to_owned()));
        if let Self::Busy(busy) = self {
            headers.push(("retry-after", busy.retry_after().to_string()));
        }
        let grpc_status = (form == Form::Grpc).then(|| self.grpc_status());
        Reply { code: self.code(), status: self.status(), grpc_status, headers, body }
    }

    /// An RFC 9457 document with the facts of the headers.
    fn document(&self, headers: &[(&'static str, String)]) -> String {
        let facts =
            headers.iter().map(|(name, value)| (fact_name(name), Value::String(value.clone()))).collect();
        let document = ProblemDocument {
            r#type: format!("{PROBLEM_TYPE_PREFIX}{}", self.code()),
            title: self.title(),
            status: self.status(),
            detail: self.detail(),
            next: self.next(),
            facts,
        };
        // A struct of texts and numbers always has a JSON form.
        serde_json::to_string(&document).unwrap_or_default()
    }

    fn grpc_status(&self) -> GrpcStatus {
        match self {
            Self::Refused(_) => GrpcStatus::FailedPrecondition,
            Self::Malformed(_) | Self::AmbiguousPath(_) => GrpcStatus::InvalidArgument,
            Self::Unavailable(_) | Self::TakenBack(_) | Self::Credited { .. } | Self::Busy(_) => {
                GrpcStatus::Unavailable
            }
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Refused(_) => 402,
            Self::Malformed(_) => 409,
            Self::AmbiguousPath(_) => 400,
            Self::Unavailable(_) | Self::TakenBack(_) => 502,
            Self::Credited { status, .. } => *status,
            Self::Busy(_) => 503,
        }
    }

    /// A stable word for logs, metrics and the document's `type`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Malformed(_) => "malformed-payment",
            Self::AmbiguousPath(_) => "ambiguous-path",
            Self::Unavailable(Unavailable::Sidecar) => "sidecar-unreachable",
            Self::Unavailable(Unavailable::NotReady { .. }) => "not-ready",
            Self::Unavailable(Unavailable::Misconfigured) => "misconfigured",
            Self::Unavailable(Unavailable::BadRoute(_)) => "bad-route-price",
            Self::Unavailable(Unavailable::UnknownOutcome) => "unknown-outcome",
            Self::TakenBack(_) => "taken-back",
            Self::Credited { .. } => "credited",
            Self::Busy(Busy::Queue) => "busy",
            Self::Busy(Busy::ExposureLimit) => "exposure-limit",
            Self::Busy(Busy::UnknownChannels) => "too-many-unknown-channels",
            Self::Busy(Busy::PriceService) => "price-unknown",
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Refused(_) => "Payment required",
            Self::Malformed(_) => "The payment cannot be read",
            Self::AmbiguousPath(_) => "The path is ambiguous",
            Self::Unavailable(_) | Self::TakenBack(_) => "Payments cannot be accepted now",
            Self::Credited { .. } => "The payment is kept as a credit",
            Self::Busy(Busy::ExposureLimit) => "The channel owes as much as the merchant lends",
            Self::Busy(Busy::PriceService) => "The price is not known",
            Self::Busy(Busy::Queue | Busy::UnknownChannels) => "Too many payments at once",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.detail().to_owned(),
            Self::Malformed(error) => error.to_string(),
            Self::AmbiguousPath(error) => error.to_string(),
            Self::Unavailable(Unavailable::Sidecar) => "The channel manager does not answer.".to_owned(),
            Self::Unavailable(Unavailable::NotReady { reason }) => reason.clone(),
            Self::Unavailable(Unavailable::Misconfigured) => "The paywall is misconfigured.".to_owned(),
            Self::Unavailable(Unavailable::BadRoute(error)) => error.to_string(),
            Self::Unavailable(Unavailable::UnknownOutcome) => {
                "The channel manager did not say whether it recorded the payment, so the payment is being taken back."
                    .to_owned()
            }
            Self::TakenBack(_) => {
                "The channel manager did not say in time whether it recorded the payment, so the payment was taken back."
                    .to_owned()
            }
            Self::Credited { .. } => {
                "The resource failed, and a later payment or a closing stands on its payment, which is kept as a credit."
                    .to_owned()
            }
            Self::Busy(Busy::ExposureLimit) => {
                "The merchant takes no more payments from this channel before it has withdrawn what was paid."
                    .to_owned()
            }
            Self::Busy(Busy::Queue) => "The queue of payments is full.".to_owned(),
            Self::Busy(Busy::PriceService) => "The merchant's price service does not answer now.".to_owned(),
            Self::Busy(Busy::UnknownChannels) => {
                "Too many payments from channels that were never seen here wait to be looked up.".to_owned()
            }
        }
    }

    fn next(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.next(),
            Self::Malformed(_) => "Mend the header that is named and send the request again.",
            Self::AmbiguousPath(_) => "Send the path in its plain form.",
            Self::Unavailable(Unavailable::UnknownOutcome) => "Send the same balance proof again later.",
            Self::TakenBack(_) => "Nothing was charged. Send the same balance proof again.",
            Self::Credited { .. } => {
                "Send the latest balance proof again: a resource of this price is served for it, once."
            }
            Self::Unavailable(_) | Self::Busy(_) => "Nothing was charged. Send the same request again later.",
        }
    }
}

/// All that a client has to know to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms<'a> {
    /// The price, the contract and the merchant.
    pub asked: Asked,
    /// The token that the contract was deployed for.
    pub token: Address,
    /// The path root of the channel API.
    pub gateway_path: &'a str,
}

impl Terms<'_> {
    /// The headers that say what is asked, for every 402 and every paid answer.
    pub fn headers(&self) -> [(&'static str, String); 5] {
        [
            (header::GATEWAY_PATH, self.gateway_path.to_owned()),
            (header::RECEIVER_ADDRESS, self.asked.receiver.to_string()),
            (header::CONTRACT_ADDRESS, self.asked.contract.to_string()),
            (header::TOKEN_ADDRESS, self.token.to_string()),
            (header::PRICE, self.asked.price.to_string()),
        ]
    }
}

impl Payment {
    /// The headers that a paid answer has beside the terms.
    pub fn headers(&self) -> [(&'static str, String); 3] {
        [
            (header::SENDER_ADDRESS, self.proof().channel.sender.to_string()),
            (header::SENDER_BALANCE, self.proof().balance.to_string()),
            (header::COST, self.charged().to_string()),
        ]
    }
}

impl Refusal {
    /// A stable word for logs, metrics and the problem document's `type`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoProof => "payment-required",
            Self::OtherParty => "other-party",
            Self::Unconfirmed { .. } => "insufficient-confirmations",
            Self::NoSuchChannel => "no-such-channel",
            Self::ChannelClosed => "channel-closed",
            Self::WrongSigner => "wrong-signer",
            Self::Replay(_) => "replay",
            Self::InvalidAmount(_) => "invalid-amount",
            Self::OverDeposit(_) => "over-deposit",
        }
    }

    /// The headers that this refusal has beside the terms.
    fn headers(&self) -> Vec<(&'static str, String)> {
        let flag = |name| Some((name, "1".to_owned()));
        let (held, error) = match self {
            Self::NoProof | Self::OtherParty => (None, None),
            Self::Unconfirmed { missing } => {
                (None, Some((header::INSUFFICIENT_CONFIRMATIONS, missing.to_string())))
            }
            Self::NoSuchChannel | Self::ChannelClosed => (None, flag(header::NONEXISTING_CHANNEL)),
            Self::WrongSigner => (None, flag(header::INVALID_BALANCE_PROOF)),
            Self::Replay(held) => (Some(held), None),
            Self::InvalidAmount(held) => (Some(held), flag(header::INVALID_AMOUNT)),
            Self::OverDeposit(held) => (Some(held), flag(header::INVALID_BALANCE_PROOF)),
        };
        let mut headers = held.map(Held::headers).unwrap_or_default();
        headers.extend(error);
        headers
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::NoProof => "This resource is paid for by a balance proof, and the request has none.",
            Self::OtherParty => "The payment is meant for another contract or receiver.",
            Self::Unconfirmed { .. } => "The channel is open, but not confirmed by enough blocks.",
            Self::NoSuchChannel => "There is no channel of this sender, receiver and open block.",
            Self::ChannelClosed => "The channel is closing or closed and takes no more payments.",
            Self::WrongSigner => "The balance proof is not signed by the sender it names.",
            Self::Replay(_) => "The balance is the one that was accepted last, so nothing is paid by it.",
            Self::InvalidAmount(_) => "The balance is not the accepted balance plus exactly the price.",
            Self::OverDeposit(_) => "The balance is above the channel's confirmed deposit.",
        }
    }

    fn next(&self) -> &'static str {
        match self {
            Self::NoProof => "Open a channel to the receiver and send a balance proof over the price.",
            Self::OtherParty => "Pay by a channel of the contract and receiver that are named here.",
            Self::Unconfirmed { .. } => "Wait for the missing confirmations and send the same request again.",
            Self::NoSuchChannel => {
                "Check the open block; right after opening, wait for a block and send the same request again."
            }
            Self::ChannelClosed => "Open a new channel.",
            Self::WrongSigner => "Sign the balance proof with the sender's key.",
            Self::Replay(_) => "Sign the balance that is named here plus the price.",
            Self::InvalidAmount(_) => {
                "Check that the signature that is named here is yours, then sign its balance plus the price."
            }
            Self::OverDeposit(_) => "Top up the channel and wait for the confirmation, or open another one.",
        }
    }
}

impl Held {
    fn headers(&self) -> Vec<(&'static str, String)> {
        let signature = self.signature().map(|signature| (header::BALANCE_SIGNATURE, signature.to_string()));
        [
            (header::SENDER_ADDRESS, self.sender().to_string()),
            (header::SENDER_BALANCE, self.balance().to_string()),
        ]
        .into_iter()
        .chain(signature)
        .collect()
    }
}

#[derive(Serialize)]
struct ProblemDocument {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    next: &'static str,
    #[serde(flatten)]
    facts: Map<String, Value>,
}

/// `RDN-Sender-Balance` is called `senderBalance` in a problem document.
fn fact_name(header: &str) -> String {
    let mut words = header.split('-').skip(1);
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    words.fold(first, |name, word| name + word)
}
