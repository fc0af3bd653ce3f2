//! Where a request stands in a distributed trace, as the headers of W3C Trace Context say it.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::request::Request;

/// The longest `tracestate` that is passed on, in bytes. The recommendation asks for at least so many.
const MAX_STATE: usize = 512;

/// The header that names trace and span.
pub const TRACEPARENT: &str = "traceparent";

/// The header with what tracing systems keep beside it.
pub const TRACESTATE: &str = "tracestate";

/// A place in a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// The trace, and the span that is above.
    pub traceparent: TraceParent,
    /// What tracing systems keep beside it, as it came: at most 512 visible ASCII characters and spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// The place of a request, if its trace is recorded. Headers that cannot be read are no trace.
    pub fn sampled(request: Request<'_>) -> Option<Self> {
        let mut parents = request.values(TRACEPARENT);
        let traceparent: TraceParent = core::str::from_utf8(parents.next()?).ok()?.parse().ok()?;
        if parents.next().is_some() || !traceparent.is_sampled() {
            return None;
        }
        let states: Vec<&[u8]> = request.values(TRACESTATE).collect();
        let state = String::from_utf8(states.join(&b',')).ok();
        let fits = |state: &String| {
            (1..=MAX_STATE).contains(&state.len()) && state.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        Some(Self { traceparent, tracestate: state.filter(fits) })
    }
}

/// The header `traceparent`: the trace, the span above, and whether it is recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

impl TraceParent {
    /// The trace's id, never 0.
    pub fn trace(self) -> u128 {
        self.trace
    }

    /// The id of the span above, never 0.
    pub fn span(self) -> u64 {
        self.span
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }

    fn read(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let version = hex(fields.next()?, 2)?;
        let trace = hex(fields.next()?, 32)?;
        let span = u64::try_from(hex(fields.next()?, 16)?).ok()?;
        let flags = u8::try_from(hex(fields.next()?, 2)?).ok()?;
        // A later version may have more fields, and 255 is none.
        let complete = if version == 0 { fields.next().is_none() } else { version < 255 };
        (complete && trace != 0 && span != 0).then_some(Self { trace, span, flags })
    }
}

/// So many lower-case hex digits as a number.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (lower && text.len() == digits).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Version 00, which those who speak a later one read too.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        Self::read(text).ok_or(TraceParentError)
    }
}

crate::serde_as_text!(TraceParent);

/// A text is no [`TraceParent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParentError;

impl fmt::Display for TraceParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a traceparent, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    }
}

impl core::error::Error for TraceParentError {}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(headers: &[(&str, &str)]) -> Option<TraceContext> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        TraceContext::sampled(Request::new(&headers))
    }

    #[test]
    fn a_parent_is_read_and_written_as_it_was() {
        let text = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let parent: TraceParent = text.parse().unwrap();
        assert_eq!(
            (parent.span(), parent.is_sampled(), parent.to_string()),
            (0xf0_67aa_0ba9_02b7, true, text)
        );
        let later = format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-will-be-like");
        assert_eq!(later.parse(), Ok(parent));
    }

    #[test]
    fn what_is_no_parent_is_refused() {
        let zero = "0".repeat(32);
        for text in [
            String::new(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-"),
            format!("00-{TRACE}-00f067aa0ba902b7-1"),
            format!("00-{TRACE}-00f067aa0ba902B7-01"),
            format!("00-{TRACE}-+0f067aa0ba902b7-01"),
            format!("00-{zero}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!(" 00-{TRACE}-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(TraceParentError), "{text:?}");
        }
    }

    #[test]
    fn a_request_is_in_a_trace_if_it_says_so_once_and_the_trace_is_recorded() {
        let parent = |flags: &str| format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
        let (yes, no) = (parent("01"), parent("00"));
        assert!(of(&[("traceparent", &yes)]).is_some());
        assert_eq!(of(&[("traceparent", &no)]), None);
        assert_eq!(of(&[("traceparent", &yes), ("traceparent", &yes)]), None);
        assert_eq!(of(&[("tracestate", "a=1")]), None);
        let state = |values: &[&str]| {
            let mut headers = vec![("traceparent", yes.as_str())];
            headers.extend(values.iter().map(|value| ("tracestate", *value)));
            of(&headers).unwrap().tracestate
        };
        assert_eq!(state(&["a=1", "b=2"]).as_deref(), Some("a=1,b=2"));
        assert_eq!(state(&[""]), None);
        assert_eq!(state(&["a=\u{e9}"]), None);
        assert_eq!(state(&["a=\n"]), None);
        assert_eq!(state(&[&"a".repeat(512)]).map(|state| state.len()), Some(512));
        assert_eq!(state(&[&"a".repeat(513)]), None);
    }
}
