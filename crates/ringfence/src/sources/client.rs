//! The one way out: HTTPS with a bound on everything.
//!
//! A request ends within its patience, its answer has at most so many bytes, its redirections stay
//! on the server, the server proves who it is, and nothing is decompressed: what came is what counts.
//! No proxy is used, since the proxy would look the name up, and cookies are not kept.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Method, StatusCode, Url};
use tokio::time::timeout;

use super::error::SourceError;
use super::resolver::{Names, Reach, Resolver};
use crate::config::{Stamped, regular};
use crate::visible::{cut, visible};

/// What a list says of its server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Trust {
    pub(crate) reach: Reach,
    /// The file of the authority that vouches for the server, as it was when the policy was read; without it, those of
    /// the system do.
    pub(crate) authority: Option<Stamped>,
}

/// Sends requests to servers that are trusted in the same way.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    reach: Reach,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The most bytes the answer may have.
    pub(crate) most: u64,
    /// How long all of it may take.
    pub(crate) patience: Duration,
}

/// An answer that is a success, or 304.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(trust: &Trust, names: Names) -> Result<Self, SourceError> {
        // Whoever was first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .no_proxy()
            .referer(false)
            .redirect(Policy::none())
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_PATIENCE)
            .dns_resolver(Resolver::new(names, trust.reach));
        if let Some(authority) = &trust.authority {
            builder = builder.tls_certs_only(authorities(&authority.path)?);
        }
        let http = builder.build().map_err(|error| SourceError::NoConnection { why: innermost(&error) })?;
        Ok(Self { http, reach: trust.reach })
    }

    /// Sends a request and returns its whole answer.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, SourceError> {
        let patience = request.patience;
        timeout(patience, self.follow(request)).await.unwrap_or(Err(SourceError::Late { patience }))
    }

    async fn follow(&self, request: &Request) -> Result<Response, SourceError> {
        let mut url = request.url.clone();
        for _ in 0..=MOST_REDIRECTIONS {
            let response = self.request(request, url.clone()).await?;
            match response.headers().get(LOCATION) {
                Some(to) if is_redirection(response.status()) => {
                    let to = String::from_utf8_lossy(to.as_bytes()).into_owned();
                    url = same_server(&url, &to)?;
                }
                Some(_) | None => return whole(response, request.most).await,
            }
        }
        Err(SourceError::Redirected { to: "one place after another".to_owned() })
    }

    async fn request(&self, request: &Request, url: Url) -> Result<reqwest::Response, SourceError> {
        self.check(&url)?;
        let sending = self.http.request(request.method.clone(), url).headers(request.headers.clone());
        sending.body(request.body.clone()).send().await.map_err(|error| failed(&error))
    }

    /// A host that is an address is not looked up, so that no resolver has checked it.
    fn check(&self, url: &Url) -> Result<(), SourceError> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(address) if !self.reach.includes(address) => {
                Err(SourceError::NotPublic { host: host.to_owned() })
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Response {
    /// Returns the content type without its parameters, in lower case.
    pub(crate) fn content_type(&self) -> Option<String> {
        let value = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }
}

/// What this program calls itself.
const USER_AGENT: &str = concat!("ringfence/", env!("CARGO_PKG_VERSION"));
/// A server that is there has answered by then.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// From a short name to the file, and once more for a version.
const MOST_REDIRECTIONS: usize = 4;
/// The authorities of a system, several times over.
const MOST_AUTHORITIES: u64 = 4 * 1024 * 1024;
/// Whoever asks for more than a day's rest means a day.
const LONGEST_REST: u64 = 86_400;

/// Reads the authorities of a file.
pub(super) fn authorities(path: &Path) -> Result<Vec<Certificate>, SourceError> {
    let failed = |why: String| SourceError::File { path: path.to_owned(), why };
    let pem = regular::read(path, MOST_AUTHORITIES).map_err(|error| failed(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        Err(failed("expected a certificate in PEM, found none".to_owned()))
    } else {
        Ok(found)
    }
}

fn is_redirection(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 307 | 308)
}

/// Returns where a redirection leads, if that is the same server.
fn same_server(from: &Url, to: &str) -> Result<Url, SourceError> {
    // A query may hold a key.
    let place = to.split(['?', '#']).next().unwrap_or_default();
    let elsewhere = || SourceError::Redirected { to: cut(&visible(place), LONGEST_SHOWN) };
    let url = from.join(to).map_err(|_| elsewhere())?;
    if url.origin() == from.origin() && url.username().is_empty() { Ok(url) } else { Err(elsewhere()) }
}

/// What a server wrote is shown so far.
const LONGEST_SHOWN: usize = 200;

async fn whole(mut response: reqwest::Response, most: u64) -> Result<Response, SourceError> {
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    if !(status.is_success() || status == StatusCode::NOT_MODIFIED) {
        return Err(SourceError::Status { status: status.as_u16(), retry_after: retry_after(&headers) });
    }
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|value| *value != "identity") {
        let found = format!("content encoding {}", String::from_utf8_lossy(encoding.as_bytes()));
        return Err(SourceError::NotExpected { expected: "a list that is not compressed", found });
    }
    if response.content_length().is_some_and(|length| length > most) {
        return Err(SourceError::TooLarge { most });
    }
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| SourceError::Broken { why: innermost(&error) })?
    {
        let length = body.len() + chunk.len();
        if u64::try_from(length).is_ok_and(|length| length > most) {
            return Err(SourceError::TooLarge { most });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, headers, body })
}

/// Reads how many seconds to wait; the form with a date is not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_REST)))
}

fn failed(error: &reqwest::Error) -> SourceError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<SourceError>() {
            return refused.clone();
        }
        cause = inner.source();
    }
    let why = innermost(error);
    if error.is_connect() { SourceError::NoConnection { why } } else { SourceError::Broken { why } }
}

/// Returns the last cause: those before it only say that it was HTTP.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // A URL may hold what is asked for.
    if cause.downcast_ref::<reqwest::Error>().is_some() {
        "it is no HTTP".to_owned()
    } else {
        cause.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_redirection_leads_is_told_without_its_query() {
        let from = Url::parse("https://a.example/list?key=secret").unwrap();
        let error = same_server(&from, "https://www.a.example/list?key=secret#secret").unwrap_err();
        let told = error.to_string();
        assert!(told.contains("https://www.a.example/list") && !told.contains("secret"), "{told}");
    }
}
