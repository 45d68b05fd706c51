//! Where the control socket is, and that it is ours alone.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Handle, Runtime};

/// A bound control socket. Dropping it removes the socket.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    /// Held locked as long as the program runs: two programs never share a socket.
    _lock: File,
}

/// Why there is no control socket.
#[derive(Debug)]
pub(crate) enum BindError {
    /// Another program holds it.
    InUse {
        path: PathBuf,
        pid: String,
    },
    /// The directory, or what stands at the path, is not ours to use.
    NotOurs {
        path: PathBuf,
        why: &'static str,
    },
    Io {
        path: PathBuf,
        source: io::Error,
    },
}

/// Returns the user this program runs as.
pub(crate) fn own_user() -> io::Result<u32> {
    // The pair of sockets that tells it wants a runtime around it.
    let runtime = match Handle::try_current() {
        Ok(_) => None,
        Err(_) => Some(Builder::new_current_thread().enable_io().build()?),
    };
    let _within = runtime.as_ref().map(Runtime::enter);
    let (end, _other) = UnixStream::pair()?;
    Ok(end.peer_cred()?.uid())
}

/// Returns where the socket may be, the most usual place first.
pub(crate) fn usual_places(user: u32) -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let mut places: Vec<_> = runtime.map(|path| path.join("ringfence.sock")).into_iter().collect();
    places.push(PathBuf::from("/run/ringfence/ringfence.sock"));
    places.push(std::env::temp_dir().join(format!("ringfence-{user}")).join("control.sock"));
    places
}

/// Returns where a program that is told no place puts its socket: in the user's runtime directory,
/// else in `/run/ringfence` if that is ours or we are root, else in a directory of our own.
pub(crate) fn default_place(user: u32) -> PathBuf {
    let is_usable = |place: &PathBuf| {
        let directory = place.parent().unwrap_or(Path::new("/"));
        match fs::metadata(directory) {
            Ok(metadata) => metadata.is_dir() && metadata.uid() == user,
            Err(_) => user == 0 && directory == Path::new("/run/ringfence"),
        }
    };
    let places = usual_places(user);
    let last = places.last().cloned().unwrap_or_default();
    places.into_iter().find(is_usable).unwrap_or(last)
}

impl Bound {
    /// Binds the socket: the directory is made with mode 0700 if it is missing, the socket gets 0600.
    pub(crate) fn bind(path: &Path, user: u32) -> Result<Self, BindError> {
        let io = |source| BindError::Io { path: path.to_owned(), source };
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
        let metadata = fs::symlink_metadata(directory).map_err(io)?;
        let is_ours = metadata.uid() == user || metadata.uid() == 0;
        let is_sticky = metadata.mode() & 0o1000 != 0;
        if metadata.is_dir() && (!is_ours || (metadata.mode() & 0o022 != 0 && !is_sticky)) {
            let why = "others may write to this directory";
            return Err(BindError::NotOurs { path: directory.to_owned(), why });
        }
        let lock = lock(path)?;
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path).map_err(io)?,
            Ok(_) => {
                let why = "something that is no socket stands there";
                return Err(BindError::NotOurs { path: path.to_owned(), why });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        let listener = UnixListener::bind(path).map_err(io)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io)?;
        Ok(Self { listener, path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // What cannot be removed is found to be stale by the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Locks the file beside the socket, which outlives a program that was killed but not its lock.
fn lock(path: &Path) -> Result<File, BindError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let io = |source| BindError::Io { path: name.clone(), source };
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&name);
    let mut file = open.map_err(io)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(io)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&name).unwrap_or_default();
            Err(BindError::InUse { path: path.to_owned(), pid: pid.trim().to_owned() })
        }
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InUse { path, pid } => {
                write!(f, "another ringfence (process {pid}) holds the control socket {}", path.display())
            }
            Self::NotOurs { path, why } => {
                write!(f, "cannot put the control socket at {}: {why}", path.display())
            }
            Self::Io { path, source } => {
                write!(f, "cannot open the control socket {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for BindError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn the_socket_and_its_directory_are_for_the_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run").join("control.sock");
        let bound = Bound::bind(&path, own_user().unwrap()).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        drop(bound);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_second_program_is_told_of_the_first() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("control.sock");
        let user = own_user().unwrap();
        let _first = Bound::bind(&path, user).unwrap();
        let error = Bound::bind(&path, user).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    }

    #[tokio::test]
    async fn a_socket_that_a_killed_program_left_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let _bound = Bound::bind(&path, own_user().unwrap()).unwrap();
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_never_removed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("letter.txt");
        fs::write(&path, "dear").unwrap();
        let error = Bound::bind(&path, own_user().unwrap()).unwrap_err();
        assert!(matches!(error, BindError::NotOurs { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "dear");
    }

    #[tokio::test]
    async fn a_directory_that_others_may_write_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
        let error = Bound::bind(&home.path().join("control.sock"), own_user().unwrap()).unwrap_err();
        assert!(matches!(error, BindError::NotOurs { .. }), "{error}");
    }
}
