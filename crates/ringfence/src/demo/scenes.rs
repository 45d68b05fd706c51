//! The scenes of the demo: who calls, and what is to come of it.

use std::time::Duration;

use ringfence_testing::CallPlan;

use crate::journal::Outcome;

/// One call and its expected end: the demo is a test of itself.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(super) title: &'static str,
    /// The caller as the summary names it.
    pub(super) caller: &'static str,
    pub(super) plan: CallPlan,
    pub(super) verdict: Outcome,
    /// The responses after 100 Trying.
    pub(super) answers: &'static [u16],
    /// What there is to learn beyond the verdict.
    pub(super) moral: &'static str,
}

/// The configuration of the demo, but for the PBX's port. The numbers are those that the United
/// Kingdom's regulator keeps for stories: nobody has them.
pub(super) const CONFIGURATION: &str = r#"[softphone]
listen = "127.0.0.1:0"

[account.reception]
user = "858"
domain = "127.0.0.1"
port = {PORT}
password = "a loopback secret"

[defaults]
region = "GB"
"#;

/// The part of the configuration that decides, which is shown.
pub(super) const RULES: &str = r#"[list.reject]
entries = [
  "020 7946 0123",     # a survey
  "+44 7700 900*",     # a block of numbers that sells insurance
  "anonymous",         # whoever withholds the number
]

[list.allow]
entries = ["07700 900456"]   # Anna, though her number is in that block

[[rule]]
id = "allowed"
when = { caller_in = "allow" }
then = { forward = { to = "sip:reception@127.0.0.1" } }

[[rule]]
id = "listed"
when = { caller_in = "reject" }
then = "busy"                  # 486 Busy Here, Warning: 399 … "User reject"

[[rule]]
id = "otherwise"
then = { ring = { limit = "1s" } }
"#;

/// Where allowed callers are sent.
const RECEPTION: &str = "sip:reception@127.0.0.1";

/// Returns the calls that come through the PBX.
pub(super) fn through_the_pbx() -> Vec<Scene> {
    vec![
        Scene {
            title: "A number on the reject list, written another way",
            caller: "02079460123",
            plan: called_by("02079460123", "Survey"),
            verdict: Outcome::reject(486),
            answers: &[486],
            moral: "",
        },
        Scene {
            title: "A number that begins like a listed prefix",
            caller: "+447700900111",
            plan: called_by("+447700900111", "Insurance"),
            verdict: Outcome::reject(486),
            answers: &[486],
            moral: "",
        },
        Scene {
            title: "A caller who withholds the number",
            caller: "anonymous",
            plan: CallPlan {
                display_name: Some("Anonymous".to_owned()),
                privacy: Some("id".to_owned()),
                ..CallPlan::new("sip:anonymous@anonymous.invalid", "858")
            },
            verdict: Outcome::reject(486),
            answers: &[486],
            moral: "",
        },
        Scene {
            title: "An allowed number: the listed prefix does not matter",
            caller: "+447700900456",
            plan: called_by("+447700900456", "Anna"),
            verdict: Outcome::Redirect { to: RECEPTION.to_owned() },
            answers: &[302],
            moral: "",
        },
        Scene {
            title: "The survey again, claiming to be Anna: the PBX knows better",
            caller: "+447700900456 ?",
            plan: CallPlan {
                asserted: Some("+442079460123".to_owned()),
                ..called_by("+447700900456", "Anna")
            },
            verdict: Outcome::reject(486),
            answers: &[486],
            moral: "The PBX asserts who calls; anyone can write any From.",
        },
        Scene {
            title: "An unknown number rings, and the caller gives up",
            caller: "+441632960001",
            plan: CallPlan {
                cancel_after: Some(Duration::from_millis(300)),
                ..called_by("+441632960001", "Unknown")
            },
            verdict: Outcome::Ring,
            answers: &[180, 487],
            moral: "CANCEL gets its 200, the INVITE its 487: no phone goes on ringing.",
        },
        Scene {
            title: "Another unknown number rings until the limit of one second",
            caller: "+441632960002",
            plan: called_by("+441632960002", "Unknown"),
            verdict: Outcome::Ring,
            answers: &[180, 480],
            moral: "Nobody is here to answer, so the limit of one second ends in 480.",
        },
    ]
}

/// Returns the call of someone who does not come through the PBX.
pub(super) fn from_elsewhere() -> CallPlan {
    CallPlan { display_name: Some("100".to_owned()), ..CallPlan::new("100", "858") }
}

fn called_by(number: &str, name: &str) -> CallPlan {
    CallPlan { display_name: Some(name.to_owned()), ..CallPlan::new(number, "858") }
}
