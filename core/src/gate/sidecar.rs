//! What is known of the sidecar: whether it answers, serves the same channels, and can serve now.

use core::fmt;
use core::time::Duration;

use super::Moment;
use crate::answer::Unavailable;
use crate::json;
use crate::wire::{
    Answer, BatchRequest, BatchResponse, ChannelKey, Entry, EntryTrace, Health, Identity, Ledger, VERSION,
    version_of,
};

/// How old the last good answer may be before priced routes close.
const TRUSTED_FOR: Duration = Duration::from_secs(3);

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub enum CallOutcome<'a> {
    /// The sidecar, or Envoy for it, answered.
    Response {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: &'a [u8],
    },
    /// There was an answer, but not all of it came.
    CutOff,
    /// Envoy could not send the call at all.
    NotSent,
}

impl CallOutcome<'_> {
    /// Whether the connection was refused or broke, so that a second try may find a better one. Envoy answers 503 for
    /// a connection that gave no answer, and 504 when the time is over.
    pub(super) fn is_connection_failure(self) -> bool {
        matches!(self, Self::CutOff | Self::Response { status: 503, .. })
    }
}

/// Something that an operator should read in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// One call to the sidecar failed.
    CallFailed {
        /// What came instead of an answer.
        why: String,
    },
    /// The sidecar stopped answering, or answers what cannot be read.
    Lost {
        /// What came instead.
        why: String,
    },
    /// The sidecar answers, but cannot serve.
    NotReady {
        /// Its own words.
        reason: String,
    },
    /// The sidecar can serve.
    Ready,
    /// The filter is configured for something else than the sidecar.
    Misconfigured {
        /// What the filter is configured for.
        filter: Identity,
        /// What the sidecar serves.
        sidecar: Identity,
    },
    /// The filter and the sidecar speak different versions of their messages.
    OtherVersion {
        /// The filter's.
        filter: u32,
        /// The sidecar's.
        sidecar: u32,
    },
    /// The sidecar answers from another ledger than before.
    NewLedger,
    /// An attempt id was used with two contents: two workers with the same randomness, or someone who invents ids.
    Conflict {
        /// The channel.
        channel: ChannelKey,
    },
    /// The merchant's price service gave no price.
    PriceUnknown {
        /// Its cluster.
        cluster: String,
        /// What came instead.
        why: String,
    },
    /// A payment whose fate is unknown could not be taken back in time.
    TakeBackGivenUp {
        /// The channel.
        channel: ChannelKey,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallFailed { why } => write!(f, "a call to the sidecar failed: {why}"),
            Self::Lost { why } => write!(f, "priced routes close: {why}"),
            Self::NotReady { reason } => write!(f, "priced routes close: the sidecar is not ready: {reason}"),
            Self::Ready => f.write_str("the sidecar is ready, priced routes are open"),
            Self::Misconfigured { filter, sidecar } => {
                write!(
                    f,
                    "priced routes close: the filter is configured for {filter:?}, the sidecar for {sidecar:?}"
                )
            }
            Self::OtherVersion { filter, sidecar } => write!(
                f,
                "priced routes close: the filter speaks version {filter} of the messages between filter and sidecar, the \
                 sidecar version {sidecar}: install both of one release"
            ),
            Self::NewLedger => f.write_str("the sidecar answers from another ledger than before"),
            Self::Conflict { channel } => {
                write!(f, "an attempt id was used twice with different contents, for {channel:?}")
            }
            Self::PriceUnknown { cluster, why } => write!(f, "no price from {cluster}: {why}"),
            Self::TakeBackGivenUp { channel } => {
                write!(f, "gave up taking back a payment of {channel:?} whose outcome is unknown")
            }
        }
    }
}

/// A call's outcome, read.
pub(super) enum Reading {
    /// No answer that can be used.
    Failed,
    /// One answer an entry.
    Answers { answers: Vec<Answer>, new_ledger: bool },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// Nothing was heard yet.
    Unheard,
    /// Nothing was heard for too long.
    Lost,
    Ready,
    NotReady {
        reason: String,
    },
    Misconfigured,
    OtherVersion {
        sidecar: u32,
    },
}

pub(super) struct Sidecar {
    identity: Identity,
    standing: Standing,
    heard: Option<Moment>,
    ledger: Option<Ledger>,
}

impl Sidecar {
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, standing: Standing::Unheard, heard: None, ledger: None }
    }

    pub(super) fn request(&self, entries: Vec<Entry>, traces: Vec<EntryTrace>, now: Moment) -> BatchRequest {
        let sent_at = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        BatchRequest { version: VERSION, identity: self.identity, sent_at, entries, traces }
    }

    /// Whether payments can be taken now.
    pub(super) fn available(&self, now: Moment) -> Result<(), Unavailable> {
        if matches!(self.standing, Standing::Misconfigured | Standing::OtherVersion { .. }) {
            return Err(Unavailable::Misconfigured);
        }
        let fresh = self.heard.is_some_and(|heard| now.saturating_sub(heard) <= TRUSTED_FOR);
        match &self.standing {
            Standing::Ready if fresh => Ok(()),
            Standing::NotReady { reason } if fresh => Err(Unavailable::NotReady { reason: reason.clone() }),
            Standing::Ready
            | Standing::NotReady { .. }
            | Standing::Unheard
            | Standing::Lost
            | Standing::Misconfigured
            | Standing::OtherVersion { .. } => Err(Unavailable::Sidecar),
        }
    }

    /// Why a good payment was refused.
    pub(super) fn why_not(&self) -> Unavailable {
        match &self.standing {
            Standing::NotReady { reason } => Unavailable::NotReady { reason: reason.clone() },
            Standing::Misconfigured | Standing::OtherVersion { .. } => Unavailable::Misconfigured,
            Standing::Ready | Standing::Unheard | Standing::Lost => Unavailable::Sidecar,
        }
    }

    /// Reads the outcome of a call of this many entries.
    pub(super) fn read(
        &mut self,
        outcome: CallOutcome<'_>,
        entries: usize,
        now: Moment,
    ) -> (Reading, Vec<Notice>) {
        let response = match readable(outcome) {
            Ok(response) if response.identity != self.identity => {
                let notice = Notice::Misconfigured { filter: self.identity, sidecar: response.identity };
                return (Reading::Failed, self.turn(Standing::Misconfigured, notice));
            }
            Ok(response) if response.answers.len() == entries => response,
            Ok(response) => {
                return self.failed(format!("{entries} questions, {} answers", response.answers.len()), now);
            }
            Err(Unreadable::OtherVersion(sidecar)) => {
                let notice = Notice::OtherVersion { filter: VERSION, sidecar };
                return (Reading::Failed, self.turn(Standing::OtherVersion { sidecar }, notice));
            }
            Err(Unreadable::Because(why)) => return self.failed(why, now),
        };
        self.heard = Some(now);
        let new_ledger = self.ledger.as_ref().is_some_and(|ledger| *ledger != response.ledger);
        self.ledger = Some(response.ledger);
        let mut notices = match response.health {
            Health::Ready => self.turn(Standing::Ready, Notice::Ready),
            Health::NotReady { reason } => {
                self.turn(Standing::NotReady { reason: reason.clone() }, Notice::NotReady { reason })
            }
        };
        if new_ledger {
            notices.push(Notice::NewLedger);
        }
        (Reading::Answers { answers: response.answers, new_ledger }, notices)
    }

    fn failed(&mut self, why: String, now: Moment) -> (Reading, Vec<Notice>) {
        let mut notices = vec![Notice::CallFailed { why: why.clone() }];
        if self.heard.is_none_or(|heard| now.saturating_sub(heard) > TRUSTED_FOR) {
            notices.extend(self.turn(Standing::Lost, Notice::Lost { why }));
        }
        (Reading::Failed, notices)
    }

    /// Says so once when the standing changes.
    fn turn(&mut self, standing: Standing, notice: Notice) -> Vec<Notice> {
        if self.standing == standing {
            return Vec::new();
        }
        self.standing = standing;
        vec![notice]
    }
}

/// Why an outcome is no answer.
enum Unreadable {
    /// It is one of another version, by this number.
    OtherVersion(u32),
    Because(String),
}

fn readable(outcome: CallOutcome<'_>) -> Result<BatchResponse, Unreadable> {
    let because = |why: &str| Err(Unreadable::Because(why.to_owned()));
    let (status, body) = match outcome {
        CallOutcome::Response { status, body } => (status, body),
        CallOutcome::CutOff => return because("the sidecar's answer was cut off"),
        CallOutcome::NotSent => {
            return because("Envoy could not call the sidecar: its cluster is missing, empty or full");
        }
    };
    let read = match status {
        200 | 409 => json::read::<BatchResponse>(body)
            .map_err(|error| format!("the sidecar's answer cannot be read: {error}")),
        _ => {
            let start = body.get(..200).unwrap_or(body);
            Err(format!("the sidecar answered {status}: {}", start.escape_ascii()))
        }
    };
    // With 400 it may be that the sidecar does not speak our version, and with 409 the identity says why. Nothing was
    // decided then.
    let version = match &read {
        Ok(response) => Some(response.version),
        Err(_) if matches!(status, 200 | 400 | 409) => version_of(body),
        Err(_) => None,
    };
    match version {
        Some(version) if version != VERSION => Err(Unreadable::OtherVersion(version)),
        Some(_) | None => read.map_err(Unreadable::Because),
    }
}
