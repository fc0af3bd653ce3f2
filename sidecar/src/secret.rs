//! Files that hold secrets: read only where nobody else can read them.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, fstatvfs};
use rustix::process::{getegid, getgroups};

const GROUP: u32 = 0o070;
const GROUP_READ: u32 = 0o040;
const OTHERS: u32 = 0o007;

/// The most bytes that a file with a secret may have.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads a secret, without the white space around it.
///
/// # Errors
///
/// Refuses a file that others can use, or that its group can use, except to read it where the process is in that
/// group or the file lies on a read-only mount (as secrets do that a container is given).
pub fn read(path: &Path) -> Result<String, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    // Asked of the open file, so that it is the one that is read.
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.mode() & 0o777;
    let path = path.to_owned();
    if mode & OTHERS != 0 {
        return Err(SecretError::OpenToOthers { path, mode });
    }
    if mode & GROUP != 0 {
        let read_only = fstatvfs(&file).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY));
        let gid = metadata.gid();
        let ours = getegid().as_raw() == gid
            || getgroups().is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid));
        if mode & GROUP != GROUP_READ || !(ours || read_only) {
            return Err(SecretError::OpenToGroup { path, mode, gid });
        }
    }
    if metadata.len() > MAX_BYTES {
        return Err(SecretError::TooLarge { path, bytes: metadata.len() });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|source| SecretError::Unreadable { path, source })?;
    Ok(text.trim().to_owned())
}

/// Why a file with a secret was not read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system refuses, or it is no text.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Every account of the machine can use it.
    #[error(
        "{} has mode {mode:04o}, so that every account of this machine can use it: `chmod 600` it (for a Kubernetes \
         secret: `defaultMode: 0440`)",
        path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A foreign group can use it, or a group can write it.
    #[error(
        "{} has mode {mode:04o} and group {gid}: at most the reading by a group of this process is allowed, or by any \
         group on a read-only mount. `chmod 600` it, or `chmod 440` it and `chgrp` it to a group of this process",
        path.display()
    )]
    OpenToGroup {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Its group.
        gid: u32,
    },
    /// Nothing of this size is a key, password or token.
    #[error("{} has {bytes} bytes, where a secret has at most {MAX_BYTES}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), " secret\n").unwrap();
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn a_secret_that_only_we_or_our_group_can_read_is_read() {
        for mode in [0o600, 0o400, 0o700, 0o640, 0o440] {
            assert_eq!(read(file(mode).path()).unwrap(), "secret", "{mode:o}");
        }
    }

    #[test]
    fn a_secret_that_others_can_use_is_refused() {
        for mode in [0o604, 0o644, 0o602, 0o601, 0o777] {
            let file = file(mode);
            match read(file.path()) {
                Err(SecretError::OpenToOthers { mode: found, .. }) => assert_eq!(found, mode),
                other => panic!("{mode:o}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_secret_that_its_group_can_write_is_refused() {
        for mode in [0o660, 0o620, 0o610, 0o650] {
            let file = file(mode);
            assert!(matches!(read(file.path()), Err(SecretError::OpenToGroup { .. })), "{mode:o}");
        }
    }

    #[test]
    fn a_secret_of_a_foreign_group_is_refused() {
        // Only root can give a file to a group it is not in; elsewhere there is nothing to check.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let file = file(0o640);
        std::os::unix::fs::chown(file.path(), None, Some(54_321)).unwrap();
        assert!(matches!(read(file.path()), Err(SecretError::OpenToGroup { gid: 54_321, .. })));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nowhere/key")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read /nowhere/key: "), "{error}");
    }
}
