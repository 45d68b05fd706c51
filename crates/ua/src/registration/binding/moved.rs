//! What a registration does when this machine has got another address, or none, and what leads there.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::failure::AFTER_DISCONNECT;
use super::{Binding, Phase};
use crate::id::Generator;
use crate::registration::backoff;
use crate::registration::target::Target;
use crate::transport::ConnectionId;

impl Binding {
    /// Takes from where what is sent to an address of the registrar leaves now. Returns the connection that leads nowhere
    /// any more, where there is one.
    pub(crate) fn handle_route(
        &mut self,
        now: Instant,
        remote: IpAddr,
        local: Result<IpAddr, &str>,
        generator: &mut Generator,
    ) -> Option<ConnectionId> {
        match self.phase {
            Phase::Bound { .. } => {
                let target = self.current_target()?;
                let (used, is_meant) = (target.local.ip().to_canonical(), target.flow.remote().ip());
                if is_meant.to_canonical() != remote || local == Ok(used) {
                    return None;
                }
                if let Some(connection) = target.flow.connection_id() {
                    return Some(connection);
                }
                let error = match local {
                    Ok(local) => format!("our address is {local} now, and was {used}"),
                    Err(error) => error.to_owned(),
                };
                self.public = None;
                self.handle_disconnected(now, &error, generator);
            }
            Phase::Asking(_) => {
                if let Ok(local) = local {
                    self.leave_from(remote, local);
                }
            }
            Phase::Idle | Phase::Waiting { .. } | Phase::Resolving { .. } | Phase::Removing => {}
        }
        None
    }

    /// Takes that what goes to a server by UDP leaves from this address now. The REGISTER on its way is let through first, and
    /// a connection finds out by itself.
    fn leave_from(&mut self, remote: IpAddr, local: IpAddr) {
        let mut targets = self.targets.to_vec();
        let is_meant = |target: &&mut Target| {
            !target.flow.is_reliable() && target.flow.remote().ip().to_canonical() == remote
        };
        for target in targets.iter_mut().filter(is_meant) {
            target.local.set_ip(local);
        }
        self.targets = self.crowd.share(targets);
    }

    /// Returns whether a REGISTER that was sent from an address of ours would be sent from another by now.
    pub(super) fn has_moved_from(&self, local: SocketAddr) -> bool {
        let by_udp = self.current_target().filter(|target| !target.flow.is_reliable());
        by_udp.is_some_and(|target| target.local.ip().to_canonical() != local.ip().to_canonical())
    }

    /// Asks again at once: what the registrar has just bound, and where it saw us, is where we were when that was sent.
    pub(super) fn ask_from_here(&mut self, generator: &mut Generator) {
        self.public = None;
        self.keep_none_open();
        self.rounds = 0;
        self.ask(generator);
    }

    /// Refreshes soon: the registrar may have taken a connection for the way to us that is no more.
    pub(crate) fn refresh_soon(&mut self, now: Instant, generator: &mut Generator) {
        if let Phase::Bound { refresh_at } = &mut self.phase {
            let within = self.crowd.spread(AFTER_DISCONNECT);
            *refresh_at = (*refresh_at).min(now + within.mul_f64(generator.fraction()));
        }
    }

    /// Tries soon what would be tried later: the line has no other flow any more.
    pub(crate) fn hasten(&mut self, now: Instant, generator: &mut Generator) {
        if let Phase::Waiting { retry_at } = &mut self.phase {
            let soon = backoff::delay_of_last(&self.crowd, generator.fraction());
            *retry_at = (*retry_at).min(now + soon);
        }
    }

    /// Takes that the network has changed: what would be tried later may succeed now.
    pub(crate) fn handle_network_back(&mut self, now: Instant, generator: &mut Generator) {
        self.retry_within(now, AFTER_DISCONNECT, generator);
    }

    /// Tries what would be tried later within this time, or a longer one where the lines are many.
    pub(crate) fn retry_within(&mut self, now: Instant, within: Duration, generator: &mut Generator) {
        if let Phase::Waiting { retry_at } = &mut self.phase {
            let within = self.crowd.spread(within);
            *retry_at = (*retry_at).min(now + within.mul_f64(generator.fraction()));
        }
    }
}
