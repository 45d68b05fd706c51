//! What a shard is asked to do, by the handles and by its own tasks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ringfence_ua::{Redirection, Rejection, Target, Unreached};
use tokio::sync::oneshot;

use super::telling::Waiter;
use super::ways::Way;
use crate::error::Result;
use crate::io::RtpPair;
use crate::line::NewLine;
use crate::tls::Tls;
use crate::wait::Wait;

/// Where a line's requests go, or why there is nowhere.
pub(crate) type Reached = std::result::Result<Vec<Target>, Unreached>;

/// What the handles ask of a shard. The queue has no bound of its own: each undecided call adds a few
/// commands, and those calls are bounded.
#[derive(Debug)]
pub(crate) enum Command {
    AddLine {
        account: Box<ringfence_ua::Account>,
        done: oneshot::Sender<Result<NewLine>>,
    },
    Register {
        line: ringfence_ua::LineId,
    },
    Unregister {
        line: ringfence_ua::LineId,
        done: oneshot::Sender<()>,
    },
    Remove {
        line: ringfence_ua::LineId,
        /// What takes its place.
        next: Option<Box<ringfence_ua::Account>>,
        done: Option<oneshot::Sender<()>>,
    },
    /// Whether it is of that account now is told.
    Change {
        line: ringfence_ua::LineId,
        account: Box<ringfence_ua::Account>,
        done: oneshot::Sender<bool>,
    },
    Located {
        line: ringfence_ua::LineId,
        addresses: Vec<IpAddr>,
    },
    Resolved {
        line: ringfence_ua::LineId,
        resolved: Reached,
    },
    Found {
        line: ringfence_ua::LineId,
        ways: Vec<Way>,
    },
    Ring {
        call: u64,
        done: Waiter,
    },
    Reject {
        call: u64,
        rejection: Arc<Rejection>,
        done: Option<Waiter>,
    },
    /// There is no room for it where it would wait.
    TurnAway {
        call: u64,
    },
    Redirect {
        call: u64,
        redirection: Arc<Redirection>,
        done: Waiter,
    },
    Wait {
        call: u64,
        wait: Wait,
        done: Waiter,
    },
    Ignore {
        call: u64,
    },
    BindMedia {
        line: ringfence_ua::LineId,
        done: oneshot::Sender<Result<RtpPair>>,
    },
    SetTls {
        tls: Tls,
        done: oneshot::Sender<Result<()>>,
    },
    Count {
        done: oneshot::Sender<ringfence_ua::Counters>,
    },
    Shutdown {
        grace: Duration,
        done: oneshot::Sender<ringfence_ua::Removals>,
    },
}
