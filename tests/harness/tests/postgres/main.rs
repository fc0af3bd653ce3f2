//! PostgreSQL under the ledger: real servers, real replication, several sidecars behind several Envoys, and everything
//! that can happen to them while payers pay. An auditor compares all books afterwards.

#[path = "../faults/chance.rs"]
mod chance;
#[path = "../faults/closing.rs"]
mod closing;
mod cluster;
#[path = "../faults/crowd.rs"]
mod crowd;
#[path = "../faults/customer.rs"]
mod customer;
mod database;
#[path = "../faults/envoy.rs"]
mod envoy;
mod failover;
mod leader;
mod migrate;
mod nodes;
mod programs;
#[path = "../faults/race.rs"]
mod race;
#[path = "../faults/scene.rs"]
mod scene;
mod server;
#[path = "../faults/service.rs"]
mod service;
mod takeover;
#[path = "../faults/upgrade/mod.rs"]
mod upgrade;

use cluster::parts;
