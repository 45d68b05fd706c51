//! WebSocket as a transport (RFC 7118): each SIP message in one of its own, the subprotocol `sip`.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::SplitStream;
use ringfence_wire::sip::MAX_MESSAGE;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::{
    ORIGIN, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config, client_async_with_config};

use super::connection::{CLOSED, Ends, Whole, until};
use super::failure::Failure;
use super::frames::{Watched, Within};
use super::messages::Messages;
use super::owed::is_answered;
use super::patience::{Patience, WRITE};
use super::words::said_of_stream;
use super::{Event, Server, Stream};

/// A WebSocket whose frames are watched.
pub(crate) type Socket = WebSocketStream<Watched>;

/// The subprotocol.
const SIP: &str = "sip";
/// What a ping of SIP's own is (RFC 7118 section 6, RFC 5626 section 4.4.1), and its answer.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";
/// Characters of what a server names that are told.
const MOST_SAID: usize = 80;

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE)
}

/// Asks a server for SIP over WebSocket.
pub(super) async fn ask(stream: Stream, server: &Server) -> Result<Socket, Failure> {
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
    upgraded(ClientRequestBuilder::new(uri).with_sub_protocol(SIP), stream).await
}

/// Sends a request to upgrade a connection, and takes the answer.
async fn upgraded(request: ClientRequestBuilder, stream: Stream) -> Result<Socket, Failure> {
    let asked = client_async_with_config(request, Watched::new(stream), Some(config())).await;
    let (socket, response) = asked.map_err(|error| Failure::WebSocket(Box::new(error)))?;
    // RFC 6455 section 4.1: a client fails the connection where an extension is used that it has not asked for. It asks for none.
    match response.headers().get(SEC_WEBSOCKET_EXTENSIONS) {
        Some(extension) => Err(Failure::Extension(
            extension.as_bytes().escape_ascii().take(MOST_SAID).map(char::from).collect(),
        )),
        None => Ok(socket),
    }
}

/// Answers a client that asks for SIP over WebSocket; one that asks for anything else is refused, and so is a page of none of
/// the `origins`, where there are some.
pub(super) async fn answer(stream: Stream, origins: Option<&[String]>) -> io::Result<Socket> {
    #[expect(clippy::result_large_err, reason = "the library's")]
    let agree = |request: &Request, mut response: Response| {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.2
        //# Servers that are not intended to process input from any web page but
        //# only for certain sites SHOULD verify the |Origin| field is an origin
        //# they expect.  If the origin indicated is unacceptable to the server,
        //# then it SHOULD respond to the WebSocket handshake with a reply
        //# containing HTTP 403 Forbidden status code.
        let is_expected = |origin: &HeaderValue| {
            let expected = origins.unwrap_or_default().iter();
            expected.map(String::as_bytes).any(|site| site.eq_ignore_ascii_case(origin.as_bytes()))
        };
        if origins.is_some() && !request.headers().get_all(ORIGIN).iter().all(is_expected) {
            let mut refusal = ErrorResponse::new(Some("no page of this site may connect here\n".to_owned()));
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            return Err(refusal);
        }
        let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        if !offered.any(|protocol| protocol.trim().eq_ignore_ascii_case(SIP)) {
            let mut refusal = ErrorResponse::new(Some("expected the subprotocol sip\n".to_owned()));
            *refusal.status_mut() = StatusCode::BAD_REQUEST;
            return Err(refusal);
        }
        //= https://www.rfc-editor.org/rfc/rfc7118#section-4.1
        //# The 101 reply from the server MUST contain "sip" in its corresponding
        //# Sec-WebSocket-Protocol header.
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
        Ok(response)
    };
    accept_hdr_async_with_config(Watched::new(stream), agree, Some(config()))
        .await
        .map_err(|error| io::Error::other(said(&error)))
}

/// Reads and writes, neither waiting for the other, until there is an end to it. Returns why.
pub(super) async fn serve(socket: Socket, mut ends: Ends) -> String {
    let is_within = socket.get_ref().is_within();
    let is_blocked = socket.get_ref().is_blocked();
    let (sink, mut incoming) = socket.split();
    let mut outgoing = Messages::new(sink, is_blocked);
    let mut patience = Patience::new(Instant::now(), ends.opened_by);
    loop {
        let has_room = ends.has_room() && !outgoing.has_pongs_alone() && !patience.is_flooded();
        tokio::select! {
            read = next(&mut incoming, &is_within, patience.is_within_message()), if has_room => {
                let bytes = match read {
                    Read::Begun => {
                        patience.heard(Instant::now(), Whole::default(), true);
                        continue;
                    }
                    //= https://www.rfc-editor.org/rfc/rfc7118#section-4.2
                    //# Therefore, SIP WebSocket Clients and SIP WebSocket Servers MUST accept both
                    //# text and binary frames.
                    Read::Whole(Some(Ok(Message::Text(text)))) => Bytes::from(text),
                    Read::Whole(Some(Ok(Message::Binary(bytes)))) => bytes,
                    // WebSocket's own pings are answered by the library.
                    Read::Whole(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {
                        patience.heard_control(Instant::now(), is_within.a_message());
                        if outgoing.has_pongs_alone() {
                            patience.writes(Instant::now());
                        }
                        continue;
                    }
                    Read::Whole(Some(Ok(Message::Close(_)))) => {
                        // The library has its answer ready (RFC 6455 section 5.5.1), behind what waits.
                        let _ = timeout(WRITE, outgoing.finish()).await;
                        return CLOSED.to_owned();
                    }
                    Read::Whole(None) => return CLOSED.to_owned(),
                    Read::Whole(Some(Err(error))) => return said(&error),
                };
                // A message without anything in it is worth no more than a line end.
                let is_line_end = matches!(&*bytes, PING | PONG | b"");
                let whole = Whole {
                    messages: (!is_line_end).into(),
                    unanswered: (!is_line_end && !is_answered(&bytes)).into(),
                    line_ends: is_line_end.into(),
                };
                patience.heard(Instant::now(), whole, is_within.a_message());
                if ends.events.send(event(&ends, bytes)).await.is_err() {
                    say_last(outgoing, ends).await;
                    return "closed".to_owned();
                }
            }
            // One by one, so that what waits is where it is counted.
            next = ends.outgoing.next(), if outgoing.is_empty() => {
                let Some(write) = next else {
                    say_last(outgoing, ends).await;
                    return "closed".to_owned();
                };
                patience.writes(Instant::now());
                patience.asks(Instant::now(), write.requests, write.final_responses);
                outgoing.push(write.payload);
            }
            written = outgoing.write(), if !outgoing.is_empty() => match written {
                Ok(count) => {
                    ends.outgoing.written(count);
                    patience.has_written(Instant::now(), !outgoing.is_empty());
                }
                Err(error) => return said(&error),
            },
            () = until(patience.until()) => return patience.why().to_owned(),
        }
    }
}

/// What was read of a WebSocket.
enum Read {
    /// A message or a frame of control, or that there is an end to it.
    Whole(Option<Result<Message, Error>>),
    /// A part of what is not whole yet.
    Begun,
}

/// Waits for what is whole, or, where nothing is known to have begun, until something has: the library does not tell.
async fn next(incoming: &mut SplitStream<Socket>, is_within: &Within, is_known: bool) -> Read {
    poll_fn(|cx| match incoming.poll_next_unpin(cx) {
        Poll::Ready(read) => Poll::Ready(Read::Whole(read)),
        Poll::Pending if is_within.a_message() && !is_known => Poll::Ready(Read::Begun),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Writes what waits, and that nothing more comes.
async fn say_last(mut outgoing: Messages, mut ends: Ends) {
    while let Some(write) = ends.outgoing.next().await {
        outgoing.push(write.payload);
    }
    // What a peer makes of the end is its own affair.
    let _ = timeout(WRITE, outgoing.finish()).await;
}

fn event(ends: &Ends, bytes: Bytes) -> Event {
    let flow = ends.flow;
    match &*bytes {
        PING => Event::Ping { flow },
        PONG => Event::Pong { flow },
        _ => Event::Received { flow, message: bytes },
    }
}

/// Returns what has ended a connection, in words.
pub(crate) fn said(error: &Error) -> String {
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
    } else if let Error::Io(error) = error {
        said_of_stream(error)
    } else if let Error::Http(response) = error {
        format!("the server answers {} to the WebSocket handshake", response.status())
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests;
