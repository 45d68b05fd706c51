//! The response to a request (RFC 3261 section 8.2.6).

use std::net::SocketAddr;

use ringfence_wire::sip::{HeaderName, Message, Printer, StatusCode};

use crate::transaction::key::Tag;
use crate::transport::via;

/// Who answers.
#[derive(Debug)]
pub(crate) struct Agent {
    /// What `User-Agent` says.
    pub(crate) user_agent: String,
    /// Who warns, in `Warning: 399 <agent> "…"`.
    pub(crate) warning_agent: String,
}

/// A request that is being answered, with what its answers have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answering<'r> {
    pub(crate) request: &'r Message<'r>,
    pub(crate) source: SocketAddr,
    pub(crate) tag: Tag,
}

impl Answering<'_> {
    /// Writes a response at the end of `out`; `more` adds the headers that only this one has.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
        agent: &Agent,
        status: StatusCode,
        phrase: Option<&str>,
        more: impl FnOnce(&mut Printer<'_>, &Agent),
    ) {
        let mut response = Printer::response(out, status, phrase);
        self.write_vias(&mut response, scratch);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
        //# The From field of the response MUST equal the From header field of
        //# the request.  The Call-ID header field of the response MUST equal the
        //# Call-ID header field of the request.  The CSeq header field of the
        //# response MUST equal the CSeq field of the request.
        response.copy(self.request, HeaderName::From);
        self.write_to(&mut response, scratch, status);
        response.copy(self.request, HeaderName::CallId);
        response.copy(self.request, HeaderName::CSeq);
        if status == StatusCode::TRYING {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.1
            //# When a 100 (Trying) response is generated, any Timestamp header field
            //# present in the request MUST be copied into this 100 (Trying)
            //# response.
            response.copy(self.request, HeaderName::Timestamp);
        }
        more(&mut response, agent);
        response.header("User-Agent", agent.user_agent.as_bytes());
        response.finish();
    }

    fn write_vias(&self, response: &mut Printer<'_>, scratch: &mut Vec<u8>) {
        let Ok(top) = self.request.via() else {
            response.copy(self.request, HeaderName::Via);
            return;
        };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
        //# The Via header
        //# field values in the response MUST equal the Via header field values
        //# in the request and MUST maintain the same ordering.
        via::write_stamped(response, scratch, &top, self.source);
        // The others stay in the fields that they came in: a response is no longer than its request, and some.
        let mut fields = self.request.all(HeaderName::Via);
        if let Some(rest) = fields.next().and_then(|first| first.get(top.as_bytes().len()..)) {
            let rest = rest.trim_ascii_start().strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
            if !rest.is_empty() {
                response.header("Via", rest);
            }
        }
        for field in fields {
            response.header("Via", field);
        }
    }

    fn write_to(&self, response: &mut Printer<'_>, scratch: &mut Vec<u8>, status: StatusCode) {
        match self.request.to() {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
            //# However, if the To header
            //# field in the request did not contain a tag, the URI in the To header
            //# field in the response MUST equal the URI in the To header
            //# field; additionally, the UAS MUST add a tag to the To header field in
            //# the response (with the exception of the 100 (Trying) response, in
            //# which a tag MAY be present).
            Ok(to) if to.tag().is_none() && status != StatusCode::TRYING => {
                scratch.clear();
                scratch.extend_from_slice(without_empty_end(
                    self.request.first(HeaderName::To).unwrap_or_default(),
                ));
                scratch.extend_from_slice(b";tag=");
                scratch.extend_from_slice(self.tag.as_bytes());
                response.header("To", scratch);
            }
            Ok(_) | Err(_) => {
                response.copy(self.request, HeaderName::To);
            }
        }
    }
}

/// Leaves out what a tag cannot follow: semicolons without a parameter, and a tag without a value.
fn without_empty_end(to: &[u8]) -> &[u8] {
    let mut to = to.trim_ascii_end();
    loop {
        let shorter = [&b";"[..], b";tag=", b";tag"].into_iter().find_map(|end| {
            let start = to.len().checked_sub(end.len())?;
            to[start..].eq_ignore_ascii_case(end).then(|| to[..start].trim_ascii_end())
        });
        match shorter {
            Some(shorter) => to = shorter,
            None => return to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_follows_whatever_stands_at_the_end_of_to() {
        for to in ["<sip:a@b>", "<sip:a@b>;", "<sip:a@b>;tag=", "<sip:a@b> ; ;Tag", "<sip:a@b>;tag= ;"] {
            assert_eq!(without_empty_end(to.as_bytes()), b"<sip:a@b>", "{to}");
        }
        assert_eq!(without_empty_end(b"<sip:a@b>;x=y"), b"<sip:a@b>;x=y");
    }
}
