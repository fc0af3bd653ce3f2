//! In which form a client wants to be told that it has to pay.

use crate::request::Request;

/// How an answer of ours is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A problem document, for programs.
    Document,
    /// A page, for a person at a browser. Its facts go out as cookies too, which the page's scripts read.
    Page {
        /// Whether the browser came by https, so that the cookies must not go out otherwise.
        secure: bool,
        /// Whether the page can pay for the request, by cookies and a reload: a form that was sent cannot be reloaded.
        payable: bool,
    },
    /// A gRPC status, for a gRPC client: it would take a 402 for a broken connection.
    Grpc,
}

impl Form {
    /// The form that a request asks for. `pages` is whether the operator wants pages at all.
    pub fn of(request: Request<'_>, pages: bool) -> Self {
        let grpc = request.first("content-type").is_some_and(|value| {
            let rest = value.strip_prefix(b"application/grpc");
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
        });
        if grpc {
            Self::Grpc
        } else if pages && prefers_html(request) {
            let https = |name| request.first(name) == Some(b"https");
            Self::Page {
                secure: https(":scheme") || https("x-forwarded-proto"),
                payable: matches!(request.method(), b"GET" | b"HEAD"),
            }
        } else {
            Self::Document
        }
    }
}

/// Whether `Accept` names HTML, and neither JSON nor "anything" before it. A program that says `*/*`, or nothing,
/// gets a document.
fn prefers_html(request: Request<'_>) -> bool {
    let (mut html, mut other) = (0, 0);
    for item in request.values("accept").flat_map(|value| value.split(|&byte| byte == b',')) {
        let text = String::from_utf8_lossy(item).to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        match media {
            "text/html" => html = html.max(quality),
            "*/*" | "application/json" | "application/problem+json" => other = other.max(quality),
            _ => {}
        }
    }
    html > 0 && html >= other
}

/// A quality of 0 to 1 with at most three decimals, in thousandths; 0 where it is no such number.
fn thousandths(text: &str) -> u16 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let number = format!("{whole}{decimals:0<3}").parse().ok();
    number.filter(|&number| digits && whole.len() == 1 && number <= 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(headers: &[(&str, &str)]) -> Form {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Form::of(Request::new(&headers), true)
    }

    #[test]
    fn a_browser_gets_a_page_and_a_program_a_document() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html", true),
            ("TEXT/HTML; charset=utf-8", true),
            ("text/html, */*", true),
            ("*/*", false),
            ("", false),
            ("application/json", false),
            ("application/json, text/html;q=0.9", false),
            ("text/html;q=0.5, */*;q=0.8", false),
            ("text/html;q=0", false),
            ("text/html;q=2", false),
            ("text/html;q=-1", false),
            ("text/html;q=0.0001", false),
            ("text/htmlx", false),
            ("application/json, text/javascript, */*; q=0.01", false),
        ] {
            let expected = if page { Form::Page { secure: false, payable: false } } else { Form::Document };
            assert_eq!(form(&[("accept", accept)]), expected, "{accept}");
        }
        assert_eq!(form(&[]), Form::Document);
    }

    #[test]
    fn cookies_of_a_page_by_https_are_secure() {
        for name in [":scheme", "x-forwarded-proto"] {
            let expected = Form::Page { secure: true, payable: false };
            assert_eq!(form(&[("accept", "text/html"), (name, "https")]), expected);
        }
    }

    #[test]
    fn a_page_pays_for_what_can_be_loaded_again() {
        for (method, payable) in [("GET", true), ("HEAD", true), ("POST", false), ("get", false)] {
            let form = form(&[(":method", method), ("accept", "text/html")]);
            assert_eq!(form, Form::Page { secure: false, payable }, "{method}");
        }
    }

    #[test]
    fn grpc_is_known_by_its_content_type() {
        for (content_type, grpc) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;x", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            let form = form(&[("content-type", content_type)]);
            assert_eq!(form == Form::Grpc, grpc, "{content_type}");
        }
    }

    #[test]
    fn an_operator_may_want_no_pages() {
        let headers = [("accept".to_owned(), b"text/html".to_vec())];
        assert_eq!(Form::of(Request::new(&headers), false), Form::Document);
    }
}
