//! A file of a policy: the one in force, one that it includes, or one that is only tried.

use std::path::{Component, Path, PathBuf};

use ringfence_policy::File;

use super::{MOST, regular};

/// Reads a file of a policy. Whoever reads the policy tells where it is no UTF-8.
pub(crate) fn read(path: &Path) -> Result<File, String> {
    let bytes = regular::read(path, MOST).map_err(|error| error.to_string())?;
    Ok(File::from_bytes(path.to_string_lossy(), bytes))
}

/// Returns the path of a file that is included by another, in one way only: a file that is included twice
/// counts once.
pub(crate) fn included(by: &Path, written: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in by.parent().unwrap_or(Path::new("")).join(written).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if path.components().next_back().is_some_and(is_name) => drop(path.pop()),
            part @ (Component::Prefix(_)
            | Component::RootDir
            | Component::ParentDir
            | Component::Normal(_)) => {
                path.push(part);
            }
        }
    }
    path
}

fn is_name(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name_however_it_is_named() {
        for (by, written, expected) in [
            ("policy.toml", "lists.toml", "lists.toml"),
            ("etc/policy.toml", "./org/../lists.toml", "etc/lists.toml"),
            ("etc/policy.toml", "../lists.toml", "lists.toml"),
            ("policy.toml", "../lists.toml", "../lists.toml"),
            ("policy.toml", "/srv/lists.toml", "/srv/lists.toml"),
        ] {
            assert_eq!(included(Path::new(by), written), Path::new(expected), "{by} {written}");
        }
    }
}
