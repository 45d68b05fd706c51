//! An incoming call, to be decided once.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use ringfence_ua::{Decided, Origin, Rejection};
use ringfence_wire::sip::Message;
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{Kind, Result};
use crate::line::LineId;
use crate::reject::{Redirect, Reject};
use crate::screen::{CallId, Invite};
use crate::shard::Command;

/// A call to be decided: dropped undecided, it is answered 480 Temporarily Unavailable.
///
/// 100 Trying has gone out; nothing rings yet. Each decision takes the call, so that it cannot be
/// decided twice, and resolves when its response is sent: the ACK is not waited for. A call that the caller
/// has just cancelled takes every decision with `Ok`: nothing is left to decide. A call that nobody
/// decides for 10 minutes is answered 480.
///
/// ```no_run
/// # async fn attend(line: softphone::Line) -> softphone::Result<()> {
/// use softphone::Reject;
///
/// while let Some(call) = line.incoming().await {
///     if call.invite().is_private() {
///         call.reject(Reject::status(433)?).await?;
///     } else {
///         call.redirect("sip:1000@pbx.example.com").await?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a call that is dropped undecided is answered 480"]
pub struct IncomingCall {
    pub(crate) facts: Facts,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    pub(crate) cancelled: watch::Receiver<bool>,
    pub(crate) is_decided: bool,
}

/// What is known of a call that is not borrowed from a datagram.
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) id: CallId,
    pub(crate) line: LineId,
    pub(crate) label: Arc<str>,
    pub(crate) message: Arc<Message<'static>>,
    pub(crate) source: SocketAddr,
    pub(crate) origin: Origin,
    pub(crate) objection: Option<ringfence_ua::Objection>,
}

impl IncomingCall {
    /// Sends 180 Ringing (RFC 3261 section 13.3.1.1), repeated each minute until the call is decided.
    ///
    /// A call that may not ring (see [`Invite::objection`]) is answered what stands against it, and
    /// this fails with that status.
    pub async fn ring(&mut self) -> Result<()> {
        let (done, decided) = oneshot::channel();
        self.send(Command::Ring { call: self.facts.id.number, done })?;
        match decided.await.map_err(|_| Kind::Closed)? {
            Decided::Sent | Decided::Gone => Ok(()),
            Decided::Objected(objection) => {
                self.is_decided = true;
                let status = objection.status().as_u16();
                Err(Kind::Objected { status, phrase: objection.to_string() }.into())
            }
        }
    }

    /// Rejects the call: 4xx to 6xx.
    pub async fn reject(self, reject: impl Into<Reject>) -> Result<()> {
        let rejection = reject.into().shared();
        self.decide(|call, done| Command::Reject { call, rejection, done: Some(done) }).await
    }

    /// Sends the caller elsewhere: 302 Moved Temporarily with this `sip`, `sips` or `tel` URI as Contact.
    ///
    /// Where the target is no such URI the call is answered 480 and this fails.
    pub async fn redirect(self, target: &str) -> Result<()> {
        let redirection = Redirect::to(target)?.shared();
        self.decide(|call, done| Command::Redirect { call, redirection, done }).await
    }

    /// Answers nothing more. Retransmissions are absorbed until the caller must have given up.
    pub fn ignore(mut self) {
        self.is_decided = true;
        // A softphone that was shut down answers nothing either.
        let _ = self.commands.send(Command::Ignore { call: self.facts.id.number });
    }

    /// Waits until the caller gives up, or the call is over for another reason.
    ///
    /// On the wire: CANCEL, answered 200, and the INVITE answered 487.
    pub async fn cancelled(&self) {
        let mut cancelled = self.cancelled.clone();
        // The sender is gone when the call is: over, too.
        let _ = cancelled.wait_for(|&is_cancelled| is_cancelled).await;
    }

    /// Returns whether the call is over already.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow() || self.cancelled.has_changed().is_err()
    }

    /// Returns what the INVITE says.
    #[must_use]
    pub fn invite(&self) -> Invite<'_> {
        let Facts { id, line, label, message, source, origin, objection } = &self.facts;
        Invite {
            message,
            id: *id,
            line: *line,
            label,
            source: *source,
            origin: *origin,
            objection: *objection,
        }
    }

    /// Returns a future that does not borrow the call: whether it was cancelled rather than decided.
    pub(crate) fn cancellation(&self) -> impl Future<Output = bool> + Send + use<> {
        let mut cancelled = self.cancelled.clone();
        async move { cancelled.wait_for(|&is_cancelled| is_cancelled).await.is_ok() }
    }

    async fn decide(mut self, command: impl FnOnce(u64, oneshot::Sender<Decided>) -> Command) -> Result<()> {
        let (done, decided) = oneshot::channel();
        self.is_decided = true;
        self.send(command(self.facts.id.number, done))?;
        decided.await.map_err(|_| Kind::Closed)?;
        Ok(())
    }

    fn send(&self, command: Command) -> Result<()> {
        self.commands.send(command).map_err(|_| Kind::Closed.into())
    }
}

impl Drop for IncomingCall {
    fn drop(&mut self) {
        if !self.is_decided {
            let rejection = Arc::new(Rejection::unavailable());
            // A softphone that was shut down has answered it.
            let _ = self.commands.send(Command::Reject { call: self.facts.id.number, rejection, done: None });
        }
    }
}

impl fmt::Debug for IncomingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingCall")
            .field("id", &self.facts.id)
            .field("line", &self.facts.label)
            .finish_non_exhaustive()
    }
}
