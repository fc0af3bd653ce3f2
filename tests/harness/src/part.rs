//! One program of the stack: started, asked, stopped, and its log.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::Usage;
use crate::tools::Tools;

/// How long a program may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// How long a program may take to end after SIGTERM.
const END: Duration = Duration::from_secs(5);

/// How many last lines of its log an error shows.
const TAIL: usize = 30;

/// A child process with a log file. It is stopped when dropped.
#[derive(Debug)]
pub struct Part {
    name: &'static str,
    setpriv: PathBuf,
    /// What it may do, in setpriv's words.
    privileges: Vec<OsString>,
    /// `NAME=value`, beside the variables that it inherits.
    variables: Vec<OsString>,
    program: PathBuf,
    arguments: Vec<OsString>,
    /// What asks it to end.
    end: Signal,
    log: PathBuf,
    child: Option<Child>,
}

impl Part {
    /// What it is called in the stack.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// A program that is not started yet. Its stdout and stderr go to `log`.
    pub(crate) fn new(name: &'static str, tools: &Tools, program: &Path, log: PathBuf) -> Self {
        Self::of(name, tools.setpriv.clone(), program.to_path_buf(), log)
    }

    pub(crate) fn of(name: &'static str, setpriv: PathBuf, program: PathBuf, log: PathBuf) -> Self {
        let (privileges, variables, arguments) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, setpriv, privileges, variables, program, arguments, end: Signal::TERM, log, child: None }
    }

    /// Runs it with these privileges, in setpriv's words.
    pub(crate) fn with_privileges(&mut self, privileges: impl IntoIterator<Item = impl Into<OsString>>) {
        self.privileges.extend(privileges.into_iter().map(Into::into));
    }

    /// Gives it one more variable.
    pub(crate) fn with_variable(&mut self, name: &str, value: &Path) {
        let mut variable = OsString::from(format!("{name}="));
        variable.push(value);
        self.variables.push(variable);
    }

    /// Lets this signal ask it to end, instead of SIGTERM.
    pub(crate) fn ended_by(&mut self, signal: Signal) {
        self.end = signal;
    }

    /// Gives one more argument.
    pub(crate) fn arg(&mut self, argument: impl Into<OsString>) -> &mut Self {
        self.arguments.push(argument.into());
        self
    }

    /// Gives a flag and its value.
    pub(crate) fn flag(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.arg(name).arg(value)
    }

    /// Replaces the value of a flag, or gives it one.
    pub(crate) fn change_flag(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        match self.arguments.iter().position(|argument| argument == name) {
            Some(at) => {
                self.arguments[at + 1] = value.into();
                self
            }
            None => self.flag(name, value),
        }
    }

    /// Starts the program, or starts it again. The log goes on where it ended.
    pub(crate) fn start(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| self.log.display().to_string())?;
        // A write beyond a limit of `limit_files` shall fail, not kill.
        let mut command = Command::new("env");
        command
            .arg("--ignore-signal=XFSZ")
            .args(&self.variables)
            .arg(&self.setpriv)
            .args(&self.privileges)
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal is for us; we then end the parts in their order.
            .process_group(0);
        let child = spawn(command).with_context(|| format!("cannot start {}", self.program.display()))?;
        tracing::debug!(part = self.name, pid = child.id(), "started");
        self.child = Some(child);
        Ok(())
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    ///
    /// It does not end well; the error shows its log's end.
    pub(crate) fn run(&mut self) -> Result<()> {
        self.start()?;
        let status = self.child.as_mut().context("it was just started")?.wait()?;
        if !status.success() {
            bail!("{}: {status}\n{}", self.name, self.log_tail());
        }
        Ok(())
    }

    /// Asks the program to end, and kills it if it does not within five seconds.
    pub fn stop(&mut self) {
        self.signal(self.end);
        let deadline = Instant::now() + END;
        while self.is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }

    /// `kill -9`. Answers when the program is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        if let Some(child) = &mut self.child
            && let Err(error) = child.wait()
        {
            tracing::error!(part = self.name, %error, "cannot wait for its end");
        }
        self.child = None;
    }

    /// Stops the program's clock: it keeps its connections and does nothing (SIGSTOP).
    pub fn freeze(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets a frozen program go on (SIGCONT).
    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    /// From now on a write beyond this many bytes of a file fails, as on a full disk; `None` lifts that. It is an error
    /// where the program does not run.
    pub fn limit_files(&mut self, bytes: Option<u64>) -> Result<()> {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(self.pid()?), Resource::Fsize, limit)
            .with_context(|| format!("the file size limit of {}", self.name))?;
        Ok(())
    }

    /// Whether the program runs.
    pub fn is_running(&mut self) -> bool {
        self.child.is_some() && self.exit_status().is_none()
    }

    /// Its process.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub(crate) fn pid(&self) -> Result<Pid> {
        let child = self.child.as_ref().with_context(|| format!("{} does not run", self.name))?;
        Ok(Pid::from_child(child))
    }

    /// What the program uses.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn usage(&self) -> Result<Usage> {
        let child = self.child.as_ref().with_context(|| format!("{} does not run", self.name))?;
        Usage::of(child.id())
    }

    /// Fails with the log's tail if the program has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.exit_status() {
            Some(status) => bail!("{} has ended: {status}\n{}", self.name, self.log_tail()),
            None => Ok(()),
        }
    }

    /// Asks until there is an answer. `probe` fails as long as the part is not ready.
    pub(crate) async fn ready<T>(&mut self, mut probe: impl AsyncFnMut() -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + READY;
        loop {
            self.check()?;
            match probe().await {
                Ok(answer) => return Ok(answer),
                Err(error) if Instant::now() > deadline => {
                    bail!("{} is not ready after {READY:?}: {error:#}\n{}", self.name, self.log_tail())
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// What the program has written so far.
    pub fn log(&self) -> Result<String> {
        let log = fs::read(&self.log).with_context(|| self.log.display().to_string())?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    /// The end of the log, with a line that says where the whole is.
    pub fn log_tail(&self) -> String {
        let log = self.log().unwrap_or_else(|error| format!("{error:#}"));
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        format!("--- the last lines of {} ---\n{tail}\n---", self.log.display())
    }

    fn signal(&mut self, signal: Signal) {
        // A child that has ended keeps its pid until it was waited for, so this never meets a stranger.
        if self.exit_status().is_none()
            && let Some(child) = &self.child
            && let Err(error) = kill_process(Pid::from_child(child), signal)
        {
            tracing::error!(part = self.name, ?signal, %error, "cannot send the signal");
        }
    }

    /// The exit code of a program that has ended by itself.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.exit_status()?.code()
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok().flatten()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a child from a thread that lives as long as the process.
///
/// The kernel sends the death signal when the *thread* that started the child ends, and the threads of tests and of
/// async runtimes end before their stack.
fn spawn(command: Command) -> Result<Child> {
    type Order = (Command, mpsc::Sender<io::Result<Child>>);
    static SPAWNER: LazyLock<Mutex<mpsc::Sender<Order>>> = LazyLock::new(|| {
        let (orders, incoming) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in incoming {
                answer.send(command.spawn()).expect("who orders a child waits for it");
            }
        });
        Mutex::new(orders)
    });
    let (answer, child) = mpsc::channel();
    SPAWNER
        .lock()
        .map_err(|_| anyhow!("the spawner's lock is poisoned"))?
        .send((command, answer))
        .context("the spawner has ended")?;
    Ok(child.recv().context("the spawner has ended")??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;

    #[tokio::test]
    async fn a_part_that_ends_too_early_is_reported_with_its_log() {
        let folder = Folder::new().unwrap();
        let mut part = shell(&folder, "echo the reason; exit 3");
        part.start().unwrap();
        let error = part.ready(async || -> Result<()> { bail!("not yet") }).await.unwrap_err().to_string();
        assert!(error.contains("shell has ended: exit status: 3"), "{error}");
        assert!(error.contains("the reason"), "{error}");
    }

    #[test]
    fn a_part_is_stopped_killed_and_started_again() {
        let folder = Folder::new().unwrap();
        let mut part = shell(&folder, "exec sleep 600");
        part.start().unwrap();
        assert!(part.is_running());
        part.stop();
        assert!(!part.is_running());
        part.start().unwrap();
        assert!(part.is_running());
        part.kill();
        assert!(!part.is_running());
    }

    #[test]
    fn a_part_outlives_the_thread_that_started_it() {
        let folder = Folder::new().unwrap();
        let mut part = shell(&folder, "exec sleep 600");
        let mut part = thread::spawn(move || {
            part.start().unwrap();
            part
        })
        .join()
        .unwrap();
        thread::sleep(Duration::from_millis(50));
        assert!(part.is_running());
    }

    fn shell(folder: &Folder, script: &str) -> Part {
        let mut part = Part::of("shell", "setpriv".into(), "sh".into(), folder.file("shell.log"));
        part.flag("-c", script);
        part
    }
}
