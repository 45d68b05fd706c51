//! A line: one account of a softphone.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::call::IncomingCall;
use crate::error::{Kind, Result};
use crate::io::RtpPair;
use crate::newest::Newest;
use crate::registration::{Kept, Registration};
use crate::shard::Command;
use crate::waiting::Waiting;

/// One line of a softphone.
///
/// ```
/// # fn key(line: &softphone::Line) -> softphone::LineId {
/// let id = line.id(); // Copy, Ord, Hash
/// # id
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId {
    pub(crate) shard: u16,
    pub(crate) line: ringfence_ua::LineId,
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.shard, self.line)
    }
}

/// A line: watch its registration, and take its calls. A clone is the same line; dropping one changes
/// nothing, and a line whose last handle was dropped stays registered, but has nobody to take its calls, unless an
/// [`Attendant`](crate::Attendant) does: what the screen leaves to the application is answered 480.
///
/// ```no_run
/// # async fn show(line: softphone::Line) {
/// println!("{}: {:?}", line.address_of_record(), line.registration().state());
/// while let Some(call) = line.incoming().await {
///     drop(call); // undecided: 480
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Line {
    shared: Arc<Shared>,
    /// Where its calls wait, unless an [`Attendant`](crate::Attendant) has them.
    calls: Option<Arc<Waiting<IncomingCall>>>,
}

/// What the handles of a line and its shard know of it.
pub(crate) struct Shared {
    id: LineId,
    is_registering: bool,
    label: Arc<str>,
    address_of_record: Box<str>,
    commands: mpsc::UnboundedSender<Command>,
    pub(crate) states: Newest<Kept>,
}

/// A line that nobody has yet: dropped before it is kept, it is removed.
#[derive(Debug)]
pub(crate) struct NewLine {
    line: Line,
    is_kept: bool,
}

impl Shared {
    /// What is known of a line that begins.
    pub(crate) fn new(
        id: LineId,
        account: &ringfence_ua::Account,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Arc<Self> {
        let is_registering = account.is_registering;
        let first = if is_registering { Kept::Asking { attempt: 1 } } else { Kept::Unregistered };
        Arc::new(Self {
            id,
            is_registering,
            label: Arc::clone(&account.label),
            address_of_record: account.address_of_record().into(),
            commands,
            states: Newest::new(first),
        })
    }

    pub(crate) fn label(&self) -> &Arc<str> {
        &self.label
    }

    pub(crate) fn is_registering(&self) -> bool {
        self.is_registering
    }
}

impl Line {
    pub(crate) fn new(shared: Arc<Shared>, calls: Option<Waiting<IncomingCall>>) -> Self {
        Self { shared, calls: calls.map(Arc::new) }
    }

    /// Returns the next call that waits for a decision; `None` when the line is no more.
    ///
    /// A call is announced once, while it is undecided: one that the caller has cancelled in the
    /// meantime is not. Several tasks may wait, each call goes to one of them. Dropped before it resolves, it
    /// takes no call. Up to 1024 calls wait here; the next is answered 480. Where an [`Attendant`](crate::Attendant) has
    /// the calls of all lines none comes here.
    #[must_use = "a call that is dropped undecided is answered 480"]
    pub async fn incoming(&self) -> Option<IncomingCall> {
        loop {
            let mut call = self.incoming_or_over().await?;
            if !call.is_cancelled() {
                return Some(call);
            }
            call.is_decided = true;
        }
    }

    /// Returns the next call as [`Line::incoming`] does, also one that is over already: for who keeps a record of each call
    /// that comes. Such a one takes every decision with `Ok`, and nothing is sent (see [`IncomingCall::is_cancelled`]).
    #[must_use = "a call that is dropped undecided is answered 480"]
    pub async fn incoming_or_over(&self) -> Option<IncomingCall> {
        if let Some(calls) = &self.calls {
            return calls.next().await;
        }
        self.shared.states.ended().await;
        None
    }

    /// Returns a watch on the line's registration.
    #[must_use]
    pub fn registration(&self) -> Registration {
        Registration::new(Arc::clone(&self.shared))
    }

    /// Registers the line again after [`Line::unregister`], or tries at once what would be tried later.
    /// The result is seen by [`Line::registration`]. A line that does not register, or is no more, is left alone.
    ///
    /// Fails when the softphone was shut down. On the wire: REGISTER, and what follows it.
    pub fn register(&self) -> Result<()> {
        self.send(Command::Register { line: self.shared.id.line })
    }

    /// Removes the line's own binding at the registrar, and no other phone's, and resolves when that is
    /// done or given up (RFC 3261 section 10.2.2). The line stays, and takes calls that still come.
    ///
    /// A registrar that is silent is given up after 32 s, or 64 s where a REGISTER was on its way. Of the lines of one server a hundred
    /// in each shard leave at once, and the next with each answer, or after 10 ms without one. Dropped before it
    /// resolves, it goes on. Fails when the softphone was shut down.
    ///
    /// On the wire: REGISTER with the line's own Contact and `expires=0`, never `Contact: *`.
    pub async fn unregister(&self) -> Result<()> {
        let (done, unregistered) = oneshot::channel();
        self.send(Command::Unregister { line: self.shared.id.line, done })?;
        unregistered.await.map_err(|_| Kind::Closed.into())
    }

    /// Unregisters the line and removes it from the softphone, and resolves when that is done or given up, as
    /// [`Line::unregister`] does. Calls that it has undecided stay decidable. A line that is no more is left alone.
    ///
    /// Dropped before it resolves, it goes on. Fails when the softphone was shut down.
    pub async fn remove(&self) -> Result<()> {
        let (done, removed) = oneshot::channel();
        self.send(Command::Remove { line: self.shared.id.line, next: None, done: Some(done) })?;
        removed.await.map_err(|_| Kind::Closed.into())
    }

    /// Removes the line as [`Line::remove`] does, as one of another account takes its place, which is made with
    /// [`Softphone::line`] now or a moment later: neither need wait for the other.
    ///
    /// Where the account has the same address-of-record and [label](crate::Account::label), and the registrar tells lines by
    /// [instance](crate::Builder::instance_id) (RFC 5626), nothing goes out for this line: the registration of the other takes the
    /// place of its own, and to remove that might remove the other's, as requests of two lines come in any order. Otherwise it
    /// is as with [`Line::remove`]. Where the other never registers, the registrar keeps this one's until it expires. Fails
    /// when the account is none that a line can be made of, as [`Softphone::line`] does, or the softphone was shut down.
    ///
    /// [`Softphone::line`]: crate::Softphone::line
    pub async fn replace(&self, account: crate::Account) -> Result<()> {
        let (done, removed) = oneshot::channel();
        let next = Some(Box::new(account.into_inner()?));
        self.send(Command::Remove { line: self.shared.id.line, next, done: Some(done) })?;
        removed.await.map_err(|_| Kind::Closed.into())
    }

    /// Has the line be of another account from now on, and returns whether it is: if not, nothing is changed, and the line is to be
    /// [replaced](Line::replace).
    ///
    /// It can be where the accounts differ in user and password for authentication, in display name, in
    /// [expiry](crate::Account::expires), in [peers](crate::Account::peer) and in whether everyone may ring it alone, and the line
    /// is not being removed. Its calls, its watches and its binding stay what they are.
    ///
    /// On the wire: nothing for peers. For the others REGISTER, for the binding that there is (RFC 3261 section 10.2.4), at once, or
    /// where the softphone has many lines at that registrar within 10 ms for each. Until the registrar accepts it, and where it
    /// refuses, it keeps what it has for its time: [`Line::registration`] tells.
    ///
    /// Fails when the account is none that a line can be made of, as [`Softphone::line`] does, or the softphone was shut down.
    ///
    /// [`Softphone::line`]: crate::Softphone::line
    pub async fn change(&self, account: crate::Account) -> Result<bool> {
        let is_elsewhere = account.own_shard().is_some_and(|shard| shard != self.shared.id.shard);
        let account = Box::new(account.into_inner()?);
        if is_elsewhere {
            return Ok(false);
        }
        let (done, changed) = oneshot::channel();
        self.send(Command::Change { line: self.shared.id.line, account, done })?;
        changed.await.map_err(|_| Kind::Closed.into())
    }

    /// Binds a pair of ports for the media of a call, within [`Builder::rtp_ports`], and finds out at which addresses a peer
    /// reaches them: the account's public address, or where [`Builder::stun_server`] sees them, or the address that goes to
    /// the line's registrar.
    ///
    /// Fails when no pair is free, when the STUN server has no address, refuses, or is silent for 3 s, when the line's
    /// registrar has not been found yet, and when the line is no more. On the wire: STUN, where a server was named.
    ///
    /// [`Builder::rtp_ports`]: crate::Builder::rtp_ports
    /// [`Builder::stun_server`]: crate::Builder::stun_server
    pub async fn rtp_pair(&self) -> Result<RtpPair> {
        let (done, bound) = oneshot::channel();
        self.send(Command::BindMedia { line: self.shared.id.line, done })?;
        bound.await.map_err(|_| Kind::Closed)?
    }

    /// Returns what the line is known by.
    #[must_use]
    pub fn id(&self) -> LineId {
        self.shared.id
    }

    /// Returns the label of its account ([`Account::label`]).
    ///
    /// [`Account::label`]: crate::Account::label
    #[must_use]
    pub fn label(&self) -> &str {
        &self.shared.label
    }

    /// Returns the address-of-record, such as `sip:858@pbx.example.com`.
    #[must_use]
    pub fn address_of_record(&self) -> &str {
        &self.shared.address_of_record
    }

    /// Returns whether its account registers ([`Account::register`]).
    ///
    /// [`Account::register`]: crate::Account::register
    #[must_use]
    pub fn is_registering(&self) -> bool {
        self.shared.is_registering
    }

    fn send(&self, command: Command) -> Result<()> {
        self.shared.commands.send(command).map_err(|_| Kind::Closed.into())
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("id", &self.shared.id)
            .field("label", &self.shared.label)
            .finish_non_exhaustive()
    }
}

impl NewLine {
    pub(crate) fn new(line: Line) -> Self {
        Self { line, is_kept: false }
    }

    pub(crate) fn keep(mut self) -> Line {
        self.is_kept = true;
        self.line.clone()
    }

    pub(crate) fn registration(&self) -> Registration {
        self.line.registration()
    }
}

impl Drop for NewLine {
    fn drop(&mut self) {
        if !self.is_kept {
            // A softphone that was shut down has no lines.
            let line = self.line.shared.id.line;
            let _ = self.line.send(Command::Remove { line, next: None, done: None });
        }
    }
}
