//! Whatever a node answers in place of an answer: paid routes close, nothing is believed, and who cheats meanwhile
//! is challenged after it.

use anyhow::{Result, ensure};
use uraiden_harness::{Fault, NO_HEADERS, Options, Stack};

use crate::fixture::{Customer, options, tokens, until, until_open};

/// What the sidecar may need, whatever a node sends.
const MEMORY: u64 = 150_000_000;

#[tokio::test]
async fn a_cheat_is_challenged_after_a_node_has_talked_nonsense() -> Result<()> {
    let flags = vec![("--node-timeout", "1s".to_owned())];
    let mut stack = Stack::start(Options { rpc_proxy: true, sidecar_flags: flags, ..options() }).await?;
    let faults = [Fault::Garbage, Fault::HalfAnswers, Fault::WrongTypes, Fault::Nulls, Fault::Endless];
    for (fault, got) in faults.into_iter().zip([20, 40, 60, 80, 100]) {
        let cheat = Customer::who_paid(&stack, 2).await?;
        stack.rpc_proxy().set(fault.clone());
        cheat.ask_to_close(0).await?;
        stack.chain.mine(1).await?;
        until("paid routes are closed", &stack, async || {
            let answer = stack.raw_get("/premium/scene", NO_HEADERS).await?;
            Ok(answer.status == 502 && answer.text().contains("Ethereum node is not responding"))
        })
        .await?;
        assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200, "{fault:?}");
        assert!(cheat.is_on_chain().await?, "{fault:?}: nobody has seen it");
        stack.rpc_proxy().set(Fault::None);
        cheat.until_settled(&stack).await?;
        assert_eq!(tokens(&stack, stack.receiver()).await?, got, "{fault:?}");
        until_open(&stack).await?;
    }
    let peak = stack.sidecar.part().usage()?.peak;
    ensure!(peak < MEMORY, "{peak} bytes in memory, where at most {MEMORY} are allowed");
    Ok(())
}
