//! One call from the caller's side (RFC 3261 sections 9.1, 13.2 and 17.1): INVITE, ACK, CANCEL and BYE with
//! their retransmissions over UDP.
//!
//! ```text
//!            1xx                300-699 ▸ ACK                timer D
//!  Calling ───────▶ Proceeding ───────────────▶ Completed ────────────▶ Over
//!     │ timer B         │ │ CANCEL, 64*T1                                ▲ ▲
//!     ├─────────────────┼─┴────────────────────────────────────────────┘ │
//!     └───── 2xx ▸ ACK ─┴──▶ Answered ── BYE ──▶ HangingUp ── 200 ───────┘
//! ```
//!
//! It is written for tests of the callee: by another hand than `ringfence-ua`, and strict about what it gets.

mod audit;
mod message;
mod outcome;
mod plan;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{Message, Method, StatusCode};

pub use audit::audit;
pub use outcome::{Answer, Outcome};
pub use plan::CallPlan;

pub(crate) use message::Identity;
use outcome::{contacts_of, outcome_of};

use crate::repeat::{Repeat, T1, T2};

/// Timer D is "at least 32 seconds for unreliable transports".
const TIMER_D: Duration = Duration::from_secs(32);

/// A call that was placed: what came back, and how it ended.
///
/// ```
/// use std::time::{Duration, Instant};
/// use ringfence_testing::{Caller, CallPlan, Node, Outcome};
///
/// let mut caller = Caller::new("192.0.2.1:5060".parse().unwrap(), 1);
/// let start = Instant::now();
/// let id = caller.call(start, "192.0.2.7:5060".parse().unwrap(), CallPlan::new("1002", "858"));
/// caller.handle_timeout(start + Duration::from_secs(32)); // timer B: nobody has answered
/// assert_eq!(caller.get(id).outcome(), Some(&Outcome::TimedOut));
/// ```
#[derive(Debug)]
pub struct Call {
    plan: CallPlan,
    identity: Identity,
    destination: SocketAddr,
    started: Instant,
    state: State,
    cancel: Cancel,
    answers: Vec<Answer>,
    faults: Vec<String>,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
enum State {
    Calling { invite: Repeat, timer_b: Instant },
    Proceeding { gives_up: Option<Instant> },
    Completed { timer_d: Instant },
    Answered { hang_up: Instant },
    HangingUp { bye: Repeat, timer_f: Instant },
    Over,
}

/// How far giving up the call has got.
#[derive(Debug)]
enum Cancel {
    Never,
    Planned(Instant),
    /// It waits for a provisional response.
    Due,
    Sent {
        cancel: Repeat,
        timer_f: Instant,
    },
    Done,
}

/// What a call wants to have sent.
pub(crate) type Messages = Vec<Vec<u8>>;

impl Call {
    /// Starts a call; the messages are to be sent to [`Call::destination`].
    pub(crate) fn new(
        now: Instant,
        destination: SocketAddr,
        plan: CallPlan,
        identity: Identity,
    ) -> (Self, Messages) {
        let cancel = plan.cancel_after.map_or(Cancel::Never, |after| Cancel::Planned(now + after));
        let state = State::Calling { invite: Repeat::new(now, Duration::MAX), timer_b: now + 64 * T1 };
        let invite = identity.invite(&plan);
        let call = Self {
            plan,
            identity,
            destination,
            started: now,
            state,
            cancel,
            answers: Vec::new(),
            faults: Vec::new(),
            outcome: None,
        };
        (call, vec![invite])
    }

    /// Makes a call that has ended because there is nobody to call.
    pub(crate) fn unreachable(
        now: Instant,
        destination: SocketAddr,
        plan: CallPlan,
        identity: Identity,
    ) -> Self {
        let (call, _) = Self::new(now, destination, plan, identity);
        Self { state: State::Over, cancel: Cancel::Never, outcome: Some(Outcome::NotRegistered), ..call }
    }

    /// Takes a response that belongs to this call.
    pub(crate) fn handle_response(&mut self, now: Instant, response: &Message<'_>) -> Messages {
        let Some(status) = response.status().map(StatusCode::as_u16) else { return Messages::new() };
        match response.cseq().map(|cseq| cseq.method) {
            Ok(Method::Invite) => self.handle_invite_response(now, status, response),
            Ok(Method::Cancel) if status >= 200 => {
                self.cancel = Cancel::Done;
                Messages::new()
            }
            Ok(Method::Bye) if status >= 200 && matches!(self.state, State::HangingUp { .. }) => {
                self.end(Outcome::Answered);
                Messages::new()
            }
            Ok(_) | Err(_) => Messages::new(),
        }
    }

    /// Takes the callee's BYE.
    pub(crate) fn handle_bye(&mut self) {
        if let State::Answered { .. } | State::HangingUp { .. } = self.state {
            self.end(Outcome::Answered);
        }
    }

    /// Gives up, as soon as RFC 3261 section 9.1 allows.
    pub(crate) fn cancel(&mut self, now: Instant) -> Messages {
        if matches!(self.cancel, Cancel::Never | Cancel::Planned(_)) {
            self.cancel = Cancel::Due;
        }
        self.cancel_if_due(now)
    }

    /// Fires what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Messages {
        let mut out = Messages::new();
        if matches!(self.cancel, Cancel::Planned(at) if at <= now) {
            self.cancel = Cancel::Due;
            out.extend(self.cancel_if_due(now));
        }
        if let Cancel::Sent { cancel, timer_f } = &mut self.cancel {
            if *timer_f <= now {
                self.cancel = Cancel::Done;
            } else if cancel.fire(now) {
                out.push(self.identity.cancel(&self.plan));
            }
        }
        match &mut self.state {
            State::Calling { invite, timer_b } => {
                if *timer_b <= now {
                    self.end(Outcome::TimedOut);
                } else if invite.fire(now) {
                    out.push(self.identity.invite(&self.plan));
                }
            }
            State::Proceeding { gives_up: Some(at) } if *at <= now => self.end(Outcome::Cancelled),
            State::Completed { timer_d } if *timer_d <= now => self.state = State::Over,
            State::Answered { hang_up } if *hang_up <= now => {
                self.state = State::HangingUp { bye: Repeat::new(now, T2), timer_f: now + 64 * T1 };
                out.push(self.identity.bye());
            }
            State::HangingUp { bye, timer_f } => {
                if *timer_f <= now {
                    self.end(Outcome::Answered);
                } else if bye.fire(now) {
                    out.push(self.identity.bye());
                }
            }
            State::Proceeding { .. } | State::Completed { .. } | State::Answered { .. } | State::Over => {}
        }
        out
    }

    /// Returns when the next thing is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let of_cancel = match &self.cancel {
            Cancel::Planned(at) => Some(*at),
            Cancel::Sent { cancel, timer_f } => Some(cancel.at.min(*timer_f)),
            Cancel::Never | Cancel::Due | Cancel::Done => None,
        };
        let of_state = match &self.state {
            State::Calling { invite, timer_b } => Some(invite.at.min(*timer_b)),
            State::Proceeding { gives_up } => *gives_up,
            State::Completed { timer_d } => Some(*timer_d),
            State::Answered { hang_up } => Some(*hang_up),
            State::HangingUp { bye, timer_f } => Some(bye.at.min(*timer_f)),
            State::Over => None,
        };
        [of_cancel, of_state].into_iter().flatten().min()
    }

    /// Returns the plan.
    #[must_use]
    pub fn plan(&self) -> &CallPlan {
        &self.plan
    }

    /// Returns when the INVITE was sent first.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Returns every response to the INVITE in its order, those that came again included.
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// Returns the status codes of the responses in their order, each row of equal ones as one.
    #[must_use]
    pub fn statuses(&self) -> Vec<u16> {
        let mut statuses: Vec<u16> = self.answers.iter().map(|answer| answer.status).collect();
        statuses.dedup();
        statuses
    }

    /// Returns what was wrong with the responses, in words; nothing for a callee that obeys RFC 3261.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Returns how it ended, or `None` while it goes on.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Returns the Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.identity.call_id
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn destination(&self) -> SocketAddr {
        self.destination
    }

    fn handle_invite_response(&mut self, now: Instant, status: u16, response: &Message<'_>) -> Messages {
        self.note(now, status, response);
        match (&self.state, status) {
            (State::Calling { .. }, 100..200) => {
                self.state = State::Proceeding { gives_up: None };
                self.cancel_if_due(now)
            }
            (State::Calling { .. } | State::Proceeding { .. }, 200..300) => {
                self.settle_cancel();
                self.identity.establish(response);
                self.state = State::Answered { hang_up: now + self.plan.hang_up_after };
                self.acknowledge(true)
            }
            (State::Calling { .. } | State::Proceeding { .. }, 300..700) => {
                let was_cancelled = matches!(self.cancel, Cancel::Sent { .. } | Cancel::Done);
                self.settle_cancel();
                self.identity.establish(response);
                self.end(outcome_of(self.answers.last(), was_cancelled));
                self.state = State::Completed { timer_d: now + TIMER_D };
                self.acknowledge(false)
            }
            // Timer D may be over when an INVITE was resent by hand.
            (State::Completed { .. } | State::Over, 300..700) if self.outcome != Some(Outcome::TimedOut) => {
                self.identity.establish(response);
                self.acknowledge(false)
            }
            (State::Answered { .. } | State::HangingUp { .. } | State::Over, 200..300)
                if self.plan.may_fork && !self.identity.is_same_callee(response) =>
            {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-13.2.2.4
                //# If, after acknowledging any 2xx response to an INVITE, the UAC does
                //# not want to continue with that dialog, then the UAC MUST terminate
                //# the dialog by sending a BYE request as described in Section 15.
                let other = self.identity.forked(response);
                vec![other.ack_of_success(), other.bye()]
            }
            (State::Answered { .. } | State::HangingUp { .. }, 200..300) => self.acknowledge(true),
            (
                State::Proceeding { .. }
                | State::Completed { .. }
                | State::Answered { .. }
                | State::HangingUp { .. }
                | State::Over
                | State::Calling { .. },
                _,
            ) => Messages::new(),
        }
    }

    /// Writes a response down, and what is wrong with it.
    fn note(&mut self, now: Instant, status: u16, response: &Message<'_>) {
        let tag = self.answers.iter().find_map(|answer| answer.to_tag.as_deref());
        let tag = tag.filter(|_| !self.plan.may_fork);
        let invite = self.identity.invite(&self.plan);
        match Message::parse(&invite) {
            Ok(invite) => self.faults.extend(audit(&invite, response, tag)),
            Err(error) => self.faults.push(format!("the caller's own INVITE: {error}")),
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.answers.push(Answer {
            at: now,
            status,
            reason: text(response.reason_phrase().unwrap_or_default()),
            to_tag: response.to().ok().and_then(|to| to.tag().map(text)),
            warning: response.named("Warning").next().map(text),
            contacts: contacts_of(response),
        });
    }

    fn acknowledge(&mut self, is_success: bool) -> Messages {
        if self.plan.acks_left_out > 0 {
            self.plan.acks_left_out -= 1;
            return Messages::new();
        }
        vec![if is_success {
            self.identity.ack_of_success()
        } else {
            self.identity.ack_of_failure(&self.plan)
        }]
    }

    fn cancel_if_due(&mut self, now: Instant) -> Messages {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-9.1
        //# If no provisional response has been received, the CANCEL request MUST
        //# NOT be sent; rather, the client MUST wait for the arrival of a
        //# provisional response before sending the request.
        let (Cancel::Due, State::Proceeding { gives_up }) = (&self.cancel, &mut self.state) else {
            return Messages::new();
        };
        *gives_up = Some(now + 64 * T1);
        self.cancel = Cancel::Sent { cancel: Repeat::new(now, T2), timer_f: now + 64 * T1 };
        vec![self.identity.cancel(&self.plan)]
    }

    /// Forgets a CANCEL that was never sent; one that was goes on until it is answered.
    fn settle_cancel(&mut self) {
        if let Cancel::Planned(_) | Cancel::Due = self.cancel {
            self.cancel = Cancel::Never;
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.state = State::Over;
        self.settle_cancel();
        self.outcome.get_or_insert(outcome);
    }
}
