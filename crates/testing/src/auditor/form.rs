//! What has to hold of any message.

use ringfence_ua::Transport;
use ringfence_wire::sip::{Framing, HeaderName, Message};

use super::{Judged, Rule};

/// A message that is sent.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) message: &'a Message<'a>,
    pub(super) bytes: &'a [u8],
    pub(super) transport: Transport,
    /// Whether it repeats what has a NUL in it.
    pub(super) may_have_nul: bool,
}

pub(super) struct AnyMessage;

impl Judged for AnyMessage {
    type With<'a> = Written<'a>;
}

pub(super) const RULES: &[Rule<AnyMessage>] = &[
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
    //# The SIP-Version string is case-insensitive,
    //# but implementations MUST send upper-case.
    Rule { section: "7.1", says: "the version is SIP/2.0", holds: |it| it.message.version() == b"SIP/2.0" },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
    //# The Request-URI
    //# MUST NOT contain unescaped spaces or control characters and MUST
    //# NOT be enclosed in "<>".
    Rule {
        section: "7.1",
        says: "the start line is as its grammar has it",
        holds: |it| it.message.start_line_fault().is_none(),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7
    //# The start-line, each message-header line, and the empty line MUST be
    //# terminated by a carriage-return line-feed sequence (CRLF).  Note that
    //# the empty line MUST be present even if the message-body is not.
    Rule { section: "7", says: "each line ends with CRLF", holds: lines_end_with_crlf },
    Rule {
        section: "7.3",
        says: "each line is a header field",
        holds: |it| it.message.malformed_line().is_none(),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.14
    //# If no body is present in a message, then the Content-Length header
    //# field value MUST be set to zero.
    Rule {
        section: "20.14",
        says: "Content-Length is the body's",
        holds: |it| it.message.framing() == Framing::Complete && it.bytes.ends_with(it.message.body()),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.14
    //# If a stream-based protocol (such as
    //# TCP) is used as transport, the header field MUST be used.
    Rule {
        section: "20.14",
        says: "Content-Length is there in a stream",
        holds: |it| !it.transport.is_reliable() || it.message.has(HeaderName::ContentLength),
    },
];

fn lines_end_with_crlf(it: &Written<'_>) -> bool {
    let head = it.bytes.strip_suffix(it.message.body()).unwrap_or_default();
    let mut lines = head.split(|&byte| byte == b'\n');
    // What a response repeats is as it was asked: the To, From, Call-ID, CSeq and Via of it MUST equal those of the request
    // (RFC 3261 section 8.2.6.2).
    let is_odd = |byte: &u8| *byte == b'\r' || *byte == 0 && !it.may_have_nul;
    let is_whole = |line: &[u8]| line.last() == Some(&b'\r') && !line[..line.len() - 1].iter().any(is_odd);
    head.ends_with(b"\r\n\r\n") && lines.next_back() == Some(b"") && lines.all(is_whole)
}
