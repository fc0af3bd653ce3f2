//! The admission mark: by it a service can insist that the paywall ran, and for exactly this request.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::decide::Payment;
use crate::request::Request;
use crate::wire::AttemptId;

/// The secret that the paywall and the service share.
#[derive(Clone, PartialEq, Eq)]
pub struct MarkSecret(Box<[u8]>);

impl MarkSecret {
    /// The shortest secret, in bytes.
    pub const SHORTEST: usize = 32;

    /// A secret of at least [`MarkSecret::SHORTEST`] bytes.
    pub fn new(secret: &[u8]) -> Option<Self> {
        (secret.len() >= Self::SHORTEST).then(|| Self(secret.into()))
    }

    /// `v1;TIME;ATTEMPT;MAC`: the time in seconds since 1970, the id of the attempt to pay, and the HMAC-SHA256 in hex
    /// over these lines, each but the last ended by a line feed: `v1`, time, attempt, method, host and path of the
    /// request as they came, sender, amount. The service accepts a mark for 60 seconds.
    pub fn mark(&self, line: &RequestLine, payment: &Payment, attempt: AttemptId, seconds: u64) -> String {
        let RequestLine { method, host, target } = line;
        let (sender, amount) = (payment.proof().channel.sender, payment.price());
        let start = format!("v1\n{seconds}\n{attempt}\n");
        let end = format!("\n{sender}\n{amount}");
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        for part in [start.as_bytes(), method, b"\n", host, b"\n", target, end.as_bytes()] {
            mac.update(part);
        }
        format!("v1;{seconds};{attempt};{}", hex::encode(mac.finalize().into_bytes()))
    }
}

/// Without the secret.
impl core::fmt::Debug for MarkSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MarkSecret(…)")
    }
}

/// What of a request its mark covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    method: Vec<u8>,
    host: Vec<u8>,
    target: Vec<u8>,
}

impl RequestLine {
    /// Method, host and path with query, as they came.
    pub fn of(request: Request<'_>) -> Self {
        let host = request.first(":authority").unwrap_or_default();
        Self { method: request.method().into(), host: host.into(), target: request.target().into() }
    }
}
