//! Fetching a locked set of files, so that a folder which is there is always whole and always the pinned one.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

/// Holds a copy of the lock that the folder was filled from. Written last.
const STAMP: &str = ".complete";

/// Makes sure that `tools/name` was filled from exactly this `lock`; calls `fill` with an empty folder if not.
/// `what` is in it, for messages.
///
/// `fill` works in a sibling folder that gets its name only when all went well: an interrupted fetch leaves
/// nothing that looks complete. One xtask fetches at a time; others wait.
pub(super) fn ensure(
    tools: &Path,
    name: &str,
    what: &str,
    lock: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let folder = tools.join(name);
    if is_filled_from(&folder, lock) {
        return Ok(());
    }
    fs::create_dir_all(tools).with_context(|| tools.display().to_string())?;
    let _turn = wait_for_turn(&tools.join(".lock"))?;
    if is_filled_from(&folder, lock) {
        return Ok(());
    }

    eprintln!("fetching {what} into {}", folder.display());
    let started = Instant::now();
    let part = tools.join(format!("{name}.part"));
    remove(&part)?;
    fs::create_dir(&part).with_context(|| part.display().to_string())?;
    fill(&part).with_context(|| format!("fetching {what} failed"))?;
    fs::write(part.join(STAMP), lock)?;
    remove(&folder)?;
    fs::rename(&part, &folder).with_context(|| folder.display().to_string())?;
    eprintln!("fetched {what} in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn is_filled_from(folder: &Path, lock: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == lock)
}

/// The kernel lets go of the lock when the file is closed, also by a crash.
fn wait_for_turn(path: &Path) -> Result<fs::File> {
    let context = || path.display().to_string();
    let file = fs::File::create(path).with_context(context)?;
    if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
        eprintln!("waiting for another xtask that is fetching tools");
    }
    file.lock().with_context(context)?;
    Ok(file)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::path::PathBuf;

    #[test]
    fn the_same_lock_fetches_once_and_another_lock_replaces_all() {
        let tools = Scratch::new("same-lock");
        let fetched = Cell::new(0);
        let fetch = |lock: &str| {
            ensure(&tools.0, "tool", "the tool", lock, |folder| {
                fetched.set(fetched.get() + 1);
                Ok(fs::write(folder.join(lock), "")?)
            })
        };
        fetch("one").expect("first");
        fetch("one").expect("again");
        assert_eq!(fetched.get(), 1);
        fetch("two").expect("another lock");
        assert_eq!(fetched.get(), 2);
        assert!(tools.0.join("tool/two").exists() && !tools.0.join("tool/one").exists());
    }

    #[test]
    fn a_failed_fetch_leaves_the_old_folder_and_is_tried_again() {
        let tools = Scratch::new("failed-fetch");
        ensure(&tools.0, "tool", "the tool", "one", |folder| Ok(fs::write(folder.join("old"), "")?))
            .expect("first");
        let broken = ensure(&tools.0, "tool", "the tool", "two", |folder| {
            fs::write(folder.join("half"), "")?;
            anyhow::bail!("the line went dead")
        });
        let message = format!("{:#}", broken.expect_err("failed"));
        assert_eq!(message, "fetching the tool failed: the line went dead");
        assert!(tools.0.join("tool/old").exists());

        ensure(&tools.0, "tool", "the tool", "two", |_| Ok(())).expect("second try");
        assert!(!tools.0.join("tool/half").exists() && !tools.0.join("tool/old").exists());
    }

    /// A folder that is gone after the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).expect("a temporary folder");
            Self(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).expect("the temporary folder can be removed");
        }
    }
}
