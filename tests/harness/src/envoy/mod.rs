//! Envoy with the shipped configuration.

mod config;
mod meter;
mod xds;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::tools::Tools;
use crate::{Part, raw};

pub use config::EnvoyConfig;
pub(crate) use config::Paywall;
use config::at;
pub use meter::Meter;

/// What the Envoys of a stack are called, and their files.
pub(crate) const NAMES: [&str; 2] = ["envoy", "other-envoy"];

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    part: Part,
    files: Files,
    admin: SocketAddr,
    address: SocketAddr,
}

#[derive(Debug)]
struct Files {
    configuration: PathBuf,
    admin: PathBuf,
    /// The listener, where it is not in the configuration.
    listener: Option<PathBuf>,
}

impl Envoy {
    /// Starts Envoy as `name`, which names its files too.
    pub(crate) async fn start(
        tools: &Tools,
        folder: &Folder,
        name: &'static str,
        paywall: &Paywall<'_>,
        concurrency: u32,
    ) -> Result<Self> {
        let made = config::make(&tools.root.join("envoy/envoy.yaml"), paywall)?;
        let (made, listener) = match paywall.listener_by_xds {
            true => {
                let file = folder.file(&format!("{name}.listener.json"));
                (xds::take_listener(made, &file)?, Some(file))
            }
            false => (made, None),
        };
        Self::run(tools, folder, name, &made, listener, concurrency).await
    }

    /// Starts one more with the same configuration, at an address of its own.
    ///
    /// # Errors
    ///
    /// Where the listener is read from a file, since both would own it, and whatever keeps it from becoming ready.
    pub(crate) async fn twin(
        &self,
        tools: &Tools,
        folder: &Folder,
        name: &'static str,
        concurrency: u32,
    ) -> Result<Self> {
        ensure!(self.files.listener.is_none(), "an Envoy with Options::listener_by_xds has no twin");
        let mut configuration = serde_json::from_str(&fs::read_to_string(&self.files.configuration)?)?;
        set_ports(&mut configuration, 0, Some(0))?;
        Self::run(tools, folder, name, &configuration, None, concurrency).await
    }

    /// Starts Envoy with a whole configuration. Its listener `public`, at port 0, is in it, or in the file `listener`.
    pub(crate) async fn run(
        tools: &Tools,
        folder: &Folder,
        name: &'static str,
        configuration: &Value,
        listener: Option<PathBuf>,
        concurrency: u32,
    ) -> Result<Self> {
        let files = Files {
            configuration: folder.file(&format!("{name}.json")),
            admin: folder.file(&format!("{name}.admin")),
            listener,
        };
        fs::write(&files.configuration, serde_json::to_string_pretty(configuration)?)?;
        let mut part = Part::new(name, tools, &tools.envoy, folder.file(&format!("{name}.log")));
        part.flag("-c", &files.configuration)
            .flag("--concurrency", concurrency.to_string())
            .flag("--admin-address-path", &files.admin)
            .flag("--component-log-level", "wasm:debug")
            .arg("--use-dynamic-base-id");
        let (admin, address) = launch(&mut part, &files).await?;
        let envoy = Self { part, files, admin, address };
        envoy.keep_addresses()?;
        Ok(envoy)
    }

    /// Starts it again after [`Part::stop`] or [`Part::kill`], and waits until it listens at the same address.
    pub async fn restart(&mut self) -> Result<()> {
        self.part.stop();
        fs::remove_file(&self.files.admin).with_context(|| self.files.admin.display().to_string())?;
        (self.admin, self.address) = launch(&mut self.part, &self.files).await?;
        Ok(())
    }

    /// Writes the ports that the kernel chose into the files, so that clients find it again.
    fn keep_addresses(&self) -> Result<()> {
        change(&self.files.configuration, |configuration| {
            set_ports(
                configuration,
                self.admin.port(),
                self.files.listener.is_none().then(|| self.address.port()),
            )
        })
    }

    /// Where clients come in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where another of its listeners is.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub async fn listener(&self, name: &str) -> Result<SocketAddr> {
        listener(self.admin, name).await
    }

    /// Envoy's own admin interface.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// One of Envoy's counters; 0 while nothing was counted.
    ///
    /// # Errors
    ///
    /// Where the admin interface does not answer.
    pub async fn counter(&self, name: &str) -> Result<u64> {
        let path = format!("/stats?format=json&usedonly&filter=^{name}$");
        let stats = raw::send(self.admin, "GET", &path, raw::NO_HEADERS, "").await?.json()?;
        Ok(stats["stats"][0]["value"].as_u64().unwrap_or_default())
    }

    /// The process.
    pub fn part(&mut self) -> &mut Part {
        &mut self.part
    }
}

fn set_ports(configuration: &mut Value, admin: u16, listener: Option<u16>) -> Result<()> {
    *at(configuration, "/admin/address/socket_address/port_value")? = json!(admin);
    if let Some(port) = listener {
        *at(configuration, "/static_resources/listeners/0/address/socket_address/port_value")? = json!(port);
    }
    Ok(())
}

async fn launch(part: &mut Part, files: &Files) -> Result<(SocketAddr, SocketAddr)> {
    part.start()?;
    part.ready(async || {
        let admin = is_ready(&files.admin).await?;
        Ok((admin, listener(admin, "public").await?))
    })
    .await
}

/// Changes a file of JSON; whoever reads it sees the old or the new text.
fn change(file: &Path, change: impl FnOnce(&mut Value) -> Result<()>) -> Result<()> {
    let shown = || file.display().to_string();
    let mut value = serde_json::from_str(&fs::read_to_string(file).with_context(shown)?)?;
    change(&mut value).with_context(shown)?;
    let new = file.with_extension("new");
    fs::write(&new, serde_json::to_string_pretty(&value)?).with_context(shown)?;
    fs::rename(&new, file).with_context(shown)
}

/// The address of the admin interface, once Envoy serves.
async fn is_ready(admin_file: &Path) -> Result<SocketAddr> {
    let admin: SocketAddr = fs::read_to_string(admin_file)?.trim().parse()?;
    let answer = raw::send(admin, "GET", "/ready", raw::NO_HEADERS, "").await?;
    if answer.status != 200 {
        bail!("/ready says {}: {}", answer.status, answer.text());
    }
    Ok(admin)
}

/// The address that the kernel gave to a listener.
async fn listener(admin: SocketAddr, name: &str) -> Result<SocketAddr> {
    let listeners = raw::send(admin, "GET", "/listeners?format=json", raw::NO_HEADERS, "").await?.json()?;
    let port = listeners["listener_statuses"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["name"] == name))
        .and_then(|found| found["local_address"]["socket_address"]["port_value"].as_u64())
        .with_context(|| format!("no listener {name:?} in {listeners}"))?;
    Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), u16::try_from(port)?))
}
