//! What a policy is put together from.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::list::List;
use crate::number::Region;
use crate::position::Line;
use crate::rule::Rule;
use crate::schedule::Schedule;
use crate::treatment::Treatment;
use crate::wildcard::Wildcard;

/// What a policy is put together from. Conditions name lists and switches by their places here.
///
/// ```
/// use ringfence_policy::{PolicyParts, Region};
///
/// let parts = PolicyParts::new(Region::parse("CH")?);
/// assert_eq!(parts.on_error.name(), "ring");
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone)]
pub struct PolicyParts {
    /// Whose habits give numbers their meaning.
    pub region: Region,
    /// Whose clock schedules are read on.
    pub zone: TimeZone,
    /// Whether it acts.
    pub mode: Mode,
    /// How long facts may be waited for.
    pub deadline: Duration,
    /// What is done when a decision fails.
    pub on_error: Arc<Treatment>,
    /// What lets a call through, whatever the rules say: emergency calls, and all in shadow mode.
    pub welcome: Arc<Treatment>,
    /// The treatments, those that every policy has first.
    pub treatments: Vec<Arc<Treatment>>,
    /// The lists.
    pub lists: Vec<Arc<List>>,
    /// Those of them that are asked about each caller, by their places: a rule asks them last.
    pub look_ups: Vec<usize>,
    /// Those of them that have neither entries nor sources, by their places: who is on them was put there by a rule.
    pub put_on: Vec<usize>,
    /// The schedules.
    pub schedules: Vec<Arc<Schedule>>,
    /// The switches.
    pub switches: Vec<Switch>,
    /// The lines.
    pub lines: Vec<Line>,
    /// The groups of lines.
    pub groups: Vec<Group>,
    /// The rules, those that guard against floods first.
    pub rules: Vec<Rule>,
    /// What tells these rules from others.
    pub checksum: Box<str>,
}

impl PolicyParts {
    /// Starts with what every policy has: the built-in treatments, and no rules yet.
    #[must_use]
    pub fn new(region: Region) -> Self {
        let treatments = Treatment::built_in().map(Arc::new);
        let [ring, ..] = &treatments;
        Self {
            region,
            zone: TimeZone::UTC,
            mode: Mode::Enforce,
            deadline: Self::DEADLINE,
            on_error: Arc::clone(ring),
            welcome: Arc::clone(ring),
            treatments: treatments.into(),
            lists: Vec::new(),
            look_ups: Vec::new(),
            put_on: Vec::new(),
            schedules: Vec::new(),
            switches: Vec::new(),
            lines: Vec::new(),
            groups: Vec::new(),
            rules: Vec::new(),
            checksum: "".into(),
        }
    }

    /// How long facts may be waited for unless something else is said: the caller hears nothing so long.
    pub const DEADLINE: Duration = Duration::from_millis(800);
}

/// Whether a policy acts.
///
/// ```
/// use ringfence_policy::Mode;
///
/// assert_eq!(Mode::default(), Mode::Enforce);
/// ```
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It does what its rules say.
    #[default]
    Enforce,
    /// It lets every call through, and writes down what it would have done.
    Shadow,
}

/// A switch that people flip: "on call", "expecting a call".
///
/// ```
/// use ringfence_policy::Switch;
///
/// let expecting = Switch { name: "expecting".into(), default: false, auto_off: None };
/// assert!(!expecting.default);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The name.
    pub name: Box<str>,
    /// How it stands when nobody has flipped it.
    pub default: bool,
    /// After which time it goes off that was turned on, where it is off by default.
    pub auto_off: Option<Duration>,
}

/// A group of lines.
///
/// ```
/// use ringfence_policy::{Group, Wildcard};
///
/// let paris = Group { name: "paris".into(), lines: vec![Wildcard::new("sip:1???@*")], inherits: vec![] };
/// assert!(paris.lines[0].is_match("sip:1234@pbx.example"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: Box<str>,
    /// Its lines, by their names or addresses.
    pub lines: Vec<Wildcard>,
    /// The groups that its lines are in, too.
    pub inherits: Vec<Box<str>>,
}
