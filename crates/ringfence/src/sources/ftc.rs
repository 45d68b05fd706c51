//! The complaints about unwanted calls that the US Federal Trade Commission publishes: a CSV file for
//! each working day, `DNC_Complaint_Numbers_YYYY-MM-DD.csv`, of which the last weeks are there.
//!
//! A day's file does not change, so it is fetched once and kept. What people complained about is
//! declared by themselves and a caller's number can be false: it is a score, not a proof.

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use reqwest::Url;
use reqwest::header::{HeaderValue, USER_AGENT};

use super::client::Client;
use super::copies::{Copies, Document};
use super::error::SourceError;
use super::fetch::{Fetched, blocking};
use super::spec::ListSpec;
use super::web;

/// Fetches the days that are missing and returns all of them, the newest first.
pub(crate) async fn fetch(
    client: &Client,
    spec: &ListSpec,
    base: &Url,
    copies: &Copies,
    now: Timestamp,
) -> Result<Fetched, SourceError> {
    let mut fetched = Fetched::default();
    for url in addresses(spec, base, now) {
        let (reading, source, most) = (copies.clone(), url.to_string(), spec.most_bytes);
        if let Ok((document, _)) =
            blocking(move || reading.read(&source, most).ok_or(SourceError::Busy)).await
        {
            fetched.documents.push(document);
            continue;
        }
        match day(client, spec, &url).await {
            Ok(Some(document)) => {
                let (document, kept) = keep(copies, document, now).await?;
                fetched.documents.push(document);
                fetched.unkept = kept.err().or(fetched.unkept);
            }
            Ok(None) => {}
            Err(error) if fetched.documents.is_empty() => return Err(error),
            Err(error) => {
                fetched.trouble = Some(error);
                break;
            }
        }
    }
    Ok(fetched)
}

/// Returns the days that are kept, the newest first.
pub(crate) fn kept(
    spec: &ListSpec,
    base: &Url,
    copies: &Copies,
    now: Timestamp,
) -> Vec<(Document, Timestamp)> {
    addresses(spec, base, now).filter_map(|url| copies.read(url.as_str(), spec.most_bytes)).collect()
}

/// Returns where the days of the window are, the newest first.
pub(crate) fn addresses(spec: &ListSpec, base: &Url, now: Timestamp) -> impl Iterator<Item = Url> {
    days(spec, now).filter_map(|date| base.join(&format!("DNC_Complaint_Numbers_{date}.csv")).ok())
}

async fn keep(
    copies: &Copies,
    document: Document,
    now: Timestamp,
) -> Result<(Document, Result<(), SourceError>), SourceError> {
    let copies = copies.clone();
    blocking(move || {
        let kept = copies.keep(&document, now).map_err(|error| copies.error(&error));
        Ok((document, kept))
    })
    .await
}

/// Fetches one day. `None` says that the day has no file: a holiday, or it is not there yet.
async fn day(client: &Client, spec: &ListSpec, url: &Url) -> Result<Option<Document>, SourceError> {
    let mut request = web::get(url, spec.most_bytes);
    request.headers.insert(USER_AGENT, HeaderValue::from_static(BROWSER_LIKE));
    match client.send(&request).await {
        Ok(response) => {
            let document = web::document(url, response)?;
            // The commission's column names are its promise of what is in the file.
            if document.body.windows(COLUMN.len()).take(LONGEST_HEADER).any(|window| window == COLUMN) {
                Ok(Some(document))
            } else {
                Err(SourceError::Garbage { why: "expected a column Company_Phone_Number".to_owned() })
            }
        }
        Err(SourceError::Status { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the working days of the window, the newest first. Today's complaints come tomorrow.
fn days(spec: &ListSpec, now: Timestamp) -> impl Iterator<Item = Date> + use<> {
    let window = spec.window.unwrap_or(USUAL_WINDOW).as_secs().div_ceil(24 * 60 * 60).min(LONGEST_WINDOW);
    let today = now.to_zoned(TimeZone::fixed(WASHINGTON)).date();
    let earlier =
        (1..=window).filter_map(move |days| today.checked_sub(i64::try_from(days).ok()?.days()).ok());
    earlier.filter(|date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday))
}

/// The files of about five weeks are there.
const USUAL_WINDOW: Duration = Duration::from_secs(35 * 24 * 60 * 60);
/// What was complained about longer ago says nothing any more, in days.
pub(super) const LONGEST_WINDOW: u64 = 92;
/// A day begins there; an hour more in summer does not matter.
const WASHINGTON: Offset = Offset::constant(-5);
/// The server turns away what does not look like a browser, as others found.
const BROWSER_LIKE: &str = concat!("Mozilla/5.0 (compatible; ringfence/", env!("CARGO_PKG_VERSION"), ")");
const COLUMN: &[u8] = b"Company_Phone_Number";
/// The names of the columns stand within the first bytes.
const LONGEST_HEADER: usize = 1024;
