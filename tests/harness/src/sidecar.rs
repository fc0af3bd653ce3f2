//! The sidecar.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;
use uraiden_core::Address;

use crate::folder::Folder;
use crate::tools::Tools;
use crate::{Answer, NO_HEADERS, Options, Part, raw};

/// The path root of the channel API.
pub(crate) const GATEWAY_PATH: &str = "/api/1";

/// The name of its database.
pub(crate) const LEDGER: &str = "ledger.sqlite";

/// `uraiden serve` with a database of its own. It listens on the same ports after every start.
#[derive(Debug)]
pub struct Sidecar {
    part: Part,
    addresses_file: PathBuf,
    addresses: Addresses,
    token: String,
    admin_token: String,
    admin_token_file: PathBuf,
    program: PathBuf,
    database: PathBuf,
}

/// How a command ended, and what it wrote.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it said beside that.
    pub stderr: String,
}

/// Where it listens, as it writes it into its addresses file.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Addresses {
    public: SocketAddr,
    internal: SocketAddr,
    admin: SocketAddr,
}

impl Sidecar {
    pub(crate) async fn start(
        tools: &Tools,
        folder: &Folder,
        rpc_url: &str,
        contract: Address,
        receiver_key_file: &Path,
        options: &Options,
    ) -> Result<Self> {
        let token = random_token()?;
        let token_file = folder.write_secret("internal.token", &token)?;
        let admin_token = random_token()?;
        let admin_token_file = folder.write_secret("admin.token", &admin_token)?;
        let addresses_file = folder.file("addresses.json");
        let database = folder.file(LEDGER);
        let mut part = Part::new("sidecar", tools, &tools.uraiden, folder.file("sidecar.log"));
        part.arg("serve")
            .flag("--rpc-url", rpc_url)
            .flag("--contract", contract.to_string())
            .flag("--receiver-key-file", receiver_key_file)
            .flag("--database", &database)
            .flag("--confirmations", options.confirmations.to_string())
            .flag("--poll-interval", "200ms")
            .flag("--internal-token-file", token_file)
            .flag("--admin-token-file", &admin_token_file)
            .flag("--gateway-path", GATEWAY_PATH)
            .flag("--addresses-file", &addresses_file);
        for listener in ["--public-listen", "--internal-listen", "--admin-listen"] {
            part.flag(listener, "127.0.0.1:0");
        }
        for (flag, value) in &options.sidecar_flags {
            part.change_flag(flag, value);
        }
        let addresses = launch(&mut part, &addresses_file).await?;
        part.change_flag("--public-listen", addresses.public.to_string());
        part.change_flag("--internal-listen", addresses.internal.to_string());
        part.change_flag("--admin-listen", addresses.admin.to_string());
        let program = tools.uraiden.clone();
        Ok(Self { part, addresses_file, addresses, token, admin_token, admin_token_file, program, database })
    }

    /// Starts it again after [`Part::stop`] or [`Part::kill`], and waits until it is ready.
    pub async fn restart(&mut self) -> Result<()> {
        self.part.stop();
        launch(&mut self.part, &self.addresses_file).await?;
        Ok(())
    }

    /// Starts it again, and does not wait until it is ready.
    pub fn start_again(&mut self) -> Result<()> {
        self.part.stop();
        self.part.start()
    }

    /// The process, to be stopped or killed.
    pub fn part(&mut self) -> &mut Part {
        &mut self.part
    }

    /// The listener for clients: channel API and assets.
    pub fn public(&self) -> SocketAddr {
        self.addresses.public
    }

    /// The listener for filters.
    pub fn internal(&self) -> SocketAddr {
        self.addresses.internal
    }

    /// The listener for the merchant, with `/readyz` and `/metrics`.
    pub fn admin(&self) -> SocketAddr {
        self.addresses.admin
    }

    /// What the listener for the merchant says to `GET path`.
    pub async fn ask_admin(&self, path: &str) -> Result<Answer> {
        raw::send(self.admin(), "GET", path, NO_HEADERS, "").await
    }

    /// A call of the merchant, with the admin token.
    pub async fn admin_call(&self, method: &str, path: &str) -> Result<Answer> {
        let token = format!("Bearer {}", self.admin_token);
        raw::send(self.admin(), method, path, [("authorization", token)], "").await
    }

    /// Runs `uraiden COMMAND … --json` against it. Answers the exit code, and what it prints.
    pub async fn command(&self, arguments: &[&str]) -> Result<(i32, Value)> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .args(["--json", "--admin-url", &format!("http://{}", self.admin()), "--admin-token-file"])
            .arg(&self.admin_token_file);
        let Ran { code, stdout, stderr } = run(command).await?;
        let printed = serde_json::from_str(&stdout)
            .with_context(|| format!("uraiden {arguments:?}: status {code}\n{stdout}\n{stderr}"))?;
        Ok((code, printed))
    }

    /// What the merchant shows to the listener for him.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Runs `uraiden COMMAND … --database` with its database, whether or not it runs itself.
    pub async fn on_database(&self, arguments: &[&str]) -> Result<Ran> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--database").arg(&self.database);
        run(command).await
    }

    /// Its database.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// What filters show to the internal listener.
    pub fn token(&self) -> &str {
        &self.token
    }
}

async fn run(mut command: Command) -> Result<Ran> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.kill_on_drop(true).output().await.context(name)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code().with_context(|| format!("{}\n{stderr}", output.status))?;
    Ok(Ran { code, stdout, stderr })
}

async fn launch(part: &mut Part, addresses_file: &Path) -> Result<Addresses> {
    // Of an earlier start: it would be taken for the new one.
    if addresses_file.exists() {
        fs::remove_file(addresses_file).with_context(|| addresses_file.display().to_string())?;
    }
    part.start()?;
    part.ready(async || {
        let text =
            fs::read_to_string(addresses_file).with_context(|| addresses_file.display().to_string())?;
        let addresses: Addresses = serde_json::from_str(&text)?;
        let answer = raw::send(addresses.admin, "GET", "/readyz", raw::NO_HEADERS, "").await?;
        if answer.status != 200 {
            bail!("/readyz says {}: {}", answer.status, answer.text());
        }
        Ok(addresses)
    })
    .await
}

/// 256 random bits in hex.
pub(crate) fn random_token() -> Result<String> {
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("/dev/urandom")?;
    Ok(hex::encode(bytes))
}
