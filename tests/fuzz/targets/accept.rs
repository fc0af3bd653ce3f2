//! `Accept` and `Content-Type`: who gets a page, a document or a gRPC status.
#![no_main]

use libfuzzer_sys::fuzz_target;
use uraiden_core::form::Form;
use uraiden_core::request::Request;
use uraiden_fuzz::{Head, head};

fuzz_target!(|data: &[u8]| {
    let head = head(data);
    let of = |head: &Head| Form::of(Request::new(head), true);
    let form = of(&head);
    let accept = |text: &str| [head.clone(), vec![("accept".to_owned(), text.into())]].concat();

    assert!(!matches!(Form::of(Request::new(&head), false), Form::Page { .. }), "nobody wants pages");
    let shouted: Head = head
        .iter()
        .map(|(name, value)| {
            let upper = if name == "accept" { value.to_ascii_uppercase() } else { value.clone() };
            (name.clone(), upper)
        })
        .collect();
    assert_eq!(of(&shouted), form, "letter case means nothing");
    let html = head
        .iter()
        .filter(|(name, _)| name == "accept")
        .any(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase().contains("text/html"));
    let grpc = head.iter().find(|(name, _)| name == "content-type");
    let grpc = grpc.is_some_and(|(_, value)| value.starts_with(b"application/grpc"));
    match form {
        Form::Grpc => assert!(grpc),
        Form::Page { .. } => {
            assert!(html, "a page that nobody asked for");
            assert_eq!(of(&accept("text/plain")), form);
            assert_eq!(of(&accept("*/*;q=0.0")), form);
        }
        Form::Document => {
            assert_eq!(of(&accept("application/json")), form);
            assert_eq!(of(&accept("text/html;q=0")), form);
        }
    }
    if form != Form::Grpc {
        assert!(matches!(of(&accept("text/html")), Form::Page { .. }), "nothing is better than the best");
    }
});
