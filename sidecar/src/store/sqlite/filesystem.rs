//! Where a database must not lie. SQLite's write-ahead log needs memory that all its connections share, and locks that
//! hold; on a file system that other machines use too there is neither.

use std::ffi::OsStr;
use std::path::Path;

use rustix::fs::statfs;

use super::super::OpenError;

/// The kinds of `statfs(2)` that other machines, or a program in user space, stand behind.
const REMOTE: [(u32, &str); 17] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB 2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "kAFS"),
    (0x7375_7245, "Coda"),
    (0x0000_564c, "NCP"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0xaad7_aaea, "PanFS"),
    (0x786f_4256, "VirtualBox shared folders"),
];

/// Refuses a database on a file system that is known not to be local. What is not known is taken for local.
///
/// # Errors
///
/// [`OpenError::Network`]; [`OpenError::File`] where the folder cannot be looked at.
pub fn refuse_network(database: &Path) -> Result<(), OpenError> {
    let folder = match database.parent() {
        Some(parent) if parent != OsStr::new("") => parent,
        _ => Path::new("."),
    };
    let found =
        statfs(folder).map_err(|error| OpenError::File { path: folder.to_owned(), source: error.into() })?;
    match kind(found.f_type as u32) {
        Some(filesystem) => Err(OpenError::Network { path: database.to_owned(), filesystem }),
        None => Ok(()),
    }
}

fn kind(f_type: u32) -> Option<&'static str> {
    REMOTE.iter().find(|(remote, _)| *remote == f_type).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_told_from_local_ones() {
        for (f_type, name) in [
            (0x6969, Some("NFS")),
            (0xff53_4d42, Some("CIFS")),
            (0x6573_5546, Some("FUSE")),
            (0x0102_1997, Some("9P")),
            (0xef53, None),      // ext4
            (0x5846_5342, None), // XFS
            (0x9123_683e, None), // Btrfs
            (0x0102_1994, None), // tmpfs
            (0x794c_7630, None), // overlay
        ] {
            assert_eq!(kind(f_type), name, "{f_type:#x}");
        }
    }

    #[test]
    fn the_folder_is_looked_at_and_the_file_need_not_be_there() {
        let missing = refuse_network(Path::new("/proc/nowhere/u.db")).unwrap_err();
        assert!(missing.to_string().contains("/proc/nowhere"), "{missing}");
        refuse_network(Path::new("/proc/u.db")).unwrap();
    }
}
