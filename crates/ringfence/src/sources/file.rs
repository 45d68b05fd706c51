//! Lists that are files of this machine, or directories of vCards.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::copies::Document;
use super::error::SourceError;
use crate::config::regular;

/// Reads a file, or the vCards of a directory in the order of their names.
pub(crate) fn read(path: &Path) -> Result<Vec<Document>, SourceError> {
    let mut left = MOST_BYTES;
    let mut documents = stamp(path)?;
    for document in &mut documents {
        let failed = |why: String| SourceError::File { path: document.source.clone().into(), why };
        document.body =
            regular::read(Path::new(&document.source), left).map_err(|error| failed(error.to_string()))?;
        left = left.saturating_sub(u64::try_from(document.body.len()).unwrap_or(u64::MAX));
    }
    Ok(documents)
}

/// Reads it again, unless it is what is `held`.
pub(crate) fn read_again(path: &Path, held: &[Document]) -> Result<Option<Vec<Document>>, SourceError> {
    if stamp(path)? == held { Ok(None) } else { read(path).map(Some) }
}

/// Returns what tells a file, or each of a directory, from what was there before, without reading it.
pub(crate) fn stamp(path: &Path) -> Result<Vec<Document>, SourceError> {
    files(path)?.into_iter().map(|file| stamped(&file)).collect()
}

fn files(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |why: String| SourceError::File { path: path.to_owned(), why };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| failed(error.to_string()))? {
        let file = entry.map_err(|error| failed(error.to_string()))?.path();
        if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("vcf")) {
            if files.len() == MOST_FILES {
                return Err(failed(format!("expected at most {MOST_FILES} vCards, found more")));
            }
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn stamped(path: &Path) -> Result<Document, SourceError> {
    let failed = |why: String| SourceError::File { path: path.to_owned(), why };
    let source = path.to_str().ok_or_else(|| failed("expected a name in UTF-8".to_owned()))?.to_owned();
    let found = fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    let stamp = (found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec());
    let etag = Some(format!("{stamp:?}"));
    Ok(Document { source, etag, content_type: None, last_modified: None, signature: None, body: Vec::new() })
}

/// A text file of a hundred million numbers.
const MOST_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// The cards of everyone a firm knows.
const MOST_FILES: usize = 10_000;
