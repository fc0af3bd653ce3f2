//! PostgreSQL under the ledger: real servers, real replication, and everything that can happen to them.

mod server;
