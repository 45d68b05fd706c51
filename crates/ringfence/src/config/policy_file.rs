//! A file of a policy: the one in force, one that it includes, or one that is only tried.

use std::fs;
use std::path::{Component, Path, PathBuf};

use ringfence_policy::File;

use super::{MOST, regular};

/// Reads a file of a policy. Whoever reads the policy tells where it is no UTF-8.
pub(crate) fn read(path: &Path) -> Result<File, String> {
    let bytes = regular::read(path, MOST).map_err(|error| error.to_string())?;
    Ok(known(path, File::from_bytes(path.to_string_lossy(), bytes)))
}

/// Says of a file which one it is: it may be included by several names, such as that of a link.
pub(super) fn known(path: &Path, file: File) -> File {
    match fs::canonicalize(path) {
        Ok(real) => file.known_as(real.to_string_lossy()),
        // It is known by its name.
        Err(_) => file,
    }
}

/// Returns the path of a file that is included by another, as messages show it: without `.` and `..`.
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
    use ringfence_policy::Draft;

    use super::*;

    #[test]
    fn a_file_that_is_included_by_a_link_and_by_its_whole_path_counts_once() {
        let home = tempfile::tempdir().unwrap();
        let [main, switch, link] =
            ["policy.toml", "switch.toml", "link.toml"].map(|name| home.path().join(name));
        fs::write(&switch, "[switch.s]\ndefault = true\n").unwrap();
        std::os::unix::fs::symlink("switch.toml", link).unwrap();
        let includes = format!("include = [\"switch.toml\", \"link.toml\", {switch:?}, \"policy.toml\"]");
        fs::write(&main, format!("{includes}\ndefaults.region = \"CH\"\n")).unwrap();
        let mut open = |written: &str, by: &str| read(&included(Path::new(by), written));
        let (draft, told) = Draft::read(read(&main).unwrap(), &mut open, &[]);
        let told: Vec<String> =
            told.into_iter().map(|told| told.message.replace(&*home.path().to_string_lossy(), "")).collect();
        assert_eq!(told, ["/policy.toml includes itself: /policy.toml → /policy.toml"]);
        assert_eq!(draft.files().len(), 2);
    }

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
