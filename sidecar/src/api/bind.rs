//! Binding a listener, and serving on it until it is told to stop.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::watch;

use crate::settings::Listen;

/// How long open requests may take after the listener was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// A listener that is bound and not served yet.
#[derive(Debug)]
pub enum Bound {
    /// On an IP address.
    Tcp(TcpListener),
    /// On a Unix socket, with its path.
    Unix(UnixListener, PathBuf),
}

/// A listener could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("{name} {listen}: {source}")]
pub struct BindFailed {
    /// The setting.
    pub name: &'static str,
    /// Where it should listen.
    pub listen: Listen,
    /// Why it does not.
    pub source: std::io::Error,
}

impl Bound {
    /// Binds the listener of the setting `name`.
    ///
    /// # Errors
    ///
    /// [`BindFailed`].
    pub async fn new(name: &'static str, listen: &Listen) -> Result<Self, BindFailed> {
        let bound = match listen {
            Listen::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Listen::Unix(path) => bind_unix(path).await.map(|listener| Self::Unix(listener, path.clone())),
        };
        bound.map_err(|source| BindFailed { name, listen: listen.clone(), source })
    }

    /// Where it really listens: port 0 has become a port.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn address(&self) -> std::io::Result<Listen> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Listen::Tcp),
            Self::Unix(_, path) => Ok(Listen::Unix(path.clone())),
        }
    }

    /// Serves until `stop` becomes true, and then until open requests are answered or the time for that is over.
    ///
    /// # Errors
    ///
    /// The system's.
    pub async fn serve(self, router: Router, stop: watch::Receiver<bool>) -> std::io::Result<()> {
        let graceful = stopped(stop.clone());
        let serving = async {
            match self {
                Self::Tcp(listener) => {
                    let without_delay = listener.tap_io(|stream| {
                        if let Err(error) = stream.set_nodelay(true) {
                            tracing::debug!(%error, "TCP_NODELAY");
                        }
                    });
                    axum::serve(without_delay, router).with_graceful_shutdown(graceful).await
                }
                Self::Unix(listener, path) => {
                    let served = axum::serve(listener, router).with_graceful_shutdown(graceful).await;
                    // A next process would have to find out that nobody listens on it.
                    served.and(std::fs::remove_file(path))
                }
            }
        };
        let too_late = async {
            stopped(stop).await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = serving => served,
            () = too_late => Ok(()),
        }
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // Where the sender is gone, everything is coming to its end as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The mode is set after binding; until then the process's umask keeps others out.
async fn bind_unix(path: &Path) -> std::io::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        return Err(std::io::Error::new(ErrorKind::AddrInUse, "somebody listens on this socket already"));
    }
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            remove_socket(path)?;
            UnixListener::bind(path)?
        }
        other => other?,
    };
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Removes what a process left behind that was killed, and nothing but a socket.
fn remove_socket(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    if std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return std::fs::remove_file(path);
    }
    Err(std::io::Error::new(ErrorKind::AlreadyExists, "a file that is no socket stands in its place"))
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}
