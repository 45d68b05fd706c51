//! An address book on a `CardDAV` server (RFC 6352): one report of all cards that have a name.
//!
//! It is plain `CardDAV`, as Nextcloud, Radicale, Baïkal and the big mail providers speak it. A
//! FRITZ!Box keeps its telephone books behind another interface (TR-064), and answers none of this.

use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::client::{Client, Request};
use super::copies::Document;
use super::error::SourceError;
use super::fetch::FETCH_PATIENCE;
use super::multistatus;
use super::spec::ListSpec;

/// Asks for all cards of an address book, as one file of vCards.
pub(crate) async fn fetch(client: &Client, spec: &ListSpec, url: &Url) -> Result<Document, SourceError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(HeaderName::from_static("depth"), HeaderValue::from_static("1"));
    if let Some(credential) = &spec.credential {
        credential.add_to(&mut headers)?;
    }
    let request = Request {
        method: report(),
        url: url.clone(),
        headers,
        body: QUERY.to_owned(),
        most: spec.most_bytes,
        patience: FETCH_PATIENCE,
    };
    let response = client.send(&request).await?;
    if response.status.as_u16() != MULTI_STATUS {
        return Err(SourceError::NotExpected {
            expected: "a multistatus (207) of an address book",
            found: format!("status {}", response.status.as_u16()),
        });
    }
    let text = str::from_utf8(&response.body).map_err(|_| garbage("expected UTF-8 in the multistatus"))?;
    let cards = multistatus::cards(text).map_err(garbage)?;
    Ok(Document {
        source: url.to_string(),
        content_type: Some("text/vcard".to_owned()),
        etag: None,
        last_modified: None,
        signature: None,
        body: cards.into_bytes(),
    })
}

/// RFC 3253 section 3.6.
fn report() -> Method {
    Method::from_bytes(b"REPORT").expect("REPORT is a token")
}

fn garbage(why: &str) -> SourceError {
    SourceError::Garbage { why: why.to_owned() }
}

/// RFC 4918 section 11.1.
const MULTI_STATUS: u16 = 207;

/// RFC 6352 section 8.6. Every card has an FN; of each, only what a list of callers needs is asked
/// for, though a server may send all of it.
const QUERY: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">
  <D:prop>
    <C:address-data>
      <C:prop name="VERSION"/><C:prop name="UID"/><C:prop name="FN"/><C:prop name="N"/><C:prop name="TEL"/>
    </C:address-data>
  </D:prop>
  <C:filter><C:prop-filter name="FN"/></C:filter>
</C:addressbook-query>
"#;
