//! The sidecar.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;
use uraiden_core::Address;

use crate::folder::Folder;
use crate::nodes::Nodes;
use crate::tools::Tools;
use crate::{Answer, NO_HEADERS, Options, Part, raw};

/// The path root of the channel API.
pub(crate) const GATEWAY_PATH: &str = "/api/1";

/// The name of its database.
pub(crate) const LEDGER: &str = "ledger.sqlite";

/// How long a sidecar may take to refuse to start.
const REFUSE: Duration = Duration::from_secs(30);

/// What the sidecars of a stack are called, and their files.
pub(crate) const NAMES: [&str; 4] = ["sidecar", "sidecar-2", "sidecar-3", "sidecar-4"];

/// What the sidecars of a stack have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    token: String,
    token_file: PathBuf,
    admin_token: String,
    admin_token_file: PathBuf,
    nodes: Nodes,
    contract: Address,
    receiver_key_file: PathBuf,
    /// A file, or a URL.
    database: String,
}

impl Shared {
    pub(crate) fn new(
        folder: &Folder,
        nodes: Nodes,
        contract: Address,
        receiver_key_file: &Path,
        database: String,
    ) -> Result<Self> {
        let (token, admin_token) = (random_token()?, random_token()?);
        Ok(Self {
            token_file: folder.write_secret("internal.token", &token)?,
            admin_token_file: folder.write_secret("admin.token", &admin_token)?,
            receiver_key_file: receiver_key_file.to_path_buf(),
            token,
            admin_token,
            nodes,
            contract,
            database,
        })
    }
}

/// `uraiden migrate` from this file to the database with this URL. It is killed when it is dropped.
///
/// # Errors
///
/// The program is not built.
pub fn migration(from: &Path, to: &str) -> Result<Command> {
    let mut command = Command::new(Tools::find(None)?.uraiden);
    command.arg("migrate").arg("--from").arg(from).env("URAIDEN_DATABASE", to).kill_on_drop(true);
    Ok(command)
}

/// `uraiden serve`. It listens on the same ports after every start.
#[derive(Debug)]
pub struct Sidecar {
    part: Part,
    addresses_file: PathBuf,
    addresses: Addresses,
    token: String,
    admin_token: String,
    admin_token_file: PathBuf,
    program: PathBuf,
    database: String,
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
    /// Starts the sidecar with one of the [`NAMES`].
    pub(crate) async fn start(
        tools: &Tools,
        folder: &Folder,
        name: &'static str,
        shared: &Shared,
        options: &Options,
    ) -> Result<Self> {
        let (mut part, addresses_file) = Self::prepare(tools, folder, name, shared, options);
        let addresses = launch(&mut part, &addresses_file).await?;
        part.change_flag("--public-listen", addresses.public.to_string());
        part.change_flag("--internal-listen", addresses.internal.to_string());
        part.change_flag("--admin-listen", addresses.admin.to_string());
        Ok(Self {
            part,
            addresses_file,
            addresses,
            token: shared.token.clone(),
            admin_token: shared.admin_token.clone(),
            admin_token_file: shared.admin_token_file.clone(),
            program: tools.uraiden.clone(),
            database: shared.database.clone(),
        })
    }

    /// The program with its flags, and where it writes its addresses.
    fn prepare(
        tools: &Tools,
        folder: &Folder,
        name: &'static str,
        shared: &Shared,
        options: &Options,
    ) -> (Part, PathBuf) {
        let addresses_file = folder.file(&format!("{name}.addresses.json"));
        let mut part = Part::new(name, tools, &tools.uraiden, folder.file(&format!("{name}.log")));
        part.arg("serve")
            .flag("--rpc-url", shared.nodes.of(name))
            .flag("--contract", shared.contract.to_string())
            .flag("--receiver-key-file", &shared.receiver_key_file)
            .flag("--database", &shared.database)
            .flag("--confirmations", options.confirmations.to_string())
            .flag("--poll-interval", "200ms")
            .flag("--internal-token-file", &shared.token_file)
            .flag("--admin-token-file", &shared.admin_token_file)
            .flag("--gateway-path", GATEWAY_PATH)
            .flag("--addresses-file", &addresses_file);
        for listener in ["--public-listen", "--internal-listen", "--admin-listen"] {
            part.flag(listener, "127.0.0.1:0");
        }
        for (flag, value) in &options.sidecar_flags {
            match value.is_empty() {
                true => part.arg(flag),
                false => part.change_flag(flag, value),
            };
        }
        (part, addresses_file)
    }

    /// Runs a further sidecar until it ends by itself, and answers its exit code and its log: for one that has to
    /// refuse to start.
    pub(crate) async fn refused(
        tools: &Tools,
        folder: &Folder,
        shared: &Shared,
        options: &Options,
    ) -> Result<(Option<i32>, String)> {
        let (mut part, _) = Self::prepare(tools, folder, "sidecar-refused", shared, options);
        part.start()?;
        let deadline = Instant::now() + REFUSE;
        while part.is_running() {
            if Instant::now() > deadline {
                bail!("the sidecar did not refuse to start\n{}", part.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok((part.exit_code(), part.log()?))
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

    /// What it is called in the stack.
    pub fn name(&self) -> &'static str {
        self.part.name()
    }

    /// Has it use another database from its next start on.
    pub(crate) fn move_to(&mut self, database: &str) {
        self.part.change_flag("--database", database);
        database.clone_into(&mut self.database);
    }

    /// The process, to be stopped or killed.
    pub fn part(&mut self) -> &mut Part {
        &mut self.part
    }

    /// What it has written so far.
    ///
    /// # Errors
    ///
    /// Its file cannot be read.
    pub fn log(&self) -> Result<String> {
        self.part.log()
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

    /// Whether it is the one that follows the chain and sends transactions.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn leads(&self) -> Result<bool> {
        Ok(self.ask_admin("/readyz").await?.json()?["leader"]["here"] == true)
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

    /// Its database's file, where it is one.
    pub fn database(&self) -> &Path {
        Path::new(&self.database)
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
