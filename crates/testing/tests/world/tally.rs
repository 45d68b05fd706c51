//! How often happened what is rare: where it never does, what holds whatever happens says little.

#![allow(dead_code, reason = "each test that shares it uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ringfence_testing::{Fate, Packet};
use ringfence_wire::sip::{Message, Method};

/// What has happened, and how often.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(BTreeMap<&'static str, usize>);

pub(crate) const LOST_ACK: &str = "an ACK was lost on its way";
pub(crate) const CROSSED: &str = "a CANCEL crossed a final response";

impl Tally {
    pub(crate) fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// Notes what can be seen in what was sent.
    pub(crate) fn look_through(&mut self, packets: &[Packet]) {
        let (mut answered, mut cancelled) = (BTreeMap::new(), BTreeSet::new());
        let is_of_interest = |packet: &&Packet| {
            [&b"ACK "[..], b"CANCEL ", b"SIP/2.0 "].iter().any(|start| packet.payload.starts_with(start))
        };
        for packet in packets.iter().filter(is_of_interest) {
            let Ok(message) = Message::parse(&packet.payload) else { continue };
            let (Ok(call_id), Ok(cseq)) = (message.call_id(), message.cseq()) else { continue };
            let is_final = message.status().is_some_and(|status| status.as_u16() >= 200);
            match message.method() {
                None if is_final && cseq.method == Method::Invite => {
                    answered.entry(call_id.to_vec()).or_insert(packet.sent_at);
                }
                Some(Method::Ack) if packet.fate == Fate::Lost => self.note(LOST_ACK),
                // Whoever has a final response sends no first CANCEL.
                Some(Method::Cancel)
                    if cancelled.insert(call_id.to_vec())
                        && answered.get(call_id).is_some_and(|at: &Instant| *at <= packet.sent_at) =>
                {
                    self.note(CROSSED);
                }
                _ => {}
            }
        }
    }

    /// Asserts that each of some has happened.
    pub(crate) fn assert_all(&self, wanted: &[&str]) {
        let never: Vec<_> = wanted.iter().filter(|what| !self.0.contains_key(*what)).collect();
        assert!(never.is_empty(), "never: {never:?}; else: {:#?}", self.0);
    }
}
