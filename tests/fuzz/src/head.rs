//! Heads of requests and responses, written as in HTTP/1.1.

/// Names in lower case and values, as Envoy gives them.
pub type Head = Vec<(String, Vec<u8>)>;

/// Reads `name: value` lines. A first line of two words and no colon is a method and a path, or the word `HTTP` and a
/// status. Whatever is no such line is left out, so that every input is a head.
pub fn head(data: &[u8]) -> Head {
    let mut lines = data.split(|&byte| byte == b'\n').peekable();
    let mut head = Head::new();
    let start = lines.next_if(|line| !line.contains(&b':')).and_then(|line| split(line, b' '));
    match start {
        Some((b"HTTP", status)) => head.push((":status".to_owned(), status.to_vec())),
        Some((method, path)) => {
            head.push((":method".to_owned(), method.to_vec()));
            head.push((":path".to_owned(), path.to_vec()));
        }
        None => {}
    }
    head.extend(lines.filter_map(|line| {
        let (name, value) = split(line, b':')?;
        Some((String::from_utf8_lossy(name).to_ascii_lowercase(), value.trim_ascii().to_vec()))
    }));
    head
}

fn split(line: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = line.iter().position(|&byte| byte == at)?;
    Some((&line[..position], &line[position + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let read = head(b"GET /a?b=c\nAccept: */*\nno header\nx-a:\xff");
        let own = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
        let expected =
            [own(":method", b"GET"), own(":path", b"/a?b=c"), own("accept", b"*/*"), own("x-a", b"\xff")];
        assert_eq!(read, expected);
        assert_eq!(head(b"HTTP 200"), [own(":status", b"200")]);
    }
}
