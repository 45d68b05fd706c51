//! The registration of a line, watched.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ringfence_ua::{Cause, LostFlow, Transport};

use crate::line::Shared;

/// The state of a line's registration. None is final: what failed is tried again, after at most half an hour or what the
/// registrar asks for, until the line is unregistered or removed.
///
/// ```
/// use softphone::RegistrationState;
///
/// fn describe(state: &RegistrationState) -> String {
///     match state {
///         RegistrationState::Registered { expires, .. } => format!("for {} s", expires.as_secs()),
///         RegistrationState::Failed { cause, .. } => cause.to_string(),
///         other => format!("{other:?}"),
///     }
/// }
/// assert_eq!(describe(&RegistrationState::Unregistered), "Unregistered");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationState {
    /// A REGISTER is on its way.
    Registering {
        /// Counts from 1 since the last success.
        attempt: u32,
        /// Why the one before it has failed, if it has: an attempt that is not answered takes 32 s.
        after: Option<Cause>,
    },
    /// The registrar has the line's binding.
    Registered {
        /// How long it was granted for.
        expires: Duration,
        /// When it is refreshed.
        refresh_at: SystemTime,
        /// Through which of several proxies it is not registered, and why: it can be called all the same
        /// ([`Account::outbound_proxies`](crate::Account::outbound_proxies)).
        lost: Option<LostFlow>,
        /// What it goes by, and why.
        chosen: Chosen,
        /// The way that the registrar wants requests of the line's own to take (RFC 3608), such as `<sip:edge.example.com;lr>`:
        /// values of a Route, in their order, for an application that sends some itself. The softphone sends REGISTER alone,
        /// for which it is not meant.
        service_route: Vec<String>,
    },
    /// The last attempt failed. Another follows where a time is given.
    Failed {
        /// Why.
        cause: Cause,
        /// When the next attempt is made.
        retry_at: Option<SystemTime>,
    },
    /// No binding is wanted: the line does not register, or was unregistered, or the softphone has ended. Where the registrar
    /// did not answer in time, the binding may last until it expires.
    Unregistered,
}

impl RegistrationState {
    /// Returns whether the registrar has the line's binding.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        matches!(self, Self::Registered { .. })
    }

    /// Returns it as what comes after another: an attempt after one that has failed knows why.
    pub(crate) fn following(self, before: &Self) -> Self {
        match (self, before) {
            (Self::Registering { attempt, after: None }, Self::Failed { cause, .. }) => {
                Self::Registering { attempt, after: Some(cause.clone()) }
            }
            (Self::Registering { attempt, after: None }, Self::Registering { after, .. }) => {
                Self::Registering { attempt, after: after.clone() }
            }
            (state, _) => state,
        }
    }

    pub(crate) fn from_inner(state: ringfence_ua::RegistrationState, chosen: Chosen, now: Instant) -> Self {
        let clock = SystemTime::now();
        let on_the_clock = |at: Instant| clock + at.saturating_duration_since(now);
        match state {
            ringfence_ua::RegistrationState::Registering { attempt } => {
                Self::Registering { attempt, after: None }
            }
            ringfence_ua::RegistrationState::Registered { expires, refresh_at, lost, service_route } => {
                Self::Registered {
                    expires,
                    refresh_at: on_the_clock(refresh_at),
                    lost,
                    chosen,
                    service_route,
                }
            }
            ringfence_ua::RegistrationState::Failed { cause, retry_at } => {
                Self::Failed { cause, retry_at: retry_at.map(on_the_clock) }
            }
            // The core's enum may grow; what is not known here is not a binding.
            ringfence_ua::RegistrationState::Unregistered | _ => Self::Unregistered,
        }
    }
}

/// The transport that a line's requests go by, and what chose it (RFC 3263 section 4.1).
///
/// ```
/// use softphone::{Chosen, ChosenBy, Transport};
///
/// let chosen = Chosen { transport: Transport::Tls, by: ChosenBy::Naptr };
/// assert_eq!(chosen.to_string(), "TLS, which the domain's NAPTR records prefer");
/// assert_eq!(Chosen::default().to_string(), "UDP, as nothing asks for another");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chosen {
    /// The transport.
    pub transport: Transport,
    /// What chose it.
    pub by: ChosenBy,
}

/// What chose a transport.
///
/// ```
/// use softphone::ChosenBy;
///
/// assert!(ChosenBy::Naptr.is_domain() && !ChosenBy::Account.is_domain());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ChosenBy {
    /// The account names it.
    Account,
    /// The domain's NAPTR records prefer it.
    Naptr,
    /// The domain has SRV records of it.
    Srv,
    /// The domain names it, and what it prefers cannot be reached, or has failed of late.
    Fallback,
    /// Nothing says otherwise.
    #[default]
    Default,
}

impl ChosenBy {
    /// Returns whether the domain chose it: it may choose another tomorrow, and an account that names a transport keeps
    /// it from that.
    #[must_use]
    pub fn is_domain(self) -> bool {
        match self {
            Self::Naptr | Self::Srv | Self::Fallback => true,
            Self::Account | Self::Default => false,
        }
    }
}

/// Writes it as part of a sentence.
impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.by {
            ChosenBy::Account => "as the account says",
            ChosenBy::Naptr => "which the domain's NAPTR records prefer",
            ChosenBy::Srv => "of which the domain has SRV records",
            ChosenBy::Fallback => "as what the domain prefers cannot be reached",
            ChosenBy::Default => "as nothing asks for another",
        };
        write!(f, "{}, {why}", self.transport)
    }
}

/// Watches the registration of a line: the newest state, and each change. A clone watches on its
/// own; dropping one changes nothing.
///
/// ```no_run
/// # async fn watch(line: softphone::Line) {
/// let mut registration = line.registration();
/// println!("{:?}", registration.state());
/// while let Some(state) = registration.changed().await {
///     println!("{state:?}");
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Registration {
    line: Arc<Shared>,
    seen: u32,
}

impl Registration {
    pub(crate) fn new(line: Arc<Shared>) -> Self {
        Self { line, seen: 0 }
    }

    /// Returns the newest state, which then counts as seen.
    pub fn state(&mut self) -> RegistrationState {
        self.line.states.newest(&mut self.seen).into()
    }

    /// Waits for a state that was not seen yet and returns it; `None` when the line is no more. States
    /// that were replaced in the meantime are skipped. Dropped before it resolves, it misses none.
    pub async fn changed(&mut self) -> Option<RegistrationState> {
        self.line.states.changed(&mut self.seen).await.map(RegistrationState::from)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// A state as it is kept: of fifty thousand lines nearly all are registered, and little is to be said of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    Asking { attempt: u32 },
    Registered { seconds: u32, refresh_at: SystemTime, chosen: Chosen },
    Unregistered,
    Other(Box<RegistrationState>),
}

impl From<RegistrationState> for Kept {
    fn from(state: RegistrationState) -> Self {
        match state {
            RegistrationState::Registering { attempt, after: None } => Self::Asking { attempt },
            RegistrationState::Unregistered => Self::Unregistered,
            RegistrationState::Registered { expires, refresh_at, lost: None, chosen, ref service_route }
                if service_route.is_empty() && expires.subsec_nanos() == 0 =>
            {
                match u32::try_from(expires.as_secs()) {
                    Ok(seconds) => Self::Registered { seconds, refresh_at, chosen },
                    Err(_) => Self::Other(Box::new(state)),
                }
            }
            state @ (RegistrationState::Registering { .. }
            | RegistrationState::Registered { .. }
            | RegistrationState::Failed { .. }) => Self::Other(Box::new(state)),
        }
    }
}

impl From<Kept> for RegistrationState {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Asking { attempt } => Self::Registering { attempt, after: None },
            Kept::Registered { seconds, refresh_at, chosen } => Self::Registered {
                expires: Duration::from_secs(seconds.into()),
                refresh_at,
                lost: None,
                chosen,
                service_route: Vec::new(),
            },
            Kept::Unregistered => Self::Unregistered,
            Kept::Other(state) => *state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_kept_is_what_it_was_and_one_of_a_registered_line_is_small() {
        let (cause, refresh_at) = (Cause::TimedOut, SystemTime::UNIX_EPOCH + Duration::from_millis(1_500));
        let lost = LostFlow { proxy: "edge".to_owned(), cause: cause.clone() };
        let registered = |millis, lost, route: &[&str]| RegistrationState::Registered {
            expires: Duration::from_millis(millis),
            refresh_at,
            lost,
            chosen: Chosen { transport: Transport::Tls, by: ChosenBy::Naptr },
            service_route: route.iter().copied().map(str::to_owned).collect(),
        };
        let all = [
            RegistrationState::Registering { attempt: 3, after: None },
            RegistrationState::Registering { attempt: 3, after: Some(cause.clone()) },
            registered(3_600_000, None, &[]),
            registered(3_600_001, None, &[]),
            registered(u64::MAX, None, &[]),
            registered(60_000, Some(lost), &[]),
            registered(60_000, None, &["<sip:edge.example.com;lr>"]),
            RegistrationState::Failed { cause, retry_at: Some(refresh_at) },
            RegistrationState::Unregistered,
        ];
        for state in all {
            assert_eq!(RegistrationState::from(Kept::from(state.clone())), state);
        }
        assert!(matches!(Kept::from(registered(3_600_000, None, &[])), Kept::Registered { .. }));
        assert!(size_of::<Kept>() <= 32, "{}", size_of::<Kept>());
    }
}
