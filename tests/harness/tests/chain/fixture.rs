//! A customer who has paid, and what the scenes ask the stack.

use std::time::{Duration, Instant};

use alloy::eips::eip2718::Encodable2718;
use alloy::network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder};
use alloy::primitives::Bytes;
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use uraiden_client::{Chain, Payer, PrivateKeySigner};
use uraiden_core::{Address, ChannelId, TokenAmount};
use uraiden_harness::{Answer, NO_HEADERS, Options, Stack};

/// What one request costs.
pub(crate) const PRICE: u64 = 10;

/// How long anything may take that the sidecar does by itself.
const PATIENCE: Duration = Duration::from_secs(20);

/// A block for each transaction, and otherwise when the scene says so.
pub(crate) fn options() -> Options {
    Options { price: amount(PRICE), ..super::parts() }
}

pub(crate) fn amount(units: u64) -> TokenAmount {
    TokenAmount::new(units)
}

/// A sender with a channel.
pub(crate) struct Customer {
    payer: Payer,
    chain: Chain,
    signer: PrivateKeySigner,
}

impl Customer {
    /// Opens a channel for a hundred payments.
    pub(crate) async fn new(stack: &Stack) -> Result<Self> {
        Self::with_deposit(stack, 100 * PRICE).await
    }

    /// Opens a channel with this deposit.
    pub(crate) async fn with_deposit(stack: &Stack, deposit: u64) -> Result<Self> {
        let account = stack.account().await?;
        let payer = stack.open_channel(&account, amount(deposit)).await?;
        let chain = Chain::connect(stack.chain.rpc_url(), account.signer.clone())?
            .patience(PATIENCE, Duration::from_millis(50));
        Ok(Self { payer, chain, signer: account.signer })
    }

    /// The same, and pays so often.
    pub(crate) async fn who_paid(stack: &Stack, payments: u64) -> Result<Self> {
        let customer = Self::new(stack).await?;
        for payment in 1..=payments {
            customer.pay(stack, payment * PRICE).await?;
        }
        Ok(customer)
    }

    /// Deposits 20, and 20 more in the last block but one, and pays 30: what the top-up made possible is spent.
    pub(crate) async fn who_spent_a_top_up(stack: &Stack) -> Result<Self> {
        let customer = Self::with_deposit(stack, 20).await?;
        customer.top_up(20).await?;
        stack.chain.mine(1).await?;
        until_read(stack).await?;
        for balance in [10, 20, 30] {
            customer.pay(stack, balance).await?;
        }
        Ok(customer)
    }

    pub(crate) fn channel(&self) -> &ChannelId {
        self.payer.channel()
    }

    /// Pays up to this balance, and is served.
    pub(crate) async fn pay(&self, stack: &Stack, balance: u64) -> Result<()> {
        let answer = stack.raw_get("/premium/scene", self.payer.headers(amount(balance))).await?;
        ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        Ok(())
    }

    /// Offers this balance, and says how that is answered.
    pub(crate) async fn try_to_pay(&self, stack: &Stack, balance: u64) -> Result<u16> {
        Ok(self.offer(stack, balance).await?.status)
    }

    /// Offers this balance, and shows the whole answer.
    pub(crate) async fn offer(&self, stack: &Stack, balance: u64) -> Result<Answer> {
        self.offer_to(stack, "/premium/scene", balance).await
    }

    /// The same, for another path.
    pub(crate) async fn offer_to(&self, stack: &Stack, path: &str, balance: u64) -> Result<Answer> {
        stack.raw_get(path, self.payer.headers(amount(balance))).await
    }

    /// Asks the server for its agreement to close.
    pub(crate) async fn ask_for_agreement(&self, stack: &Stack, balance: u64) -> Result<u16> {
        let path = format!("/api/1/channels/{}/{}", self.channel().sender, self.channel().open_block);
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = stack.raw("DELETE", &path, form, format!("balance={balance}")).await?;
        Ok(answer.status)
    }

    /// Adds to the deposit.
    pub(crate) async fn top_up(&self, added: u64) -> Result<()> {
        self.chain.top_up(self.channel(), amount(added)).await?;
        Ok(())
    }

    /// Asks the contract to close at this balance.
    pub(crate) async fn ask_to_close(&self, balance: u64) -> Result<()> {
        self.chain.close_uncooperatively(self.channel(), amount(balance)).await?;
        Ok(())
    }

    /// A transaction of this account that was included, with another input, signed anew.
    pub(crate) async fn sign_again(&self, included: &Value, input: &str) -> Result<String> {
        let mut request: TransactionRequest = serde_json::from_value(included.clone())?;
        request = request.with_input(input.parse::<Bytes>()?);
        let signed = request.build(&EthereumWallet::from(self.signer.clone())).await?;
        Ok(Bytes::from(signed.encoded_2718()).to_string())
    }

    /// Where the merchant asks about the channel.
    pub(crate) fn admin_path(&self) -> String {
        format!("/admin/channels/{}/{}", self.channel().sender, self.channel().open_block)
    }

    /// The confirmed deposit, as the sidecar has it.
    pub(crate) async fn deposit(&self, stack: &Stack) -> Result<u64> {
        let channel = stack.sidecar.admin_call("GET", &self.admin_path()).await?.json()?;
        Ok(channel["deposit"].as_str().unwrap_or_default().parse()?)
    }

    /// Whether the contract still has the channel.
    pub(crate) async fn is_on_chain(&self) -> Result<bool> {
        Ok(self.chain.info(self.channel()).await?.is_some())
    }

    /// Waits until the contract has settled the channel.
    pub(crate) async fn until_settled(&self, stack: &Stack) -> Result<()> {
        until("the channel is settled", stack, async || Ok(!self.is_on_chain().await?)).await
    }
}

/// Asks until the answer is yes.
pub(crate) async fn until(
    what: &str,
    stack: &Stack,
    mut question: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !question().await? {
        if Instant::now() > deadline {
            let log = log(stack)?;
            let tail: Vec<_> = log.lines().rev().take(30).collect();
            let tail: Vec<_> = tail.into_iter().rev().collect();
            bail!("not after {PATIENCE:?}: {what}\n{}", tail.join("\n"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Waits until the sidecar has read the newest block.
pub(crate) async fn until_read(stack: &Stack) -> Result<()> {
    let newest = newest(stack).await?;
    until("the newest block is read", stack, async || {
        Ok(stack.leader().await?.ask_admin("/readyz").await?.json()?["block"].as_u64() >= Some(newest))
    })
    .await
}

/// Waits until a request without a payment is asked for one, on each of Envoy's workers: so many in a row meet them
/// all.
pub(crate) async fn until_open(stack: &Stack) -> Result<()> {
    until("paid routes are open", stack, async || {
        for _ in 0..32 {
            if stack.raw_get("/premium/scene", NO_HEADERS).await?.status != 402 {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await
}

/// Waits until paid routes are closed by a reorganisation that took deposits away.
pub(crate) async fn until_closed(stack: &Stack) -> Result<()> {
    until("paid routes are closed", stack, async || {
        let answer = stack.raw_get("/premium/scene", NO_HEADERS).await?;
        Ok(answer.status == 502 && answer.text().contains("uraiden resume"))
    })
    .await
}

/// The number of the newest block.
pub(crate) async fn newest(stack: &Stack) -> Result<u64> {
    Ok(stack.chain.chain().provider().get_block_number().await?)
}

/// What the sidecar has written, or all of them.
pub(crate) fn log(stack: &Stack) -> Result<String> {
    stack.sidecar_logs()
}

/// Gives the receiver so many wei, in hex.
pub(crate) async fn set_ether(stack: &Stack, wei: &str) -> Result<()> {
    stack.chain.rpc("anvil_setBalance", json!([stack.receiver().to_string(), wei])).await?;
    Ok(())
}

/// What `/readyz` says of the challenges that are not done.
pub(crate) async fn challenges(stack: &Stack) -> Result<Vec<Value>> {
    let readiness = stack.leader().await?.ask_admin("/readyz").await?.json()?;
    Ok(readiness["challenges"].as_array().cloned().unwrap_or_default())
}

/// What an account holds of the token.
pub(crate) async fn tokens(stack: &Stack, account: Address) -> Result<u64> {
    let tokens = stack.chain.chain().token_balance(stack.token(), account).await?;
    Ok(u64::try_from(tokens)?)
}

/// How many transactions the chain has of the receiver.
pub(crate) async fn sent_by_receiver(stack: &Stack) -> Result<u64> {
    let receiver = stack.receiver().0.into();
    Ok(stack.chain.chain().provider().get_transaction_count(receiver).await?)
}

/// The sidecar that leads is killed. Others do not take over before [`another_leads`].
pub(crate) async fn leader_dies(stack: &mut Stack) -> Result<()> {
    let name = stack.leader().await?.name();
    for number in 0..stack.sidecars() {
        let sidecar = stack.sidecar_at(number);
        match sidecar.name() == name {
            true => sidecar.part().kill(),
            false => sidecar.part().freeze(),
        }
    }
    Ok(())
}

/// Another sidecar takes over and reads the chain; where there is no other, the one that was killed is started again.
pub(crate) async fn another_leads(stack: &mut Stack) -> Result<()> {
    let several = stack.sidecars() > 1;
    for number in 0..stack.sidecars() {
        stack.sidecar_at(number).part().thaw();
    }
    if several {
        until_read(stack).await?;
    }
    for number in 0..stack.sidecars() {
        let sidecar = stack.sidecar_at(number);
        if !sidecar.part().is_running() {
            sidecar.start_again()?;
        }
    }
    until_read(stack).await
}

/// How many challenges have a transaction on its way.
pub(crate) async fn under_way(stack: &Stack) -> Result<usize> {
    Ok(challenges(stack).await?.iter().filter(|alarm| alarm["trouble"].is_null()).count())
}

/// How many transactions wait at the node.
pub(crate) async fn waiting(stack: &Stack) -> Result<u64> {
    let status = stack.chain.rpc("txpool_status", json!([])).await?;
    let count = status["pending"].as_str().and_then(|text| text.strip_prefix("0x"));
    Ok(u64::from_str_radix(count.unwrap_or_default(), 16)?)
}
