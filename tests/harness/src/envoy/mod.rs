//! Envoy with the shipped configuration.

mod config;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail};

use crate::folder::Folder;
use crate::tools::Tools;
use crate::{Part, raw};

pub use config::EnvoyConfig;
pub(crate) use config::Paywall;

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    part: Part,
    admin: SocketAddr,
    address: SocketAddr,
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
        let configuration = folder.file(&format!("{name}.json"));
        fs::write(&configuration, config::make(&tools.root.join("envoy/envoy.yaml"), paywall)?)?;
        let admin_file = folder.file(&format!("{name}.admin"));
        let mut part = Part::new(name, tools, &tools.envoy, folder.file(&format!("{name}.log")));
        part.flag("-c", &configuration)
            .flag("--concurrency", concurrency.to_string())
            .flag("--admin-address-path", &admin_file)
            .flag("--component-log-level", "wasm:debug")
            .arg("--use-dynamic-base-id");
        part.start()?;
        let (admin, address) = part
            .ready(async || {
                let admin: SocketAddr = fs::read_to_string(&admin_file)?.trim().parse()?;
                let answer = raw::send(admin, "GET", "/ready", raw::NO_HEADERS, "").await?;
                if answer.status != 200 {
                    bail!("/ready says {}: {}", answer.status, answer.text());
                }
                Ok((admin, listener(admin).await?))
            })
            .await?;
        Ok(Self { part, admin, address })
    }

    /// Where clients come in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Envoy's own admin interface.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The process.
    pub fn part(&mut self) -> &mut Part {
        &mut self.part
    }
}

/// The address that the kernel gave to the listener `public`.
async fn listener(admin: SocketAddr) -> Result<SocketAddr> {
    let listeners = raw::send(admin, "GET", "/listeners?format=json", raw::NO_HEADERS, "").await?.json()?;
    let port = listeners["listener_statuses"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["name"] == "public"))
        .and_then(|public| public["local_address"]["socket_address"]["port_value"].as_u64())
        .with_context(|| format!("no listener \"public\" in {listeners}"))?;
    Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), u16::try_from(port)?))
}
