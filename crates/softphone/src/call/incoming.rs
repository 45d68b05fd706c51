//! An incoming call, to be decided once.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ringfence_ua::{Decided, Origin, Rejection};
use ringfence_wire::sip::Message;
use tokio::sync::mpsc;

use crate::error::{Error, Kind, Result};
use crate::line::LineId;
use crate::newest::Watches;
use crate::reject::{Redirect, Reject};
use crate::screen::{Address, CallId, Invite, Request};
use crate::shard::{Command, Waiter};
use crate::wait::Wait;

/// A call to be decided: dropped undecided, it is answered 480 Temporarily Unavailable.
///
/// 100 Trying has gone out, but to a stranger by UDP; nothing rings yet. Each decision takes the call, so that it cannot be decided twice, and
/// resolves when its response is sent: the ACK is not waited for, and [`Builder::ended`] tells of it. A decision whose
/// future is dropped before it was polled is none. A call that the caller has just cancelled takes every decision with
/// `Ok`: nothing is left to decide. A call that nobody decides for 10 minutes is answered 480, one whose `Expires`
/// passes first 487.
///
/// To wait until one answer is sent keeps the next caller waiting, and each wakes two threads: where many call at once, have each
/// decided in a task of its own (`tokio::spawn(call.reject(…))`), begun by a task as well, since `main` has to wake a thread
/// for each that it begins (the example `trunk` does so); or all of them by [`Builder::screen`].
///
/// [`Builder::screen`]: crate::Builder::screen
/// [`Builder::ended`]: crate::Builder::ended
///
/// ```no_run
/// # async fn attend(line: softphone::Line) -> softphone::Result<()> {
/// use softphone::Reject;
///
/// while let Some(mut call) = line.incoming().await {
///     if call.invite().is_private() {
///         call.reject(Reject::status(433)?).await?;
///     } else if call.caller().is_some_and(|caller| caller.user() == "+41791234567") {
///         call.ring().await?;
///         call.cancelled().await; // it rings until the caller gives up
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
    /// Over where it is decided.
    pub(crate) cancelled: Watches<bool>,
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
    /// Sends 180 Ringing with the line's Contact (RFC 3261 section 13.3.1.1), repeated each minute until the call is
    /// decided.
    ///
    /// A call that may not ring (see [`Invite::objection`]) is answered what stands against it, and
    /// this fails with that status ([`Error::status`]). Fails when the softphone was shut down, too.
    ///
    /// [`Error::status`]: crate::Error::status
    pub async fn ring(&mut self) -> Result<()> {
        let (done, decided) = Waiter::here();
        self.send(Command::Ring { call: self.facts.id.number, done })?;
        let refusal = refused(decided.await.map_err(|_| Kind::Closed)?);
        self.is_decided |= refusal.is_some();
        refusal.map_or(Ok(()), Err)
    }

    /// Rejects the call (RFC 3261 section 13.3.1.3). Fails when the softphone was shut down, which answered it 480.
    ///
    /// On the wire: the status, 400 to 699, and what the [`Reject`] adds; sent again until the ACK comes, for at most
    /// 32 s.
    pub async fn reject(self, reject: impl Into<Reject>) -> Result<()> {
        let rejection = reject.into().shared();
        self.decide(|call, done| Command::Reject { call, rejection, done: Some(done) }).await.map(drop)
    }

    /// Sends the caller elsewhere, to this `sip`, `sips` or `tel` URI (RFC 3261 section 13.3.1.2).
    ///
    /// Where the target is no such URI the call is answered 480 and this fails. Fails when the softphone was shut
    /// down, too.
    ///
    /// On the wire: 302 Moved Temporarily with the target as Contact.
    pub async fn redirect(self, target: &str) -> Result<()> {
        let redirect = Redirect::to(target)?;
        self.redirect_as(redirect).await
    }

    /// Sends the caller elsewhere, with what the [`Redirect`] says beside the target. Fails when the softphone was shut
    /// down, which answered the call 480.
    ///
    /// On the wire: 302 Moved Temporarily with Contact, and Diversion where it is said.
    pub async fn redirect_as(self, redirect: Redirect) -> Result<()> {
        let redirection = redirect.shared();
        self.decide(|call, done| Command::Redirect { call, redirection, done }).await.map(drop)
    }

    /// Leaves the call to itself: it waits, ringing or in silence, until the caller gives up or the limit is reached, which
    /// is at the latest 10 minutes after it came.
    ///
    /// Resolves when the wait has begun. A call that may not ring is answered what stands against it, as by
    /// [`IncomingCall::ring`], and this fails with that status. Fails when the softphone was shut down, too, which has
    /// answered it 480.
    ///
    /// On the wire: 180 now and each minute, unless the [`Wait`] is silent or it rang already; 200 for a CANCEL, and 487; or
    /// at the limit what the wait says.
    pub async fn wait(self, wait: Wait) -> Result<()> {
        let decided = self.decide(|call, done| Command::Wait { call, wait, done }).await?;
        refused(decided).map_or(Ok(()), Err)
    }

    /// Leaves the call to the other phones of its number, as [`Wait::stand_aside`] says.
    pub async fn stand_aside(self, hold: Duration) -> Result<()> {
        self.wait(Wait::stand_aside(hold)).await
    }

    /// Answers nothing more to the INVITE: what comes of it again is absorbed for 32 s (64*T1), in which a CANCEL gets
    /// its own 200 and no 487.
    pub fn ignore(mut self) {
        self.is_decided = true;
        // A softphone that was shut down answers nothing either.
        let _ = self.commands.send(Command::Ignore { call: self.facts.id.number });
    }

    /// Waits until the caller gives up (RFC 3261 section 9.2), or the call is over for another reason: its `Expires` has
    /// passed (section 13.3.1), undecided for 10 minutes, or the softphone shut down. Where the connection is lost that its INVITE
    /// came by, its caller may come back by another: that is waited for 200 s.
    ///
    /// On the wire: CANCEL, answered 200, and the INVITE answered 487.
    pub async fn cancelled(&self) {
        self.cancellation().await;
    }

    /// Returns whether the call is over already.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.see(|&is_cancelled, is_over| is_cancelled || is_over)
    }

    /// Returns what the INVITE says.
    #[must_use]
    pub fn invite(&self) -> Invite<'_> {
        let Facts { id, line, label, message, source, origin, objection } = &self.facts;
        Invite {
            request: Request::Kept { message, objection: *objection },
            id: *id,
            line: *line,
            label,
            source: *source,
            origin: *origin,
        }
    }

    /// Returns what the call is known by.
    #[must_use]
    pub fn id(&self) -> CallId {
        self.facts.id
    }

    /// Returns the line that is rung.
    #[must_use]
    pub fn line(&self) -> LineId {
        self.facts.line
    }

    /// Returns who calls, as [`Invite::caller`] does.
    #[must_use]
    pub fn caller(&self) -> Option<Address<'_>> {
        self.invite().caller()
    }

    /// Returns From, which any caller can claim, as [`Invite::from`] does.
    #[must_use]
    pub fn from(&self) -> Option<Address<'_>> {
        self.invite().from()
    }

    /// Returns the asserted identity, as [`Invite::asserted`] does.
    #[must_use]
    pub fn asserted(&self) -> Option<Address<'_>> {
        self.invite().asserted()
    }

    /// Returns who is called, as [`Invite::called`] does.
    #[must_use]
    pub fn called(&self) -> Option<Address<'_>> {
        self.invite().called()
    }

    /// Returns the value of the first header of a name, as [`Invite::header`] does.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.invite().header(name)
    }

    /// Returns the session description that is offered, as [`Invite::offer`] does.
    #[must_use]
    pub fn offer(&self) -> Option<&[u8]> {
        self.invite().offer()
    }

    /// Returns the body as it came, as [`Invite::body`] does.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.invite().body()
    }

    /// Returns the address that the INVITE came from.
    #[must_use]
    pub fn source(&self) -> SocketAddr {
        self.facts.source
    }

    /// Returns a future that does not borrow the call: whether it was cancelled rather than decided.
    pub(crate) fn cancellation(&self) -> impl Future<Output = bool> + Send + use<> {
        let mut cancelled = self.cancelled.clone();
        async move { cancelled.changed().await.is_some() }
    }

    /// Has it answered 480 since there is no room where it would wait.
    pub(crate) fn turn_away(mut self) {
        self.is_decided = true;
        // A softphone that was shut down has answered it.
        let _ = self.send(Command::TurnAway { call: self.facts.id.number });
    }

    async fn decide(mut self, command: impl FnOnce(u64, Waiter) -> Command) -> Result<Decided> {
        let (done, decided) = Waiter::here();
        self.is_decided = true;
        self.send(command(self.facts.id.number, done))?;
        Ok(decided.await.map_err(|_| Kind::Closed)?)
    }

    fn send(&self, command: Command) -> Result<()> {
        self.commands.send(command).map_err(|_| Kind::Closed.into())
    }
}

/// Returns why a call does not ring that was to.
fn refused(decided: Decided) -> Option<Error> {
    match decided {
        Decided::Sent | Decided::Gone => None,
        Decided::Objected(objection) => {
            let status = objection.status().as_u16();
            Some(Kind::Objected { status, phrase: objection.to_string() }.into())
        }
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
