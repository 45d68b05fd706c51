//! Asks a web service: one POST with JSON, one answer with JSON.
//!
//! ```text
//! POST /path            {"number":"+41791234567","line":"home","called":"+41445551234"}
//! 200 application/json  {"score":3,"listed":true,"name":"Wine shop"}
//! ```

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{Answer, Written};
use super::{LONGEST_FLIGHT, Question};
use crate::sources::client::{Client, Request, Response};
use crate::sources::credential::Credential;
use crate::sources::error::SourceError;

/// A question as services and programs read it.
#[derive(Debug, Serialize)]
pub(crate) struct Posed<'a> {
    number: String,
    line: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    called: Option<&'a str>,
}

impl<'a> Posed<'a> {
    pub(crate) fn new(question: &'a Question) -> Self {
        Self { number: question.number.to_string(), line: &question.line, called: question.called.as_deref() }
    }
}

/// Asks a service about a caller.
pub(crate) async fn ask(
    client: &Client,
    url: &Url,
    credential: Option<&Credential>,
    question: &Question,
) -> Result<Answer, SourceError> {
    let body = serde_json::to_string(&Posed::new(question));
    let mut request = request(Method::POST, url.clone(), MOST_ANSWER, credential)?;
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    request.body = body.map_err(|error| SourceError::Garbage { why: error.to_string() })?;
    json::<Written>(&client.send(&request).await?)?.read()
}

/// Makes a request whose answer is JSON.
pub(crate) fn request(
    method: Method,
    url: Url,
    most: u64,
    credential: Option<&Credential>,
) -> Result<Request, SourceError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(JSON));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(credential) = credential {
        credential.add_to(&mut headers)?;
    }
    Ok(Request { method, url, headers, body: String::new(), most, patience: LONGEST_FLIGHT })
}

/// Reads the JSON of an answer.
pub(crate) fn json<T: DeserializeOwned>(response: &Response) -> Result<T, SourceError> {
    if response.status != StatusCode::OK {
        return Err(SourceError::Status { status: response.status.as_u16(), retry_after: None });
    }
    match response.content_type().as_deref() {
        Some(JSON) => {}
        found => {
            let found = found.unwrap_or("no content type").to_owned();
            return Err(SourceError::NotExpected { expected: JSON, found });
        }
    }
    serde_json::from_slice(&response.body).map_err(|error| SourceError::Garbage { why: error.to_string() })
}

const JSON: &str = "application/json";
/// A score and a name, in bytes.
const MOST_ANSWER: u64 = 64 * 1024;
