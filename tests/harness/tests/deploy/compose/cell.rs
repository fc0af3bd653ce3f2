//! Containers without Docker: user, network and process namespaces of Linux, and a folder as root that has what the
//! Dockerfile copies, at the paths where it does. No file of this machine but `/usr` is in it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::container::{Container, PATIENCE};
use super::dockerfile::Stage;
use super::file::Service;
use crate::place;

/// What Docker's images have as PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a script may take: it may have to build first.
const SCRIPT: Duration = Duration::from_secs(600);

/// Makes the root from the list of mounts on stdin, two lines each, and becomes the command. A mount of `-` is a folder
/// of the image.
const ENTER: &str = r#"
set -eu
root=$1
shift
for folder in bin sbin lib lib32 lib64 libx32; do
    if [ -L "/$folder" ]; then ln -s "$(readlink "/$folder")" "$root/$folder"
    elif [ -d "/$folder" ]; then mkdir "$root/$folder" && mount --rbind "/$folder" "$root/$folder"; fi
done
mkdir "$root/tmp" "$root/etc"
for folder in usr dev proc; do mkdir "$root/$folder" && mount --rbind "/$folder" "$root/$folder"; done
cp /etc/ld.so.cache "$root/etc"
while read -r from && read -r to; do
    mkdir -p "$(dirname "$root$to")"
    if [ "$from" = - ]; then mkdir -p "$root$to"; continue; fi
    if [ -d "$from" ]; then mkdir -p "$root$to"; else touch "$root$to"; fi
    mount --bind "$from" "$root$to"
done
exec chroot "$root" "$@"
"#;

/// A network of its own, and every process in it. All end with it.
pub(crate) struct Cell {
    init: Child,
    inside: u32,
    folder: tempfile::TempDir,
    roots: u32,
}

impl Cell {
    pub(crate) fn new() -> Result<Self> {
        let mut init = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "unshare", "--user", "--map-root-user", "--net", "--pid"])
            .args(["--fork", "--kill-child", "--", "sh", "-c"])
            .arg("ip link set lo up && echo up && exec sleep infinity")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("setpriv of util-linux")?;
        let mut said = String::new();
        BufReader::new(init.stdout.take().context("no stdout")?).read_line(&mut said)?;
        ensure!(
            said == "up\n",
            "no namespaces: they need unshare of util-linux, ip of iproute2, and the right to them"
        );
        let inside = child_of(init.id())?;
        Ok(Self { init, inside, folder: tempfile::tempdir()?, roots: 0 })
    }

    fn enter(&self) -> Command {
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &self.inside.to_string(), "--user", "--net", "--pid"]);
        enter
    }

    /// Starts a service as its image and docker-compose.yml say.
    pub(super) fn start(&mut self, name: &str, service: &Service, stage: &Stage) -> Result<Container> {
        self.roots += 1;
        let root = self.folder.path().join(format!("root-{}", self.roots));
        fs::create_dir(&root)?;
        let mut mounts = String::new();
        let mut mount = |from: &Path, to: &Path| {
            mounts.push_str(&format!("{}\n{}\n", from.display(), to.display()));
        };
        for folder in stage.folders() {
            mount(Path::new("-"), Path::new(folder));
        }
        for folder in packages(stage)? {
            mount(&folder, &folder);
        }
        for copy in &stage.copies {
            for (from, to) in copy.files()? {
                mount(&from, &to);
            }
        }
        for (volume, target) in service.mounts() {
            let folder = self.folder.path().join("volumes").join(volume);
            fs::create_dir_all(&folder)?;
            mount(&folder, Path::new(target));
        }
        let list = self.folder.path().join(format!("mounts-{}", self.roots));
        fs::write(&list, mounts)?;

        let environment = environment(stage, service);
        let log = self.folder.path().join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log)?;
        let mut enter = self.enter();
        enter.args(["--", "unshare", "--mount", "--", "sh", "-c", ENTER, "enter"]).arg(&root);
        enter.args(["env", "-i", "--chdir", stage.folder.as_deref().unwrap_or("/")]).args(&environment);
        enter.args(service.entrypoint.as_ref().unwrap_or(&stage.entrypoint));
        enter.args(service.command.iter().map(|word| word.replace("$$", "$")));
        enter.stdin(File::open(&list)?).stdout(out.try_clone()?).stderr(out);
        let entry = enter.spawn().context("nsenter")?;
        let pid = child_of(entry.id()).with_context(|| format!("{name} did not start"))?;
        Ok(Container { name: name.to_owned(), entry, pid, environment, log })
    }

    /// Runs a script of bash on this machine's own files, with `programs` last in the search path, until its first failure.
    /// Answers what it has printed. What it leaves running ends with the cell.
    pub(crate) fn script(&self, folder: &Path, programs: &Path, script: &str) -> Result<String> {
        let log = self.folder.path().join("script.log");
        let out = File::create(&log)?;
        let path = format!("{}:{}", std::env::var("PATH").unwrap_or_default(), programs.display());
        let mut enter = self.enter();
        enter.args([
            "--",
            "timeout",
            &SCRIPT.as_secs().to_string(),
            "bash",
            "-euo",
            "pipefail",
            "-c",
            script,
        ]);
        enter.current_dir(folder).env("PATH", path);
        enter.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let status = enter.status().context("nsenter")?;
        let said = fs::read_to_string(&log)?;
        ensure!(status.success(), "{status}\n{said}");
        Ok(said)
    }

    /// A container's check, once.
    fn check(&self, container: &Container, test: &[String]) -> Result<bool> {
        let [kind, command @ ..] = test else { bail!("an empty check") };
        ensure!(kind == "CMD", "{kind}: only CMD is known here");
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &container.pid.to_string()]);
        enter.args(["--user", "--net", "--pid", "--mount", "--root", "--wd", "--", "env", "-i"]);
        enter.args(&container.environment).args(command);
        Ok(enter.stdin(Stdio::null()).output().context("nsenter")?.status.success())
    }

    /// Waits until the container's check succeeds.
    pub(super) fn healthy(&self, container: &mut Container, test: &[String]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.check(container, test)? {
            let ended = container.entry.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                bail!("{} is not healthy ({ended:?}):\n{}", container.name, container.text());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        // The first process of a namespace takes all others with it.
        let ended = self.init.kill().and_then(|()| self.init.wait());
        if let Err(error) = ended {
            eprintln!("cannot end the namespaces: {error}");
        }
    }
}

/// What its packages have outside of `/usr` on this machine.
fn packages(stage: &Stage) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    if stage.installs("ca-certificates") {
        folders.push("/etc/ssl".into());
    }
    if stage.installs("python3") {
        let prefix = "import sys; print(sys.base_prefix)";
        folders.push(place::output(Command::new("python3").args(["-c", prefix]))?.trim().into());
    }
    Ok(folders.into_iter().filter(|folder: &PathBuf| !folder.starts_with("/usr")).collect())
}

/// The variables of the image and of the service.
fn environment(stage: &Stage, service: &Service) -> Vec<String> {
    let mut variables = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
    for (name, value) in &stage.variables {
        variables.insert(name.clone(), value.replace("$PATH", PATH));
    }
    variables.extend(service.environment.clone());
    variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// The only child of a process, as soon as it has one.
fn child_of(pid: u32) -> Result<u32> {
    let file = format!("/proc/{pid}/task/{pid}/children");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let children = fs::read_to_string(&file).with_context(|| file.clone())?;
        if let Some(child) = children.split_whitespace().next() {
            return Ok(child.parse()?);
        }
        ensure!(Instant::now() < deadline, "process {pid} starts nothing");
        thread::sleep(Duration::from_millis(5));
    }
}
