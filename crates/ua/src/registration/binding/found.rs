//! What a look-up of the registrar, or of the proxy to it, has led to.

use std::time::Instant;

use super::{Binding, LOOKUP, Phase};
use crate::id::Generator;
use crate::registration::target::{Target, Unreached, Unresolved};

impl Binding {
    /// Takes that the servers of the host are found, and one is connected to.
    pub(crate) fn handle_found(&mut self, now: Instant) {
        if let Phase::Resolving { until } = &mut self.phase {
            *until = now + LOOKUP;
        }
    }

    /// Takes the addresses of a host that was to be resolved.
    pub(crate) fn handle_resolved(
        &mut self,
        now: Instant,
        resolved: Result<Vec<Target>, Unreached>,
        generator: &mut Generator,
    ) {
        if !matches!(self.phase, Phase::Resolving { .. }) {
            return;
        }
        match resolved {
            Ok(targets) if !targets.is_empty() => {
                //= https://www.rfc-editor.org/rfc/rfc2782
                //# A client MUST attempt to
                //# contact the target host with the lowest-numbered priority it can
                //# reach
                // Another address of the same registrar may be alive: the one behind the last that was silent, so that each
                // has its turn where all of them were.
                let silent = self.setbacks.as_ref().and_then(|setbacks| setbacks.silent);
                let silent = targets.iter().position(|target| Some(target.flow.remote()) == silent);
                let first = silent.map_or(0, |silent| (silent + 1) % targets.len());
                self.target = u16::try_from(first).unwrap_or(0);
                self.targets = self.crowd.share(targets.into_iter().map(Target::nameable).collect());
                // A new connection is seen elsewhere than the last one, and what was seen of that says nothing of UDP.
                let was_by_connection = self.kept_open_flow().is_some_and(|flow| flow.is_reliable());
                if self.current_target().is_some_and(|target| {
                    (target.flow.is_reliable() || was_by_connection) && !self.keeps_open(target.flow)
                }) {
                    self.public = None;
                    self.connected_at = Some(now);
                }
                if self.current_target().is_some_and(|target| self.has_declined(target)) {
                    self.fail_declined(now, generator);
                    return;
                }
                self.ask(generator);
            }
            Ok(_) => {
                let error = "no address".to_owned();
                self.unreached(now, Unresolved { error }.into(), generator);
            }
            Err(why) => self.unreached(now, why, generator),
        }
    }
}
