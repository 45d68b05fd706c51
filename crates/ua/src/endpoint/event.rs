//! What an endpoint tells the application.

use std::net::SocketAddr;
use std::sync::Arc;

use ringfence_wire::sip::Message;

#[cfg(doc)]
use super::Endpoint;
use crate::call::{CallEnd, CallNumber, Origin};
use crate::core::Objection;
use crate::id::LineId;
use crate::registration::RegistrationState;
use crate::transaction::EndedBy;
use crate::transport::{ConnectionId, Transport};

/// What an endpoint tells the application.
///
/// ```
/// use ringfence_ua::Event;
///
/// fn log(event: &Event) {
///     if let Event::Registration { line, state } = event {
///         println!("line {line}: {state:?}");
///     }
/// }
/// # let _ = log;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A host is to be looked up, and connected to where it is not reached by UDP: the answer goes to
    /// [`Endpoint::handle_resolved`].
    Resolve {
        /// For which line, or for which further flow of one: it is only to be given back.
        line: LineId,
        /// A name or an address, IPv6 in brackets.
        host: String,
        /// The port to use, where one was given: without one, the host's service records may name it (RFC 3263).
        port: Option<u16>,
        /// By what, where that was given.
        transport: Option<Transport>,
        /// Whether it is the host of a `sips` URI, which is reached by what is encrypted alone.
        is_secure: bool,
        /// Whether it is to be connected to: then a target of any but UDP is a connection that is open. Else it is to
        /// know who may call.
        is_connecting: bool,
        /// The resource that is asked for by WebSocket.
        path: Option<Arc<str>>,
    },
    /// The registrar behind a line's proxy is to be looked up too, for it may ring the line: the answer goes to
    /// [`Endpoint::handle_located`].
    Locate {
        /// For which line.
        line: LineId,
        /// A name or an address, IPv6 in brackets.
        host: String,
        /// The port to use, where one was given: without one, the host's service records may name it (RFC 3263).
        port: Option<u16>,
    },
    /// A request is too long for UDP (RFC 3261 section 18.1.1): its server is to be connected to by TCP. The answer goes to
    /// [`Endpoint::handle_connected`]; without one within 4 s the request goes by UDP.
    Connect {
        /// Its address.
        server: SocketAddr,
    },
    /// A connection leads nowhere any more, and is to be closed; [`Endpoint::handle_disconnected`] is to be told so.
    Disconnect {
        /// Which one.
        connection: ConnectionId,
    },
    /// A registration has a new state.
    Registration {
        /// Whose.
        line: LineId,
        /// The state.
        state: RegistrationState,
    },
    /// The registrar has not confirmed that it has removed a line's binding, as it was asked to: it refused, did not answer, or could
    /// not be asked. The binding may stay there until it expires.
    Unconfirmed {
        /// Whose.
        line: LineId,
    },
    /// A line is gone, as it was asked to be.
    Removed {
        /// Which one.
        line: LineId,
    },
    /// A call is offered to the application, to be decided with [`Endpoint::reject`] and its like.
    Incoming {
        /// What it is known by.
        call: CallNumber,
        /// The line that it is for.
        line: LineId,
        /// The INVITE.
        invite: Arc<Message<'static>>,
        /// Where it came from.
        source: SocketAddr,
        /// Why it was let in.
        origin: Origin,
        /// What a user agent server would answer to it, whoever called.
        objection: Option<Objection>,
    },
    /// The caller of an offered call has given up, or it has expired or was ended undecided; nothing is left to decide.
    Cancelled {
        /// Which one.
        call: CallNumber,
    },
    /// A call is over.
    Ended {
        /// Which one.
        call: CallNumber,
        /// The final status, if one was sent.
        status: Option<u16>,
        /// What put an end to it.
        by: EndedBy,
        /// How its end was seen.
        end: CallEnd,
    },
}
