//! Payers with money, for scenes that begin with a channel.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use uraiden_client::{Chain, Payer, Policy, Session};
use uraiden_core::{ChannelId, TokenAmount};

use crate::sidecar::GATEWAY_PATH;
use crate::{Account, NO_HEADERS, Stack, accounts, raw};

/// What an account gets: one token of 18 decimals.
const PURSE: TokenAmount = TokenAmount::new(1_000_000_000_000_000_000);

/// How many payments the channel of [`Stack::payer`] covers.
const PAYMENTS: u64 = 100;

/// How long the sidecar may take to believe a channel.
const CONFIRMED: Duration = Duration::from_secs(30);

/// The pause between two looks.
const POLL: Duration = Duration::from_millis(50);

impl Stack {
    /// A new payer with an open, confirmed channel that covers a hundred payments.
    pub async fn payer(&self) -> Result<Payer> {
        let deposit = self.price().checked_mul(PAYMENTS).unwrap_or(TokenAmount::MAX);
        self.open_channel(&self.account_with(deposit.max(PURSE)).await?, deposit).await
    }

    /// A new account with one token of 18 decimals, one ether, and no channel.
    pub async fn account(&self) -> Result<Account> {
        self.account_with(PURSE).await
    }

    /// A new account with so many base units of the token, one ether, and no channel.
    pub async fn account_with(&self, tokens: TokenAmount) -> Result<Account> {
        let account = Account::random();
        self.chain.fund(self.token(), &[account.address], tokens).await?;
        Ok(account)
    }

    /// Opens a channel and waits until the sidecar takes payments through it.
    pub async fn open_channel(&self, account: &Account, deposit: TokenAmount) -> Result<Payer> {
        let id = self.open_unconfirmed(account, deposit).await?;
        if self.options.block_time.is_none() {
            self.chain.mine(self.options.confirmations).await?;
        }
        self.until_confirmed(&id).await?;
        Ok(Payer::new(account.signer.clone(), id.contract, id.receiver, id.open_block))
    }

    /// Opens so many channels of new accounts with this deposit each, and waits until the sidecar takes payments
    /// through all of them.
    pub async fn open_channels(&self, count: usize, deposit: TokenAmount) -> Result<Vec<Payer>> {
        let accounts: Vec<_> = (0..count).map(|_| Account::random()).collect();
        let addresses: Vec<_> = accounts.iter().map(|account| account.address).collect();
        self.chain.fund(self.token(), &addresses, deposit).await?;
        let mut payers = Vec::new();
        for account in accounts {
            let id = self.open_unconfirmed(&account, deposit).await?;
            payers.push(Payer::new(account.signer, id.contract, id.receiver, id.open_block));
        }
        if self.options.block_time.is_none() {
            self.chain.mine(self.options.confirmations).await?;
        }
        for payer in &payers {
            self.until_confirmed(payer.channel()).await?;
        }
        Ok(payers)
    }

    /// Opens a channel and does not wait for a further block.
    pub async fn open_unconfirmed(&self, account: &Account, deposit: TokenAmount) -> Result<ChannelId> {
        let chain = Chain::connect(self.chain.rpc_url(), account.signer.clone())?.patience(CONFIRMED, POLL);
        let (id, _) = chain.open(self.contract(), self.receiver(), deposit).await?;
        Ok(id)
    }

    /// A session of the Rust client for this account.
    pub fn session(&self, account: &Account, policy: Policy) -> Result<Session> {
        Ok(Session::builder(account.signer.clone(), policy).rpc_url(self.chain.rpc_url()).build()?)
    }

    /// Development accounts with ether and tokens, without the receiver. On a chain of our own they get them now, on
    /// an existing one those are named that have both.
    pub async fn funded(&self) -> Result<Vec<Account>> {
        let accounts: Vec<_> =
            accounts::payers().filter(|account| account.address != self.receiver()).collect();
        if self.options.existing.is_none() {
            let addresses: Vec<_> = accounts.iter().map(|account| account.address).collect();
            self.chain.fund(self.token(), &addresses, PURSE).await?;
            return Ok(accounts);
        }
        let mut funded = Vec::new();
        for account in accounts {
            let ether = self.chain.ether(account.address).await?;
            let tokens = self.chain.chain().token_balance(self.token(), account.address).await?;
            if !ether.is_zero() && !tokens.is_zero() {
                funded.push(account);
            }
        }
        Ok(funded)
    }

    /// Waits until the sidecar counts the channel as confirmed.
    ///
    /// # Errors
    ///
    /// It does not within half a minute.
    pub async fn until_confirmed(&self, id: &ChannelId) -> Result<()> {
        let path = format!("{GATEWAY_PATH}/channels/{}/{}", id.sender, id.open_block);
        let deadline = Instant::now() + CONFIRMED;
        loop {
            let answer = raw::send(self.sidecar.public(), "GET", &path, NO_HEADERS, "").await?;
            if answer.status == 200 && is_true(&answer.json()?["confirmed"]) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "channel {id} is not confirmed after {CONFIRMED:?}: the sidecar says {} {}",
                    answer.status,
                    answer.text()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// The original server writes 1 for true.
fn is_true(value: &serde_json::Value) -> bool {
    value.as_bool() == Some(true) || value.as_u64() == Some(1)
}
