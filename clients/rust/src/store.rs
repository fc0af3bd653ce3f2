//! Where channels outlive their session.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use uraiden_core::ChannelId;

use crate::Channel;

/// Keeps a session's channels.
///
/// The session saves before a proof leaves, so that after a crash the next one repeats that proof and never signs a
/// further payment on top of an unknown one.
pub trait ChannelStore: Send + Sync {
    /// All channels that were saved.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from being read; the session then does not start.
    fn load(&self) -> io::Result<Vec<Channel>>;

    /// Keeps this state of the channel in place of the last one, durably.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being durable; the session then sends nothing.
    fn save(&self, channel: &Channel) -> io::Result<()>;
}

/// One JSON file for one session at a time. Each save replaces the file and waits for the disk.
#[derive(Debug)]
pub struct JsonFile {
    path: PathBuf,
    channels: Mutex<Vec<Channel>>,
}

impl JsonFile {
    /// Reads the file, or starts empty where there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not what a [`JsonFile`] writes; the path is named.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let channels = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        };
        Ok(Self { path, channels: Mutex::new(channels) })
    }

    fn channels(&self) -> io::Result<std::sync::MutexGuard<'_, Vec<Channel>>> {
        self.channels.lock().map_err(|_| io::Error::other("an earlier save panicked"))
    }
}

impl ChannelStore for JsonFile {
    fn load(&self) -> io::Result<Vec<Channel>> {
        Ok(self.channels()?.clone())
    }

    fn save(&self, channel: &Channel) -> io::Result<()> {
        let mut channels = self.channels()?;
        let id: ChannelId = channel.id();
        match channels.iter_mut().find(|known| known.id() == id) {
            Some(known) => known.clone_from(channel),
            None => channels.push(channel.clone()),
        }
        replace(&self.path, &serde_json::to_vec_pretty(&*channels)?)
    }
}

/// Old or new contents, whenever the machine stops.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let next = path.with_extension("new");
    let mut file = File::create(&next)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uraiden_core::{Address, BlockNumber, TokenAmount};

    #[test]
    fn a_saved_channel_is_there_in_the_next_session() {
        let path = std::env::temp_dir().join(format!("uraiden-store-{}.json", std::process::id()));
        let mut channel = Channel::opened(
            ChannelId {
                contract: Address([1; 20]),
                receiver: Address([2; 20]),
                sender: Address([3; 20]),
                open_block: BlockNumber(7),
            },
            TokenAmount::MAX,
        );
        let first = JsonFile::open(&path).unwrap();
        first.save(&channel).unwrap();
        channel.pending = Some(TokenAmount::new(5));
        first.save(&channel).unwrap();
        let read = JsonFile::open(&path).unwrap().load().unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(read, [channel]);
    }

    #[test]
    fn a_broken_file_is_refused_with_its_path() {
        let path = std::env::temp_dir().join(format!("uraiden-store-broken-{}.json", std::process::id()));
        fs::write(&path, "[{]").unwrap();
        let error = JsonFile::open(&path).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }
}
