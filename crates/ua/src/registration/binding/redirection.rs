//! Where the 3xx of a registrar lead (RFC 3261 section 8.1.3.4): to the first Contact that can be asked and was not.

use std::time::Instant;

use ringfence_wire::sip::{Message, StatusCode, Uri};

use super::{Binding, ROUNDS};
use crate::id::Generator;
use crate::registration::contact::{Next, redirect_targets};
use crate::registration::state::Cause;
use crate::transport::Transport;

/// Where the registrar has sent the line.
pub(super) struct Redirection {
    /// What it gave last.
    to: Next,
    /// What the one who sent us there was asked by, where that was a connection: what is asked over TLS is not asked in clear
    /// because somebody sends us elsewhere.
    by: Option<Transport>,
    /// The Request-URIs that were asked before within this attempt.
    tried: Vec<String>,
}

impl Binding {
    /// Takes a 3xx: the same question is asked at the first address it names that was not asked. With an outbound proxy it
    /// goes there through the proxy, with its Route: the account has it because all requests are to take that way.
    pub(super) fn redirected(
        &mut self,
        now: Instant,
        status: StatusCode,
        response: &Message<'_>,
        generator: &mut Generator,
    ) {
        let used = self.current_target().map_or(self.account.transport(), |target| target.flow.transport());
        let mut tried = self.redirection().map_or_else(Vec::new, |known| known.tried.clone());
        tried.push(self.request_uri());
        let named: Vec<Next> = redirect_targets(response, &self.account, used).collect();
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.4
        //# As with proxy recursion, a client processing
        //# 3xx class responses MUST NOT add any given URI to the target set more
        //# than once.
        let (old, new): (Vec<Next>, Vec<Next>) =
            named.into_iter().partition(|next| tried.iter().any(|tried| is_same(tried, &next.uri)));
        let may_go_on = self.rounds < ROUNDS && tried.len() < ROUNDS.into() && !self.is_stopping;
        match new.into_iter().next() {
            Some(next) if may_go_on => {
                let by = Some(used).filter(|used| used.is_reliable());
                let (host, port) = (next.host.clone(), next.port);
                self.setbacks_mut().redirection = Some(Box::new(Redirection { to: next, by, tried }));
                if self.account.extras().outbound_proxy.is_some() {
                    return self.ask(generator);
                }
                self.resolve(now, host, port);
            }
            None if !old.is_empty() => {
                self.fail(now, Cause::Circular { status: status.as_u16() }, None, generator);
            }
            Some(_) | None => self.refused(now, status, response, generator),
        }
    }

    /// Returns the Request-URI of what is asked.
    pub(super) fn request_uri(&self) -> String {
        self.redirection().map_or_else(|| self.account.registrar(), |known| known.to.uri.clone())
    }

    /// Returns the host that requests go to, and its port: that of the proxy, if there is one.
    pub(super) fn next_hop(&self) -> (String, Option<u16>) {
        match self.redirection().filter(|_| self.account.extras().outbound_proxy.is_none()) {
            Some(known) => (known.to.host.clone(), known.to.port),
            None => (self.account.next_hop().0.to_owned(), self.account.next_hop().1),
        }
    }

    /// Returns what the server that the line was sent to is reached by, where it may not be any other.
    pub(super) fn redirected_by(&self) -> Option<Transport> {
        self.redirection().and_then(|known| known.by)
    }

    /// Takes that the attempt is over: the next begins where it has led, and may be sent anywhere.
    pub(super) fn forget_tried(&mut self) {
        if let Some(known) = self.setbacks.as_mut().and_then(|setbacks| setbacks.redirection.as_mut()) {
            known.tried = Vec::new();
        }
    }

    /// Returns the host that a 3xx has sent the line to, where it is none of those that the account names: what it asks
    /// for is not given to it.
    ///
    /// The host counts and its port does not: a PBX has several, and sends from one to another those who are to use it.
    pub(super) fn led_away_to(&self) -> Option<String> {
        let host = &self.redirection()?.to.host;
        let proxy = self.account.extras().outbound_proxy.as_ref().map(|(host, _)| &**host);
        let mut named = [Some(&*self.account.domain), proxy].into_iter().flatten();
        (!named.any(|named| named.eq_ignore_ascii_case(host))).then(|| host.clone())
    }
}

fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (Uri::parse(one.as_bytes()), Uri::parse(other.as_bytes()));
    one.is_ok_and(|one| other.is_ok_and(|other| one.matches(&other)))
}
