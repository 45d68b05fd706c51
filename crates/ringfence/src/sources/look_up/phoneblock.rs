//! Asks `PhoneBlock`, and does not tell it about whom.
//!
//! Unless the policy says otherwise, only the first four of the forty hexadecimal digits of the number's SHA-1 are sent, which
//! thousands of numbers share; the server answers with all it knows that begin so, and the one that
//! calls is found here. The server knows who asks, by the API key it demands.
//!
//! ```text
//! GET /api/check-prefix?sha1=3D1D&format=json     {"numbers":[{"phone":"+49…","votes":42,…},…]}
//! ```

use std::time::Duration;

use reqwest::{Method, Url};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ringfence_policy::Number;
use serde::Deserialize;

use super::answer::Answer;
use super::{Question, service};
use crate::sources::client::Client;
use crate::sources::copies::hex;
use crate::sources::credential::Credential;
use crate::sources::error::SourceError;
use crate::sources::source::Tells;

/// What is known of a number changes within weeks.
pub(crate) const USUAL_CACHE: Duration = Duration::from_secs(24 * 60 * 60);

/// Leaves of a question what `PhoneBlock` is asked: nothing of an internal number, which is nobody else's business and so
/// has no complaints.
pub(crate) fn reduced(question: &Question, has_key: bool) -> Result<Option<Question>, SourceError> {
    let Number::E164(_) = question.number else { return Ok(None) };
    if !has_key {
        let why = "PhoneBlock answers whoever has an API key, and the list names none".to_owned();
        return Err(SourceError::Credential { why });
    }
    Ok(Some(Question { number: question.number, line: String::new(), called: None }))
}

/// Asks about a caller.
pub(crate) async fn ask(
    client: &Client,
    (api, tells): (&Url, Tells),
    credential: Option<&Credential>,
    question: &Question,
) -> Result<Answer, SourceError> {
    let number = question.number.to_string();
    let query = format!("check-prefix?sha1={}&format=json", hash(&number, tells));
    let url = api.join(&query).map_err(|error| SourceError::Garbage { why: error.to_string() })?;
    let request = service::request(Method::GET, url, MOST_ANSWER, credential)?;
    let known: Known = service::json(&client.send(&request).await?)?;
    let found = known.numbers.iter().find(|known| known.phone == number);
    Ok(found.map_or(Answer::NOTHING, Rated::answer))
}

fn hash(number: &str, tells: Tells) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, number.as_bytes());
    match tells {
        Tells::Prefix => hex(&hash.as_ref()[..PREFIX_BYTES]),
        Tells::Hash => hex(hash.as_ref()),
    }
}

/// Of an answer, what is used.
#[derive(Debug, Deserialize)]
struct Known {
    #[serde(default)]
    numbers: Vec<Rated>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rated {
    phone: String,
    #[serde(default)]
    votes: u32,
    /// The user of the key said that it is no spam.
    #[serde(default)]
    white_listed: bool,
    /// The user of the key said that it is.
    #[serde(default)]
    black_listed: bool,
}

impl Rated {
    fn answer(&self) -> Answer {
        let score = match (self.white_listed, self.black_listed) {
            (true, _) => 0,
            (false, true) => self.votes.max(OWN_VOTE),
            (false, false) => self.votes,
        };
        Answer { score, is_listed: score > 0, name: None }
    }
}

/// The server takes no fewer, and says that they are enough: 16 bits.
const PREFIX_BYTES: usize = 2;
/// All numbers of a prefix, in bytes.
const MOST_ANSWER: u64 = 1024 * 1024;
/// What the user has blocked counts as more than any rule asks for.
const OWN_VOTE: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_that_of_the_sha1_of_the_international_form() {
        // printf %s +49123456789 | sha1sum
        assert_eq!(hash("+49123456789", Tells::Prefix), "5C97");
        assert_eq!(hash("+49123456789", Tells::Hash), "5C9726AD23BDB14B64D066E65FD292883799F18D");
    }
}
