//! The whole story on real parts: refused, paid, served, closed, money on chain.

use std::fmt::{Debug, Display};
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use uraiden_client::{Chain, Channel, Payer, Policy, Session, proof_headers};
use uraiden_core::{BalanceProof, TokenAmount, header};
use uraiden_harness::{Account, Answer, Database, NO_HEADERS, Options, Stack};

const PAYMENTS: u64 = 10;
const PURSE: TokenAmount = TokenAmount::new(1_000_000);
const DEPOSIT: TokenAmount = TokenAmount::new(20_000);

/// Shows a payer being refused and then paying, request by request, through a real Envoy and on a real chain.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// Where the ledger is: a file, or a PostgreSQL server that is started for it
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Database::Sqlite)]
    database: Database,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { database } = Arguments::parse();
    let tale = Tale { colour: std::io::stdout().is_terminal() };
    tale.title("µRaiden for Envoy: requests that pay");
    let mut stack = match Stack::start(Options {
        block_time: Some(Duration::from_secs(1)),
        database,
        ..Options::default()
    })
    .await
    {
        Ok(stack) => stack,
        Err(error) => return tale.failed(&error, ""),
    };
    match tale.tell(&stack).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => tale.failed(&error, &stack.log_tails()),
    }
}

struct Tale {
    colour: bool,
}

/// What both hold on chain, in base units of the token.
#[derive(Clone, Copy)]
struct Purses {
    sender: TokenAmount,
    receiver: TokenAmount,
}

impl Tale {
    async fn tell(&self, stack: &Stack) -> Result<()> {
        self.cast(stack);
        self.first_requests(stack).await?;

        let account = stack.account_with(PURSE).await?;
        let before = self.purses(stack, &account).await?;
        let payer = self.open(stack, &account).await?;
        let policy = Policy { poll: Duration::from_millis(200), ..Policy::new(stack.price(), DEPOSIT) };
        let channel = Channel::opened(*payer.channel(), DEPOSIT);
        let session = Session::builder(account.signer.clone(), policy)
            .rpc_url(stack.chain.rpc_url())
            .channel(channel)
            .build()?;
        let balance = self.pay(stack, &session).await?;
        self.cheat(stack, &payer, balance).await?;
        self.close(stack, &session, &payer, balance).await?;
        let after = self.purses(stack, &account).await?;
        self.settle_up(before, after, stack.price())
    }

    fn cast(&self, stack: &Stack) {
        self.step("Started, on this machine only");
        line(
            "chain",
            format!("{}, chain id {}, a block a second", stack.chain.rpc_url(), stack.chain.chain_id()),
        );
        line("contract", format!("{} holds the deposits", stack.contract()));
        line("token", format!("{}", stack.token()));
        line("sidecar", format!("http://{} holds the receiver's key and the proofs", stack.sidecar.admin()));
        line("ledger", stack.ledger_place());
        line("Envoy", format!("http://{} with the paywall, uraiden.wasm", stack.envoy.address()));
        line("service", format!("http://{} behind it", stack.upstream().address()));
    }

    async fn first_requests(&self, stack: &Stack) -> Result<()> {
        self.step("Without a payment");
        let free = stack.raw_get(stack.free_path(), NO_HEADERS).await?;
        expect("the free path's status", free.status, 200)?;
        line(&format!("GET {}", stack.free_path()), "200, free for all");

        let paid = stack.raw_get(stack.paid_path(), NO_HEADERS).await?;
        expect("the paid path's status", paid.status, 402)?;
        line(&format!("GET {}", stack.paid_path()), "402 Payment Required, and these terms:");
        for (name, expected, meaning) in [
            (header::PRICE, stack.price().to_string(), "what it costs, in base units of the token"),
            (header::CONTRACT_ADDRESS, stack.contract().to_string(), "locks the deposit"),
            (header::RECEIVER_ADDRESS, stack.receiver().to_string(), "is paid"),
            (header::TOKEN_ADDRESS, stack.token().to_string(), "is the money"),
            (header::GATEWAY_PATH, "/api/1".to_owned(), "closes channels"),
        ] {
            let value = required(&paid, name)?;
            expect(name, value, expected.as_str())?;
            println!("    {name:<22}{value:<44}{meaning}");
        }
        expect("requests that reached the service unpaid", stack.upstream().seen(stack.paid_path()), 0)
    }

    async fn open(&self, stack: &Stack, account: &Account) -> Result<Payer> {
        self.step("A payer opens a channel");
        let chain = Chain::connect(stack.chain.rpc_url(), account.signer.clone())?
            .patience(Duration::from_secs(30), Duration::from_millis(100));
        let (id, mined) = chain.open(stack.contract(), stack.receiver(), DEPOSIT).await?;
        line("sender", id.sender);
        line("transaction", mined.transaction);
        line("deposit", format!("{DEPOSIT} base units, in block {}", id.open_block));
        Ok(Payer::new(account.signer.clone(), id.contract, id.receiver, id.open_block))
    }

    /// Answers the balance after all payments.
    async fn pay(&self, stack: &Stack, session: &Session) -> Result<TokenAmount> {
        self.step("Each request carries a signature over the running total");
        let mut balance = TokenAmount::ZERO;
        for number in 1..=PAYMENTS {
            let path = format!("{}/{number}", stack.paid_path());
            let response = session.get(stack.url(&path)).await?;
            balance = balance.checked_add(stack.price()).context("the balance is too large")?;
            expect("the status", response.http.status().as_u16(), 200)?;
            expect("the amount paid", response.paid, stack.price())?;
            let shown = response.http.headers().get(header::SENDER_BALANCE);
            let shown = shown.context("no RDN-Sender-Balance in a paid answer")?.to_str()?;
            expect("RDN-Sender-Balance", shown, balance.to_string().as_str())?;
            expect("requests that reached the service", stack.upstream().seen(&path), 1)?;
            line(&format!("GET {path}"), format!("200, balance {balance}"));
        }
        Ok(balance)
    }

    async fn cheat(&self, stack: &Stack, payer: &Payer, balance: TokenAmount) -> Result<()> {
        self.step("Cheating does not pay");
        let path = format!("{}/cheat", stack.paid_path());
        let replayed = stack.raw_get(&path, payer.headers(balance)).await?;
        expect("the status of a replay", replayed.status, 402)?;
        expect(
            "the balance after a replay",
            required(&replayed, header::SENDER_BALANCE)?,
            balance.to_string().as_str(),
        )?;
        line("replayed proof", format!("402, the balance stays {balance}"));

        let next = balance.checked_add(stack.price()).context("the balance is too large")?;
        let thief = Payer::new(
            Account::random().signer,
            stack.contract(),
            stack.receiver(),
            payer.channel().open_block,
        );
        let forged = BalanceProof { channel: *payer.channel(), ..thief.proof(next) };
        let refused = stack.raw_get(&path, proof_headers(&forged)).await?;
        expect("the status of a forged proof", refused.status, 402)?;
        expect(header::INVALID_BALANCE_PROOF, required(&refused, header::INVALID_BALANCE_PROOF)?, "1")?;
        expect("the victim's balance, shown", refused.header(header::SENDER_BALANCE), None)?;
        line("forged proof", "402, RDN-Invalid-Balance-Proof");
        expect("cheating requests that reached the service", stack.upstream().seen(&path), 0)
    }

    async fn close(
        &self,
        stack: &Stack,
        session: &Session,
        payer: &Payer,
        balance: TokenAmount,
    ) -> Result<()> {
        self.step("The channel is closed with both signatures");
        let settlement = session.close_cooperatively(&stack.gateway(), payer.channel()).await?;
        expect("the balance settled on chain", settlement.balance, balance)?;
        line("transaction", settlement.transaction);
        let after = stack.raw_get(stack.paid_path(), payer.headers(balance)).await?;
        expect(header::NONEXISTING_CHANNEL, required(&after, header::NONEXISTING_CHANNEL)?, "1")?;
        line("one more request", "402, RDN-Nonexisting-Channel");
        Ok(())
    }

    fn settle_up(&self, before: Purses, after: Purses, price: TokenAmount) -> Result<()> {
        self.step("On chain, before and after");
        line("sender", format!("{}  ->  {}", before.sender, after.sender));
        line("receiver", format!("{}  ->  {}", before.receiver, after.receiver));
        let due = price.checked_mul(PAYMENTS).context("the total is too large")?;
        expect("what the receiver got", after.receiver.checked_sub(before.receiver), Some(due))?;
        expect("what the sender paid", before.sender.checked_sub(after.sender), Some(due))?;
        println!();
        println!("The receiver got exactly {PAYMENTS} accepted payments x {price} = {due} base units.");
        Ok(())
    }

    async fn purses(&self, stack: &Stack, account: &Account) -> Result<Purses> {
        let chain = stack.chain.chain();
        let holds = async |who| -> Result<TokenAmount> {
            Ok(chain.token_balance(stack.token(), who).await?.to_string().parse()?)
        };
        Ok(Purses { sender: holds(account.address).await?, receiver: holds(stack.receiver()).await? })
    }

    fn title(&self, text: &str) {
        println!("{}", self.bold(text));
    }

    fn step(&self, text: &str) {
        println!("\n{}", self.bold(text));
    }

    fn bold(&self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn failed(&self, error: &anyhow::Error, logs: &str) -> ExitCode {
        eprintln!("\n{} {error:#}\n{logs}", self.bold("The demo failed:"));
        ExitCode::FAILURE
    }
}

fn line(what: &str, says: impl Display) {
    println!("  {what:<18}{says}");
}

fn required<'a>(answer: &'a Answer, name: &str) -> Result<&'a str> {
    let status = answer.status;
    answer.header(name).with_context(|| {
        format!("expected the header {name}, found none in this {status}: {}", answer.text())
    })
}

fn expect<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<()> {
    ensure!(found == expected, "{what}: expected {expected:?}, found {found:?}");
    Ok(())
}
