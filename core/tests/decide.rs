//! The judge's table, row by row, as the protocol orders it.

mod common;

use common::{OPEN_BLOCK, address, amount, contract, receiver, sender, sign};
use uraiden_core::amount::Price;
use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::decide::{Asked, Known, Means};
use uraiden_core::offer::{Offer, OfferedProof};
use uraiden_core::{BalanceProof, Refusal, TokenAmount, Verdict, decide};

#[test]
fn a_channel_with_a_deposit_of_100_is_asked_for_10() {
    for (held, balance, outcome) in [
        (85, 95, "accepted"),       // exactly the price
        (85, 94, "invalid-amount"), // one unit short
        (85, 96, "invalid-amount"), // one unit over
        (85, 75, "invalid-amount"), // an old balance
        (85, 0, "invalid-amount"),  // a probe with nothing signed
        (85, 85, "replay"),         // our own balance back: a probe, not a fault
        (0, 0, "replay"),
        (0, 10, "accepted"),
        (90, 100, "accepted"),     // the last unit of the deposit
        (91, 101, "over-deposit"), // one unit beyond it
    ] {
        assert_eq!(outcome_of(&offer(balance), &open(held)), outcome, "{held} -> {balance}");
    }
}

#[test]
fn an_accepted_payment_moves_the_channel_to_its_proof() {
    let Verdict::Accept(payment) =
        decide(&offer(95), Known::Fresh(&open(85)), &asked(), BalanceProof::is_by_sender)
    else {
        panic!()
    };
    let ChannelState::Open(before) = open(85) else { panic!() };
    let after = before.after(&payment);
    assert_eq!((after.balance, after.deposit), (amount(95), amount(100)));
    assert_eq!(after.signature, Some(sign(amount(95))));
}

#[test]
fn nothing_is_judged_before_a_proof_is_there() {
    let nothing = Offer { proof: None, ..offer(95) };
    assert_eq!(
        decide(&nothing, Known::Unread, &asked(), BalanceProof::is_by_sender),
        Verdict::Charge(Refusal::NoProof)
    );
    let other = Offer { contract: Some(address(9)), ..nothing };
    assert_eq!(
        decide(&other, Known::Unread, &asked(), BalanceProof::is_by_sender),
        Verdict::Charge(Refusal::NoProof)
    );
}

#[test]
fn a_payment_to_someone_else_is_told_ours_before_the_channel_is_read() {
    for (contract, receiver, outcome) in [
        (None, None, "accepted"),
        (Some(address(1)), Some(address(2)), "accepted"),
        (Some(address(9)), Some(address(2)), "other-party"),
        (Some(address(1)), Some(address(9)), "other-party"),
    ] {
        let offer = Offer { contract, receiver, ..offer(95) };
        assert_eq!(outcome_of(&offer, &open(85)), outcome);
    }
    let strange = Offer { receiver: Some(address(9)), ..offer(95) };
    assert_eq!(
        decide(&strange, Known::Unread, &asked(), BalanceProof::is_by_sender),
        Verdict::Charge(Refusal::OtherParty)
    );
}

#[test]
fn a_channel_that_takes_no_payment_is_named_before_the_signature_is_looked_at() {
    let forged = forged(95);
    for (state, outcome) in [
        (ChannelState::Unconfirmed { missing: 3 }, "insufficient-confirmations"),
        (ChannelState::Absent, "no-such-channel"),
        (ChannelState::Closed, "channel-closed"),
        (open(85), "wrong-signer"),
    ] {
        assert_eq!(outcome_of(&forged, &state), outcome);
    }
}

#[test]
fn a_stranger_never_sees_what_we_hold() {
    // Rows 9 to 11 show a signature; with a wrong signer each of them is row 8.
    for balance in [85, 94, 95, 101] {
        assert_eq!(
            decide(&forged(balance), Known::Fresh(&open(85)), &asked(), BalanceProof::is_by_sender),
            Verdict::Charge(Refusal::WrongSigner)
        );
    }
}

#[test]
fn the_sender_sees_the_balance_and_the_proof_we_hold() {
    let Verdict::Charge(Refusal::Replay(held)) =
        decide(&offer(85), Known::Fresh(&open(85)), &asked(), BalanceProof::is_by_sender)
    else {
        panic!()
    };
    assert_eq!(
        (held.sender(), held.balance(), held.signature()),
        (sender(), amount(85), Some(sign(amount(85))))
    );
}

#[test]
fn the_amount_that_is_named_must_be_the_step() {
    for (said, balance, outcome) in
        [(10, 95, "accepted"), (9, 95, "invalid-amount"), (95, 95, "invalid-amount"), (10, 85, "replay")]
    {
        let offer = Offer { amount: Some(amount(said)), ..offer(balance) };
        assert_eq!(outcome_of(&offer, &open(85)), outcome, "{said}");
    }
}

#[test]
fn memory_may_accept_but_not_refuse_for_what_may_have_changed() {
    let remembered = |offer: &Offer, state: &ChannelState| match decide(
        offer,
        Known::Remembered(state),
        &asked(),
        BalanceProof::is_by_sender,
    ) {
        Verdict::Accept(_) => "accepted",
        Verdict::Charge(refusal) => refusal.code(),
        Verdict::Wait => "wait",
        Verdict::Fetch(_) => "fetch",
    };
    for balance in [75, 85, 94, 96, 105] {
        assert_eq!(remembered(&offer(balance), &open(85)), "fetch", "{balance}");
    }
    for state in [ChannelState::Absent, ChannelState::Closed, ChannelState::Unconfirmed { missing: 1 }] {
        assert_eq!(remembered(&offer(95), &state), "fetch");
    }
    assert_eq!(remembered(&offer(95), &open(85)), "accepted");
    assert_eq!(remembered(&forged(95), &open(85)), "wrong-signer");
}

#[test]
fn a_replay_of_the_latest_proof_is_served_from_a_credit_that_is_large_enough() {
    for (credit, outcome) in [(0, "replay"), (9, "replay"), (10, "accepted"), (85, "accepted")] {
        let channel = OpenChannel { credit: amount(credit), ..held(amount(85)) };
        let state = ChannelState::Open(channel);
        assert_eq!(outcome_of(&offer(85), &state), outcome, "{credit}");
        assert_eq!(outcome_of(&offer(75), &state), "invalid-amount", "no other proof is");
        let Verdict::Accept(payment) =
            decide(&offer(95), Known::Fresh(&state), &asked(), BalanceProof::is_by_sender)
        else {
            panic!()
        };
        assert_eq!((payment.means(), payment.charged()), (Means::Balance, amount(10)));
        assert_eq!(channel.after(&payment).credit, amount(credit), "a new payment leaves it alone");
    }
    let channel = OpenChannel { credit: amount(25), ..held(amount(85)) };
    let state = ChannelState::Open(channel);
    let Verdict::Accept(payment) =
        decide(&offer(85), Known::Fresh(&state), &asked(), BalanceProof::is_by_sender)
    else {
        panic!()
    };
    assert_eq!((payment.means(), payment.charged()), (Means::Credit, amount(0)));
    assert_eq!(channel.after(&payment), OpenChannel { credit: amount(15), ..channel });
}

#[test]
fn a_channel_that_owes_as_much_as_the_merchant_lends_has_to_wait() {
    let state = |balance, ceiling, credit| {
        let channel = held(amount(balance));
        let bounds = OpenChannel { ceiling: Some(amount(ceiling)), credit: amount(credit), ..channel };
        ChannelState::Open(bounds)
    };
    assert_eq!(outcome_of(&offer(95), &state(85, 95, 0)), "accepted", "exactly to the limit");
    for balance in [75, 85, 95, 200] {
        assert_eq!(outcome_of(&offer(balance), &state(85, 94, 0)), "wait", "{balance}");
    }
    assert_eq!(outcome_of(&forged(95), &state(85, 94, 0)), "wrong-signer", "a stranger is told nothing");
    assert_eq!(outcome_of(&offer(85), &state(85, 94, 10)), "accepted", "a credit lends nothing");
    assert_eq!(outcome_of(&offer(95), &state(85, u64::MAX, 0)), "accepted");
    let remembered = state(85, 94, 0);
    let verdict = decide(&offer(95), Known::Remembered(&remembered), &asked(), BalanceProof::is_by_sender);
    assert!(matches!(verdict, Verdict::Fetch(_)), "a withdrawal may have come since");
}

#[test]
fn an_unread_channel_is_fetched_by_its_whole_id() {
    let Verdict::Fetch(channel) = decide(&offer(95), Known::Unread, &asked(), BalanceProof::is_by_sender)
    else {
        panic!()
    };
    assert_eq!(
        (channel.contract, channel.receiver, channel.sender, channel.open_block),
        (contract(), receiver(), sender(), OPEN_BLOCK)
    );
}

#[test]
fn a_balance_at_the_end_of_the_range_cannot_wrap_around() {
    let full = ChannelState::Open(OpenChannel { deposit: TokenAmount::MAX, ..held(TokenAmount::MAX) });
    assert_eq!(outcome_of(&signed(amount(9)), &full), "invalid-amount");
    assert_eq!(outcome_of(&signed(TokenAmount::MAX), &full), "replay");
}

fn outcome_of(offer: &Offer, state: &ChannelState) -> &'static str {
    match decide(offer, Known::Fresh(state), &asked(), BalanceProof::is_by_sender) {
        Verdict::Accept(_) => "accepted",
        Verdict::Charge(refusal) => refusal.code(),
        Verdict::Wait => "wait",
        Verdict::Fetch(_) => "fetch",
    }
}

fn asked() -> Asked {
    Asked { price: Price::new(amount(10)).unwrap(), contract: contract(), receiver: receiver() }
}

fn open(balance: u64) -> ChannelState {
    ChannelState::Open(held(amount(balance)))
}

fn held(balance: TokenAmount) -> OpenChannel {
    OpenChannel { balance, signature: Some(sign(balance)), ..OpenChannel::new(amount(100)) }
}

fn offer(balance: u64) -> Offer {
    signed(amount(balance))
}

fn signed(balance: TokenAmount) -> Offer {
    let proof = OfferedProof { sender: sender(), open_block: OPEN_BLOCK, balance, signature: sign(balance) };
    Offer { proof: Some(proof), ..Offer::default() }
}

/// Signed over another balance than the one that is sent.
fn forged(balance: u64) -> Offer {
    let mut offer = offer(balance);
    offer.proof.as_mut().unwrap().signature = sign(amount(balance + 1));
    offer
}
