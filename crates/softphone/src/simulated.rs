//! The hooks of an application for a user agent that has no socket and no clock: so its decisions are tested in simulated time.
//!
//! A [`Softphone`](crate::Softphone) has threads, real sockets and the machine's clock, and a test of one takes the time that it
//! takes. What an application decides with [`Builder::screen`](crate::Builder::screen), and what it does at
//! [`Builder::ended`](crate::Builder::ended), needs none of these: the same functions run in the simulated phone of
//! `ringfence-testing`, where a bad network, a PBX that restarts and a month of calls take a moment and follow from a seed.
//!
//! ```
//! use std::time::Duration;
//! use ringfence_testing::{CallPlan, Conditions, Network, Outcome, Pbx, PbxConfig, Phone};
//! use softphone::{Invite, Reject, Verdict, simulated};
//!
//! /// What the application gives to `Softphone::builder().screen(…)`.
//! fn decide(invite: &Invite<'_>) -> Verdict {
//!     match invite.caller() {
//!         Some(caller) if caller.user().starts_with("+4179") => Reject::busy().into(),
//!         _ => Verdict::Ring { limit: None },
//!     }
//! }
//!
//! let mut network = Network::new(42);
//! network.set_conditions(Conditions { loss: 0.3, ..Conditions::default() });
//! let (pbx_address, phone_address) = ("192.0.2.1:5060".parse()?, "192.0.2.7:5060".parse()?);
//! let mut pbx = Pbx::new(PbxConfig::new(pbx_address), 42);
//! pbx.add_user("858", "secret");
//! let pbx = network.add(pbx_address, pbx);
//! let phone = Phone::new(phone_address, 42).with_screen(simulated::screen(decide));
//! let phone = network.add(phone_address, phone);
//! network.with(phone, |phone, now| phone.register(now, "858", "secret", pbx_address))?;
//! network.run_for(Duration::from_secs(60));
//!
//! let id = network.with(pbx, |pbx, now| pbx.call(now, CallPlan::new("+41791234567", "858")));
//! network.run_for(Duration::from_secs(60));
//! assert_eq!(network.node(pbx).get(id).outcome().and_then(Outcome::status), Some(486));
//! let ended: Vec<_> = network.node(phone).events().iter().filter_map(|(_, event)| simulated::ended(event)).collect();
//! assert_eq!(ended.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use ringfence_ua::Event;

use crate::call::Ended;
use crate::screen::{Invite, Verdict, screen_of};

/// Makes a screen of an endpoint of an application's screen.
///
/// One that panics is the test's to see: a softphone counts it and offers the call.
pub fn screen(screen: impl Fn(&Invite<'_>) -> Verdict + Send + 'static) -> ringfence_ua::Screen {
    screen_together(move |invites, verdicts| verdicts.extend(invites.iter().map(&screen)))
}

/// The same of a screen for [`Builder::screen_together`](crate::Builder::screen_together).
pub fn screen_together(
    screen: impl Fn(&[Invite<'_>], &mut Vec<Verdict>) + Send + 'static,
) -> ringfence_ua::Screen {
    screen_of(SHARD, screen)
}

/// Returns how a call has ended, as [`Builder::ended`](crate::Builder::ended) tells it, where an event says so.
#[must_use]
pub fn ended(event: &Event) -> Option<Ended> {
    let Event::Ended { call, status, by, end } = event else { return None };
    Some(Ended::of(SHARD, *call, *status, *by, *end))
}

/// An endpoint by itself is the first shard.
const SHARD: u16 = 0;
