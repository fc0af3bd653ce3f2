//! The gate between Envoy and the sidecar, without either: events in, steps out.

#[path = "../common/mod.rs"]
mod common;
mod counting;
mod overlap;
mod scene;
mod shadow;
mod traces;
mod undo;

use std::time::Duration;

use common::{OPEN_BLOCK, amount, contract, receiver, sender, sign};
use scene::{
    OnRoute, Scene, config, identity, ledger, only, open, replied, response, token, value, with_pseudo,
};
use uraiden_core::answer::GrpcStatus;
use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::gate::{Admission, CallOutcome, Gate, Notice, Step};
use uraiden_core::mark::MarkSecret;
use uraiden_core::request::Request;
use uraiden_core::wire::{Answer, BatchResponse, Entry, Health, Identity, Ledger, VERSION};

#[test]
fn a_free_request_goes_upstream_without_a_call() {
    let mut scene = Scene::ready();
    assert_eq!(scene.get(1, "/free", &[]), Step::Forward(Admission::default()));
    assert!(!scene.has_work());
    assert!(!scene.gate.watches(1));
}

#[test]
fn an_unpaid_request_is_told_the_terms_without_a_call() {
    let mut scene = Scene::ready();
    let (status, code, headers) = replied(scene.get(1, "/paid", &[]));
    assert_eq!((status, code.as_str()), (402, "payment-required"));
    assert_eq!(value(&headers, "RDN-Price"), "10");
    assert_eq!(value(&headers, "RDN-Receiver-Address"), receiver().to_string());
    assert_eq!(value(&headers, "RDN-Contract-Address"), contract().to_string());
    assert_eq!(value(&headers, "RDN-Token-Address"), token().to_string());
    assert_eq!(value(&headers, "RDN-Gateway-Path"), "/api/1");
    assert_eq!(value(&headers, "cache-control"), "no-store");
    assert!(!scene.has_work());
}

#[test]
fn a_first_payment_is_looked_up_then_committed_then_served() {
    let mut scene = Scene::ready();
    assert_eq!(scene.pay(1, 10), Step::Hold);
    let [Entry::Lookup(channel)] = scene.call()[..] else { panic!() };
    assert_eq!((channel.sender, channel.open_block), (sender(), OPEN_BLOCK));
    assert_eq!(scene.answer(vec![Answer::Channel { channel: open(0) }]), []);

    let [Entry::Commit(attempt)] = scene.call()[..] else { panic!() };
    assert_eq!((attempt.balance, attempt.price), (amount(10), amount(10)));
    let steps = scene.answer(vec![Answer::Accepted { channel: open(10) }]);
    let [(1, Step::Forward(Admission { headers, payment: Some(_), announcement: Some(_) }))] = &steps[..]
    else {
        panic!("{steps:?}")
    };
    assert_eq!(value(headers, "x-uraiden-sender"), sender().to_string());
    assert_eq!(value(headers, "x-uraiden-amount"), "10");
    assert_eq!(value(headers, "x-uraiden-payment"), "durable");

    let headers = scene.released(1, 200);
    assert_eq!(value(&headers, "RDN-Sender-Balance"), "10");
    assert_eq!(value(&headers, "RDN-Cost"), "10");
    assert_eq!(value(&headers, "RDN-Price"), "10");
    assert_eq!(value(&headers, "cache-control"), "private");
}

#[test]
fn a_known_channel_pays_in_one_call() {
    let mut scene = Scene::with_channel(10);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    assert!(matches!(scene.call()[..], [Entry::Commit(_)]));
}

#[test]
fn what_may_be_stale_is_asked_again_before_it_is_refused() {
    let mut scene = Scene::with_channel(10);
    // Another worker took a payment meanwhile: this balance is right, and memory is not.
    assert_eq!(scene.pay(2, 30), Step::Hold);
    assert!(matches!(scene.call()[..], [Entry::Lookup(_)]));
    assert_eq!(scene.answer(vec![Answer::Channel { channel: open(20) }]), []);
    assert!(matches!(scene.call()[..], [Entry::Commit(_)]));
}

#[test]
fn a_replay_is_a_plain_402_with_what_we_hold() {
    let mut scene = Scene::with_channel(10);
    assert_eq!(scene.pay(2, 10), Step::Hold);
    scene.call();
    let steps = scene.answer(vec![Answer::Channel { channel: open(10) }]);
    let (status, code, headers) = replied(only(steps, 2));
    assert_eq!((status, code.as_str()), (402, "replay"));
    assert_eq!(value(&headers, "RDN-Sender-Balance"), "10");
    assert_eq!(value(&headers, "RDN-Balance-Signature"), sign(amount(10)).to_string());
    for error in ["RDN-Invalid-Amount", "RDN-Invalid-Balance-Proof", "RDN-Nonexisting-Channel"] {
        assert!(headers.iter().all(|(name, _)| *name != error), "{error}");
    }
}

#[test]
fn a_commit_that_lost_a_race_is_judged_by_the_fresh_state() {
    let mut scene = Scene::with_channel(10);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    scene.call();
    let steps = scene.answer(vec![Answer::Refused { channel: open(20) }]);
    assert_eq!(replied(only(steps, 2)).1, "replay");
}

#[test]
fn questions_gather_while_a_call_is_under_way() {
    let mut scene = Scene::with_channel(10);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    assert_eq!(scene.call().len(), 1);
    for stream in 3..8 {
        assert_eq!(scene.pay(stream, 30), Step::Hold);
        assert_eq!(scene.gate.next_call(scene.now), None, "one call at a time");
    }
    scene.answer(vec![Answer::Accepted { channel: open(20) }]);
    assert_eq!(scene.call().len(), 5);
}

#[test]
fn a_queue_that_is_full_refuses() {
    let mut scene = Scene::with_channel(10);
    let held = (2..10_000).take_while(|&stream| scene.pay(stream, 30) == Step::Hold).count();
    assert_eq!(held, 4096);
    let (status, code, headers) = replied(scene.pay(9999, 30));
    assert_eq!((status, code.as_str(), value(&headers, "retry-after").as_str()), (503, "busy", "1"));
    assert_eq!(scene.call().len(), 1024, "the most that one call may have");
}

#[test]
fn a_channel_at_its_exposure_limit_is_told_to_wait_by_a_fresh_state_only() {
    let ChannelState::Open(channel) = open(10) else { panic!() };
    let full = ChannelState::Open(OpenChannel { ceiling: Some(amount(15)), ..channel });
    let mut scene = Scene::with_channel(10);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    scene.call();
    let (status, code, headers) = replied(only(scene.answer(vec![Answer::Refused { channel: full }]), 2));
    assert_eq!((status, code.as_str()), (503, "exposure-limit"));
    assert_eq!(value(&headers, "retry-after"), "60");

    assert_eq!(scene.pay(3, 20), Step::Hold, "something may have been withdrawn since");
    assert!(matches!(scene.call()[..], [Entry::Lookup(_)]));
    let steps = scene.answer(vec![Answer::Channel { channel: full }]);
    assert_eq!(replied(only(steps, 3)).1, "exposure-limit");
}

#[test]
fn questions_about_unknown_channels_have_a_bound_of_their_own() {
    let mut scene = Scene::with_channel(10);
    let unknown = |scene: &mut Scene, block: u32| {
        let (sender, block_text) = (sender().to_string(), block.to_string());
        let signature = sign(amount(10)).to_string();
        let headers = [
            ("rdn-sender-address", sender.as_str()),
            ("rdn-open-block", &block_text),
            ("rdn-balance", "10"),
            ("rdn-balance-signature", &signature),
        ];
        scene.get(block, "/paid", &headers)
    };
    let held = (100..200).take_while(|&stream| unknown(&mut scene, stream) == Step::Hold).count();
    assert_eq!(held, 64);
    let (status, code, _) = replied(unknown(&mut scene, 300));
    assert_eq!((status, code.as_str()), (503, "too-many-unknown-channels"));
    // Whoever is known pays meanwhile.
    assert_eq!(scene.pay(2, 20), Step::Hold);
    assert!(scene.call().iter().any(|entry| matches!(entry, Entry::Commit(_))));
}

#[test]
fn a_client_that_left_before_its_question_was_sent_asks_nothing() {
    let mut scene = Scene::with_channel(10);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    scene.gate.gone(2);
    assert!(!scene.has_work());
}

#[test]
fn a_client_error_of_the_upstream_is_charged() {
    for status in [200, 206, 304, 404, 499] {
        let mut scene = Scene::served(20);
        assert_eq!(value(&scene.released(2, status), "RDN-Sender-Balance"), "20", "{status}");
        assert!(!scene.has_work());
    }
}

#[test]
fn priced_routes_are_closed_until_the_sidecar_was_heard_and_when_it_falls_silent() {
    let mut scene = Scene::new();
    assert_eq!(replied(scene.get(1, "/paid", &[])).1, "sidecar-unreachable");
    assert_eq!(scene.get(2, "/free", &[]), Step::Forward(Admission::default()));

    scene.hear(Health::Ready);
    assert_eq!(replied(scene.get(3, "/paid", &[])).0, 402);
    scene.now += Duration::from_secs(3);
    assert_eq!(replied(scene.get(4, "/paid", &[])).0, 402);
    scene.now += Duration::from_millis(1);
    assert_eq!(replied(scene.get(5, "/paid", &[])).0, 502);
    assert_eq!(scene.get(6, "/free", &[]), Step::Forward(Admission::default()));
}

#[test]
fn a_sidecar_that_is_not_ready_says_why() {
    let mut scene = Scene::ready();
    scene.hear(Health::NotReady { reason: "Ethereum node is not responding".to_owned() });
    let Step::Reply(reply) = scene.get(1, "/paid", &[]) else { panic!() };
    assert_eq!((reply.status, reply.code), (502, "not-ready"));
    assert!(reply.body.contains("Ethereum node is not responding"), "{}", reply.body);
}

#[test]
fn a_sidecar_of_another_contract_closes_priced_routes() {
    let mut scene = Scene::ready();
    scene.gate.tick(scene.now);
    let theirs = Identity { chain_id: 1, ..identity() };
    let response = BatchResponse { identity: theirs, ..response(Health::Ready, vec![]) };
    let body = serde_json::to_vec(&response).unwrap();
    let (_, notices) = scene.gate.answered(CallOutcome::Response { status: 409, body: &body }, scene.now);
    assert_eq!(notices, [Notice::Misconfigured { filter: identity(), sidecar: theirs }]);
    assert_eq!(replied(scene.get(1, "/paid", &[])).1, "misconfigured");
}

#[test]
fn a_sidecar_that_speaks_another_version_closes_priced_routes_until_it_speaks_ours() {
    let ours = serde_json::to_string(&response(Health::Ready, vec![])).unwrap();
    let later = ours.replace(&format!("\"version\":{VERSION}"), "\"version\":9");
    for (status, body) in
        [(200, later.as_str()), (200, "{\"version\":9,\"shape\":1}"), (400, "{\"version\":9,\"error\":\"\"}")]
    {
        let mut scene = Scene::ready();
        scene.gate.tick(scene.now);
        let outcome = CallOutcome::Response { status, body: body.as_bytes() };
        let (_, notices) = scene.gate.answered(outcome, scene.now);
        assert_eq!(notices, [Notice::OtherVersion { filter: VERSION, sidecar: 9 }], "{body}");
        let line = notices[0].to_string();
        assert!(line.contains(&format!("version {VERSION}")) && line.contains("version 9"), "{line}");
        assert_eq!(replied(scene.get(1, "/paid", &[])).1, "misconfigured");
        assert_eq!(scene.get(2, "/free", &[]), Step::Forward(Admission::default()));

        // It is said once, and a sidecar of our version opens the routes again.
        scene.gate.tick(scene.now);
        assert_eq!(scene.gate.answered(outcome, scene.now).1, []);
        scene.hear(Health::Ready);
        assert_eq!(replied(scene.get(3, "/paid", &[])).1, "payment-required");
    }
}

#[test]
fn fields_that_a_later_sidecar_adds_are_ignored() {
    let mut answer = serde_json::to_value(response(Health::Ready, vec![])).unwrap();
    for place in ["", "/identity", "/ledger", "/health"] {
        answer.pointer_mut(place).unwrap()["later"] = serde_json::json!({ "more": [1] });
    }
    let mut scene = Scene::ready();
    scene.gate.tick(scene.now);
    let body = answer.to_string();
    let outcome = CallOutcome::Response { status: 200, body: body.as_bytes() };
    assert_eq!(scene.gate.answered(outcome, scene.now).1, []);
    assert_eq!(replied(scene.get(1, "/paid", &[])).1, "payment-required");
}

#[test]
fn another_ledger_forgets_what_was_remembered() {
    let mut scene = Scene::with_channel(10);
    scene.gate.tick(scene.now);
    let ledger = Ledger { generation: 2, ..ledger() };
    let body = serde_json::to_vec(&BatchResponse { ledger, ..response(Health::Ready, vec![]) }).unwrap();
    let (_, notices) = scene.gate.answered(CallOutcome::Response { status: 200, body: &body }, scene.now);
    assert_eq!(notices, [Notice::NewLedger]);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    assert!(matches!(scene.call()[..], [Entry::Lookup(_)]));
}

#[test]
fn the_sidecars_own_paths_pass_on_its_own_cluster_only() {
    let mut scene = Scene::ready();
    for (path, cluster, passes) in [
        ("/api/1/stats", "uraiden-public", true),
        ("/js/main.js", "uraiden-public", true),
        ("/api/1/stats", "app", false),
        ("/paid", "uraiden-public", false),
    ] {
        let headers = with_pseudo("GET", path, &[]);
        let step = scene.gate.request(1, Request::new(&headers), &OnRoute::to(cluster), scene.now);
        assert_eq!(step == Step::Pass, passes, "{path} on {cluster}: {step:?}");
    }
}

#[test]
fn a_preflight_is_never_charged_and_other_options_are() {
    let mut scene = Scene::ready();
    let preflight: &[(&str, &str)] = &[("origin", "https://a"), ("access-control-request-method", "GET")];
    for (method, headers, free) in
        [("OPTIONS", preflight, true), ("OPTIONS", &preflight[..1], false), ("GET", preflight, false)]
    {
        let step = scene.request(1, method, "/paid", headers);
        assert_eq!(step == Step::Forward(Admission::default()), free, "{method} {headers:?}");
    }
}

#[test]
fn a_payment_that_cannot_be_read_is_409_and_a_path_that_cannot_is_400() {
    let mut scene = Scene::ready();
    assert_eq!(replied(scene.get(1, "/paid", &[("rdn-payment", "-1")])).0, 409);
    assert_eq!(replied(scene.get(2, "//paid", &[])).0, 400);
}

#[test]
fn the_price_on_a_route_comes_before_the_rules_and_a_bad_one_closes_it() {
    // One pair: the key has 5 bytes, the value has 1.
    let price = |text: &str| [&b"\x01\0\0\0\x05\0\0\0\x01\0\0\0price\0"[..], text.as_bytes(), b"\0"].concat();
    let mut scene = Scene::ready();
    for (target, text, outcome) in [
        ("/free", "7", Ok("7")),
        ("/paid", "7", Ok("7")),
        ("//x", "7", Ok("7")), // no spelling of a path changes the price on a route
        ("/free", "x", Err((502, "bad-route-price"))),
    ] {
        let route = OnRoute { metadata: Some(price(text)), ..OnRoute::to("app") };
        let headers = with_pseudo("GET", target, &[]);
        let (status, code, headers) =
            replied(scene.gate.request(1, Request::new(&headers), &route, scene.now));
        match outcome {
            Ok(price) => assert_eq!(value(&headers, "RDN-Price"), price, "{target}"),
            Err(refused) => assert_eq!((status, code.as_str()), refused),
        }
    }
    let free = OnRoute { metadata: Some(price("0")), ..OnRoute::to("app") };
    let headers = with_pseudo("GET", "/paid", &[]);
    assert_eq!(
        scene.gate.request(1, Request::new(&headers), &free, scene.now),
        Step::Forward(Admission::default())
    );
}

#[test]
fn a_mark_is_for_one_request_and_one_payment() {
    // Computed with the hmac module of Python and the address with eth_account.
    let mut marked = config();
    marked.mark = MarkSecret::new(b"0123456789abcdef0123456789abcdef");
    let mut scene = Scene { gate: Gate::new(marked, 0xfeed), ..Scene::new() };
    scene.hear(Health::Ready);
    assert_eq!(scene.pay(1, 10), Step::Hold);
    scene.call();
    scene.answer(vec![Answer::Channel { channel: open(0) }]);
    scene.call();
    let Step::Forward(admission) = only(scene.answer(vec![Answer::Accepted { channel: open(10) }]), 1) else {
        panic!()
    };
    assert_eq!(
        value(&admission.headers, "x-uraiden-mark"),
        "v1;1000000;000000000000feed0000000000000001;7ca7972dd547b1610d04c1ac9d2b6ca65ba264bdb91714fa2669f50771f45162"
    );
}

#[test]
fn a_browser_gets_a_page_with_the_facts_as_cookies() {
    let mut scene = Scene::ready();
    let Step::Reply(reply) = scene.get(1, "/paid", &[("accept", "text/html,*/*;q=0.8")]) else { panic!() };
    assert_eq!(
        (reply.status, value(&reply.headers, "content-type").as_str()),
        (402, "text/html; charset=utf-8")
    );
    assert!(reply.body.contains("<dt>RDN-Price</dt><dd>10</dd>"), "{}", reply.body);
    assert!(reply.body.contains("<script type=\"module\" src=\"/js/paywall.js\">"), "{}", reply.body);
    let Step::Reply(document) = scene.get(2, "/paid", &[]) else { panic!() };
    let problem = document.body.replace('"', "&quot;");
    assert!(
        reply.body.contains(&format!("data-problem=\"{problem}\"")),
        "{problem} is not in {}",
        reply.body
    );
    let facts = reply.headers.iter().filter(|(name, _)| name.starts_with("RDN-")).count();
    let cookies: Vec<_> = reply.headers.iter().filter(|(name, _)| *name == "set-cookie").collect();
    assert_eq!(cookies.len(), facts);
    assert!(cookies.iter().any(|(_, cookie)| cookie == "RDN-Price=10; Path=/; SameSite=Lax"), "{cookies:?}");
}

#[test]
fn a_program_never_gets_cookies() {
    // The original server's cookies override the fresh headers of a client that keeps them.
    let mut scene = Scene::ready();
    for accept in ["*/*", "application/json"] {
        let (_, _, headers) = replied(scene.get(1, "/paid", &[("accept", accept)]));
        assert!(headers.iter().all(|(name, _)| *name != "set-cookie"));
    }
}

#[test]
fn a_page_takes_away_payment_cookies_that_cannot_be_read() {
    let mut scene = Scene::ready();
    let headers = [("accept", "text/html"), ("cookie", "RDN-Sender-Balance=1e3; RDN-Open-Block=1")];
    let Step::Reply(reply) = scene.get(1, "/paid", &headers) else { panic!() };
    let expired = reply.headers.iter().filter(|(_, value)| value.contains("Max-Age=0")).count();
    assert_eq!(expired, 4);
}

#[test]
fn a_grpc_client_gets_a_grpc_status() {
    for (headers, status) in [
        (&[("content-type", "application/grpc")][..], GrpcStatus::FailedPrecondition),
        (&[("content-type", "application/grpc"), ("rdn-price", "x")], GrpcStatus::InvalidArgument),
    ] {
        let mut scene = Scene::ready();
        let Step::Reply(reply) = scene.get(1, "/paid", headers) else { panic!() };
        assert_eq!(reply.grpc_status, Some(status));
        assert!(reply.headers.iter().all(|(name, _)| *name != "content-type"), "Envoy sets its own");
    }
}

#[test]
fn a_price_is_asked_once_for_all_who_wait_and_remembered_for_its_time() {
    let mut scene = Scene::ready();
    assert_eq!(scene.get(1, "/auction/1", &[]), Step::Hold);
    assert_eq!(scene.get(2, "/auction/1", &[]), Step::Hold);
    assert_eq!(scene.get(3, "/auction/2", &[]), Step::Hold);
    let first = scene.gate.next_inquiry().unwrap();
    assert_eq!(first.body(), br#"{"method":"GET","host":"host","path":"/auction/1"}"#);
    let second = scene.gate.next_inquiry().unwrap();
    assert_eq!(scene.gate.next_inquiry(), None, "two questions for three streams");

    let answer = |body| CallOutcome::Response { status: 200, body };
    let (steps, _) = scene.gate.priced_by(first.id, answer(br#"{"price":"7"}"#), scene.now);
    for (stream, step) in steps {
        let (status, _, headers) = replied(step);
        assert_eq!((status, value(&headers, "RDN-Price").as_str()), (402, "7"), "{stream}");
    }
    let (steps, _) = scene.gate.priced_by(second.id, answer(br#"{"price":"0"}"#), scene.now);
    assert_eq!(steps, [(3, Step::Forward(Admission::default()))]);

    assert_eq!(value(&replied(scene.get(4, "/auction/1", &[])).2, "RDN-Price"), "7");
    assert_eq!(scene.get(5, "/auction/2", &[]), Step::Forward(Admission::default()));
    scene.now += Duration::from_secs(2);
    scene.hear(Health::Ready);
    assert_eq!(scene.get(6, "/auction/1", &[]), Step::Hold, "after its time it is asked again");
}

#[test]
fn a_price_that_cannot_be_known_is_a_503_and_never_free() {
    for outcome in [
        CallOutcome::CutOff,
        CallOutcome::Response { status: 500, body: br#"{"price":"7"}"# },
        CallOutcome::Response { status: 200, body: br#"{"price":7}"# },
        CallOutcome::Response { status: 200, body: br#"{"price":"7.5"}"# },
        CallOutcome::Response { status: 200, body: b"" },
    ] {
        let mut scene = Scene::ready();
        assert_eq!(scene.get(1, "/auction/1", &[]), Step::Hold);
        let inquiry = scene.gate.next_inquiry().unwrap();
        let (steps, notices) = scene.gate.priced_by(inquiry.id, outcome, scene.now);
        let (status, code, headers) = replied(only(steps, 1));
        assert_eq!(
            (status, code.as_str(), value(&headers, "retry-after").as_str()),
            (503, "price-unknown", "1")
        );
        assert!(matches!(notices[..], [Notice::PriceUnknown { .. }]));
        // The service is left alone for a moment.
        assert_eq!(replied(scene.get(2, "/auction/1", &[])).1, "price-unknown");
        scene.now += Duration::from_secs(1);
        assert_eq!(scene.get(3, "/auction/1", &[]), Step::Hold);
    }
}

#[test]
fn a_payment_is_kept_while_its_price_is_asked() {
    let mut scene = Scene::ready();
    assert_eq!(scene.pay_for(1, "/auction/1", 7), Step::Hold);
    let inquiry = scene.gate.next_inquiry().unwrap();
    let answer = CallOutcome::Response { status: 200, body: br#"{"price":"7"}"# };
    assert_eq!(scene.gate.priced_by(inquiry.id, answer, scene.now).0, []);
    scene.call();
    scene.answer(vec![Answer::Channel { channel: open(0) }]);
    let [Entry::Commit(attempt)] = scene.call()[..] else { panic!() };
    assert_eq!((attempt.balance, attempt.price), (amount(7), amount(7)));
}

#[test]
fn attempts_of_two_workers_never_share_an_id() {
    let ids = |random| {
        let mut scene = Scene { gate: Gate::new(config(), random), ..Scene::new() };
        scene.hear(Health::Ready);
        (0..3)
            .map(|stream| {
                let _ = scene.pay(stream, 10);
                scene.call();
                scene.answer(vec![Answer::Channel { channel: open(0) }]);
                let [Entry::Commit(attempt)] = scene.call()[..] else { panic!() };
                scene.answer(vec![Answer::Refused { channel: ChannelState::Closed }]);
                attempt.id
            })
            .collect::<Vec<_>>()
    };
    let all = [ids(1), ids(2)].concat();
    let distinct: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), 6);
}
