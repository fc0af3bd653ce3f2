//! The services of docker-compose.yml, started as it says.

use anyhow::{Context, Result};

use super::cell::Cell;
use super::container::Container;
use super::dockerfile::{self, Stage};
use super::file::Compose;

/// All services but those that are asked for by name.
fn up<'a>(
    cell: &mut Cell,
    compose: &'a Compose,
    stages: &std::collections::BTreeMap<String, Stage>,
) -> Result<Vec<(&'a str, Container)>> {
    let mut running = Vec::new();
    for name in compose.in_order() {
        let service = &compose.services[name];
        if !service.profiles.is_empty() {
            continue;
        }
        let mut container = cell.start(name, service, &stages[&service.build.target])?;
        if compose.ends(name) {
            container.end()?;
            continue;
        }
        let check = service.healthcheck.as_ref().with_context(|| format!("{name} has no check"))?;
        cell.healthy(&mut container, &check.test)?;
        running.push((name, container));
    }
    Ok(running)
}

/// Twice, with a stop between: chain, ledger, keys and the payer's channels are what the volumes keep.
#[test]
fn the_services_start_in_order_and_tell_the_story_again_after_a_stop() -> Result<()> {
    let (compose, stages) = (Compose::read()?, dockerfile::read()?);
    let mut cell = Cell::new()?;
    for _ in 0..2 {
        let running = up(&mut cell, &compose, &stages)?;
        let payer = &compose.services["payer"];
        let told = cell.start("payer", payer, &stages[&payer.build.target])?.end()?;
        let last = told.lines().last().unwrap_or_default();
        assert_eq!(last, "closed: 10000 base units went to the receiver", "{told}");
        for (name, container) in running.into_iter().rev() {
            container.stop().with_context(|| name.to_owned())?;
        }
    }
    Ok(())
}
