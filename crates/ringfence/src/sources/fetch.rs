//! Fetching: what a source holds now, and what was kept of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::client::Client;
use super::copies::{Copies, Document};
use super::error::SourceError;
use super::shelf::Shelf;
use super::signature::PublicKey;
use super::source::Source;
use super::spec::ListSpec;
use super::{base64, carddav, file, ftc, web};

/// Fetches from one source of a list.
pub(crate) struct Fetcher {
    pub(crate) shelf: Arc<Shelf>,
    /// Which of the list's sources it is.
    pub(crate) index: usize,
    /// The way out, for a source that needs one.
    pub(crate) client: Result<Client, SourceError>,
    pub(crate) copies: Copies,
}

/// What a source holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) documents: Vec<Document>,
    /// Why some of it is missing.
    pub(crate) trouble: Option<SourceError>,
    /// Why some of it was not kept when it came.
    pub(crate) unkept: Option<SourceError>,
}

/// How long one request of a list may take, with all of its answer.
pub(crate) const FETCH_PATIENCE: Duration = Duration::from_secs(30);

impl Fetcher {
    pub(crate) fn spec(&self) -> &ListSpec {
        &self.shelf.spec
    }

    pub(crate) fn source(&self) -> &Source {
        &self.shelf.spec.sources[self.index]
    }

    /// Returns what is on this machine, and when it was last seen to be what the source holds. It
    /// may block.
    pub(crate) fn kept(&self, now: Timestamp) -> Result<(Vec<Document>, Option<Timestamp>), SourceError> {
        self.check_key()?;
        let most = self.spec().most_bytes;
        let kept = match self.source() {
            Source::File { path, .. } => return Ok((file::read(path)?, Some(now))),
            Source::Compiled { path } => return Ok((file::stamp(path)?, Some(now))),
            Source::Web { url, .. } | Source::AddressBook { url } => {
                self.copies.read(url.as_str(), most).into_iter().collect()
            }
            Source::FtcDnc { base } => ftc::kept(self.spec(), base, &self.copies, now),
        };
        for (document, _) in &kept {
            self.verify(document)?;
        }
        // Each day of the complaints is kept when it comes: the last one tells.
        let seen = kept.iter().map(|(_, seen)| *seen).max();
        Ok((kept.into_iter().map(|(document, _)| document).collect(), seen))
    }

    /// Returns the copies that are wanted.
    pub(crate) fn copied(&self, now: Timestamp) -> Vec<PathBuf> {
        let sources = copied(self.spec(), self.source(), now);
        sources.iter().map(|source| self.copies.path(source)).collect()
    }

    /// Asks the source. `None` says that it holds what is `held`.
    pub(crate) async fn fetch(
        &self,
        held: &[Document],
        now: Timestamp,
    ) -> Result<Option<Fetched>, SourceError> {
        self.check_key()?;
        let spec = self.spec();
        let documents = match self.source().clone() {
            Source::File { path, .. } => {
                let held = held.to_vec();
                match blocking(move || file::read_again(&path, &held)).await? {
                    Some(documents) => documents,
                    None => return Ok(None),
                }
            }
            Source::Compiled { path } => blocking(move || file::stamp(&path)).await?,
            Source::Web { url, .. } => match web::fetch(self.client()?, spec, &url, held.first()).await? {
                Some(document) => vec![document],
                None => return Ok(None),
            },
            Source::AddressBook { url } => vec![carddav::fetch(self.client()?, spec, &url).await?],
            Source::FtcDnc { base } => {
                return ftc::fetch(self.client()?, spec, &base, &self.copies, now).await.map(Some);
            }
        };
        Ok(Some(Fetched { documents, ..Fetched::default() }))
    }

    /// Keeps what was found good. It may block.
    pub(crate) fn keep(&self, documents: &[Document], seen: Timestamp) -> Result<(), SourceError> {
        match self.source() {
            Source::Web { .. } | Source::AddressBook { .. } => {}
            // A file is its own copy; the days of the complaints are kept when they come.
            Source::File { .. } | Source::Compiled { .. } | Source::FtcDnc { .. } => return Ok(()),
        }
        for document in documents {
            let kept = self.copies.keep(document, seen);
            kept.map_err(|error| self.copies.error(&error))?;
        }
        Ok(())
    }

    /// Notes that the source still holds what is kept of it.
    pub(crate) fn touch(&self, held: &[Document], seen: Timestamp) -> Result<(), SourceError> {
        match self.source() {
            Source::File { .. } | Source::Compiled { .. } => return Ok(()),
            Source::Web { .. } | Source::AddressBook { .. } | Source::FtcDnc { .. } => {}
        }
        // The first is the newest, whose time tells.
        let touched = held.first().map_or(Ok(()), |document| self.copies.touch(&document.source, seen));
        touched.map_err(|error| self.copies.error(&error))
    }

    /// Makes the copies that these could not take the place of look as old as what is asked for at once. It may block.
    pub(crate) fn outdate(&self, unkept: &[Document], now: Timestamp) {
        let interval =
            SignedDuration::try_from(self.spec().interval(self.source())).unwrap_or(SignedDuration::MAX);
        let Ok(due) = now.checked_sub(interval) else { return };
        for document in unkept {
            if self.copies.seen(&document.source).is_some_and(|seen| seen > due) {
                // Where nothing can be written, the copy is asked for when its time has come.
                let _ = self.copies.touch(&document.source, due);
            }
        }
    }

    fn client(&self) -> Result<&Client, SourceError> {
        self.client.as_ref().map_err(Clone::clone)
    }

    /// Checks that a list with a key has a source that can prove to be of it.
    fn check_key(&self) -> Result<(), SourceError> {
        match (&self.spec().key, self.source()) {
            (None, _) | (Some(_), Source::Web { .. }) => Ok(()),
            (Some(_), _) => {
                let why = "the list has a `pubkey`, and a signature stands only beside a list at https://"
                    .to_owned();
                Err(SourceError::Signature { why })
            }
        }
    }

    /// Checks that a kept copy has the signature of the key that the list has now.
    pub(crate) fn verify(&self, document: &Document) -> Result<(), SourceError> {
        let Some(key) = &self.spec().key else { return Ok(()) };
        let signature = document.signature.as_deref().and_then(base64::decode);
        PublicKey::parse(key)?.verify(&document.body, &signature.unwrap_or_default())
    }
}

/// Returns what the copies of a source are of.
pub(super) fn copied(spec: &ListSpec, source: &Source, now: Timestamp) -> Vec<String> {
    match source {
        Source::File { .. } | Source::Compiled { .. } => Vec::new(),
        Source::Web { url, .. } | Source::AddressBook { url } => vec![url.to_string()],
        Source::FtcDnc { base } => ftc::addresses(spec, base, now).map(String::from).collect(),
    }
}

/// Does what may block.
pub(crate) async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    tokio::task::spawn_blocking(read).await.unwrap_or(Err(SourceError::Busy))
}
