//! The merchant's hands: programs that talk to the admin listener of a running `uraiden serve`, or read its database.

mod admin;
mod channels;
mod check;
mod copies;
mod database;
mod migrate;
mod order;
mod release;
mod resume;
mod transfer;

pub use admin::AdminArgs;
pub use channels::ChannelsArgs;
pub use check::CheckArgs;
pub use copies::{BackupArgs, RenewArgs, RestoreArgs};
pub use migrate::MigrateArgs;
pub use order::{CloseArgs, WithdrawArgs};
pub use resume::ResumeArgs;
pub use transfer::{ExportArgs, ImportArgs};

use std::process::ExitCode;

pub use channels::run as channels;
pub use check::run as check;
pub use copies::{backup, renew, restore};
pub use migrate::run as migrate;
pub use order::{close, withdraw};
pub use resume::run as resume;
pub use transfer::{export, import};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All that was asked for is done.
    Done,
    /// Some of it was refused, or is not as it should be.
    Failed,
    /// It is under way, and the time to wait for it was over.
    Underway,
}

/// 0, 1 and 3; 2 is for arguments that cannot be read.
impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        Self::from(match end {
            End::Done => 0,
            End::Failed => 1,
            End::Underway => 3,
        })
    }
}
