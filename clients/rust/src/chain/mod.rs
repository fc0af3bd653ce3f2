//! The payer's side of the contract: opening, topping up, closing.

mod contracts;
mod convert;
mod error;

use std::time::Duration;

use alloy::network::{Ethereum, EthereumWallet};
use alloy::primitives::{TxHash, U256};
use alloy::providers::{DynProvider, PendingTransactionBuilder, Provider, ProviderBuilder};
use alloy::rpc::types::TransactionReceipt;
use alloy::signers::local::PrivateKeySigner;
use tokio::time::{Instant, sleep};
use uraiden_core::{Address, BalanceProof, BlockNumber, ChannelId, ClosingAgreement, TokenAmount};

use contracts::RaidenMicroTransferChannels::{
    self as channels, RaidenMicroTransferChannelsInstance as Channels,
};
use contracts::TestToken::TestTokenInstance as Token;
use convert::{amount, block_number, from_chain, to_chain, to_uint192, to_uint256};
use error::{is_revert, node};

pub use error::ChainError;

/// A node, and the account that acts through it.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    sender: Address,
    max_wait: Duration,
    poll: Duration,
}

/// What the contract says of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnChain {
    /// All that was ever locked in it.
    pub deposit: TokenAmount,
    /// The last block of the challenge period, where closing was asked for.
    pub settle_block: Option<BlockNumber>,
}

/// A transaction that is on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Its hash.
    pub transaction: TxHash,
    /// The block that holds it.
    pub block: BlockNumber,
}

/// How a channel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The transaction that ended it.
    pub transaction: TxHash,
    /// What the receiver got over the channel's life.
    pub balance: TokenAmount,
    /// The part of it that was paid out now, the rest having been withdrawn before.
    pub receiver_tokens: TokenAmount,
}

impl Chain {
    /// Acts as `signer` through the node at `rpc_url`. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`ChainError::Url`].
    pub fn connect(rpc_url: &str, signer: PrivateKeySigner) -> Result<Self, ChainError> {
        Self::connect_with(rpc_url, signer, reqwest::Client::new())
    }

    /// The same with an HTTP client of the caller's.
    ///
    /// # Errors
    ///
    /// [`ChainError::Url`].
    pub fn connect_with(
        rpc_url: &str,
        signer: PrivateKeySigner,
        http: reqwest::Client,
    ) -> Result<Self, ChainError> {
        let url: reqwest::Url = rpc_url
            .parse()
            .map_err(|error| ChainError::Url { url: rpc_url.to_owned(), why: format!("{error}") })?;
        let sender = Address(signer.address().into_array());
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .fetch_chain_id()
            .wallet(EthereumWallet::from(signer))
            .connect_reqwest(http, url)
            .erased();
        Ok(Self { provider, sender, max_wait: Duration::from_secs(60), poll: Duration::from_millis(500) })
    }

    /// Waits so long for a transaction to be mined, and pauses so long between two looks. A minute and half a second
    /// otherwise.
    #[must_use]
    pub fn patience(self, max_wait: Duration, poll: Duration) -> Self {
        Self { max_wait, poll, ..self }
    }

    /// The account that acts.
    pub fn sender(&self) -> Address {
        self.sender
    }

    /// The node, for whatever else is to be asked.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The newest channel from our account to `receiver` that is neither settled nor closing, with its deposit.
    ///
    /// # Errors
    ///
    /// [`ChainError::Node`]. Some nodes refuse to search from far back: see
    /// [`Policy::first_block`](crate::Policy::first_block).
    pub async fn find_open(
        &self,
        contract: Address,
        receiver: Address,
        first_block: u64,
    ) -> Result<Option<(ChannelId, TokenAmount)>, ChainError> {
        let created = self
            .channels(contract)
            .ChannelCreated_filter()
            .topic1(to_chain(self.sender).into_word())
            .topic2(to_chain(receiver).into_word())
            .from_block(first_block)
            .query()
            .await
            .map_err(|error| node("searching ChannelCreated", error))?;
        for (_, log) in created.iter().rev() {
            let Some(block) = log.block_number else { continue };
            let open_block = block_number(block)?;
            let id = ChannelId { contract, receiver, sender: self.sender, open_block };
            if let Some(OnChain { deposit, settle_block: None }) = self.info(&id).await? {
                return Ok(Some((id, deposit)));
            }
        }
        Ok(None)
    }

    /// What the contract says of a channel; `None` where there is none, or no more.
    ///
    /// # Errors
    ///
    /// [`ChainError::Node`].
    pub async fn info(&self, id: &ChannelId) -> Result<Option<OnChain>, ChainError> {
        let call = self.channels(id.contract);
        let call = call.getChannelInfo(to_chain(id.sender), to_chain(id.receiver), id.open_block.0);
        match call.call().await {
            Ok(info) => Ok(Some(OnChain {
                deposit: amount(info._1),
                settle_block: (info._2 != 0).then_some(BlockNumber(info._2)),
            })),
            Err(error) if is_revert(&error) => Ok(None),
            Err(error) => Err(node("getChannelInfo", error)),
        }
    }

    /// The token of the contract.
    ///
    /// # Errors
    ///
    /// [`ChainError::Node`], also where there is no such contract.
    pub async fn token(&self, contract: Address) -> Result<Address, ChainError> {
        let token = self.channels(contract).token().call().await.map_err(|error| node("token", error))?;
        Ok(from_chain(token))
    }

    /// What an account holds of a token.
    ///
    /// # Errors
    ///
    /// [`ChainError::Node`].
    pub async fn token_balance(&self, token: Address, account: Address) -> Result<U256, ChainError> {
        let token = Token::new(to_chain(token), &self.provider);
        token.balanceOf(to_chain(account)).call().await.map_err(|error| node("balanceOf", error))
    }

    /// Opens a channel to `receiver` with one transaction.
    ///
    /// # Errors
    ///
    /// [`ChainError::TooFewTokens`], and whatever keeps the transaction from being mined.
    pub async fn open(
        &self,
        contract: Address,
        receiver: Address,
        deposit: TokenAmount,
    ) -> Result<(ChannelId, Mined), ChainError> {
        let data = [self.sender.0, receiver.0].concat();
        let receipt = self.deposit("opening a channel", contract, deposit, data).await?;
        let mined = mined(&receipt)?;
        if receipt.decoded_log::<channels::ChannelCreated>().is_none() {
            return Err(no_event(mined.transaction, "ChannelCreated", contract));
        }
        Ok((ChannelId { contract, receiver, sender: self.sender, open_block: mined.block }, mined))
    }

    /// Adds to the deposit of an open channel with one transaction.
    ///
    /// # Errors
    ///
    /// As for [`Chain::open`].
    pub async fn top_up(&self, id: &ChannelId, added: TokenAmount) -> Result<Mined, ChainError> {
        let data = [&self.sender.0[..], &id.receiver.0, &id.open_block.0.to_be_bytes()].concat();
        mined(&self.deposit("topping up", id.contract, added, data).await?)
    }

    /// Sends tokens to an account. Does not wait for a block.
    ///
    /// # Errors
    ///
    /// The node's or the token's reasons to refuse the transaction.
    pub async fn send_tokens(
        &self,
        token: Address,
        to: Address,
        amount: TokenAmount,
    ) -> Result<TxHash, ChainError> {
        let token = Token::new(to_chain(token), &self.provider);
        let sent = token.transfer_0(to_chain(to), to_uint256(amount)).send().await;
        Ok(*sent.map_err(|error| node("transfer", error))?.tx_hash())
    }

    /// Waits until a transaction is in a block.
    ///
    /// # Errors
    ///
    /// [`ChainError::NotMined`], [`ChainError::Failed`].
    pub async fn wait_for(&self, transaction: TxHash) -> Result<Mined, ChainError> {
        mined(&self.receipt("a transaction", transaction).await?)
    }

    /// Settles a channel at once, with both signatures.
    ///
    /// # Errors
    ///
    /// Whatever keeps the transaction from being mined.
    pub async fn close_cooperatively(
        &self,
        proof: &BalanceProof,
        agreement: &ClosingAgreement,
    ) -> Result<Settlement, ChainError> {
        let ChannelId { contract, receiver, open_block, .. } = proof.channel;
        let contract_ = self.channels(contract);
        let call = contract_.cooperativeClose(
            to_chain(receiver),
            open_block.0,
            to_uint192(proof.balance),
            proof.signature.to_bytes().into(),
            agreement.signature.to_bytes().into(),
        );
        settlement(contract, &self.mine("cooperativeClose", call.send().await).await?)
    }

    /// Asks to close a channel at `balance`, which starts the challenge period. Answers its last block.
    ///
    /// # Errors
    ///
    /// Whatever keeps the transaction from being mined.
    pub async fn close_uncooperatively(
        &self,
        id: &ChannelId,
        balance: TokenAmount,
    ) -> Result<Mined, ChainError> {
        let contract = self.channels(id.contract);
        let call = contract.uncooperativeClose(to_chain(id.receiver), id.open_block.0, to_uint192(balance));
        mined(&self.mine("uncooperativeClose", call.send().await).await?)
    }

    /// Ends a channel after its challenge period.
    ///
    /// # Errors
    ///
    /// [`ChainError::Reverted`] while the period runs, and whatever keeps the transaction from being mined.
    pub async fn settle(&self, id: &ChannelId) -> Result<Settlement, ChainError> {
        let contract = self.channels(id.contract);
        let call = contract.settle(to_chain(id.receiver), id.open_block.0);
        settlement(id.contract, &self.mine("settle", call.send().await).await?)
    }

    /// ERC-223: the token hands the data to the contract.
    async fn deposit(
        &self,
        call: &'static str,
        contract: Address,
        amount: TokenAmount,
        data: Vec<u8>,
    ) -> Result<TransactionReceipt, ChainError> {
        let token = self.token(contract).await?;
        let has = self.token_balance(token, self.sender).await?;
        if has < to_uint256(amount) {
            return Err(ChainError::TooFewTokens { account: self.sender, token, has, needs: amount });
        }
        let token = Token::new(to_chain(token), &self.provider);
        let transfer = token.transfer_1(to_chain(contract), to_uint256(amount), data.into());
        self.mine(call, transfer.send().await).await
    }

    async fn mine(
        &self,
        call: &'static str,
        sent: Result<PendingTransactionBuilder<Ethereum>, alloy::contract::Error>,
    ) -> Result<TransactionReceipt, ChainError> {
        let transaction = *sent.map_err(|error| node(call, error))?.tx_hash();
        self.receipt(call, transaction).await
    }

    async fn receipt(
        &self,
        call: &'static str,
        transaction: TxHash,
    ) -> Result<TransactionReceipt, ChainError> {
        let started = Instant::now();
        loop {
            match self.provider.get_transaction_receipt(transaction).await {
                Ok(Some(receipt)) if receipt.status() => return Ok(receipt),
                Ok(Some(_)) => return Err(ChainError::Failed { call, transaction }),
                Ok(None) => {}
                // The transaction is out, whatever the node does now: only its hash may be the answer.
                Err(error) => tracing::warn!(%transaction, %error, "no receipt"),
            }
            if started.elapsed() > self.max_wait {
                return Err(ChainError::NotMined { call, transaction, waited: self.max_wait });
            }
            sleep(self.poll).await;
        }
    }

    fn channels(&self, contract: Address) -> Channels<&DynProvider> {
        Channels::new(to_chain(contract), &self.provider)
    }
}

fn settlement(contract: Address, receipt: &TransactionReceipt) -> Result<Settlement, ChainError> {
    let transaction = receipt.transaction_hash;
    let event = receipt
        .decoded_log::<channels::ChannelSettled>()
        .ok_or_else(|| no_event(transaction, "ChannelSettled", contract))?;
    Ok(Settlement {
        transaction,
        balance: amount(event._balance),
        receiver_tokens: amount(event._receiver_tokens),
    })
}

fn mined(receipt: &TransactionReceipt) -> Result<Mined, ChainError> {
    let block = block_number(receipt.block_number.unwrap_or_default())?;
    Ok(Mined { transaction: receipt.transaction_hash, block })
}

fn no_event(transaction: TxHash, event: &'static str, contract: Address) -> ChainError {
    ChainError::NoEvent { transaction, event, contract }
}
