//! A list that is a file on a server: asked for again only when it has changed.

use reqwest::header::{
    ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use reqwest::{Method, StatusCode, Url};

use super::base64;
use super::client::{Client, Request, Response};
use super::copies::Document;
use super::error::SourceError;
use super::fetch::FETCH_PATIENCE;
use super::signature::{MOST_SIGNATURE, PublicKey};
use super::spec::ListSpec;

/// Asks for a file, unless it is still the one that is held. `None` says that it is.
pub(crate) async fn fetch(
    client: &Client,
    spec: &ListSpec,
    url: &Url,
    held: Option<&Document>,
) -> Result<Option<Document>, SourceError> {
    let key = spec.key.as_deref().map(PublicKey::parse).transpose()?;
    let mut request = get(url, spec.most_bytes);
    if let Some(credential) = &spec.credential {
        credential.add_to(&mut request.headers)?;
    }
    if let Some(held) = held {
        put(&mut request.headers, IF_NONE_MATCH, held.etag.as_deref());
        put(&mut request.headers, IF_MODIFIED_SINCE, held.last_modified.as_deref());
    }
    let response = client.send(&request).await?;
    if response.status == StatusCode::NOT_MODIFIED {
        return match held {
            Some(_) => Ok(None),
            None => Err(SourceError::Status { status: response.status.as_u16(), retry_after: None }),
        };
    }
    let mut document = document(url, response)?;
    if let Some(key) = key {
        let signature = signature(client, &request).await?;
        key.verify(&document.body, &signature)?;
        document.signature = Some(base64::encode(&signature));
    }
    Ok(Some(document))
}

/// Makes a request for a file as it is.
pub(crate) fn get(url: &Url, most: u64) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let (url, body) = (url.clone(), String::new());
    Request { method: Method::GET, url, headers, body, most, patience: FETCH_PATIENCE }
}

/// Makes a document of an answer that can be a list.
pub(crate) fn document(url: &Url, response: Response) -> Result<Document, SourceError> {
    let content_type = response.content_type();
    // What a captive portal, a login or an error shows is a page.
    if let Some(found) = content_type.as_deref().filter(|found| PAGES.contains(found)) {
        return Err(SourceError::NotExpected { expected: "a list", found: found.to_owned() });
    }
    if response.status != StatusCode::OK {
        return Err(SourceError::Status { status: response.status.as_u16(), retry_after: None });
    }
    let text = |name| response.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Document {
        source: url.to_string(),
        content_type,
        etag: text(ETAG),
        last_modified: text(LAST_MODIFIED),
        signature: None,
        body: response.body,
    })
}

const PAGES: [&str; 2] = ["text/html", "application/xhtml+xml"];

async fn signature(client: &Client, list: &Request) -> Result<Vec<u8>, SourceError> {
    let mut url = list.url.clone();
    url.set_path(&format!("{}.sig", list.url.path()));
    let mut request = Request { url, most: MOST_SIGNATURE, ..list.clone() };
    request.headers.remove(IF_NONE_MATCH);
    request.headers.remove(IF_MODIFIED_SINCE);
    match client.send(&request).await {
        Ok(response) => Ok(response.body),
        Err(error) => Err(SourceError::Signature { why: format!("the signature beside the list: {error}") }),
    }
}

/// Adds a header that the server itself once sent.
fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(name, value);
    }
}
