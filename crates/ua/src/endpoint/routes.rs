//! What becomes of the lines when this machine is reached elsewhere: its interface goes, and comes back with another
//! address. Whoever runs the endpoint looks; here is what follows.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use super::Endpoint;
use crate::transport::ConnectionId;

impl Endpoint {
    /// Returns the addresses whose way is worth watching: those of registrars, proxies and peers.
    pub fn correspondents(&self) -> impl Iterator<Item = IpAddr> {
        self.lines.addresses()
    }

    /// Takes from which address what is sent to a correspondent leaves now, or why it does not leave at all.
    ///
    /// A line that is registered from another address has lost its way: that is told, and it registers again within
    /// 3 s, or 10 ms for each line that is registered at the same server. What is known already changes nothing.
    ///
    /// Returns the connections that lead nowhere any more: they are to be closed, and their end told.
    pub fn handle_route(
        &mut self,
        now: Instant,
        correspondent: IpAddr,
        local: Result<IpAddr, &str>,
    ) -> BTreeSet<ConnectionId> {
        let mut lost: BTreeSet<ConnectionId> =
            self.detours.astray(correspondent.to_canonical(), local.ok()).collect();
        for id in self.lines.at(correspondent) {
            let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) else {
                continue;
            };
            lost.extend(binding.handle_route(now, correspondent, local, &mut self.generator));
            self.settle_line(now, id);
        }
        lost
    }

    /// Takes that a correspondent is reached again, or from elsewhere: lines that wait to try again wait no longer than
    /// one that has lost its way.
    pub fn handle_network_back(&mut self, now: Instant, correspondent: IpAddr) {
        for id in self.lines.at(correspondent) {
            if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
                binding.handle_network_back(now, &mut self.generator);
            }
            self.settle_line(now, id);
        }
    }
}
