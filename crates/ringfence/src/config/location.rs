//! Where the configuration is looked for.

use std::fs;
use std::path::{Path, PathBuf};

/// The name of the file in each of the places.
pub(crate) const FILE_NAME: &str = "ringfence.toml";

/// Returns the configuration file: what is `named` (by `--config` or `$RINGFENCE_CONFIG`) unless nothing
/// is there; or else the first that exists of the usual places; or else all the places looked at.
pub(crate) fn find(named: Option<&Path>) -> Result<PathBuf, Vec<PathBuf>> {
    if let Some(path) = named {
        let is_missing = matches!(path.try_exists(), Ok(false));
        return if is_missing { Err(vec![path.to_owned()]) } else { Ok(path.to_owned()) };
    }
    let places = usual_places();
    places.iter().find(|place| place.is_file()).cloned().ok_or(places)
}

/// Returns the one name of a file, from the root and without links. The file need not be there.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = fs::canonicalize(directory.unwrap_or(Path::new(".")));
        match (directory, path.file_name()) {
            (Ok(directory), Some(name)) => directory.join(name),
            (Ok(_) | Err(_), _) => path.to_owned(),
        }
    })
}

/// Returns the places in the order in which they are looked at.
fn usual_places() -> Vec<PathBuf> {
    let user = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let user = user.or_else(|| std::env::home_dir().map(|home| home.join(".config")));
    let mut places = vec![PathBuf::from(FILE_NAME)];
    places.extend(user.map(|directory| directory.join("ringfence").join(FILE_NAME)));
    places.push(Path::new("/etc/ringfence").join(FILE_NAME));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_working_directory_comes_before_the_system() {
        let places = usual_places();
        assert_eq!(places.first(), Some(&PathBuf::from("ringfence.toml")));
        assert_eq!(places.last(), Some(&PathBuf::from("/etc/ringfence/ringfence.toml")));
    }

    #[test]
    fn a_named_file_that_is_missing_is_not_replaced_by_another() {
        let named = Path::new("no/such/file.toml");
        assert_eq!(find(Some(named)), Err(vec![named.to_owned()]));
    }
}
