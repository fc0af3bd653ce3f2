//! PostgreSQL: what is on the machine, or else the distribution's packages, unpacked into a folder of their own. Nothing
//! is installed and no server is started, so nobody has to be root.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{fetch, prerequisites};
use crate::process;
use crate::repo::Repo;

const FOLDER: &str = "postgresql";

/// Names the folder of the programs, where it is none of the usual ones.
const VARIABLE: &str = "URAIDEN_POSTGRES";

/// The oldest version that the ledger is meant for.
const OLDEST: (u32, u32) = (13, 0);

/// What a server and its standby are made with.
const PROGRAMS: [&str; 3] = ["postgres", "initdb", "pg_basebackup"];

const REMEDY: &str = "install PostgreSQL 13 or later (Debian: apt-get install postgresql), or name the folder of its \
                      programs in URAIDEN_POSTGRES";

/// What unpacks the packages, in the folder of the tools' locks.
const SCRIPT: &str = "postgresql.sh";

/// Makes sure that there is a PostgreSQL.
pub(super) fn ensure(repo: &Repo) -> Result<()> {
    if find(repo).is_none() {
        let script = repo.tool_locks().join(SCRIPT);
        let text = fs::read_to_string(&script).with_context(|| script.display().to_string())?;
        let tried = fetch::ensure(&repo.tools(), FOLDER, "PostgreSQL", &text, |folder| {
            process::capture(process::command("sh", folder).arg(&script)).map(drop)
        });
        if let Err(error) = tried {
            return Err(prerequisites::missing(format!("PostgreSQL is missing ({error:#})"), REMEDY).into());
        }
    }
    let programs = programs(repo);
    match version(&programs) {
        Ok(version) => Ok(prerequisites::at_least("postgres", &version, OLDEST, REMEDY)?),
        Err(error) => {
            let what = format!("{} has no PostgreSQL that runs ({error:#})", programs.display());
            Err(prerequisites::missing(what, REMEDY).into())
        }
    }
}

/// The folder of the programs; where there is none yet, the one that they will be unpacked into.
pub(super) fn programs(repo: &Repo) -> PathBuf {
    find(repo).unwrap_or_else(|| repo.tools().join(FOLDER))
}

/// What the programs say of their version.
pub(super) fn version(programs: &Path) -> Result<String> {
    let mut postgres = process::command(programs.join("postgres"), programs);
    let answer = process::capture(postgres.arg("--version").env("LD_LIBRARY_PATH", libraries(programs)))?;
    match answer.split_whitespace().nth(2) {
        Some(version) => Ok(version.to_owned()),
        None => bail!("postgres --version says {answer:?}"),
    }
}

/// Where the libraries are that were unpacked with the programs.
fn libraries(programs: &Path) -> PathBuf {
    programs.join(format!("../../../{}-linux-gnu", std::env::consts::ARCH))
}

fn find(repo: &Repo) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).find_map(|folder| home(&folder));
    in_path
        .or_else(|| newest(Path::new("/usr/lib/postgresql")))
        .or_else(|| newest(&repo.tools().join(FOLDER).join("usr/lib/postgresql")))
}

/// The folder that `postgres` really is in, if everything else is there too: a link to it may stand alone.
fn home(folder: &Path) -> Option<PathBuf> {
    let postgres = fs::canonicalize(folder.join("postgres")).ok()?;
    let home = postgres.parent()?;
    PROGRAMS.iter().all(|program| home.join(program).is_file()).then(|| home.to_path_buf())
}

/// Debian keeps each major version in a folder with its number.
fn newest(versions: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(versions).ok()?;
    let numbered = entries.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, home(&entry.path().join("bin"))?))
    });
    numbered.max().map(|(_, home)| home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_version_is_taken() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-postgres-{}", std::process::id()));
        for (version, programs) in [("9", &PROGRAMS[..]), ("15", &PROGRAMS), ("16", &PROGRAMS[..1])] {
            let bin = folder.join(version).join("bin");
            fs::create_dir_all(&bin)?;
            for program in programs {
                fs::write(bin.join(program), "")?;
            }
        }
        let found = newest(&folder);
        fs::remove_dir_all(&folder).context("the temporary folder")?;
        assert_eq!(
            found.and_then(|home| home.strip_prefix(&folder).ok().map(Path::to_path_buf)),
            Some("15/bin".into())
        );
        assert_eq!(newest(&folder), None);
        Ok(())
    }
}
