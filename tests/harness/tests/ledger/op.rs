//! What can happen, as small numbers: they are taken modulo what is there, so that every sequence means something and
//! a shorter one means less.

use proptest::prelude::*;

/// One event of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// A payer asks for something.
    Pay { payer: u8, worker: u8, what: What, post: bool, cheap: bool },
    /// The upstream, or Envoy for it, answers a request.
    Respond { stream: u8, fails: bool },
    /// Envoy gives up on a stream that is held.
    GiveUp { stream: u8 },
    /// A client goes away.
    Leave { stream: u8 },
    /// A worker makes its next call.
    Call { worker: u8 },
    /// A worker makes its next call, and nothing gets in its way.
    Ask { worker: u8 },
    /// A call reaches the sidecar, whose answer is on its way.
    Arrive { worker: u8 },
    /// The answer arrives.
    Answer { worker: u8 },
    /// A call fails at the worker. If it has not arrived yet it may still do so, later.
    Fail { worker: u8, how: Failure },
    /// A call that its worker has given up reaches the sidecar.
    ArriveLate { call: u8 },
    /// The tick of one second, with an answer.
    Tick { worker: u8 },
    /// A worker's VM panics and is loaded again.
    Crash { worker: u8 },
    /// The sidecar ends and starts again.
    Restart,
    /// The sidecar's node fails or comes back.
    Health { ready: bool },
    /// A payer asks to close with the receiver's agreement.
    Close { payer: u8, wrong: bool },
    /// A block.
    Mine { payer: u8, what: OnChain },
    /// The last blocks are replaced.
    Reorganise { depth: u8, keeps: u8, halves: bool },
}

/// What a payer presents.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// The balance that it believes is held, and the price.
    Next,
    /// What it presented last.
    Again,
    /// The balance that it believes is held.
    Replay,
    /// Twice the price.
    TooMuch,
    /// An older balance.
    Older,
    /// A proof by somebody else's key.
    Forged,
}

/// How a call fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    TimedOut,
    CutOff,
    Refused,
    Nonsense,
}

/// What a block holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnChain {
    Nothing,
    TopUp,
    CloseRequest,
    Settle,
    Withdraw,
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let n = any::<u8>;
    let what = prop_oneof![
        8 => Just(What::Next),
        3 => Just(What::Again),
        3 => Just(What::Replay),
        1 => Just(What::TooMuch),
        1 => Just(What::Older),
        1 => Just(What::Forged),
    ];
    let failure = prop_oneof![
        Just(Failure::TimedOut),
        Just(Failure::CutOff),
        Just(Failure::Refused),
        Just(Failure::Nonsense),
    ];
    let on_chain = prop_oneof![
        6 => Just(OnChain::Nothing),
        3 => Just(OnChain::TopUp),
        1 => Just(OnChain::CloseRequest),
        1 => Just(OnChain::Settle),
        1 => Just(OnChain::Withdraw),
    ];
    let pay = (n(), n(), what, any::<bool>(), any::<bool>());
    prop_oneof![
        28 => pay.prop_map(|(payer, worker, what, post, cheap)| Op::Pay { payer, worker, what, post, cheap }),
        24 => (n(), prop::bool::weighted(0.5)).prop_map(|(stream, fails)| Op::Respond { stream, fails }),
        1 => n().prop_map(|stream| Op::GiveUp { stream }),
        3 => n().prop_map(|stream| Op::Leave { stream }),
        20 => n().prop_map(|worker| Op::Ask { worker }),
        10 => n().prop_map(|worker| Op::Call { worker }),
        10 => n().prop_map(|worker| Op::Arrive { worker }),
        10 => n().prop_map(|worker| Op::Answer { worker }),
        4 => (n(), failure).prop_map(|(worker, how)| Op::Fail { worker, how }),
        2 => n().prop_map(|call| Op::ArriveLate { call }),
        6 => n().prop_map(|worker| Op::Tick { worker }),
        1 => n().prop_map(|worker| Op::Crash { worker }),
        1 => Just(Op::Restart),
        1 => prop::bool::weighted(0.85).prop_map(|ready| Op::Health { ready }),
        1 => (n(), any::<bool>()).prop_map(|(payer, wrong)| Op::Close { payer, wrong }),
        2 => (n(), on_chain).prop_map(|(payer, what)| Op::Mine { payer, what }),
        1 => (n(), n(), any::<bool>())
            .prop_map(|(depth, keeps, halves)| Op::Reorganise { depth, keeps, halves }),
    ]
}
