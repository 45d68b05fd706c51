//! What a binding has done so that it is made: the look-up, the REGISTER, the flow that is kept open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::{Action, Asked, Binding, KeptOpen, LOOKUP, Phase};
use crate::id::Generator;
use crate::registration::contact::contact_uri;
use crate::registration::outbound::Wanted;
use crate::registration::request::{Opening, Register};
use crate::registration::state::RegistrationState;
use crate::registration::target::Target;
use crate::transport::{ContactAddress, Flow, Ping};

impl Binding {
    pub(super) fn begin_attempt(&mut self, now: Instant) {
        self.attempt = self.attempt.saturating_add(1);
        self.rounds = 0;
        self.forget_setbacks(|setbacks| (setbacks.redirection, setbacks.declined) = (None, None));
        self.tell(RegistrationState::Registering { attempt: self.attempt });
        let (host, port) = self.account.next_hop();
        self.resolve(now, host.to_owned(), port);
    }

    pub(super) fn resolve(&mut self, now: Instant, host: String, port: Option<u16>) {
        self.phase = Phase::Resolving { until: now + LOOKUP };
        self.act(Action::Resolve { host, port, transport: self.redirected_by() });
    }

    /// Sends a REGISTER that makes or refreshes our binding.
    pub(super) fn ask(&mut self, generator: &mut Generator) {
        let Some(target) = self.current_target() else { return };
        let contact = self.contact_at(target);
        self.phase = Phase::Asking(Box::new(Asked { contact, local: target.local }));
        self.send(target, self.expires, contact, generator);
    }

    /// Asks again what waits for an answer that will not come: what it was asked over is no more. As it may have arrived,
    /// it is a new request.
    pub(crate) fn ask_again(&mut self, now: Instant, generator: &mut Generator) {
        match &self.phase {
            Phase::Asking(asked) => {
                let contact = asked.contact;
                self.may_be_bound(now, contact);
                self.ask(generator);
            }
            Phase::Removing => self.remove(now, generator),
            Phase::Idle | Phase::Resolving { .. } | Phase::Bound { .. } | Phase::Waiting { .. } => {}
        }
    }

    /// Asks the next server within this attempt, where there is one.
    pub(super) fn ask_next(&mut self, generator: &mut Generator) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
        //# If a failure occurs, the client
        //# SHOULD create a new request, which is identical to the previous, but
        //# has a different value of the Via branch ID than the previous (and
        //# therefore constitutes a new SIP transaction).  That request is sent
        //# to the next element in the list as specified by RFC 2782.
        if self.is_stopping || usize::from(self.target) + 1 >= self.targets.len() {
            return false;
        }
        if self.current_target().is_some_and(|target| target.flow.is_reliable()) {
            // Where a connection was seen says nothing of the next server.
            self.public = None;
        }
        self.target += 1;
        self.rounds = 0;
        self.ask(generator);
        true
    }

    pub(super) fn send(
        &mut self,
        target: Target,
        expires: u32,
        contact: ContactAddress,
        generator: &mut Generator,
    ) {
        self.rounds = self.rounds.saturating_add(1);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
        //# A UA MUST increment the CSeq value by one for each
        //# REGISTER request with the same Call-ID.
        self.cseq += 1;
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.2
        //# When a UAC resubmits a request with its credentials after receiving a 401 (Unauthorized)
        //# or 407 (Proxy Authentication Required) response, it MUST increment the CSeq header field
        //# value as it would normally when sending an updated request.
        let (branch, cnonce) = (generator.branch(), generator.token(24));
        let (request_uri, is_led_away) = (self.request_uri(), self.led_away_to().is_some());
        let uri_of = |address| contact_uri(&self.account.user, address, self.token.as_str());
        let old_contacts: Vec<String> = self.old_contacts(contact).map(uri_of).collect();
        let authenticator = self.authenticator.as_mut().filter(|_| !is_led_away);
        let opening = Opening {
            account: &self.account,
            method: "REGISTER",
            uri: &request_uri,
            to: &self.account.address_of_record(),
            transport: target.flow.transport(),
            local: target.local,
            branch: &branch,
            call_id: self.call_id.as_str(),
            from_tag: self.from_tag.as_str(),
            cseq: self.cseq,
        };
        let request = Register {
            opening,
            contact: &uri_of(contact),
            reg_id: self.reg_id,
            is_outbound: self.is_outbound,
            old_contacts: &old_contacts,
            expires,
            user_agent: self.crowd.user_agent(),
        }
        .write(authenticator, &cnonce);
        self.act(Action::Send { flow: target.flow, request });
    }

    /// Keeps the flow to the target in use open, and no other, as is wanted there.
    pub(super) fn keep_open(&mut self, wanted: Wanted) {
        let flow = self.flow();
        if self.kept_open_flow() == flow {
            return;
        }
        self.keep_none_open();
        if let Some(flow) = flow {
            let (within, by_stun) = (wanted.within, self.keeps_open_by_stun(flow, wanted));
            self.act(Action::KeepOpen { flow, within, by_stun, is_open: true });
            self.kept_open = Some(KeptOpen { targets: Arc::clone(&self.targets), target: self.target });
        }
    }

    pub(super) fn keep_none_open(&mut self) {
        if let Some(flow) = self.kept_open_flow() {
            let (within, by_stun) = (None, false);
            self.act(Action::KeepOpen { flow, within, by_stun, is_open: false });
        }
        self.kept_open = None;
    }

    fn keeps_open_by_stun(&self, flow: Flow, wanted: Wanted) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
        //# This approach MUST only be used with connection-less transports, such
        //# as UDP; it MUST NOT be used for connection-oriented transports such
        //# as TCP and SCTP.
        !flow.is_reliable()
            && match self.account.ping {
                Ping::Automatic => wanted.expects_stun,
                Ping::Crlf => false,
                //= https://www.rfc-editor.org/rfc/rfc5626#section-4.4
                //# A configuration option indicating keep-alive support for a specific
                //# target is considered an explicit indication.
                Ping::Stun => true,
            }
    }

    /// Returns what the Contact says while a target is in use.
    pub(super) fn contact_at(&self, target: Target) -> ContactAddress {
        let seen = self.public.as_deref().copied().unwrap_or(target.local);
        let address = self.account.extras().public_address.map_or(seen, |public| {
            // Ports are forwarded as they are, unless the registrar saw that they are not.
            let port = if seen.ip() == public { seen.port() } else { target.local.port() };
            SocketAddr::new(public, port)
        });
        ContactAddress { address, transport: target.flow.transport(), is_secure: self.account.is_secure }
    }
}
