//! The page that a person at a browser sees instead of a problem document.

use core::fmt::Write;

/// What a page says.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    pub(crate) detail: &'a str,
    pub(crate) next: &'a str,
    /// Names and values, in the order to show them.
    pub(crate) facts: &'a [(&'static str, String)],
}

impl Page<'_> {
    /// A whole HTML document without scripts, styles or anything to load.
    pub(crate) fn html(&self) -> String {
        let mut html = String::from("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
        html.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
        let (title, detail, next) = (escape(self.title), escape(self.detail), escape(self.next));
        // Writing to a string cannot fail.
        let _ =
            write!(html, "<title>{title}</title>\n<h1>{title}</h1>\n<p>{detail}</p>\n<p>{next}</p>\n<dl>\n");
        for (name, value) in self.facts {
            let _ = writeln!(html, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
        }
        html.push_str("</dl>\n</html>\n");
        html
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_page_is_taken_for_markup() {
        let facts = [("RDN-Price", "<script>\"&".to_owned())];
        let page = Page { title: "a<b", detail: "x>y", next: "&", facts: &facts }.html();
        assert!(page.contains("<h1>a&lt;b</h1>\n<p>x&gt;y</p>\n<p>&amp;</p>"), "{page}");
        assert!(page.contains("<dt>RDN-Price</dt><dd>&lt;script&gt;&quot;&amp;</dd>"), "{page}");
    }
}
