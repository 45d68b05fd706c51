//! Challenges and credentials (RFC 3261 sections 20.7, 20.27, 20.28 and 20.44; RFC 7616 section 3.3).
//!
//! RFC 3261 gives each challenge a field of its own; HTTP joins several by commas, and so do some registrars:
//! a word after a comma that no `=` follows starts the next one.

use std::borrow::Cow;

use crate::sip::class::{is_param_value, is_token};
use crate::sip::error::Fault;
use crate::sip::lex::Lexer;
use crate::sip::quote::text;

/// One challenge of a `WWW-Authenticate` or `Proxy-Authenticate` header, or the credentials of an
/// `Authorization` or `Proxy-Authorization` header.
///
/// ```
/// use ringfence_wire::sip::{HeaderName, Message};
///
/// let response = Message::parse(
///     b"SIP/2.0 401 Unauthorized\r\n\
///       WWW-Authenticate: Digest realm=\"a, \\\"b\\\"\", qop=\"auth,auth-int\", nonce=abc , Basic realm=\"c\"\r\n\r\n",
/// )?;
/// let challenges: Vec<_> = response.challenges(HeaderName::WwwAuthenticate).collect();
/// assert_eq!(challenges[0].scheme(), b"Digest");
/// assert_eq!(challenges[0].param("Realm").as_deref(), Some("a, \"b\""));
/// assert_eq!(challenges[0].param("qop").as_deref(), Some("auth,auth-int"));
/// assert_eq!(challenges[1].scheme(), b"Basic");
/// # Ok::<(), ringfence_wire::sip::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Challenge<'a> {
    scheme: &'a [u8],
    params: &'a [u8],
}

impl<'a> Challenge<'a> {
    /// Returns the authentication scheme as written; compare it without regard to case.
    #[must_use]
    pub fn scheme(&self) -> &'a [u8] {
        self.scheme
    }

    /// Returns the first parameter of that name, in any case, without quotation marks and escapes.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.raw_params()
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| text(value))
    }

    /// Iterates over names and values, without quotation marks and escapes.
    pub fn params(&self) -> impl Iterator<Item = (&'a [u8], Cow<'a, str>)> + use<'a> {
        self.raw_params().map(|(name, value)| (name, text(value)))
    }

    /// Iterates over names and values as written.
    pub fn raw_params(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut lexer = Lexer::new(self.params);
        std::iter::from_fn(move || {
            let param = take_param(&mut lexer).ok()??;
            lexer.eat_separator(b',');
            Some(param)
        })
    }

    /// Reads parameters that stand without a scheme, as in `Authentication-Info`.
    pub(crate) fn without_scheme(value: &'a [u8]) -> Self {
        Self { scheme: b"", params: value }
    }
}

/// The challenges in one field value. One that breaks the grammar ends them.
#[derive(Debug, Clone)]
pub(crate) struct Challenges<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Challenges<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Self { lexer: Lexer::new(value) }
    }
}

impl<'a> Iterator for Challenges<'a> {
    type Item = Challenge<'a>;

    fn next(&mut self) -> Option<Challenge<'a>> {
        let challenge = take_challenge(&mut self.lexer);
        if challenge.is_none() {
            self.lexer = Lexer::new(b"");
        }
        challenge
    }
}

fn take_challenge<'a>(lexer: &mut Lexer<'a>) -> Option<Challenge<'a>> {
    while lexer.eat_separator(b',') {}
    lexer.skip_lws();
    let scheme = lexer.token().ok()?;
    lexer.skip_lws();
    let params = lexer.rest();
    let mut end = 0;
    while take_param(lexer).ok()?.is_some() {
        end = params.len() - lexer.rest().len();
        if !lexer.eat_separator(b',') {
            lexer.end().ok()?;
        }
    }
    if end == 0 {
        // Credentials that are one word, as Basic has them, are not read.
        lexer.take_while(|byte| byte != b',');
    }
    Some(Challenge { scheme, params: &params[..end] })
}

/// Takes `token EQUAL ( token / quoted-string )`; nothing when no token and `=` are next.
#[expect(clippy::type_complexity, reason = "perhaps a name and a value")]
fn take_param<'a>(lexer: &mut Lexer<'a>) -> Result<Option<(&'a [u8], &'a [u8])>, Fault> {
    let mut ahead = *lexer;
    ahead.skip_lws();
    let name = ahead.take_while(is_token);
    if name.is_empty() || !ahead.eat_separator(b'=') {
        return Ok(None);
    }
    let value =
        if ahead.peek() == Some(b'"') { ahead.quoted_string()? } else { ahead.take_while(is_param_value) };
    if value.is_empty() {
        return Err(ahead.unexpected());
    }
    *lexer = ahead;
    Ok(Some((name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::lex::ascii;

    fn schemes(value: &str) -> Vec<String> {
        Challenges::new(value.as_bytes())
            .map(|challenge| {
                let params = challenge.params().map(|(name, value)| format!("{}={value}", ascii(name)));
                format!("{} {}", ascii(challenge.scheme()), params.collect::<Vec<_>>().join("|"))
            })
            .collect()
    }

    #[test]
    fn several_challenges_in_one_field_are_told_apart() {
        assert_eq!(
            schemes(
                r#"Digest realm="a,b" , nonce = x,algorithm=SHA-256,,Digest realm="a", NTLM, Basic realm="c""#
            ),
            ["Digest realm=a,b|nonce=x|algorithm=SHA-256", "Digest realm=a", "NTLM ", "Basic realm=c"],
        );
    }

    #[test]
    fn a_challenge_that_breaks_the_grammar_is_left_out_with_what_follows() {
        assert_eq!(schemes(r#"Basic realm="c", Digest realm="a, nonce=x"#), ["Basic realm=c"]);
        assert_eq!(schemes(r#"Digest realm="a" nonce=x"#), Vec::<String>::new());
        assert_eq!(schemes("Digest realm="), Vec::<String>::new());
        assert_eq!(schemes(r#""Digest""#), Vec::<String>::new());
        assert_eq!(schemes(""), Vec::<String>::new());
    }

    #[test]
    fn credentials_that_are_one_word_have_no_parameters() {
        assert_eq!(schemes("Basic dXNlcjpwYXNz"), ["Basic "]);
    }

    #[test]
    fn values_lose_their_quotation_marks_and_escapes() {
        let challenge = Challenge::without_scheme(br#"nextnonce="a\"b\\",  qop=auth"#);
        assert_eq!(challenge.param("NextNonce").as_deref(), Some(r#"a"b\"#));
        assert_eq!(challenge.raw_params().last(), Some((&b"qop"[..], &b"auth"[..])));
    }
}
