//! Where the control socket is, and that it is ours alone.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::lock::{self, Lock, Taken, Who};
use crate::user::is_closed;

/// A bound control socket. Dropping it removes the socket.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    user: u32,
    /// Which socket it is: another may stand at the path later.
    made: Made,
    /// Held locked as long as the program runs: two programs never share a socket.
    lock: Lock,
}

/// A place that no other program may put its control socket at. Nobody is answered there yet.
#[derive(Debug)]
pub(crate) struct Claimed {
    path: PathBuf,
    user: u32,
    lock: Lock,
}

/// The device and the inode of a socket.
type Made = (u64, u64);

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

/// Where the system's own program has its socket.
pub(crate) const SYSTEM: &str = "/run/ringfence/ringfence.sock";

/// Returns where the socket may be, the most usual place first.
pub(crate) fn usual_places(user: u32) -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let mut places: Vec<_> = runtime.map(|path| path.join("ringfence.sock")).into_iter().collect();
    places.push(PathBuf::from(SYSTEM));
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
            Err(_) => user == 0 && directory == Path::new(SYSTEM).parent().unwrap_or(Path::new("/")),
        }
    };
    let places = usual_places(user);
    let last = places.last().cloned().unwrap_or_default();
    places.into_iter().find(is_usable).unwrap_or(last)
}

impl Claimed {
    /// Claims a place: its directory is made with mode 0700 if it is missing, and a socket that a program left there is removed.
    pub(crate) fn claim(path: &Path, user: u32) -> Result<Self, BindError> {
        let io = |source| BindError::Io { path: path.to_owned(), source };
        let path = &closed(path, user)?;
        let lock = locked(path, user)?;
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path).map_err(io)?,
            Ok(_) => {
                let why = "something that is no socket stands there";
                return Err(BindError::NotOurs { path: path.to_owned(), why });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        Ok(Self { path: path.to_owned(), user, lock })
    }

    /// Binds the socket, with mode 0600.
    pub(crate) fn bind(self) -> Result<Bound, BindError> {
        let Self { path, user, lock } = self;
        let (listener, made) =
            listen(&path).map_err(|source| BindError::Io { path: path.clone(), source })?;
        Ok(Bound { listener, path, user, made, lock })
    }
}

impl Bound {
    #[cfg(test)]
    pub(crate) fn bind(path: &Path, user: u32) -> Result<Self, BindError> {
        Claimed::claim(path, user)?.bind()
    }

    /// Binds the socket anew if somebody has removed it, and returns whether that was so: with all that is asked for at the
    /// start. What another program has put in its place is left there.
    pub(crate) fn renew(&mut self) -> Result<bool, BindError> {
        let io = |source| BindError::Io { path: self.path.clone(), source };
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) if of(&metadata) == self.made => return Ok(false),
            Ok(_) => {
                let why = "something else stands there now";
                return Err(BindError::NotOurs { path: self.path.clone(), why });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        let path = closed(&self.path, self.user)?;
        if !self.lock.is_of(&path) {
            self.lock = locked(&path, self.user)?;
        }
        (self.listener, self.made) = listen(&path).map_err(io)?;
        Ok(true)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes the directory of a path if it is missing, and returns the path in it without a link. It is an error where others may
/// put something there, or in the way.
fn closed(path: &Path, user: u32) -> Result<PathBuf, BindError> {
    let io = |source| BindError::Io { path: path.to_owned(), source };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let refuse_link = || match link_of_others(directory, user, MOST_LINKS) {
        Some(link) => Err(BindError::NotOurs { path: link, why: "somebody else has put a link there" }),
        None => Ok(()),
    };
    refuse_link()?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
    // What a link names now is what is used, wherever the link leads later.
    let real = fs::canonicalize(directory).map_err(io)?;
    refuse_link()?;
    if !is_closed(&fs::metadata(&real).map_err(io)?, user) {
        return Err(BindError::NotOurs { path: real, why: "others may write to this directory" });
    }
    Ok(real.join(path.file_name().unwrap_or_default()))
}

/// Takes the lock of the socket at a path.
fn locked(path: &Path, user: u32) -> Result<Lock, BindError> {
    let lock_name = lock::name(path);
    match fs::symlink_metadata(&lock_name) {
        Ok(metadata) if metadata.is_file() && metadata.uid() == user => {}
        Ok(_) => {
            let why = "its lock is no plain file of ours";
            return Err(BindError::NotOurs { path: lock_name, why });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(BindError::Io { path: lock_name, source }),
    }
    match lock::take(path, Who::Program).map_err(|source| BindError::Io { path: lock_name, source })? {
        Taken::Ours(lock) => Ok(lock),
        Taken::Theirs(holder) => Err(BindError::InUse { path: path.to_owned(), pid: holder.pid }),
    }
}

/// Binds a socket of mode 0600 where nothing stands.
fn listen(path: &Path) -> io::Result<(UnixListener, Made)> {
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok((listener, of(&fs::symlink_metadata(path)?)))
}

fn of(metadata: &fs::Metadata) -> Made {
    (metadata.dev(), metadata.ino())
}

/// Finds a link on the way to a path that neither a user nor root has put there, also where one leads to another: it
/// may lead into a directory of the user's that is meant for something else.
fn link_of_others(path: &Path, user: u32, links: usize) -> Option<PathBuf> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.ancestors().find_map(|path| {
        let found = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_symlink)?;
        if links == 0 || (found.uid() != user && found.uid() != 0) {
            return Some(path.to_owned());
        }
        let target = path.parent().unwrap_or(path).join(fs::read_link(path).ok()?);
        link_of_others(&target, user, links - 1)
    })
}

/// As many as systems follow at most.
const MOST_LINKS: usize = 40;

impl Drop for Bound {
    fn drop(&mut self) {
        // What another program has put there is that program's.
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| of(&metadata) == self.made) {
            // What cannot be removed is found to be stale by the next start.
            let _ = fs::remove_file(&self.path);
        }
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
    use std::os::unix::fs::symlink;

    use tokio::net::UnixStream;

    use super::*;
    use crate::user::own_user;

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
    async fn a_socket_that_is_removed_is_bound_anew_and_is_the_owners_only() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run").join("control.sock");
        let user = own_user().unwrap();
        let mut bound = Bound::bind(&path, user).unwrap();
        assert!(!bound.renew().unwrap());
        fs::remove_file(&path).unwrap();
        assert!(bound.renew().unwrap() && !bound.renew().unwrap());
        assert_eq!(mode(&path), 0o600);
        fs::remove_dir_all(home.path().join("run")).unwrap();
        assert!(bound.renew().unwrap());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(matches!(Bound::bind(&path, user).unwrap_err(), BindError::InUse { .. }));
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_another_program_has_put_there_is_left_to_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("control.sock");
        let mut bound = Bound::bind(&path, own_user().unwrap()).unwrap();
        fs::remove_file(&path).unwrap();
        let others = UnixListener::bind(&path).unwrap();
        let error = bound.renew().unwrap_err();
        assert!(error.to_string().ends_with("something else stands there now"), "{error}");
        drop(bound);
        let _stream = UnixStream::connect(&path).await.unwrap();
        others.accept().await.unwrap();
    }

    #[tokio::test]
    async fn a_socket_is_not_bound_anew_where_others_may_write_by_now() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("control.sock");
        let mut bound = Bound::bind(&path, own_user().unwrap()).unwrap();
        fs::remove_file(&path).unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(bound.renew().unwrap_err(), BindError::NotOurs { .. }));
        assert!(!path.exists());
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

    #[tokio::test]
    async fn a_link_to_a_directory_that_others_may_write_is_refused_and_nothing_is_made_there() {
        let home = tempfile::tempdir().unwrap();
        let (open, link) = (home.path().join("open"), home.path().join("run"));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        symlink(&open, &link).unwrap();
        let error = Bound::bind(&link.join("control.sock"), own_user().unwrap()).unwrap_err();
        assert!(matches!(error, BindError::NotOurs { .. }), "{error}");
        assert_eq!(fs::read_dir(&open).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_link_that_somebody_else_put_there_is_refused_wherever_it_leads() {
        let home = tempfile::tempdir().unwrap();
        let [closed, planted, link] = ["closed", "planted", "link"].map(|name| home.path().join(name));
        DirBuilder::new().mode(0o700).create(&closed).unwrap();
        symlink(&closed, &planted).unwrap();
        symlink("planted", &link).unwrap();
        // Only root may give it away; for anybody else it is somebody else's who is not they.
        let _ = std::os::unix::fs::lchown(&planted, Some(1001), None);
        let user = fs::symlink_metadata(&planted).unwrap().uid() + 1;
        let error = Bound::bind(&planted.join("control.sock"), user).unwrap_err();
        assert!(matches!(&error, BindError::NotOurs { path, .. } if *path == planted), "{error}");
        assert!(link_of_others(&link, user, MOST_LINKS).is_some());
        assert_eq!(fs::read_dir(&closed).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_link_of_our_own_is_followed() {
        let home = tempfile::tempdir().unwrap();
        let (closed, link) = (home.path().join("closed"), home.path().join("link"));
        DirBuilder::new().mode(0o700).create(&closed).unwrap();
        symlink(&closed, &link).unwrap();
        let _bound = Bound::bind(&link.join("control.sock"), own_user().unwrap()).unwrap();
        assert!(closed.join("control.sock").exists());
        symlink("endless", home.path().join("endless")).unwrap();
        assert!(link_of_others(&home.path().join("endless"), own_user().unwrap(), MOST_LINKS).is_some());
    }

    #[tokio::test]
    async fn a_link_in_the_place_of_the_lock_is_refused_and_what_it_names_stays_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let (path, letter) = (home.path().join("control.sock"), home.path().join("letter.txt"));
        fs::write(&letter, "dear").unwrap();
        symlink(&letter, lock::name(&path)).unwrap();
        let error = Bound::bind(&path, own_user().unwrap()).unwrap_err();
        assert!(matches!(error, BindError::NotOurs { .. }), "{error}");
        assert_eq!(fs::read_to_string(&letter).unwrap(), "dear");
    }
}
