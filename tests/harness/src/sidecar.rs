//! The sidecar.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use uraiden_core::Address;

use crate::folder::Folder;
use crate::tools::Tools;
use crate::{Part, raw};

/// The path root of the channel API.
pub(crate) const GATEWAY_PATH: &str = "/api/1";

/// `uraiden serve` with a database of its own. It listens on the same ports after every start.
#[derive(Debug)]
pub struct Sidecar {
    part: Part,
    addresses_file: PathBuf,
    addresses: Addresses,
    token: String,
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
        confirmations: u32,
    ) -> Result<Self> {
        let token = random_token()?;
        let token_file = folder.write_secret("internal.token", &token)?;
        let addresses_file = folder.file("addresses.json");
        let mut part = Part::new("sidecar", tools, &tools.uraiden, folder.file("sidecar.log"));
        part.arg("serve")
            .flag("--rpc-url", rpc_url)
            .flag("--contract", contract.to_string())
            .flag("--receiver-key-file", receiver_key_file)
            .flag("--database", folder.file("ledger.sqlite"))
            .flag("--confirmations", confirmations.to_string())
            .flag("--poll-interval", "200ms")
            .flag("--internal-token-file", token_file)
            .flag("--gateway-path", GATEWAY_PATH)
            .flag("--addresses-file", &addresses_file);
        for listener in ["--public-listen", "--internal-listen", "--admin-listen"] {
            part.flag(listener, "127.0.0.1:0");
        }
        let addresses = launch(&mut part, &addresses_file).await?;
        part.change_flag("--public-listen", addresses.public.to_string());
        part.change_flag("--internal-listen", addresses.internal.to_string());
        part.change_flag("--admin-listen", addresses.admin.to_string());
        Ok(Self { part, addresses_file, addresses, token })
    }

    /// Starts it again after [`Part::stop`] or [`Part::kill`], and waits until it is ready.
    pub async fn restart(&mut self) -> Result<()> {
        self.part.stop();
        launch(&mut self.part, &self.addresses_file).await?;
        Ok(())
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

    /// What filters show to the internal listener.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
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
fn random_token() -> Result<String> {
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("/dev/urandom")?;
    Ok(hex::encode(bytes))
}
