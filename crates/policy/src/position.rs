//! Where a line stands, and what that makes of a treatment on the wire.
//!
//! ```text
//!            reject               ring, when in doubt
//! sole       final code           180, and ring here
//! first      final code           302 to the phones
//! parallel   a 6xx, if it is      180, hold, 480; or silence until CANCEL:
//!            known to capture     the other phones ring on
//! inline     final code           302, 404 or 503, as the proxy wants
//! ```

use std::fmt;
use std::time::Duration;

use crate::action::{Action, Final, Redirection};
use crate::rejection::Rejection;
use crate::treatment::{Only, Target, Treatment, Work};

/// Where a softphone stands among the phones of its number.
///
/// ```
/// use ringfence_policy::Position;
///
/// assert_eq!(Position::default(), Position::Sole);
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// It is the only registration.
    #[default]
    Sole,
    /// Calls reach it before any phone.
    First,
    /// It is one of several phones that ring.
    Parallel,
    /// A proxy or a border controller asks it.
    Inline,
}

impl Position {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Position::Sole => "sole",
            Position::First => "first",
            Position::Parallel => "parallel",
            Position::Inline => "inline",
        }
    }
}

/// A line as a policy knows it: its name, where it stands, and what it may do there.
///
/// ```
/// use ringfence_policy::{Line, Position, Target, Treatment};
///
/// let mut line = Line::new("office");
/// line.position = Position::First;
/// line.pass = Some(ringfence_policy::Pass::Redirect(Target::parse("sip:desk@pbx.example")?));
/// assert_eq!(line.act(&Treatment::ring()).to_string(), "send on to sip:desk@pbx.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The name.
    pub name: Box<str>,
    /// The account that it registers.
    pub account: Option<Box<str>>,
    /// Where it stands.
    pub position: Position,
    /// How a call is let through where nothing rings here: on `first` and `inline`.
    pub pass: Option<Pass>,
    /// The 6xx that is known to stop the other phones, on `parallel`.
    pub capture: Option<Rejection>,
    /// How it stands aside.
    pub aside: Aside,
    /// The codes that are known to reach the caller; empty when all are thought to.
    pub passes: Vec<u16>,
    /// The hosts that may assert who calls.
    pub peers: Vec<Box<str>>,
    /// Whose word counts for who calls, the best first; empty for the usual order.
    pub identity: Vec<crate::source::Identity>,
}

/// How a call is let through by a line where nothing rings.
///
/// ```
/// use ringfence_policy::Pass;
///
/// assert_ne!(Pass::NotFound, Pass::Unavailable);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// 302: the caller, or the proxy, goes there.
    Redirect(Target),
    /// 404: the proxy takes its next route.
    NotFound,
    /// 503: the proxy takes its next route.
    Unavailable,
}

/// How a line stands aside for other phones.
///
/// ```
/// use std::time::Duration;
/// use ringfence_policy::Aside;
///
/// assert_eq!(Aside::default(), Aside::Ringing { hold: Duration::from_secs(3) });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// 180, held, then 480.
    Ringing {
        /// How long: some routers drop a phone that refuses sooner than after 3 s.
        hold: Duration,
    },
    /// 100, and nothing until the caller or the proxy gives up.
    Silent,
}

impl Default for Aside {
    fn default() -> Self {
        Aside::Ringing { hold: Aside::SHORTEST }
    }
}

impl Aside {
    /// How long a 180 is held at least.
    pub const SHORTEST: Duration = Duration::from_secs(3);

    fn action(self) -> Action {
        match self {
            Aside::Ringing { hold } => Action::Wait {
                is_ringing: true,
                limit: hold.max(Self::SHORTEST),
                then: Final::Reject(Rejection::unavailable()),
            },
            Aside::Silent => Action::Wait {
                is_ringing: false,
                limit: Action::RING_LIMIT,
                then: Final::Reject(Rejection::unavailable()),
            },
        }
    }
}

impl Line {
    /// Makes a line that is the only phone of its number.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            account: None,
            position: Position::Sole,
            pass: None,
            capture: None,
            aside: Aside::default(),
            passes: Vec::new(),
            peers: Vec::new(),
            identity: Vec::new(),
        }
    }

    /// Works out what a treatment is on this line.
    #[must_use]
    pub fn act(&self, treatment: &Treatment) -> Action {
        match treatment.work() {
            Work::Reject(rejection) => Action::Reject(self.rejection(rejection)),
            Work::Ring(ring) => self.let_through(ring.limit),
            Work::StandAside => self.aside.action(),
            Work::Forward(forward) => match &forward.unsupported {
                Some(how) => Action::Unsupported { needs: how },
                None => Action::Redirect(Redirection {
                    to: forward.to.clone(),
                    diversion: forward.diversion.clone(),
                }),
            },
            Work::Hold(hold) => hold_before(hold.limit, self.act(&hold.then)),
            Work::Drop(only) => Action::Ignore { only: *only },
            Work::Answer(_) => Action::Unsupported { needs: "an announcement: audio" },
            Work::Challenge(_) => Action::Unsupported { needs: "a challenge: audio" },
        }
    }

    /// Returns whether every treatment is the same action on another line.
    ///
    /// ```
    /// use ringfence_policy::{Line, Position};
    ///
    /// let parallel = Line { position: Position::Parallel, ..Line::new("fax") };
    /// assert!(Line::new("office").acts_as(&Line::new("shop")) && !Line::new("fax").acts_as(&parallel));
    /// ```
    #[must_use]
    pub fn acts_as(&self, other: &Line) -> bool {
        // Who may assert who calls, and what the line is called, matters to the decision only.
        let Self { name: _, account: _, position, pass, capture, aside, passes, peers: _, identity: _ } =
            self;
        (position, pass, capture, aside, passes)
            == (&other.position, &other.pass, &other.capture, &other.aside, &other.passes)
    }

    /// What happens to a call that is not refused, or when in doubt.
    fn let_through(&self, limit: Duration) -> Action {
        match (self.position, &self.pass) {
            (Position::Parallel, _) => self.aside.action(),
            (Position::First | Position::Inline, Some(Pass::Redirect(to))) => {
                Action::SendOn(Final::Redirect(Redirection { to: to.clone(), diversion: None }))
            }
            (Position::First | Position::Inline, Some(Pass::NotFound)) => {
                Action::SendOn(Final::Reject(Rejection::plain(404)))
            }
            (Position::First | Position::Inline, Some(Pass::Unavailable)) => {
                Action::SendOn(Final::Reject(Rejection::plain(503)))
            }
            (Position::Sole, _) | (Position::First | Position::Inline, None) => Action::Ring { limit },
        }
    }

    fn rejection(&self, rejection: &Rejection) -> Rejection {
        let reaches = |code| self.passes.is_empty() || self.passes.contains(&code);
        let fallback = rejection.fallback_code().filter(|_| !reaches(rejection.code()));
        let code = fallback.unwrap_or(rejection.code());
        // The others ring on where a fallback goes out that does not silence them, too.
        match (&self.capture, fallback) {
            (Some(capture), _) if self.position == Position::Parallel && code < 600 => capture.clone(),
            (_, Some(fallback)) => rejection.clone().with_code(fallback),
            (_, None) => rejection.clone(),
        }
    }
}

/// Rings for a time before something else.
fn hold_before(hold: Duration, then: Action) -> Action {
    let wait = |limit, then| Action::Wait { is_ringing: true, limit, then };
    match then {
        Action::Reject(then) => wait(hold, Final::Reject(then)),
        Action::Redirect(then) => wait(hold, Final::Redirect(then)),
        Action::SendOn(then) => wait(hold, then),
        Action::Ring { limit } => Action::Ring { limit: hold.saturating_add(limit) },
        Action::Wait { limit, then, .. } => wait(hold.saturating_add(limit), then),
        // Who has heard ringing cannot be left without an answer.
        Action::Ignore { .. } => wait(hold, Final::Reject(Rejection::unavailable())),
        Action::Unsupported { needs } => Action::Unsupported { needs },
    }
}

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
