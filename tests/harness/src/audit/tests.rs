//! The auditor is shown runs in which something went wrong: one for each rule.

use std::collections::HashMap;

use uraiden_core::{Address, BlockNumber, ChannelId, Signature};

use super::*;

const PRICE: u64 = 10;

#[test]
fn an_honest_run_passes_with_every_unserved_payment_explained() {
    let report = honest().audit();
    assert!(report.passes(), "{report}");
    let figures = report.figures;
    assert_eq!((figures.signed, figures.served, figures.durable), (4, 2, 3));
    assert_eq!((figures.unserved, figures.credit, figures.left, figures.lost), (1, 0, 1, 0));
    assert!(report.to_string().ends_with("PASS"), "{report}");
}

#[test]
fn an_answer_without_a_payment_is_found() {
    let mut run = honest();
    serve(&mut run, 40, "c");
    expect(&run, |fault| matches!(fault, Fault::ServedUnpaid { balance: 40, times: 1, .. }));
    // Its attempt was taken back.
    run.channels[0].payer.signed.insert(40, signature(40));
    ledger(&mut run).attempts.push((40, Outcome::TakenBack));
    expect(&run, |fault| matches!(fault, Fault::ServedUnpaid { balance: 40, times: 1, .. }));
    assert_eq!(run.audit().figures.unpaid, 1);
}

#[test]
fn a_second_answer_for_one_payment_is_found() {
    let mut run = honest();
    serve(&mut run, 10, "c");
    expect(&run, |fault| matches!(fault, Fault::ServedUnpaid { balance: 10, times: 1, .. }));
}

#[test]
fn a_balance_that_the_ledger_has_lost_is_found() {
    let mut run = honest();
    ledger(&mut run).balance = 10;
    expect(&run, |fault| matches!(fault, Fault::ServedUnpaid { balance: 20, .. }));
    expect(&run, |fault| {
        matches!(fault, Fault::WrongSum { what: "the balance", found: 10, expected: 30, .. })
    });
}

#[test]
fn a_channel_that_the_ledger_does_not_know_is_found() {
    let mut run = honest();
    run.channels[0].ledger = None;
    expect(&run, |fault| matches!(fault, Fault::ServedUnpaid { balance: 10, .. }));
}

#[test]
fn a_payment_that_was_accepted_twice_is_found() {
    let mut run = honest();
    ledger(&mut run).attempts.push((20, Outcome::Accepted));
    expect(&run, |fault| matches!(fault, Fault::DoubleAcceptance { balance: 20, times: 2, .. }));
    assert_eq!(run.audit().figures.double, 1);
}

#[test]
fn an_answer_that_reached_two_requests_or_another_payer_is_found() {
    let mut run = honest();
    run.channels[0].payer.served[1].token = "a".to_owned();
    expect(&run, |fault| matches!(fault, Fault::ServedTwice { token } if token == "a"));

    let mut run = honest();
    run.answers.insert("b".to_owned(), Address([9; 20]));
    expect(&run, |fault| matches!(fault, Fault::AnswerOfAnother { token, .. } if token == "b"));
    run.answers.remove("b");
    expect(&run, |fault| matches!(fault, Fault::AnswerOfAnother { token, .. } if token == "b"));
}

#[test]
fn an_attempt_that_nobody_signed_is_found() {
    let mut run = honest();
    run.strangers.push(Attempt { contents: [7; 32], outcome: Outcome::Accepted });
    expect(&run, |fault| matches!(fault, Fault::NobodySigned(_)));
}

#[test]
fn a_sum_that_is_not_that_of_its_payments_is_found() {
    let mut run = honest();
    ledger(&mut run).credit = PRICE;
    expect(&run, |fault| matches!(fault, Fault::WrongSum { what: "the credit", found: 10, expected: 0, .. }));

    let mut run = honest();
    ledger(&mut run).closing = Some(20);
    expect(&run, |fault| {
        matches!(fault, Fault::WrongSum { what: "the closing balance", found: 20, expected: 30, .. })
    });
}

#[test]
fn a_proof_that_the_payer_did_not_sign_or_the_contract_refuses_is_found() {
    let mut run = honest();
    ledger(&mut run).signature = Some(signature(20));
    expect(&run, |fault| matches!(fault, Fault::NoProof { balance: 30, .. }));

    let mut run = honest();
    run.channels[0].contract = Err("BalanceAboveDeposit".to_owned());
    expect(&run, |fault| matches!(fault, Fault::Unpayable { balance: 30, .. }));
}

#[test]
fn a_loss_is_found_unless_interruptions_explain_it() {
    let mut run = honest();
    run.channels[0].payer.left.clear();
    expect(&run, |fault| *fault == Fault::Lost { lost: 1, allowed: 0 });
    for interruptions in [
        Interruptions { envoy_exits: 1, in_flight: 1, ..Interruptions::default() },
        Interruptions { vm_reloads: 1, in_flight: 1, ..Interruptions::default() },
        Interruptions { drain_cuts: 1, in_flight: 1, ..Interruptions::default() },
    ] {
        let run = Evidence { interruptions, ..run.clone() };
        assert!(run.audit().passes(), "{}", run.audit());
    }
}

#[test]
fn credits_and_take_backs_beyond_their_limit_explain_what_was_not_served() {
    let mut run = honest();
    run.channels[0].payer.left.clear();
    ledger(&mut run).attempts[2].1 = Outcome::Kept;
    let report = run.audit();
    assert!(report.passes(), "{report}");
    assert_eq!((report.figures.kept, report.figures.lost), (1, 0));

    ledger(&mut run).attempts[2].1 = Outcome::Credited;
    ledger(&mut run).credit = PRICE;
    assert_eq!((run.audit().figures.credit, run.audit().passes()), (1, true), "{}", run.audit());

    // The credit is used by a replay of the latest proof.
    ledger(&mut run).attempts.push((30, Outcome::Spent));
    ledger(&mut run).credit = 0;
    serve(&mut run, 30, "c");
    let report = run.audit();
    assert!(report.passes(), "{report}");
    assert_eq!((report.figures.served, report.figures.unserved), (3, 0));

    // Or it is used by a request whose client went away.
    run.channels[0].payer.served.pop();
    expect(&run, |fault| *fault == Fault::Lost { lost: 1, allowed: 0 });
    run.channels[0].payer.left.push(30);
    assert!(run.audit().passes(), "{}", run.audit());
}

/// Three payments of 10: two were served, the client of the third went away. A fourth was signed and taken back.
fn honest() -> Evidence {
    let id = ChannelId {
        contract: Address([1; 20]),
        receiver: Address([2; 20]),
        sender: Address([3; 20]),
        open_block: BlockNumber(4),
    };
    let ledger = LedgerChannel {
        balance: 30,
        signature: Some(signature(30)),
        credit: 0,
        closing: None,
        attempts: [
            (10, Outcome::Accepted),
            (20, Outcome::Accepted),
            (30, Outcome::Accepted),
            (40, Outcome::TakenBack),
        ]
        .to_vec(),
    };
    let payer = PayerBook {
        signed: [10, 20, 30, 40].map(|balance| (u64::from(balance), signature(balance))).into(),
        left: vec![30, 40],
        ..PayerBook::default()
    };
    let channel = ChannelEvidence { id, payer, ledger: Some(ledger), contract: Ok(()) };
    let mut run = Evidence {
        price: PRICE,
        channels: vec![channel],
        answers: HashMap::new(),
        strangers: Vec::new(),
        interruptions: Interruptions::default(),
    };
    serve(&mut run, 10, "a");
    serve(&mut run, 20, "b");
    run
}

/// One more answer of the service reaches the payer.
fn serve(run: &mut Evidence, balance: u64, token: &str) {
    let channel = &mut run.channels[0];
    channel.payer.served.push(Serving { balance, token: token.to_owned() });
    run.answers.insert(token.to_owned(), channel.id.sender);
}

fn ledger(run: &mut Evidence) -> &mut LedgerChannel {
    run.channels[0].ledger.as_mut().expect("the ledger knows it")
}

fn expect(run: &Evidence, fault: impl Fn(&Fault) -> bool) {
    let report = run.audit();
    assert!(report.faults.iter().any(fault), "{report}");
    assert!(report.to_string().ends_with("FAIL"), "{report}");
}

fn signature(balance: u8) -> Signature {
    let mut bytes = [balance; 65];
    bytes[64] = 27;
    Signature::from_bytes(&bytes).expect("27 is a good v")
}
