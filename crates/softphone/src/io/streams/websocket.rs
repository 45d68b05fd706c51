//! WebSocket as a transport (RFC 7118): each SIP message in one of its own, the subprotocol `sip`.

use std::io;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use ringfence_wire::sip::{Frame, Framer, MAX_MESSAGE};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config, client_async_with_config};

use super::connection::{CLOSED, Ends, Whole, until};
use super::failure::Failure;
use super::patience::{Patience, WRITE};
use super::{Event, Server, Stream};

/// The subprotocol.
const SIP: &str = "sip";
/// What a ping of SIP's own is (RFC 7118 section 6, RFC 5626 section 4.4.1), and its answer.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE)
}

/// Asks a server for SIP over WebSocket.
pub(super) async fn ask(stream: Stream, server: &Server) -> Result<WebSocketStream<Stream>, Failure> {
    let scheme = if server.transport.is_encrypted() { "wss" } else { "ws" };
    let port = server.port.unwrap_or(server.transport.default_port());
    let uri = format!("{scheme}://{}:{port}{}", server.host, server.path);
    let uri: Uri = uri.parse().map_err(|error| Failure::Address { uri, error })?;
    //= https://www.rfc-editor.org/rfc/rfc7118#section-4.1
    //# The SIP WebSocket Client and SIP WebSocket Server negotiate usage of
    //# the WebSocket SIP subprotocol during the WebSocket handshake
    //# procedure as defined in Section 1.3 of [RFC6455].  The client MUST
    //# include the value "sip" in the Sec-WebSocket-Protocol header in its
    //# handshake request.
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SIP);
    let asked = client_async_with_config(request, stream, Some(config())).await;
    let (socket, _) = asked.map_err(|error| Failure::WebSocket(Box::new(error)))?;
    Ok(socket)
}

/// Answers a client that asks for SIP over WebSocket; one that asks for anything else is refused.
pub(super) async fn answer(stream: Stream) -> io::Result<WebSocketStream<Stream>> {
    #[expect(clippy::result_large_err, reason = "the library's")]
    let agree = |request: &Request, mut response: Response| {
        let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        if !offered.any(|protocol| protocol.trim().eq_ignore_ascii_case(SIP)) {
            let mut refusal = ErrorResponse::new(Some("expected the subprotocol sip\n".to_owned()));
            *refusal.status_mut() = StatusCode::BAD_REQUEST;
            return Err(refusal);
        }
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
        Ok(response)
    };
    accept_hdr_async_with_config(stream, agree, Some(config()))
        .await
        .map_err(|error| io::Error::other(said(&error)))
}

/// Reads and writes until there is an end to it. Returns why.
pub(super) async fn serve(mut socket: WebSocketStream<Stream>, mut ends: Ends) -> String {
    let mut patience = Patience::new(Instant::now(), ends.opened_by);
    loop {
        tokio::select! {
            read = socket.next() => {
                let bytes = match read {
                    Some(Ok(Message::Text(text))) => Bytes::from(text),
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    // WebSocket's own pings are answered by the library.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                        patience.heard(Instant::now(), Whole { messages: 0, line_ends: 1 }, false);
                        continue;
                    }
                    Some(Ok(Message::Close(_))) | None => return CLOSED.to_owned(),
                    Some(Err(error)) => return said(&error),
                };
                let is_line_end = matches!(&*bytes, PING | PONG);
                let whole = Whole { messages: (!is_line_end).into(), line_ends: is_line_end.into() };
                patience.heard(Instant::now(), whole, false);
                if ends.events.send(event(&ends, bytes)).await.is_err() {
                    say_last(socket, ends).await;
                    return "closed".to_owned();
                }
            }
            written = ends.outgoing.next() => {
                let Some(bytes) = written else {
                    say_last(socket, ends).await;
                    return "closed".to_owned();
                };
                let length = bytes.len();
                match timeout(WRITE, write(&mut socket, bytes)).await {
                    Ok(Ok(())) => ends.outgoing.written(length),
                    Ok(Err(error)) => return said(&error),
                    Err(_) => return "the peer does not read".to_owned(),
                }
            }
            () = until(patience.until()) => return patience.why().to_owned(),
        }
    }
}

/// Writes what waits, and that nothing more comes.
async fn say_last(mut socket: WebSocketStream<Stream>, mut ends: Ends) {
    let last = async {
        while let Some(bytes) = ends.outgoing.next().await {
            write(&mut socket, bytes).await?;
        }
        socket.close(None).await
    };
    // What a peer makes of the end is its own affair.
    let _ = timeout(WRITE, last).await;
}

fn event(ends: &Ends, bytes: Bytes) -> Event {
    let flow = ends.flow;
    match &*bytes {
        PING => Event::Ping { flow },
        PONG => Event::Pong { flow },
        _ => Event::Received { flow, message: bytes },
    }
}

/// Writes what is to be written, message by message.
async fn write(socket: &mut WebSocketStream<Stream>, bytes: Vec<u8>) -> Result<(), Error> {
    //= https://www.rfc-editor.org/rfc/rfc7118#section-5
    //# Each SIP message MUST be carried within a single WebSocket message,
    //# and a WebSocket message MUST NOT contain more than one SIP message.
    let (mut framer, mut rest) = (Framer::default(), Bytes::from(bytes));
    while !rest.is_empty() {
        // What is sent is whole; what could not be cut would go as it is.
        let length = framer.next(&rest).ok().flatten().map_or(rest.len(), Frame::length);
        let one = rest.split_to(length);
        let message = match std::str::from_utf8(&one) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(one),
        };
        socket.feed(message).await?;
    }
    socket.flush().await
}

/// Returns what has ended a connection, in words.
pub(super) fn said(error: &Error) -> String {
    // A peer that ends without a farewell has ended all the same.
    if let Error::ConnectionClosed
    | Error::AlreadyClosed
    | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) = error
    {
        CLOSED.to_owned()
    } else if let Error::Io(error) = error
        && error.kind() == io::ErrorKind::UnexpectedEof
    {
        CLOSED.to_owned()
    } else if let Error::Http(response) = error {
        format!("the server answers {} to the WebSocket handshake", response.status())
    } else {
        error.to_string()
    }
}
