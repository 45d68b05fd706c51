//! What a caller is to do in one call.

use std::time::Duration;

/// One call as a script. What is not set happens as in any ordinary call.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::CallPlan;
///
/// let plan = CallPlan {
///     display_name: Some("Survey Team".into()),
///     cancel_after: Some(Duration::from_secs(20)),
///     ..CallPlan::new("+41445551234", "858")
/// };
/// assert_eq!(plan.to, "858");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPlan {
    /// The caller: a user or number of the caller's own domain, or a whole URI.
    pub from: String,
    /// The called user, or a whole URI.
    pub to: String,
    /// The name in From.
    pub display_name: Option<String>,
    /// The number or URI in `P-Asserted-Identity` (RFC 3325).
    pub asserted: Option<String>,
    /// The value of `Privacy` (RFC 3323).
    pub privacy: Option<String>,
    /// Header fields to add.
    pub headers: Vec<(String, String)>,
    /// The session description; `None` for one with the codecs of a common PBX.
    pub sdp: Option<String>,
    /// When to give up, counted from the INVITE. CANCEL then is sent once a provisional response is there.
    pub cancel_after: Option<Duration>,
    /// When to send BYE, counted from a 2xx.
    pub hang_up_after: Duration,
    /// How many ACKs of a final response are left out, from the first one on.
    pub acks_left_out: u32,
    /// Whether the INVITE is sent as in RFC 2543, without a branch.
    pub has_no_branch: bool,
    /// Whether a proxy may fork it, so that several callees answer, each with a To tag of its own.
    pub may_fork: bool,
}

impl CallPlan {
    /// Makes the plan of an ordinary call.
    #[must_use]
    pub fn new(from: &str, to: &str) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            display_name: None,
            asserted: None,
            privacy: None,
            headers: Vec::new(),
            sdp: None,
            cancel_after: None,
            hang_up_after: Duration::from_secs(2),
            acks_left_out: 0,
            has_no_branch: false,
            may_fork: false,
        }
    }
}
