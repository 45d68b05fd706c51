//! The response to a request (RFC 3261 section 8.2.6).

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use ringfence_wire::sip::{Head, HeaderName, Message, Params, Printer, StatusCode};

use crate::transaction::key::Tag;
use crate::transport::via;

/// Who answers.
#[derive(Debug)]
pub(crate) struct Agent {
    /// What `User-Agent` says.
    pub(crate) product: Arc<str>,
    /// Who warns, in `Warning: 399 <agent> "…"`.
    pub(crate) warner: String,
    /// The field `User-Agent`, and the beginning of a field `Warning`, as each response has them.
    product_field: Vec<u8>,
    warning_start: Vec<u8>,
}

impl Agent {
    pub(crate) fn new(product: String, warner: String) -> Self {
        let (mut product_field, mut warning_start) = (Vec::new(), Vec::new());
        Printer::fields(&mut product_field).header("User-Agent", product.as_bytes());
        Printer::fields(&mut warning_start).header_joined("Warning", &["399 ", &warner]);
        warning_start.truncate(warning_start.len() - LINE_END.len());
        Self { product: product.into(), warner, product_field, warning_start }
    }

    /// Returns how a field `Warning` begins, up to the text that it warns with.
    pub(crate) fn warning_start(&self) -> &[u8] {
        &self.warning_start
    }
}

/// A request that is being answered, with what its answers have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answering<'r> {
    pub(crate) request: &'r Message<'r>,
    pub(crate) source: SocketAddr,
    pub(crate) tag: Tag,
    pub(crate) echo: &'r Echo,
}

/// The header fields of a request that each of its responses carries, written once for all of them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Echo {
    fields: Vec<u8>,
    /// Where the tag stands that To gets, which is not in a 100.
    tag: Range<usize>,
}

/// An echo that a request of many hops has blown up beyond this gives its memory back.
const KEPT_CAPACITY: usize = 8_192;

impl Echo {
    /// Returns the echo of a request that came from `source`, and is answered with `tag`.
    pub(crate) fn of(head: &Head<'_>, source: SocketAddr, tag: Tag) -> Self {
        let mut echo = Self::default();
        echo.write(head, source, tag);
        echo
    }

    /// Returns how many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Gives back what is more memory than most requests need.
    pub(crate) fn release(&mut self) {
        if self.fields.capacity() > KEPT_CAPACITY {
            self.fields.clear();
            self.fields.shrink_to(KEPT_CAPACITY);
        }
    }

    /// Writes the echo of another request in its place.
    pub(crate) fn write(&mut self, head: &Head<'_>, source: SocketAddr, tag: Tag) {
        self.fields.clear();
        let mut fields = Printer::fields(&mut self.fields);
        write_vias(&mut fields, head, source);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
        //# The From field of the response MUST equal the From header field of
        //# the request.  The Call-ID header field of the response MUST equal the
        //# Call-ID header field of the request.  The CSeq header field of the
        //# response MUST equal the CSeq field of the request.
        fields.copy(head.message(), HeaderName::From);
        self.tag = self.write_to(head, tag);
        let mut fields = Printer::fields(&mut self.fields);
        fields.copy(head.message(), HeaderName::CallId);
        fields.copy(head.message(), HeaderName::CSeq);
    }

    /// Writes To, and returns where the tag stands that it got.
    fn write_to(&mut self, head: &Head<'_>, tag: Tag) -> Range<usize> {
        let mut fields = Printer::fields(&mut self.fields);
        match head.to() {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
            //# However, if the To header
            //# field in the request did not contain a tag, the URI in the To header
            //# field in the response MUST equal the URI in the To header
            //# field; additionally, the UAS MUST add a tag to the To header field in
            //# the response (with the exception of the 100 (Trying) response, in
            //# which a tag MAY be present).
            Ok(to) if to.tag().is_none() => {
                let has_empty_tag = to.param("tag").is_some();
                let written = head.message().first(HeaderName::To).unwrap_or_default();
                fields.header_written(HeaderName::To, |out| {
                    if has_empty_tag {
                        write_without_tag(out, written, to.params());
                    } else {
                        out.extend_from_slice(without_empty_end(written));
                    }
                    out.extend_from_slice(TAG_PARAMETER);
                    out.extend_from_slice(tag.as_bytes());
                });
                let end = self.fields.len() - LINE_END.len();
                end - TAG_PARAMETER.len() - tag.as_bytes().len()..end
            }
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
            //# If a request contained a To tag in the request, the To header field in the response
            //# MUST equal that of the request.
            Ok(_) | Err(_) => {
                fields.copy(head.message(), HeaderName::To);
                0..0
            }
        }
    }
}

const TAG_PARAMETER: &[u8] = b";tag=";
const LINE_END: &[u8] = b"\r\n";

impl Answering<'_> {
    /// Writes a response at the end of `out`; `more` adds the headers that only this one has.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        agent: &Agent,
        status: StatusCode,
        phrase: Option<&str>,
        more: impl FnOnce(&mut Printer<'_>, &Agent),
    ) {
        let mut response = Printer::response(out, status, phrase);
        let Echo { fields, tag } = self.echo;
        if status == StatusCode::TRYING {
            response.printed(&fields[..tag.start]).printed(&fields[tag.end..]);
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.1
            //# When a 100 (Trying) response is generated, any Timestamp header field
            //# present in the request MUST be copied into this 100 (Trying)
            //# response.
            response.copy(self.request, HeaderName::Timestamp);
        } else {
            response.printed(fields);
        }
        more(&mut response, agent);
        response.printed(&agent.product_field);
        response.finish();
    }
}

fn write_vias(fields: &mut Printer<'_>, head: &Head<'_>, source: SocketAddr) {
    let request = head.message();
    let Ok(top) = head.via() else {
        fields.copy(request, HeaderName::Via);
        return;
    };
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# The Via header
    //# field values in the response MUST equal the Via header field values
    //# in the request and MUST maintain the same ordering.
    via::write_stamped(fields, top, source);
    // The others stay in the fields that they came in: a response is no longer than its request, and some.
    let mut others = request.all(HeaderName::Via);
    if let Some(rest) = others.next().and_then(|first| first.get(top.as_bytes().len()..)) {
        let rest = rest.trim_ascii_start().strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        if !rest.is_empty() {
            fields.header("Via", rest);
        }
    }
    for field in others {
        fields.header("Via", field);
    }
}

/// Leaves out what a tag cannot follow: semicolons without a parameter.
fn without_empty_end(to: &[u8]) -> &[u8] {
    let mut to = to.trim_ascii_end();
    while let [rest @ .., b';'] = to {
        to = rest.trim_ascii_end();
    }
    to
}

/// Writes To without a tag that has no value, wherever that stands: one that has a value follows.
fn write_without_tag(out: &mut Vec<u8>, to: &[u8], params: Params<'_>) {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
    //# Even though an arbitrary number of parameter pairs may be attached to
    //# a header field value, any given parameter-name MUST NOT appear more
    //# than once.
    let to = to.trim_ascii_end();
    out.extend_from_slice(to.strip_suffix(params.as_bytes().trim_ascii_end()).unwrap_or(to).trim_ascii_end());
    for (name, value) in params.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(b"tag")) {
        out.push(b';');
        out.extend_from_slice(name);
        if let Some(value) = value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag() -> Tag {
        Tag::from_bytes(&[b'a'; 16]).unwrap()
    }

    /// Returns what To becomes in a response.
    fn answered(to: &str) -> String {
        let text = format!("OPTIONS sip:a@b SIP/2.0\r\nTo: {to}\r\n\r\n");
        let request = Message::parse(text.as_bytes()).unwrap();
        let mut echo = Echo::default();
        echo.write_to(&Head::of(&request), tag());
        String::from_utf8(echo.fields).unwrap()
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
    //= type=test
    //# Even though an arbitrary number of parameter pairs may be attached to a header field value, any
    //# given parameter-name MUST NOT appear more than once.
    #[test]
    fn a_tag_follows_whatever_stands_in_to_and_is_the_only_one() {
        let tag = String::from_utf8(tag().as_bytes().to_vec()).unwrap();
        for (to, expected) in [
            ("<sip:a@b>", "<sip:a@b>"),
            ("<sip:a@b>;", "<sip:a@b>"),
            ("<sip:a@b>;tag=", "<sip:a@b>"),
            ("<sip:a@b> ; ;Tag", "<sip:a@b>"),
            ("<sip:a@b>;tag= ;", "<sip:a@b>"),
            ("<sip:a@b>;x=y", "<sip:a@b>;x=y"),
            ("\"A;tag=\" <sip:a@b;tag=>;x=y; z ;", "\"A;tag=\" <sip:a@b;tag=>;x=y; z"),
            ("sip:a@b;tag=;x=y", "sip:a@b;x=y"),
            ("<sip:a@b> ;x=\"y;\" ; tag ; z", "<sip:a@b>;x=\"y;\";z"),
        ] {
            assert_eq!(answered(to), format!("To: {expected};tag={tag}\r\n"), "{to}");
        }
    }
}
