//! docker-compose.yml, read strictly: a key that is not known here is an error.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::place;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Compose {
    #[serde(rename = "name")]
    _name: String,
    pub(super) services: BTreeMap<String, Service>,
    pub(super) volumes: BTreeMap<String, Option<()>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) build: Build,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) volumes: Vec<String>,
    #[serde(default)]
    pub(super) ports: Vec<String>,
    pub(super) network_mode: Option<String>,
    #[serde(default)]
    pub(super) depends_on: BTreeMap<String, Dependency>,
    pub(super) healthcheck: Option<Healthcheck>,
    pub(super) restart: Option<Restart>,
    #[serde(rename = "stop_grace_period")]
    _stop_grace_period: Option<String>,
    #[serde(default)]
    pub(super) profiles: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Build {
    pub(super) context: String,
    pub(super) dockerfile: String,
    pub(super) target: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dependency {
    pub(super) condition: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Condition {
    ServiceHealthy,
    ServiceCompletedSuccessfully,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Restart {
    UnlessStopped,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Healthcheck {
    /// `CMD` and a command.
    pub(super) test: Vec<String>,
    #[serde(rename = "interval")]
    _interval: String,
    #[serde(rename = "timeout")]
    _timeout: String,
    #[serde(rename = "retries")]
    _retries: u32,
}

impl Compose {
    pub(super) fn read() -> Result<Self> {
        const FILE: &str = "docker-compose.yml";
        serde_norway::from_str(&place::text(FILE)?).context(FILE)
    }

    /// Every service after those that it depends on.
    pub(super) fn in_order(&self) -> Vec<&str> {
        let mut order: Vec<&str> = Vec::new();
        while order.len() < self.services.len() {
            let ready = self.services.iter().find(|(name, service)| {
                !order.contains(&name.as_str())
                    && service.depends_on.keys().all(|other| order.contains(&other.as_str()))
            });
            let (name, _) = ready.expect("no circle of services, and no dependency that is not there");
            order.push(name);
        }
        order
    }

    /// Whether another service waits for the end of this one.
    pub(super) fn ends(&self, name: &str) -> bool {
        self.services
            .values()
            .filter_map(|service| service.depends_on.get(name))
            .any(|dependency| dependency.condition == Condition::ServiceCompletedSuccessfully)
    }
}

impl Service {
    /// Volume and path in the container, of each volume.
    pub(super) fn mounts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.volumes.iter().map(|volume| {
            let mut parts = volume.split(':');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(name), Some(target), None | Some("ro")) => (name, target),
                _ => panic!("{volume:?} is not VOLUME:PATH or VOLUME:PATH:ro"),
            }
        })
    }
}
