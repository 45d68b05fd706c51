//! A stream: on the first byte how many pieces come, then how long each is, then all that comes.

use ringfence_wire::sip::{Frame, Framer, Framing, MAX_MESSAGE, Message, ParseError, StreamError};

use super::again::one_line;

/// What is cut out of a stream does not depend on the pieces that it comes in; and each message is one.
pub fn run(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return };
    let (lengths, stream) = rest.split_at(usize::from(*count).min(rest.len()));
    let whole = cut(stream, [stream.len()]);
    assert_eq!(cut(stream, lengths.iter().map(|length| usize::from(*length))), whole);
    assert_eq!(cut(stream, std::iter::repeat_n(1, stream.len().min(2_048))), whole);

    let mut again = Vec::new();
    for head in &whole.heads {
        is_too_long(head);
    }
    for message in &whole.messages {
        is_one(message);
        again.extend_from_slice(message);
        again.extend_from_slice(b"\r\n\r\n");
    }
    // Pings between them change nothing.
    assert_eq!(cut(&again, [again.len()]).messages, whole.messages);
}

/// What came out of a stream, and why it ended.
#[derive(Debug, PartialEq, Eq)]
struct Cut {
    messages: Vec<Vec<u8>>,
    /// Of messages that are too long.
    heads: Vec<Vec<u8>>,
    excess: usize,
    /// How many bytes were pings and pongs: in which pieces they come tells which they are.
    line_ends: usize,
    is_over: bool,
    left: Vec<u8>,
}

/// Cuts a stream that comes in pieces, the last of which is all that is left.
fn cut(stream: &[u8], pieces: impl IntoIterator<Item = usize>) -> Cut {
    let (mut framer, mut rest) = (Framer::default(), stream);
    let mut cut = Cut {
        messages: Vec::new(),
        heads: Vec::new(),
        excess: 0,
        line_ends: 0,
        is_over: false,
        left: Vec::new(),
    };
    for length in pieces.into_iter().chain([stream.len()]) {
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        cut.left.extend_from_slice(piece);
        rest = behind;
        loop {
            match framer.next(&cut.left) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    assert!((1..=cut.left.len()).contains(&frame.length()), "{frame:?}");
                    let taken: Vec<u8> = cut.left.drain(..frame.length()).collect();
                    match frame {
                        Frame::Message { .. } => cut.messages.push(taken),
                        Frame::Head { .. } => cut.heads.push(taken),
                        Frame::Excess { .. } => cut.excess += taken.len(),
                        Frame::Ping { .. } | Frame::Pong { .. } => cut.line_ends += taken.len(),
                    }
                }
                Err(error) => {
                    ends(&error);
                    cut.is_over = true;
                    // How much has come by then is another matter.
                    cut.left.clear();
                    return cut;
                }
            }
        }
        assert!(cut.left.len() <= 2 * MAX_MESSAGE, "what is waited for is bounded");
    }
    cut
}

fn ends(error: &StreamError) {
    one_line(error);
    if let StreamError::TooLong { length } = error {
        assert!(*length > MAX_MESSAGE);
    }
}

/// It is whole, and has the length that it says.
fn is_one(bytes: &[u8]) {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(ParseError::TooManyHeaders) => return,
        Err(error) => panic!("what is cut out is a message: {error}"),
    };
    assert!(bytes.ends_with(message.as_bytes()), "nothing is left over behind a message");
    assert_eq!(message.framing(), Framing::Complete);
    assert!(message.fields().any(|field| field.name() == ringfence_wire::sip::HeaderName::ContentLength));
}

/// It is the head of a message that says to be longer than any that is kept.
fn is_too_long(head: &[u8]) {
    match Message::parse(head).map(|message| message.framing()) {
        Ok(Framing::Short { declared, got: 0 }) => assert!(head.len() + declared > MAX_MESSAGE),
        Err(ParseError::TooManyHeaders) => {}
        other => panic!("{other:?}"),
    }
}
