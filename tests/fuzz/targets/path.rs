//! Paths: whatever a server makes of a path that is not refused, the paywall has priced it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use uraiden_core::path::Path;

fuzz_target!(|data: &[u8]| {
    let Ok(path) = Path::read(data) else { return };
    let readings: Vec<&str> = path.readings().collect();
    for reading in &readings {
        assert!(reading.starts_with('/') && !reading.contains("//") && !reading.contains('\\'), "{reading}");
        assert!(!reading.split('/').any(|segment| segment == "." || segment == ".."), "{reading}");
        assert!(!reading.bytes().any(|byte| byte.is_ascii_control()), "{reading}");
    }

    let bare = data.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    for query in [&b"?a=//..%2f"[..], b"#a", b"?;/"] {
        assert_eq!(Path::read(&[bare, query].concat()).as_ref(), Ok(&path));
    }
    // One that decodes once, one that decodes again, one that also resolves what it finds.
    let once = decoded(bare);
    let (literal, last) = (readings[0].as_bytes(), readings[readings.len() - 1].as_bytes());
    assert_eq!(once, literal);
    assert_eq!(decoded(&once), literal);
    assert_eq!(resolved(&once), literal);
    // One that cuts off what may be cut off, after decoding or, where nothing is hidden by encoding, before.
    assert_eq!(cut(&once), last);
    if once.iter().filter(|byte| b";?#".contains(byte)).count()
        == bare.iter().filter(|&&byte| byte == b';').count()
    {
        assert_eq!(decoded(&cut(bare)), last);
    }
    // Written out with everything encoded that may be, it is the same path.
    assert_eq!(Path::read(&encoded(literal)).as_ref(), Ok(&path));
});

/// Decodes as lenient servers do: what is no escape stands for itself.
fn decoded(path: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = tail.get(..2).filter(|_| byte == b'%').and_then(|digits| hex::decode(digits).ok());
        match escape {
            Some(value) => {
                bytes.extend(value);
                rest = &tail[2..];
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    bytes
}

/// Merges slashes and resolves dot segments.
fn resolved(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut inner = path.split(|byte| matches!(byte, b'/' | b'\\'));
    for segment in inner.clone() {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let folder = inner.next_back().is_some_and(<[u8]>::is_empty) && !segments.is_empty();
    [&b"/"[..], segments.join(&b'/').as_slice(), if folder { &b"/"[..] } else { b"" }].concat()
}

/// Cuts off parameters of segments, and what follows a `?` or `#` that was encoded.
fn cut(path: &[u8]) -> Vec<u8> {
    let path = path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let bare = path.split(|&byte| byte == b'/').map(|segment| segment.split(|&byte| byte == b';').next());
    bare.map(Option::unwrap_or_default).collect::<Vec<_>>().join(&b'/')
}

fn encoded(path: &[u8]) -> Vec<u8> {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.iter()
        .flat_map(|&byte| if kept(byte) { vec![byte] } else { format!("%{byte:02X}").into_bytes() })
        .collect()
}
