//! Calls to the admin listener.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uraiden_core::wire::ChannelKey;

use crate::secret;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the sidecar is, and what lets us in.
#[derive(Clone, Debug, Args)]
pub struct AdminArgs {
    /// Admin listener of the running sidecar
    #[arg(long, env = "URAIDEN_ADMIN_URL", value_name = "URL", default_value = "http://127.0.0.1:8092")]
    pub admin_url: String,
    /// Token that `uraiden serve --admin-token-file` was given, in a file that nobody else can read
    // Required of whoever reads the flags, and optional in the type: a subcommand has flags of its own.
    #[arg(long, env = "URAIDEN_ADMIN_TOKEN_FILE", value_name = "FILE", required = true)]
    pub admin_token_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The admin listener.
pub(super) struct Admin {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Admin {
    pub(super) fn new(args: &AdminArgs) -> Result<Self> {
        let path = args.admin_token_file.as_deref().context("--admin-token-file is missing")?;
        let token = secret::read(path).context("the admin token")?;
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { http, url: args.admin_url.trim_end_matches('/').to_owned(), token })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let (status, body) = self.call(Method::GET, path).await?;
        read(path, status, &body)
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let (status, body) = self.call(Method::POST, path).await?;
        read(path, status, &body)
    }

    /// Status and body, whatever the status.
    pub(super) async fn call(&self, method: Method, path: &str) -> Result<(StatusCode, String)> {
        let url = format!("{}{path}", self.url);
        let sent = self.http.request(method, &url).bearer_auth(&self.token).send().await;
        let answer = sent.with_context(|| format!("no answer from {url}: is `uraiden serve` running?"))?;
        let status = answer.status();
        Ok((status, answer.text().await?))
    }
}

pub(super) fn read<T: DeserializeOwned>(path: &str, status: StatusCode, body: &str) -> Result<T> {
    if status != StatusCode::OK {
        bail!("{path}: {}: {}", status, reason(body));
    }
    serde_json::from_str(body).with_context(|| format!("{path} answered {body:?}"))
}

/// The sentence that a refusal consists of.
pub(super) fn reason(body: &str) -> String {
    match serde_json::from_str(body) {
        Ok(Value::String(text)) => text,
        Ok(_) | Err(_) => body.to_owned(),
    }
}

pub(super) fn path_of(key: &ChannelKey) -> String {
    format!("/admin/channels/{}/{}", key.sender, key.open_block)
}
