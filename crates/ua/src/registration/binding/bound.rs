//! What the registrar has of us, or may have where the answer to a REGISTER was lost.
//!
//! A registrar does all that a REGISTER asks for, or nothing (RFC 3261 section 10.3). So after a lost answer it has the Contact
//! that was new, or those that it had before: each is taken back by the next one, until one is granted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Binding;
use crate::registration::crowd::Contacts;
use crate::transport::ContactAddress;

/// Contacts that are remembered besides the first: those of as many lost answers in a row, each to another Contact.
const MOST_OTHERS: usize = 2;

#[derive(Debug)]
pub(super) struct Bound {
    /// Those of the lines of one registrar are the same.
    contacts: Arc<Contacts>,
    until: Instant,
}

impl Binding {
    /// Notes that the registrar has a binding of ours, and no other.
    pub(super) fn note_bound(&mut self, contact: ContactAddress, until: Instant) {
        self.bound = Some(Bound { contacts: self.crowd.share_contact(contact), until });
    }

    /// Notes that the registrar may have a binding of ours: the REGISTER may have arrived, and only its answer been
    /// lost.
    pub(super) fn may_be_bound(&mut self, now: Instant, contact: ContactAddress) {
        let until = now + Duration::from_secs(self.expires.into());
        let Some(bound) = &mut self.bound else { return self.note_bound(contact, until) };
        bound.until = until;
        // By instance and flow there is one binding, whichever Contact it has.
        let Contacts { first, others } = &*bound.contacts;
        if self.is_by_instance || *first == contact || others.contains(&contact) {
            return;
        }
        let others = &mut Arc::make_mut(&mut bound.contacts).others;
        if others.len() >= MOST_OTHERS {
            others.remove(0);
        }
        others.push(contact);
    }

    /// Returns whether the registrar may still have a binding of ours.
    pub(crate) fn may_be_bound_at(&self, now: Instant) -> bool {
        self.bound.as_ref().is_some_and(|bound| now < bound.until)
    }

    /// Returns the Contact that the registrar has from us, or may have.
    pub(super) fn bound_contact(&self) -> Option<ContactAddress> {
        self.bound.as_ref().map(|bound| bound.contacts.first)
    }

    /// Returns the Contacts that the registrar may have from us besides this one, and that have to be taken back.
    pub(super) fn old_contacts(&self, new: ContactAddress) -> impl Iterator<Item = ContactAddress> {
        // By instance and flow the new one replaces them.
        let bound = self.bound.as_ref().filter(|_| !self.is_by_instance);
        let contacts = bound.into_iter().flat_map(|Bound { contacts, .. }| {
            std::iter::once(&contacts.first).chain(&contacts.others).copied()
        });
        contacts.filter(move |old| *old != new)
    }
}
