//! Whatever comes over a WebSocket: what is fuzzed of which bytes begin and end a message.

use std::io::{self, Read, Write};

use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use super::frames::Frames;

/// Takes on the first byte how many pieces there are, then how long each is, then what comes after the handshake. What is
/// begun does not depend on the pieces; the library reads the same messages of them; and where nothing is begun, it reads
/// the next frame as a message of its own.
pub(crate) fn run(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return };
    let (lengths, stream) = rest.split_at(usize::from(*count).min(rest.len()));
    let (mut frames, mut whole) = (Frames::between(), Frames::between());
    whole.take(stream);
    let (mut left, mut heard, mut error) = (stream, Vec::new(), false);
    let mut socket = socket();
    for length in lengths.iter().map(|length| usize::from(*length)).chain([stream.len()]) {
        let (piece, behind) = left.split_at(length.min(left.len()));
        left = behind;
        frames.take(piece);
        socket.get_mut().0.extend_from_slice(piece);
        error |= read(&mut socket, &mut heard);
    }
    assert_eq!(frames, whole, "what is begun depends on the pieces");

    let mut at_once = self::socket();
    at_once.get_mut().0.extend_from_slice(stream);
    let mut heard_at_once = Vec::new();
    assert_eq!(read(&mut at_once, &mut heard_at_once), error);
    // What ends the connection may be seen before what came ahead of it was told.
    assert!(error || heard_at_once == heard, "what is read depends on the pieces");
    if error || heard.iter().any(Message::is_close) || frames.is_within() {
        return;
    }
    socket.get_mut().0.extend_from_slice(b"\x81\x81\0\0\0\0x");
    heard.clear();
    assert!(!read(&mut socket, &mut heard));
    assert_eq!(heard, [Message::text("x")], "something was begun");
}

fn socket() -> WebSocket<Wire> {
    let config = WebSocketConfig::default().max_message_size(Some(4_096)).max_frame_size(Some(4_096));
    WebSocket::from_raw_socket(Wire(Vec::new()), Role::Server, Some(config))
}

/// Reads until nothing is there. Returns whether it came to an end for another reason.
fn read(socket: &mut WebSocket<Wire>, heard: &mut Vec<Message>) -> bool {
    loop {
        match socket.read() {
            Ok(message) => heard.push(message),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(_) => return true,
        }
    }
}

/// What has come and was not read. What is written goes nowhere.
#[derive(Debug)]
struct Wire(Vec<u8>);

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = buffer.len().min(self.0.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0.drain(..length);
        Ok(length)
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
