//! Looking channels up, as filters do.

use anyhow::{Result, ensure};
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::{Answer, ChannelKey, Entry};
use uraiden_harness::Stack;

use crate::calls::Filter;

/// Lookups in one call, where the cost of the call itself shall not count.
const BATCH: usize = 100;

/// Calls of each kind.
const CALLS: usize = 500;

/// Medians, in microseconds.
pub(super) struct Lookups {
    /// One lookup among many in a call, without the cost of the call.
    pub(super) each_us: f64,
    /// A call with one lookup, seen from outside.
    pub(super) call_us: f64,
    /// A call with none.
    pub(super) empty_us: f64,
}

/// Looks up channels from all over the ledger, each once.
pub(super) async fn measure(stack: &Stack, channels: &[ChannelKey]) -> Result<Lookups> {
    let mut filter = Filter::connect(stack, &stack.sidecar).await?;
    // A step that visits all of them, out of order.
    let mut at = 0;
    let mut some = |count: usize| -> Vec<ChannelKey> {
        let next = || {
            at = (at + 7919) % channels.len();
            channels[at]
        };
        std::iter::repeat_with(next).take(count).collect()
    };
    let (mut empty, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CALLS {
        empty.push(look_up(&mut filter, &[]).await?);
        one.push(look_up(&mut filter, &some(1)).await?);
        many.push(look_up(&mut filter, &some(BATCH)).await?);
    }
    let (empty_us, call_us, many_us) = (median(empty), median(one), median(many));
    Ok(Lookups { each_us: (many_us - empty_us) / f64::from(u32::try_from(BATCH)?), call_us, empty_us })
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Microseconds that one call takes. All these channels are open.
async fn look_up(filter: &mut Filter, channels: &[ChannelKey]) -> Result<f64> {
    let entries = channels.iter().copied().map(Entry::Lookup).collect();
    let (answers, took) = filter.call(filter.question(entries)?).await?;
    let open = |answer: &Answer| matches!(answer, Answer::Channel { channel: ChannelState::Open(_) });
    ensure!(
        answers.len() == channels.len() && answers.iter().all(open),
        "not all of these channels are open: {answers:?}"
    );
    Ok(took.as_secs_f64() * 1e6)
}
