//! Rust source as rules see it: without comments and without what stands in quotes.

/// The code of a source file. Comments and the contents of string and character literals become spaces; every
/// line stays where it was.
pub(super) fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest, code.chars().next_back()));
        match skipped {
            Some(length) => {
                let (gone, left) = rest.split_at(length);
                code.extend(gone.chars().map(|sign| if sign == '\n' { '\n' } else { ' ' }));
                rest = left;
            }
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}

/// The numbers, from 1, of the lines on which `word` stands as a whole word.
pub(super) fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let found = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            let goes_on = word.ends_with(is_word) && after.is_some_and(is_word);
            !before.is_some_and(is_word) && !goes_on
        })
    };
    code.lines().enumerate().filter(|(_, line)| found(line)).map(|(index, _)| index + 1).collect()
}

pub(super) fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// The length of the comment that `text` begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let here = &text[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// The length of the string or character literal that `text` begins with; `before` is the sign in front of it.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    if text.starts_with('"') {
        return Some(quoted(text, '"'));
    }
    if text.starts_with('r') && !before.is_some_and(|sign| is_word(sign) && sign != 'b' && sign != 'c') {
        let hashes = text[1..].chars().take_while(|sign| *sign == '#').count();
        let opening = 1 + hashes;
        if text[opening..].starts_with('"') {
            let closing = format!("\"{}", "#".repeat(hashes));
            let inside = &text[opening + 1..];
            return Some(inside.find(&closing).map_or(text.len(), |end| opening + 1 + end + closing.len()));
        }
    }
    // A character, and not a lifetime: 'x' or an escape.
    let mut signs = text.strip_prefix('\'')?.chars();
    let (first, second) = (signs.next()?, signs.next());
    (first == '\\' || second == Some('\'')).then(|| quoted(text, '\''))
}

/// The length of a literal in quotes in which a backslash escapes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            sign if sign == quote => return at + sign.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_quoted_text_are_no_code() {
        for (source, expected) in [
            ("a // unsafe\nb", "a b"),
            ("a /* x /* unsafe */ y */ b", "a b"),
            (r#"a "un\"safe" b"#, "a b"),
            ("a r#\"un\"safe\"# b", "a b"),
            (r#"a "https://x" b"#, "a b"),
            ("a 'u' b", "a b"),
            (r"a '\'' b", "a b"),
            ("a \"one\ntwo\" b", "a b"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("for r in rows", "for r in rows"),
            ("a \"never closed", "a"),
        ] {
            let words = code(source).split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words, expected, "{source}");
            assert_eq!(code(source).matches('\n').count(), source.matches('\n').count(), "{source}");
        }
    }

    #[test]
    fn a_word_is_found_whole() {
        let code = "rand\noperand\nrand::x\nrandom\nx = rand;\ndbg!(x)";
        assert_eq!(lines_with(code, "rand"), [1, 3, 5]);
        assert_eq!(lines_with(code, "dbg!("), [6]);
    }
}
