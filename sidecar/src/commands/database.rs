//! The flag that names the database of the sidecar.

use clap::Args;

use crate::store::Database;

/// Which database a command works on.
#[derive(Debug, Args)]
pub(super) struct DatabaseArg {
    /// Database of the sidecar: a SQLite file, or a PostgreSQL database by its URL
    #[arg(
        long,
        env = "URAIDEN_DATABASE",
        value_name = "FILE|URL",
        hide_env_values = true,
        default_value = "uraiden.db"
    )]
    pub(super) database: Database,
}
