//! What this installation is known by to registrars: a UUID that is made once and kept beside the journal (RFC 5626
//! section 4.1). A line that comes back with another address takes the place of its old binding by it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::config::edit::replace;

const NAME: &str = "ringfence.instance";

/// Returns the instance-id that is kept in a directory, or makes one and keeps it there. An error names the file.
pub(crate) fn of(directory: &Path) -> io::Result<String> {
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.1
    //# This URN MUST be persistent across power cycles of the device.
    let path = file(directory);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // Left by a full disk or a power cut: nothing is known by what is not in it.
        Err(_) if fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() == 0) => {}
        read => return read,
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot make the folder {}: {error}", directory.display()))
    })?;
    let urn = softphone::new_instance_id().map_err(io::Error::other)?;
    replace(&path, &format!("{urn}\n")).map_err(io::Error::other)?;
    Ok(urn)
}

/// Returns the instance-id that is kept in a directory, if it can be read there.
pub(crate) fn known(directory: &Path) -> Option<String> {
    read(&file(directory)).ok()
}

/// Returns the file that it is kept in.
pub(crate) fn file(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

fn read(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display())))?;
    let urn = text.trim();
    let is_uuid =
        |rest: &str| rest.len() == 36 && rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if urn.strip_prefix("urn:uuid:").is_some_and(is_uuid) {
        return Ok(urn.to_owned());
    }
    let what = format!("expected urn:uuid: and a UUID in {}; remove it to have one made", path.display());
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.1
    //= type=test
    //# Each UA MUST have an Instance Identifier Uniform Resource Name (URN) [RFC2141] that uniquely
    //# identifies the device.
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.1
    //= type=test
    //# This URN MUST be persistent across power cycles of the device.
    #[test]
    fn it_is_made_once_and_then_stays() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("state/ringfence");
        let first = of(&directory).unwrap();
        assert_eq!(of(&directory).unwrap(), first);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(of(other.path()).unwrap(), first);
    }

    #[test]
    fn an_empty_file_as_a_full_disk_leaves_it_is_made_anew() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(NAME), "").unwrap();
        let made = of(home.path()).unwrap();
        assert_eq!(of(home.path()).unwrap(), made);
    }

    #[test]
    fn nothing_is_left_beside_it() {
        let home = tempfile::tempdir().unwrap();
        of(home.path()).unwrap();
        let files: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, [NAME]);
    }

    #[test]
    fn a_directory_in_its_place_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(NAME)).unwrap();
        let error = of(home.path()).unwrap_err().to_string();
        assert!(error.contains(home.path().join(NAME).to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_file_that_holds_something_else_is_told_and_left() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(NAME), "urn:uuid:none\n").unwrap();
        let error = of(home.path()).unwrap_err().to_string();
        assert!(error.contains("expected urn:uuid:") && error.contains("remove it"), "{error}");
    }
}
