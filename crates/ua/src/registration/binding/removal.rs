//! The removal of our binding and of no other (RFC 3261 section 10.2.2).

use std::time::Instant;

use ringfence_wire::sip::{Message, StatusCode};

use super::{Action, Binding, Phase, ROUNDS, Successor};
use crate::id::Generator;
use crate::registration::state::RegistrationState;

impl Binding {
    /// Sends a REGISTER that removes our binding, or what may have become of it, and no other.
    pub(super) fn remove(&mut self, now: Instant, generator: &mut Generator) {
        if self.is_left_to_another() {
            return self.end(now);
        }
        let contact = self.bound_contact().or_else(|| self.contact());
        let (Some(target), Some(contact)) = (self.current_target(), contact) else {
            return self.give_up(now);
        };
        self.phase = Phase::Removing;
        self.rounds = 0;
        //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.2
        //# The REGISTER-specific Contact header field value of "*" applies to all registrations,
        //# but it MUST NOT be used unless the Expires header field is present with a value of "0".
        self.send(target, 0, contact, generator);
    }

    /// Removes what the registrar may have of us; where that is nothing, it has ended.
    pub(super) fn leave(&mut self, now: Instant, generator: &mut Generator) {
        if self.may_be_bound_at(now) { self.remove(now, generator) } else { self.end(now) }
    }

    /// Returns whether another line has the binding by now, or will. Its REGISTERs and the removal may come in any order.
    fn is_left_to_another(&mut self) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc5626#section-6
        //# (Even though the Contact URI is not used for
        //# binding comparisons, it is still needed by the authoritative proxy to
        //# form the target set.)
        // By instance they are about the same binding, and the one that comes last has it. Where it is not known whether it is
        // bound so, what names no instance removes what has its Contact, and nothing else.
        let has_successor = self.successor == Successor::AnotherLine;
        self.is_outbound &= !has_successor;
        has_successor && self.is_by_instance
    }

    pub(super) fn handle_removal(
        &mut self,
        now: Instant,
        response: &Message<'_>,
        status: StatusCode,
        generator: &mut Generator,
    ) {
        let is_challenge = matches!(status.as_u16(), 401 | 407) && self.led_away_to().is_none();
        let may_repeat = self.authenticator.as_mut().is_some_and(|authenticator| {
            if !is_challenge {
                authenticator.handle_success(response);
            }
            is_challenge && authenticator.handle_challenge(response).is_ok()
        });
        // What takes its place may have come meanwhile.
        let may_repeat = may_repeat && !self.is_left_to_another();
        match (self.current_target(), self.bound_contact()) {
            (Some(target), Some(contact)) if may_repeat && self.rounds < ROUNDS => {
                self.send(target, 0, contact, generator);
            }
            (Some(_) | None, Some(_) | None) if matches!(status.as_u16(), 200..=299) => {
                self.act(Action::Left { is_confirmed: true });
                self.end(now);
            }
            (Some(_) | None, Some(_) | None) => self.give_up(now),
        }
    }

    /// Ends without a word of the registrar: what it may have of us stays there until it expires.
    pub(super) fn give_up(&mut self, now: Instant) {
        if self.may_be_bound_at(now) {
            self.act(Action::Left { is_confirmed: false });
        }
        self.end(now);
    }

    pub(super) fn end(&mut self, now: Instant) {
        self.phase = Phase::Idle;
        (self.bound, self.gruu) = (None, None);
        (self.is_outbound, self.is_by_instance) = (true, false);
        (self.attempt, self.failures) = (0, 0);
        self.forget_challenges();
        self.keep_none_open();
        self.tell(RegistrationState::Unregistered);
        // It was asked for again while it was being removed.
        if !self.is_stopping {
            self.begin_attempt(now);
        }
    }
}
