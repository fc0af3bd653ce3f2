//! Sessions against scripted servers: honest, broken and hostile ones.
//!
//! The channel is given, so there is no chain; what needs one is tested against a real one by the harness.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uraiden_core::{Address, BlockNumber, TokenAmount};

use crate::{Channel, ChannelStore, Error, OnLost, Payer, Policy, PrivateKeySigner, Response, Session};

#[tokio::test]
async fn after_the_first_request_each_payment_is_one_round_trip() {
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(10), served(10), served(20), served(30)]);
    let first = scene.get().await.unwrap();
    assert_eq!((first.round_trips, first.paid), (2, amount(10)));
    for _ in 0..2 {
        let next = scene.get().await.unwrap();
        assert_eq!((next.round_trips, next.paid), (1, amount(10)));
    }
    assert_eq!(scene.sent(), [None, Some(10), Some(20), Some(30)]);
}

#[tokio::test]
async fn what_is_free_is_never_paid_for() {
    let scene = Scene::new(paid(0)).await;
    scene.script([status(200), status(404)]);
    assert!(scene.get().await.unwrap().paid.is_zero());
    assert!(scene.get().await.unwrap().paid.is_zero());
    assert_eq!(scene.sent(), [None, None]);
}

#[tokio::test]
async fn a_price_above_the_limit_is_refused_unsigned() {
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(101)]);
    assert!(matches!(scene.get().await, Err(Error::PriceAboveLimit { .. })));
    assert_eq!(scene.sent(), [None]);
}

#[tokio::test]
async fn another_party_than_the_policys_is_refused_unsigned() {
    for (contract, receiver) in [(Some(Address([9; 20])), None), (None, Some(Address([9; 20])))] {
        let scene = Scene::with(paid(0), |policy| Policy { contract, receiver, ..policy }).await;
        scene.script([ask(10)]);
        assert!(matches!(scene.get().await, Err(Error::OtherParty { .. })));
        assert_eq!(scene.sent(), [None]);
    }
}

#[tokio::test]
async fn a_receiver_that_changes_gets_no_proof_of_the_old_channel() {
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(10), served(10), ask(10).receiver(Address([9; 20]))]);
    scene.get().await.unwrap();
    // Another channel is needed, and there is no node to open it.
    assert!(matches!(scene.get().await, Err(Error::NoChain)));
    assert_eq!(scene.sent(), [None, Some(10), Some(20)]);
}

#[tokio::test]
async fn after_a_broken_connection_the_same_proof_is_sent_again() {
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(10), hang_up(), served(10), served(20)]);
    assert!(matches!(scene.get().await, Err(Error::Transport(_))));
    scene.get().await.unwrap();
    scene.get().await.unwrap();
    assert_eq!(scene.sent(), [None, Some(10), Some(10), Some(20)]);
}

#[tokio::test]
async fn a_payment_that_was_taken_unserved_is_reported_and_not_repeated() {
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(10), hang_up(), scene.holds(10), served(20)]);
    assert!(matches!(scene.get().await, Err(Error::Transport(_))));
    let lost = scene.get().await.unwrap_err();
    assert!(matches!(lost, Error::PaymentLost { amount } if amount == TokenAmount::new(10)), "{lost}");
    scene.get().await.unwrap();
    assert_eq!(scene.sent(), [None, Some(10), Some(10), Some(20)]);
}

#[tokio::test]
async fn no_other_balance_is_signed_before_the_fate_of_the_last_is_known() {
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(10), hang_up(), ask(5), scene.holds(10).price(5), served(15)]);
    assert!(matches!(scene.get().await, Err(Error::Transport(_))));
    let cheaper = scene.url().join("/cheaper").unwrap();
    assert!(matches!(scene.session.get(cheaper.clone()).await, Err(Error::PaymentLost { .. })));
    scene.session.get(cheaper).await.unwrap();
    assert_eq!(scene.sent(), [None, Some(10), None, Some(10), Some(15)]);
}

#[tokio::test]
async fn a_lost_payment_is_paid_again_once_where_the_policy_says_so() {
    let scene = Scene::with(paid(0), |policy| Policy { on_lost: OnLost::PayAgain, ..policy }).await;
    scene.script([ask(10), scene.holds(10), served(20), scene.holds(30), scene.holds(40)]);
    scene.get().await.unwrap();
    assert!(matches!(scene.get().await, Err(Error::PaymentLost { .. })));
    assert_eq!(scene.sent(), [None, Some(10), Some(20), Some(30), Some(40)]);
}

#[tokio::test]
async fn a_lost_balance_is_asked_for_with_a_proof_worth_nothing() {
    let scene = Scene::new(Channel { balance: None, ..paid(0) }).await;
    scene.script([ask(10), scene.holds(50).error("RDN-Invalid-Amount"), served(60)]);
    assert_eq!(scene.get().await.unwrap().round_trips, 3);
    assert_eq!(scene.sent(), [None, Some(0), Some(60)]);
}

#[tokio::test]
async fn a_balance_without_our_signature_is_not_adopted() {
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(10), claims(90, Payer::proof(&payer_of(&PrivateKeySigner::random()), amount(90)))]);
    assert!(matches!(scene.get().await, Err(Error::FalseBalance { .. })));
    assert_eq!(scene.sent(), [None, Some(10)]);
}

#[tokio::test]
async fn a_changed_price_is_paid_within_the_limit_only() {
    let scene = Scene::new(paid(0)).await;
    let dearer = |price| scene.holds(10).price(price).error("RDN-Invalid-Amount");
    scene.script([ask(10), served(10), dearer(15), served(25), dearer(101)]);
    scene.get().await.unwrap();
    assert_eq!(scene.get().await.unwrap().paid, amount(15));
    assert!(matches!(scene.get().await, Err(Error::PriceAboveLimit { .. })));
    assert_eq!(scene.sent(), [None, Some(10), Some(20), Some(25), Some(40)]);
}

#[tokio::test]
async fn a_server_that_corrects_for_ever_is_left() {
    let scene = Scene::new(paid(0)).await;
    let dearer = |price| scene.holds(0).price(price).error("RDN-Invalid-Amount");
    scene.script([ask(10), dearer(11), dearer(12), dearer(13), dearer(14)]);
    assert!(matches!(scene.get().await, Err(Error::Endless { corrections: 3 })));
    assert_eq!(scene.sent(), [None, Some(10), Some(11), Some(12), Some(13)]);
}

#[tokio::test]
async fn waiting_has_an_end() {
    let wait = Duration::from_millis(50);
    for (error, expected) in [
        ("RDN-Insufficient-Confirmations", "has not confirmed the channel"),
        ("RDN-Nonexisting-Channel", "unknown or closed there"),
        ("RDN-Invalid-Balance-Proof", "has not confirmed the deposit"),
    ] {
        let scene = Scene::with(paid(0), |policy| Policy { max_wait: wait, poll: wait, ..policy }).await;
        let waiting = scene.holds(0).error(error);
        scene.script([ask(10), waiting.clone(), waiting.clone(), waiting.clone(), waiting]);
        let given_up = scene.get().await.unwrap_err().to_string();
        assert!(given_up.contains(expected), "{given_up}");
        assert!(scene.sent()[1..].iter().all(|balance| *balance == Some(10)));
    }
}

#[tokio::test]
async fn nothing_above_the_deposit_is_signed() {
    let scene = Scene::new(Channel { deposit: amount(15), ..paid(0) }).await;
    scene.script([ask(10), served(10)]);
    scene.get().await.unwrap();
    assert!(matches!(scene.get().await, Err(Error::NoChain)));
    assert_eq!(scene.sent(), [None, Some(10)]);
}

#[tokio::test]
async fn a_paywall_that_cannot_or_will_not_judge_gets_the_same_proof_again() {
    let scene = Scene::new(paid(0)).await;
    scene.script([
        ask(10),
        status(502).body("no node"),
        status(503).header("Retry-After", "7"),
        status(409).body(r#"{"detail":"RDN-Open-Block: no"}"#),
        served(10),
    ]);
    let found =
        [scene.get().await.unwrap_err(), scene.get().await.unwrap_err(), scene.get().await.unwrap_err()];
    assert!(matches!(&found[0], Error::Unavailable { reason } if reason == "no node"), "{}", found[0]);
    assert!(
        matches!(&found[1], Error::Busy { retry_after, .. } if retry_after.as_secs() == 7),
        "{}",
        found[1]
    );
    assert!(
        matches!(&found[2], Error::Malformed { reason } if reason == "RDN-Open-Block: no"),
        "{}",
        found[2]
    );
    scene.get().await.unwrap();
    assert_eq!(scene.sent(), [None, Some(10), Some(10), Some(10), Some(10)]);
}

#[tokio::test]
async fn a_payment_that_was_taken_back_costs_nothing_and_is_good_again() {
    let scene = Scene::new(paid(30)).await;
    scene.script([
        ask(10),
        status(500).header("RDN-Sender-Balance", "30"), // the service failed
        status(404).header("RDN-Sender-Balance", "30"), // not charged for what is not there
        served(40),
    ]);
    for _ in 0..2 {
        assert!(scene.get().await.unwrap().paid.is_zero());
    }
    assert_eq!(scene.get().await.unwrap().paid, amount(10));
    assert_eq!(scene.sent(), [None, Some(40), Some(40), Some(40)]);
}

#[tokio::test]
async fn a_redirect_is_given_to_the_caller_and_not_followed() {
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(10), served(10).status(302).header("Location", "/elsewhere")]);
    assert_eq!(scene.get().await.unwrap().http.status(), 302);
    assert_eq!(scene.sent(), [None, Some(10)]);
}

#[tokio::test]
async fn no_proof_leaves_before_it_is_saved() {
    struct Full;
    impl ChannelStore for Full {
        fn load(&self) -> io::Result<Vec<Channel>> {
            Ok(Vec::new())
        }
        fn save(&self, _: &Channel) -> io::Result<()> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
    }
    let scene = Scene::new(paid(0)).await;
    scene.script([ask(10)]);
    let session = scene.builder(|policy| policy).store(Full).build().unwrap();
    assert!(matches!(session.get(scene.url()).await, Err(Error::Store(_))));
    assert_eq!(scene.sent(), [None]);
}

// === The scripted server

const CONTRACT: Address = Address([1; 20]);
const RECEIVER: Address = Address([2; 20]);

struct Scene {
    signer: PrivateKeySigner,
    channel: Channel,
    session: Session,
    address: SocketAddr,
    replies: Arc<Mutex<Vec<Reply>>>,
    sent: Arc<Mutex<Vec<Option<u64>>>>,
}

/// What the server does with one request.
#[derive(Clone)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Scene {
    async fn new(channel: Channel) -> Self {
        Self::with(channel, |policy| policy).await
    }

    async fn with(channel: Channel, change: impl FnOnce(Policy) -> Policy) -> Self {
        let signer = PrivateKeySigner::random();
        let channel = Channel { sender: Address(signer.address().into_array()), ..channel };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (replies, sent) = (Arc::<Mutex<Vec<Reply>>>::default(), Arc::<Mutex<Vec<_>>>::default());
        tokio::spawn(serve(listener, Arc::clone(&replies), Arc::clone(&sent)));
        let session = builder(&signer, &channel, change).build().unwrap();
        Self { signer, channel, session, address, replies, sent }
    }

    fn builder(&self, change: impl FnOnce(Policy) -> Policy) -> crate::SessionBuilder {
        builder(&self.signer, &self.channel, change)
    }

    fn script<const N: usize>(&self, replies: [Reply; N]) {
        *self.replies.lock().unwrap() = replies.into_iter().rev().collect();
    }

    fn url(&self) -> reqwest::Url {
        format!("http://{}/resource", self.address).parse().unwrap()
    }

    async fn get(&self) -> Result<Response, Error> {
        self.session.get(self.url()).await
    }

    /// The balances that came, request by request.
    fn sent(&self) -> Vec<Option<u64>> {
        self.sent.lock().unwrap().clone()
    }

    /// A 402 of a server that holds a proof of ours.
    fn holds(&self, balance: u64) -> Reply {
        claims(balance, payer_of(&self.signer).proof(amount(balance)))
    }
}

fn builder(
    signer: &PrivateKeySigner,
    channel: &Channel,
    change: impl FnOnce(Policy) -> Policy,
) -> crate::SessionBuilder {
    let policy = change(Policy::new(amount(100), amount(1000)));
    Session::builder(signer.clone(), policy).channel(channel.clone())
}

async fn serve(listener: TcpListener, replies: Arc<Mutex<Vec<Reply>>>, sent: Arc<Mutex<Vec<Option<u64>>>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        let balance = head.lines().find_map(|line| line.strip_prefix("rdn-sender-balance: "));
        sent.lock().unwrap().push(balance.map(|balance| balance.parse().unwrap()));
        let reply = replies.lock().unwrap().pop();
        // A request beyond the script, or one that is to be left without an answer.
        let Some(reply) = reply.filter(|reply| reply.status > 0) else { continue };
        let mut text = format!("HTTP/1.1 {} -\r\nConnection: close\r\n", reply.status);
        for (name, value) in &reply.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n{}", reply.body.len(), reply.body);
        stream.write_all(text.as_bytes()).await.unwrap();
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

fn payer_of(signer: &PrivateKeySigner) -> Payer {
    Payer::new(signer.clone(), CONTRACT, RECEIVER, BlockNumber(7))
}

/// A channel with a deposit of 1000 through which so much was paid.
fn paid(balance: u64) -> Channel {
    Channel {
        contract: CONTRACT,
        receiver: RECEIVER,
        sender: Address::ZERO,
        open_block: BlockNumber(7),
        deposit: amount(1000),
        balance: Some(amount(balance)),
        pending: None,
        closing: false,
    }
}

fn amount(units: u64) -> TokenAmount {
    TokenAmount::new(units)
}

/// A plain 402.
fn ask(price: u64) -> Reply {
    status(402)
        .price(price)
        .receiver(RECEIVER)
        .header("RDN-Contract-Address", &CONTRACT.to_string())
        .header("RDN-Token-Address", &Address([3; 20]).to_string())
        .header("RDN-Gateway-Path", "/api/1")
}

/// A 402 of a server that says to hold this.
fn claims(balance: u64, proof: uraiden_core::BalanceProof) -> Reply {
    ask(10)
        .header("RDN-Sender-Balance", &balance.to_string())
        .header("RDN-Balance-Signature", &proof.signature.to_string())
}

fn served(balance: u64) -> Reply {
    status(200).header("RDN-Sender-Balance", &balance.to_string())
}

fn status(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: String::new() }
}

/// No answer at all.
fn hang_up() -> Reply {
    status(0)
}

impl Reply {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn price(self, price: u64) -> Self {
        self.header("RDN-Price", &price.to_string())
    }

    fn receiver(self, receiver: Address) -> Self {
        self.header("RDN-Receiver-Address", &receiver.to_string())
    }

    fn error(self, name: &str) -> Self {
        self.header(name, "1")
    }

    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn body(self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self }
    }
}
