//! The page that a person at a browser sees instead of a problem document.
//!
//! Without scripts it is plain text. The sidecar's script and style sheet, which it loads, turn it into a page that pays.

use core::fmt::Write;

use serde::Serialize;

/// Nothing but what this host serves, nothing inline, and in nobody's frame.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How the operator wants pages to look. What is `None` is left to the page. Texts are plain, never markup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Look {
    /// What stands above the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What stands below the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// An image's path on this host, or a `data:` URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// The colour of buttons, as `#rrggbb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent: Option<String>,
}

/// What all pages of a paywall have in common.
#[derive(Clone, Copy, Debug)]
pub struct PageSettings<'a> {
    /// The path prefix of the page's script and style sheet, decoded, with a slash at its end.
    pub assets_path: &'a str,
    /// The chain that payments are on.
    pub chain_id: u64,
    /// How it looks.
    pub look: &'a Look,
}

/// What one page says.
pub(crate) struct Page<'a> {
    pub(crate) settings: PageSettings<'a>,
    /// Whether a payment is all that is missing, and the page can make it.
    pub(crate) payable: bool,
    pub(crate) title: &'a str,
    pub(crate) detail: &'a str,
    pub(crate) next: &'a str,
    /// Names and values, in the order to show them.
    pub(crate) facts: &'a [(&'static str, String)],
    /// The problem document, for the page's script.
    pub(crate) problem: &'a str,
}

/// The attribute `data-page`, for the page's script.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    chain_id: u64,
    payable: bool,
    #[serde(flatten)]
    look: &'a Look,
}

impl Page<'_> {
    /// A whole HTML document.
    pub(crate) fn html(&self) -> String {
        let PageSettings { assets_path, chain_id, look } = self.settings;
        let assets = escape(&assets_path.replace('%', "%25"));
        let title = escape(look.title.as_deref().unwrap_or(self.title));
        // A struct of texts and numbers always has a JSON form.
        let data = serde_json::to_string(&Data { chain_id, payable: self.payable, look }).unwrap_or_default();
        let mut html = format!(
            "<!doctype html>\n\
             <html lang=\"en\">\n\
             <head>\n\
             <meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"robots\" content=\"noindex\">\n\
             <title>{title}</title>\n\
             <link rel=\"icon\" href=\"data:,\">\n\
             <link rel=\"stylesheet\" href=\"{assets}paywall.css\">\n\
             <script type=\"module\" src=\"{assets}paywall.js\"></script>\n\
             </head>\n\
             <body>\n\
             <main id=\"uraiden\" data-problem=\"{problem}\" data-page=\"{data}\">\n\
             <h1>{title}</h1>\n",
            problem = escape(self.problem),
            data = escape(&data),
        );
        let said = look.text.iter().map(String::as_str).chain([self.detail, self.next]);
        // Writing to a string cannot fail.
        for paragraph in said {
            let _ = writeln!(html, "<p>{}</p>", escape(paragraph));
        }
        if self.payable {
            html.push_str(
                "<noscript><p>To pay here by a wallet, allow this page to run its script.</p></noscript>\n",
            );
        }
        html.push_str("<dl>\n");
        for (name, value) in self.facts {
            let _ = writeln!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
        }
        html.push_str("</dl>\n</main>\n</body>\n</html>\n");
        html
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(assets_path: &str, look: &Look) -> String {
        let settings = PageSettings { assets_path, chain_id: 61, look };
        let facts = [("RDN-Price", "<script>\"&".to_owned())];
        let (title, detail, next, problem) = ("a<b", "x>y", "&", r#"{"title":"a<b"}"#);
        Page { settings, payable: true, title, detail, next, facts: &facts, problem }.html()
    }

    #[test]
    fn nothing_in_a_page_is_taken_for_markup() {
        let look =
            Look { text: Some("</main>".to_owned()), logo: Some("/a\"b".to_owned()), ..Look::default() };
        let page = page("/j\"s/", &look);
        for part in [
            "<h1>a&lt;b</h1>\n<p>&lt;/main&gt;</p>\n<p>x&gt;y</p>\n<p>&amp;</p>",
            "<dt>RDN-Price</dt><dd>&lt;script&gt;&quot;&amp;</dd>",
            r#"data-problem="{&quot;title&quot;:&quot;a&lt;b&quot;}""#,
            r#"&quot;logo&quot;:&quot;/a\&quot;b&quot;"#,
            r#"href="/j&quot;s/paywall.css""#,
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert_eq!(page.matches("<script").count(), 1, "only the page's own: {page}");
    }

    #[test]
    fn the_operator_says_what_the_page_is_called() {
        let look = Look { title: Some("The Daily".to_owned()), ..Look::default() };
        let page = page("/50%/", &look);
        assert!(page.contains("<title>The Daily</title>") && page.contains("<h1>The Daily</h1>"), "{page}");
        assert!(page.contains(r#"src="/50%25/paywall.js""#), "{page}");
        assert!(
            page.contains(
                "data-page=\"{&quot;chainId&quot;:61,&quot;payable&quot;:true,&quot;title&quot;:&quot;The Daily&quot;}\""
            ),
            "{page}"
        );
    }
}
