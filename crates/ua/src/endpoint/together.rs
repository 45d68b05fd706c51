//! Requests that came together, taken step by step together: what all steps of an INVITE run through is three times as much code
//! as the first cache of a core holds, and one of them after another would have each fetch all of it anew.
//!
//! ```text
//!   INVITE ─┐            ┌─▶ name ─┐           ┌─▶ admit ─┐  ┌─▶ attend ─┐  ┌─▶ screen ─┐  ┌─▶ 100, 486
//!   INVITE ─┼─▶ parse ───┼─▶ name ─┼─▶ known? ──┼─▶ admit ─┼──┼─▶ attend ─┼──┼─▶ screen ─┼──┼─▶ 100, 486
//!   INVITE ─┘            └─▶ name ─┘           └─▶ admit ─┘  └─▶ attend ─┘  └─▶ screen ─┘  └─▶ 100, 486
//! ```

use std::net::SocketAddr;
use std::time::Instant;

use ringfence_wire::sip::Message;
use ringfence_wire::stun::is_stun;
use smallvec::SmallVec;

use super::Endpoint;
use super::inbound::Inbound;
use super::new_calls::NewCall;
use super::steps::{Admitted, Attended, Named};
use crate::core::Echo;
use crate::transport::Flow;

/// How many INVITEs are taken together at most: of more a core's first cache would not hold what is read of them.
///
/// ```
/// assert_eq!(ringfence_ua::MOST_TOGETHER, 8);
/// ```
pub const MOST_TOGETHER: usize = 8;

type Together<T> = SmallVec<[T; MOST_TOGETHER]>;

/// An INVITE as it came.
#[derive(Debug)]
struct Received<'d> {
    flow: Flow,
    request: Message<'d>,
}

impl Endpoint {
    /// Takes datagrams that came together, as [`Endpoint::handle_datagram`] takes each of them, but for the order of what is not of
    /// one call: ACKs of known calls may be taken before INVITEs that came before them, and what is answered without asking
    /// the screen may leave before their 100. Nothing says in which order datagrams come.
    pub fn handle_datagrams<'d>(
        &mut self,
        now: Instant,
        datagrams: impl IntoIterator<Item = (SocketAddr, &'d [u8])>,
    ) {
        let mut invites: Together<(SocketAddr, &[u8])> = Together::new();
        for (source, datagram) in datagrams {
            self.counters.datagrams += 1;
            if datagram.starts_with(b"INVITE ") {
                invites.push((source, datagram));
                if invites.len() == MOST_TOGETHER {
                    self.handle_invites(now, &invites);
                    invites.clear();
                }
            } else if is_stun(datagram) {
                self.handle_stun(now, source.into(), datagram);
            } else if self.absorb_ack(now, datagram) {
                self.tell_ended(now);
            } else {
                self.handle_invites(now, &invites);
                invites.clear();
                self.handle_other_message(now, source.into(), datagram);
            }
        }
        self.handle_invites(now, &invites);
    }

    fn handle_invites(&mut self, now: Instant, datagrams: &[(SocketAddr, &[u8])]) {
        match datagrams {
            [] => {}
            [(source, datagram)] => {
                self.handle_other_message(now, (*source).into(), datagram);
            }
            [_, _, ..] => {
                let mut requests: Together<Received<'_>> = Together::new();
                for &(source, datagram) in datagrams {
                    match Message::parse(datagram) {
                        Ok(request) => requests.push(Received { flow: source.into(), request }),
                        Err(error) => self.drop_malformed(error),
                    }
                }
                self.handle_requests(now, &requests);
                self.tell_ended(now);
            }
        }
    }

    /// Takes one request. Returns whether it was let in.
    pub(super) fn handle_request(&mut self, now: Instant, flow: Flow, request: &Message<'_>) -> bool {
        let Some(named) = self.name(flow, request) else {
            return self.handle_request_without_via(now, flow, request);
        };
        // Both are looked up where it matters: there is nothing to wait for them with.
        let (is_known, has_come) = (true, false);
        let Some(admitted) = self.admit(now, &named, is_known) else { return false };
        let mut echoes = self.take_echoes(1);
        match echoes.first_mut().and_then(|echo| self.attend(now, &admitted, has_come, echo)) {
            Some(Attended::Call(call)) => self.handle_new_calls(now, std::slice::from_ref(&call)),
            Some(Attended::Copy { inbound, has_transaction }) => {
                self.answer_copy(now, &inbound, has_transaction);
            }
            None => {}
        }
        self.put_echoes(echoes);
        true
    }

    /// Takes INVITEs that came together: another request behind one of them would be attended to before that is decided.
    fn handle_requests(&mut self, now: Instant, requests: &[Received<'_>]) {
        let mut rest = requests;
        while !rest.is_empty() {
            let mut named: Together<Named<'_>> = Together::new();
            let mut taken = 0;
            for Received { flow, request } in rest {
                match self.name(*flow, request) {
                    // It is looked at when the one before it of the same transaction has been attended to.
                    Some(request) if named.iter().any(|named| named.key == request.key) => break,
                    Some(request) => named.push(request),
                    // Those before it have their share first.
                    None if !named.is_empty() => break,
                    None => {
                        self.handle_request_without_via(now, *flow, request);
                    }
                }
                taken += 1;
            }
            self.handle_named(now, &named);
            rest = &rest[taken..];
        }
    }

    /// Takes INVITEs of different transactions.
    fn handle_named(&mut self, now: Instant, named: &[Named<'_>]) {
        // Each look is for a line of memory that is in no cache: one right behind the other, the core waits for all at once.
        let known: Together<bool> = named.iter().map(|named| self.knows(named)).collect();
        let mut admitted: Together<Admitted<'_>> = Together::new();
        for (named, is_known) in named.iter().zip(known) {
            if let Some(request) = self.admit(now, named, is_known) {
                admitted.push(request);
            }
        }
        let have_come: Together<bool> = admitted.iter().map(|admitted| self.has_come(admitted)).collect();
        let mut echoes = self.take_echoes(admitted.len());
        let mut calls: Together<NewCall<'_>> = Together::new();
        let mut copies: Together<(Inbound<'_>, bool)> = Together::new();
        for ((admitted, has_come), echo) in admitted.iter().zip(have_come).zip(&mut echoes) {
            match self.attend(now, admitted, has_come, echo) {
                Some(Attended::Call(call)) => calls.push(call),
                Some(Attended::Copy { inbound, has_transaction }) => copies.push((inbound, has_transaction)),
                None => {}
            }
        }
        if !calls.is_empty() {
            self.handle_new_calls(now, &calls);
        }
        for (copy, has_transaction) in &copies {
            self.answer_copy(now, copy, *has_transaction);
        }
        drop((calls, copies));
        self.put_echoes(echoes);
    }

    /// Takes out so many echoes, to be written anew.
    fn take_echoes(&mut self, count: usize) -> Vec<Echo> {
        let mut echoes = std::mem::take(&mut self.echoes);
        if echoes.len() < count {
            echoes.resize_with(count, Echo::default);
        }
        echoes
    }

    fn put_echoes(&mut self, mut echoes: Vec<Echo>) {
        echoes.iter_mut().for_each(Echo::release);
        self.echoes = echoes;
    }
}
