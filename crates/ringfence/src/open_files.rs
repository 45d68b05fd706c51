//! How many files the program may have open, and with them connections: as many as the system grants it. Most systems let a
//! program begin with 1,024, for the sake of those that use `select`, and grant far more to one that asks.

#[cfg(target_os = "linux")]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one. Where that cannot be, things stay as they are.
#[cfg(target_os = "linux")]
pub(crate) fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(from = current, to = maximum, "open files"),
        Err(error) => tracing::debug!(%error, limit = current, "open files"),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn raise_limit() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_may_be_open_as_the_system_grants() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let fewer = maximum.map(|files| files / 2);
        setrlimit(Resource::Nofile, Rlimit { current: fewer, maximum }).unwrap();
        raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
    }
}
