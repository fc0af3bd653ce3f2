//! Requests that pay.

use std::collections::HashMap;
use std::time::Duration;

use alloy::primitives::TxHash;
use alloy::signers::local::PrivateKeySigner;
use reqwest::{Method, Request, Url};
use tokio::sync::Mutex;
use uraiden_core::{Address, ChannelId, TokenAmount};

use crate::charge::Terms;
use crate::purchase::Purchase;
use crate::{Chain, Channel, ChannelStore, Error, Payer, Policy};

/// The most resources whose terms a session remembers; one more, and it starts to remember anew.
const MAX_RESOURCES: usize = 1000;

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may be silent.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Pays for requests as their servers ask.
///
/// One request at a time: the next payment is not signed before the fate of the last one is known, so requests of
/// one session wait for each other. Redirects are not followed, they are given to the caller: payment headers must
/// not go to another host.
pub struct Session {
    pub(crate) signer: PrivateKeySigner,
    pub(crate) policy: Policy,
    pub(crate) chain: Option<Chain>,
    pub(crate) store: Option<Box<dyn ChannelStore>>,
    pub(crate) http: reqwest::Client,
    pub(crate) memory: Mutex<Memory>,
}

/// What a session makes of a key and limits.
pub struct SessionBuilder {
    signer: PrivateKeySigner,
    policy: Policy,
    rpc_url: Option<String>,
    store: Option<Box<dyn ChannelStore>>,
    channels: Vec<Channel>,
    http: reqwest::ClientBuilder,
}

/// An answer, and what it cost.
#[derive(Debug)]
pub struct Response {
    /// The answer itself.
    pub http: reqwest::Response,
    /// What was paid for it; zero where it was free, or where the server took its payment back.
    pub paid: TokenAmount,
    /// How often the request went out.
    pub round_trips: u32,
}

/// What a session has learned.
#[derive(Default)]
pub(crate) struct Memory {
    channels: Vec<Channel>,
    resources: HashMap<Resource, Asked>,
    /// An opening or a top-up that we stopped waiting for. No other deposit is made before its fate is known.
    pub(crate) unmined: Option<TxHash>,
}

/// What has a price: the query may differ.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    method: Method,
    place: String,
}

/// What a resource asked for last time.
#[derive(Clone)]
pub(crate) enum Asked {
    Nothing,
    Payment(Terms),
}

impl Session {
    /// Prepares a session that pays with `signer`'s tokens within `policy`.
    pub fn builder(signer: PrivateKeySigner, policy: Policy) -> SessionBuilder {
        SessionBuilder {
            signer,
            policy,
            rpc_url: None,
            store: None,
            channels: Vec::new(),
            http: reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT),
        }
    }

    /// The account that pays.
    pub fn sender(&self) -> Address {
        Address(self.signer.address().into_array())
    }

    /// Gets a resource, and pays for it if asked to.
    ///
    /// # Errors
    ///
    /// See [`Error`]. A status that is no success is not an error, except the paywall's own 402, 409, 502 and 503.
    pub async fn get(&self, url: Url) -> Result<Response, Error> {
        self.request(Request::new(Method::GET, url)).await
    }

    /// Sends a request, and pays for it if asked to. It may go out several times, until it is paid for; only the paid
    /// one reaches the service.
    ///
    /// # Errors
    ///
    /// As for [`Session::get`], and [`Error::BodyNotRepeatable`].
    pub async fn request(&self, request: Request) -> Result<Response, Error> {
        let mut memory = self.memory.lock().await;
        Purchase::new(self, &mut memory, request).run().await
    }

    /// The channels that the session has, closed ones included.
    pub async fn channels(&self) -> Vec<Channel> {
        self.memory.lock().await.channels.clone()
    }

    /// Saves, then remembers. An error means that nothing may be sent on the strength of this state.
    pub(crate) fn keep(&self, memory: &mut Memory, channel: &Channel) -> Result<(), Error> {
        if let Some(store) = &self.store {
            store.save(channel)?;
        }
        memory.remember(channel);
        Ok(())
    }

    pub(crate) fn chain(&self) -> Result<&Chain, Error> {
        self.chain.as_ref().ok_or(Error::NoChain)
    }

    pub(crate) fn payer(&self, channel: &Channel) -> Payer {
        Payer::new(self.signer.clone(), channel.contract, channel.receiver, channel.open_block)
    }
}

impl SessionBuilder {
    /// Finds, opens, tops up and closes channels through this node. Without one, only channels that are given or
    /// stored can pay.
    #[must_use]
    pub fn rpc_url(self, url: impl Into<String>) -> Self {
        Self { rpc_url: Some(url.into()), ..self }
    }

    /// Keeps channels here, and starts with those that are kept. Without one, a new session has to ask the chain and
    /// the server what there is.
    #[must_use]
    pub fn store(self, store: impl ChannelStore + 'static) -> Self {
        Self { store: Some(Box::new(store)), ..self }
    }

    /// Pays through this channel, which was opened with the session's key.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channels.push(channel);
        self
    }

    /// Sends requests with these settings (timeouts, TLS, proxies) instead of 10 s to connect and 60 s of silence.
    /// Redirects are switched off in any case.
    #[must_use]
    pub fn http(self, http: reqwest::ClientBuilder) -> Self {
        Self { http, ..self }
    }

    /// Starts the session. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ChainError::Url`](crate::ChainError::Url), [`Error::Store`], and [`Error::Transport`] where the HTTP client
    /// cannot be made.
    pub fn build(self) -> Result<Session, Error> {
        let Self { signer, policy, rpc_url, store, channels, http } = self;
        let chain = match rpc_url {
            Some(url) => Some(Chain::connect(&url, signer.clone())?.patience(policy.max_wait, policy.poll)),
            None => None,
        };
        let mut memory = Memory::default();
        for channel in store.as_ref().map_or(Ok(Vec::new()), |store| store.load())? {
            memory.remember(&channel);
        }
        for channel in &channels {
            memory.remember(channel);
        }
        let http = http.redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Session { signer, policy, chain, store, http, memory: Mutex::new(memory) })
    }
}

impl Memory {
    /// The channel of this id.
    pub(crate) fn channel(&self, id: &ChannelId) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id() == *id)
    }

    /// The newest channel that can pay this receiver.
    pub(crate) fn paying(&self, sender: Address, contract: Address, receiver: Address) -> Option<&Channel> {
        self.channels
            .iter()
            .filter(|channel| !channel.closing)
            .filter(|c| (c.sender, c.contract, c.receiver) == (sender, contract, receiver))
            .max_by_key(|channel| channel.open_block)
    }

    pub(crate) fn remember(&mut self, channel: &Channel) {
        match self.channels.iter_mut().find(|known| known.id() == channel.id()) {
            Some(known) => known.clone_from(channel),
            None => self.channels.push(channel.clone()),
        }
    }

    pub(crate) fn asked(&self, resource: &Resource) -> Option<Asked> {
        self.resources.get(resource).cloned()
    }

    pub(crate) fn learn(&mut self, resource: &Resource, asked: Asked) {
        if self.resources.len() >= MAX_RESOURCES {
            self.resources.clear();
        }
        self.resources.insert(resource.clone(), asked);
    }
}

impl Resource {
    pub(crate) fn of(request: &Request) -> Self {
        let mut place = request.url().clone();
        place.set_query(None);
        place.set_fragment(None);
        Self { method: request.method().clone(), place: place.into() }
    }
}
