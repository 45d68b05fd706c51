//! Where the fields of a message are that have a name.

use std::ops::Range;

use super::name::HeaderName;

/// Where the fields of a message are that have a name: what is asked for again and again need not be looked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::sip) struct Names {
    /// The place of the first field of each name, or [`NOWHERE`]. One too far behind to be told has the last that can.
    first: [u8; HeaderName::Other as usize + 1],
    /// The place of the last field of each name, or [`FAR`].
    last: [u8; HeaderName::Other as usize + 1],
}

/// In the place of the first field of a name that none has.
const NOWHERE: u8 = u8::MAX;
/// In the place of the last field of a name that is too far behind to be told.
const FAR: u8 = u8::MAX;

impl Default for Names {
    fn default() -> Self {
        Self { first: [NOWHERE; HeaderName::Other as usize + 1], last: [0; HeaderName::Other as usize + 1] }
    }
}

impl Names {
    /// Notes that the field at a place, behind all that were noted, has a name.
    pub(in crate::sip) fn add(&mut self, name: HeaderName, place: usize) {
        let place = u8::try_from(place).unwrap_or(FAR);
        let first = &mut self.first[name as usize];
        *first = (*first).min(place.min(NOWHERE - 1));
        self.last[name as usize] = place;
    }

    pub(in crate::sip) fn has(&self, name: HeaderName) -> bool {
        self.first[name as usize] != NOWHERE
    }

    /// Returns among how many fields, and from which place on, those of a name are: of one that is not repeated there is
    /// that one.
    pub(in crate::sip) fn places(&self, name: HeaderName, fields: usize) -> Range<usize> {
        let (first, last) = (self.first[name as usize], self.last[name as usize]);
        let end = if last == FAR { fields } else { usize::from(last) + 1 };
        usize::from(first).min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_name_are_among_those_at_its_places() {
        let mut names = Names::default();
        for (place, name) in
            [HeaderName::Via, HeaderName::From, HeaderName::Via, HeaderName::To].iter().enumerate()
        {
            names.add(*name, place);
        }
        assert_eq!(names.places(HeaderName::Via, 4), 0..3);
        assert_eq!(names.places(HeaderName::From, 4), 1..2);
        assert_eq!(names.places(HeaderName::To, 4), 3..4);
        assert!(names.places(HeaderName::CSeq, 4).is_empty() && !names.has(HeaderName::CSeq));
        for place in 4..300 {
            names.add(HeaderName::Other, place);
        }
        names.add(HeaderName::CSeq, 300);
        assert_eq!(names.places(HeaderName::Other, 301), 4..301);
        assert!(names.places(HeaderName::CSeq, 301).contains(&300) && names.has(HeaderName::CSeq));
    }
}
