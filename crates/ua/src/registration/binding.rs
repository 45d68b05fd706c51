//! The binding of one line at its registrar (RFC 3261 section 10.2).
//!
//! ```text
//!            resolved             200                     time to refresh
//! Resolving ─────────▶ Asking ──────────▶ Bound ───────────────────────────▶ Asking
//!     ▲  │ unresolved   │  ▲ 401, 407, 423, 3xx: asked again at once
//!     │  ▼              │  └──┐ (503 over a connection: another server is looked for, `elsewhere.rs`)
//!     │ Waiting ◀───────┴─────┘ 4xx-6xx, no answer
//!     └────┘ time to retry
//!                       stop                     final response, or none
//!          any state ─────────▶ Removing ─────────────────────────────▶ Idle
//! ```
//!
//! It refreshes before expiry, learns its Contact from what the registrar saw, and removes only
//! the binding that is its own. A registrar that restarts empty is found out at the next refresh:
//! SIP has no earlier sign of it.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_wire::sip::Message;

use super::account::Account;
use super::backoff::Need;
use super::crowd::Crowd;
use super::gruu::Gruu;
use super::state::{Cause, RegistrationState};
use super::target::{Target, Unresolved};
use crate::core::auth::Authenticator;
use crate::id::{Generator, LineToken, Token};
use crate::transport::{ContactAddress, Flow, OwnContact, Transport};

mod answers;
mod asking;
mod bound;
mod changed;
mod elsewhere;
mod failure;
mod found;
mod moved;
mod nat;
mod phase;
mod redirection;
mod removal;
mod setbacks;
mod turn;

use bound::Bound;
use phase::{Asked, Phase, Successor};
use setbacks::Setbacks;

/// What a binding wants done.
pub(crate) enum Action {
    /// Find the addresses of a host.
    /// By the transport that is given, or else by what the account and the domain say.
    Resolve { host: String, port: Option<u16>, transport: Option<Transport> },
    /// Send a REGISTER in a new client transaction.
    Send { flow: Flow, request: Vec<u8> },
    /// Tell of a new state.
    Tell(RegistrationState),
    /// Note what became of a binding that was to be removed, where the registrar may have had one.
    Left { is_confirmed: bool },
    /// Keep the flow to the registrar open, or no longer.
    KeepOpen { flow: Flow, within: Option<Duration>, by_stun: bool, is_open: bool },
}

/// How often a registrar may challenge, send elsewhere or ask for more time within one attempt.
const ROUNDS: u8 = 5;
/// How long a look-up may take, and then to connect to what was found. Resolvers give up sooner; one that never answers must not hold a line for ever.
const LOOKUP: Duration = Duration::from_secs(30);
/// Within how long the lines of a machine that has slept register again, where they are few: soon, and not all at once.
const AFTER_CLOCK_JUMP: Duration = Duration::from_secs(5);
/// The longest lifetime that is asked for or believed: a day.
const LONGEST_EXPIRES: u32 = 24 * 60 * 60;
/// No binding is refreshed sooner, nor asked for or taken for less: RFC 3261's T4 (section 17.1.2.2), for which
/// copies of the last REGISTER and its response may still be in the network.
const SHORTEST_REFRESH: u32 = 5;

/// The binding of one line.
pub(crate) struct Binding {
    account: Arc<Account>,
    authenticator: Option<Authenticator>,
    /// Which of the line's flows it is for.
    reg_id: u8,
    /// What tells our Contact from any other, and proves to us that a caller has it from the registrar.
    token: LineToken,
    /// The lines that are registered where this one is.
    crowd: Crowd,
    call_id: Token<24>,
    from_tag: Token<12>,
    cseq: u32,
    phase: Phase,
    /// Those of the lines of one registrar are the same.
    targets: Arc<Vec<Target>>,
    /// Which of the targets is in use.
    target: u16,
    setbacks: Option<Box<Setbacks>>,
    expires: u32,
    /// Where the registrar sees us, when that is not where we are.
    public: Option<Box<SocketAddr>>,
    /// The Contacts that the registrar has from us, or may have: its answer was lost.
    bound: Option<Bound>,
    /// Whether the binding is asked for as this device's (RFC 5626): until the registrar cannot do that.
    is_outbound: bool,
    /// Whether the registrar has it as this device's, so that a new one takes the place of the old.
    is_by_instance: bool,
    /// By what URI it leads to this phone from anywhere.
    gruu: Option<Gruu>,
    /// The target whose flow is kept open.
    kept_open: Option<KeptOpen>,
    /// Since when the connection is there that is used.
    connected_at: Option<Instant>,
    /// How many connections in a row were lost soon after they were opened.
    short_lived: u8,
    /// Requests sent within this attempt.
    rounds: u8,
    /// Attempts since the last success.
    attempt: u32,
    failures: u32,
    /// How urgent it is.
    need: Need,
    is_stopping: bool,
    /// Who takes its place when it ends.
    successor: Successor,
    /// For an hour or so there is nothing to do: fifty thousand lines are not to keep room for it.
    #[expect(clippy::box_collection, reason = "the box is smaller than the queue, and there is mostly none")]
    actions: Option<Box<VecDeque<Action>>>,
}

/// Returns how many seconds a binding is asked for at first.
fn asked_for(account: &Account) -> u32 {
    let expires = u32::try_from(account.expires.as_secs()).unwrap_or(LONGEST_EXPIRES);
    expires.clamp(SHORTEST_REFRESH, LONGEST_EXPIRES)
}

/// One of the targets that there are, or were.
struct KeptOpen {
    targets: Arc<Vec<Target>>,
    target: u16,
}

impl Binding {
    /// Creates the binding of an account; [`Binding::start`] begins.
    pub(crate) fn new(
        account: Arc<Account>,
        token: LineToken,
        reg_id: u8,
        crowd: Crowd,
        generator: &mut Generator,
    ) -> Self {
        Self {
            authenticator: account.credentials.clone().map(Authenticator::new),
            expires: asked_for(&account),
            account,
            token,
            reg_id,
            need: Need::default(),
            crowd,
            //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
            //# Call-ID: All registrations from a UAC SHOULD use the same Call-ID
            //# header field value for registrations sent to a particular
            //# registrar.
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.4
            //# In a new request created by a UAC outside of any dialog, the Call-ID header field
            //# MUST be selected by the UAC as a globally unique identifier over space and time
            //# unless overridden by method-specific behavior.
            call_id: generator.kept_token(),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.3
            //# The From field MUST contain a new "tag" parameter, chosen by the UAC.
            from_tag: generator.kept_token(),
            cseq: 0,
            phase: Phase::Idle,
            targets: Arc::default(),
            target: 0,
            setbacks: None,
            public: None,
            bound: None,
            is_outbound: true,
            is_by_instance: false,
            gruu: None,
            kept_open: None,
            connected_at: None,
            short_lived: 0,
            rounds: 0,
            attempt: 0,
            failures: 0,
            is_stopping: false,
            successor: Successor::Nobody,
            actions: None,
        }
    }

    /// Begins to register.
    pub(crate) fn start(&mut self, now: Instant) {
        self.is_stopping = false;
        if matches!(self.phase, Phase::Idle | Phase::Waiting { .. }) {
            self.begin_attempt(now);
        }
    }

    /// Takes that another line has so many flows in the place of those of this binding's line.
    pub(crate) fn give_way(&mut self, flows: usize) {
        if usize::from(self.reg_id) <= flows {
            self.successor = Successor::AnotherLine;
        }
    }

    /// Removes the binding at the registrar, if there may be one, and stays unregistered.
    pub(crate) fn stop(&mut self, now: Instant, generator: &mut Generator) {
        self.is_stopping = true;
        match self.phase {
            Phase::Idle => self.tell(RegistrationState::Unregistered),
            // The REGISTER on its way is let through first: two at once may overtake each other.
            Phase::Asking(_) | Phase::Removing => {}
            Phase::Bound { .. } => self.remove(now, generator),
            Phase::Waiting { .. } | Phase::Resolving { .. } => self.leave(now, generator),
        }
    }

    /// Takes a response to the last REGISTER, which may have gone out more than once, and by a detour.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        response: &Message<'_>,
        detour: Option<Target>,
        is_repeated: bool,
        generator: &mut Generator,
    ) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.2
        //# A UAC MUST treat any provisional response different than 100 that it does not recognize
        //# as 183 (Session Progress).
        let Some(status) = response.status().filter(|status| status.is_final()) else { return };
        if let Some(authenticator) = self.authenticator.as_mut().filter(|_| is_repeated) {
            authenticator.handle_repetition();
        }
        if self.phase == Phase::Removing {
            return self.handle_removal(now, response, status, generator);
        }
        let Phase::Asking(asked) = &self.phase else { return };
        let asked = **asked;
        // This one answers, so the one before it has had its turn.
        self.forget_setbacks(|setbacks| setbacks.silent = None);
        self.learn_way(now, response, status, detour);
        let is_challenge = matches!(status.as_u16(), 401 | 407);
        if let Some(authenticator) = self.authenticator.as_mut().filter(|_| !is_challenge) {
            authenticator.handle_success(response);
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.2
        //# A UAC MUST treat any final response it does not recognize as being equivalent to the x00
        //# response code of that class, and MUST be able to process the x00 response code for all
        //# classes.
        match status.as_u16() {
            200..=299 => self.granted(now, asked, response, generator),
            300..=399 => self.redirected(now, status, response, generator),
            401 | 407 => self.challenged(now, status, response, generator),
            423 => self.too_brief(now, status, response, generator),
            439 => self.without_outbound(now, status, response, generator),
            _ => self.refused(now, status, response, generator),
        }
    }

    /// Takes that the last REGISTER could not be sent for want of room.
    pub(crate) fn handle_overload(&mut self, now: Instant, generator: &mut Generator) {
        let is_removing = match self.phase {
            Phase::Removing => true,
            Phase::Asking(_) => false,
            Phase::Idle | Phase::Resolving { .. } | Phase::Bound { .. } | Phase::Waiting { .. } => return,
        };
        // The next one has its number: this one was never sent.
        self.cseq -= 1;
        if is_removing { self.give_up(now) } else { self.fail(now, Cause::Overloaded, None, generator) }
    }

    /// Fires what is due at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant, generator: &mut Generator) {
        match self.phase {
            Phase::Bound { refresh_at } if refresh_at <= now => {
                self.attempt = 1;
                self.rounds = 0;
                self.tell(RegistrationState::Registering { attempt: 1 });
                self.ask(generator);
            }
            Phase::Waiting { retry_at } if retry_at <= now => self.begin_attempt(now),
            Phase::Resolving { until } if until <= now => {
                let error = format!("no answer within {} s", LOOKUP.as_secs());
                self.unreached(now, Unresolved { error }.into(), generator);
            }
            Phase::Bound { .. }
            | Phase::Waiting { .. }
            | Phase::Idle
            | Phase::Resolving { .. }
            | Phase::Asking(_)
            | Phase::Removing => {}
        }
    }

    /// Takes that time has passed which the clock of `now` has not seen: what was to be done later is done soon.
    pub(crate) fn handle_clock_jump(&mut self, now: Instant, generator: &mut Generator) {
        match &mut self.phase {
            Phase::Bound { refresh_at: due } | Phase::Waiting { retry_at: due } => {
                let within = self.crowd.spread(AFTER_CLOCK_JUMP);
                *due = (*due).min(now + within.mul_f64(generator.fraction()));
            }
            Phase::Idle | Phase::Resolving { .. } | Phase::Asking(_) | Phase::Removing => {}
        }
    }

    /// Returns when [`Binding::handle_timeout`] is to be called next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Bound { refresh_at: due }
            | Phase::Waiting { retry_at: due }
            | Phase::Resolving { until: due } => Some(due),
            Phase::Idle | Phase::Asking(_) | Phase::Removing => None,
        }
    }

    /// Returns the next thing to be done.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        let next = self.actions.as_mut()?.pop_front();
        self.actions.take_if(|actions| actions.is_empty());
        next
    }

    /// Returns the address that callers reach us at, once it is known.
    pub(crate) fn contact(&self) -> Option<ContactAddress> {
        self.current_target().map(|target| self.contact_at(target))
    }

    /// Returns what tells its Contact from any other.
    pub(crate) fn token(&self) -> LineToken {
        self.token
    }

    /// Takes whether the line can be called over another of its flows. Returns whether it no longer can.
    pub(crate) fn set_spare(&mut self, is_spare: bool) -> bool {
        let was = std::mem::replace(&mut self.need, if is_spare { Need::Spare } else { Need::Only });
        was == Need::Spare && !is_spare
    }

    /// Returns what the registrar gave us, which leads to us from anywhere: encrypted, where that is asked for.
    pub(crate) fn gruu(&self, now: Instant, is_encrypted: bool) -> Option<OwnContact> {
        self.gruu.as_ref()?.contact(now, &self.account, is_encrypted)
    }

    /// Returns whether a REGISTER waits for its answer, or for being sent.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Asking(_) | Phase::Removing)
    }

    /// Returns whether a flow is kept open for this binding.
    pub(crate) fn keeps_open(&self, flow: Flow) -> bool {
        self.kept_open_flow() == Some(flow)
    }

    /// Returns what the last REGISTER went out on.
    pub(crate) fn flow(&self) -> Option<Flow> {
        self.current_target().map(|target| target.flow)
    }

    fn current_target(&self) -> Option<Target> {
        self.targets.get(usize::from(self.target)).copied()
    }

    fn kept_open_flow(&self) -> Option<Flow> {
        let KeptOpen { targets, target } = self.kept_open.as_ref()?;
        targets.get(usize::from(*target)).map(|target| target.flow)
    }

    fn act(&mut self, action: Action) {
        self.actions.get_or_insert_default().push_back(action);
    }

    fn tell(&mut self, state: RegistrationState) {
        self.act(Action::Tell(state));
    }
}

/// Shows neither the token nor what identifies the line.
impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("attempt", &self.attempt)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
