//! Where the fields of a message are that have a name.

use std::ops::Range;

use super::name::HeaderName;

/// Where the fields of a message are that have a name: what is asked for again and again need not be looked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::sip) struct Names {
    /// The place of the first field of each name, or [`NOWHERE`].
    first: [u8; HeaderName::Other as usize + 1],
    /// A bit for each name that more than one field has, or that stands too far behind for its place to be told.
    repeated: u128,
}

/// In the place of the first field of a name that none has.
const NOWHERE: u8 = u8::MAX;

const _: () = assert!((HeaderName::Other as u32) < u128::BITS, "each name has a bit");

impl Default for Names {
    fn default() -> Self {
        Self { first: [NOWHERE; HeaderName::Other as usize + 1], repeated: 0 }
    }
}

impl Names {
    /// Notes that the field at a place has a name.
    pub(in crate::sip) fn add(&mut self, name: HeaderName, place: usize) {
        let first = &mut self.first[name as usize];
        match u8::try_from(place) {
            Ok(place) if *first == NOWHERE && place != NOWHERE => *first = place,
            Ok(_) | Err(_) => {
                *first = (*first).min(NOWHERE - 1);
                self.repeated |= 1 << name as u8;
            }
        }
    }

    pub(in crate::sip) fn has(&self, name: HeaderName) -> bool {
        self.first[name as usize] != NOWHERE
    }

    /// Returns among how many fields, and from which place on, those of a name are: of one that is not repeated there is
    /// that one.
    pub(in crate::sip) fn places(&self, name: HeaderName, fields: usize) -> Range<usize> {
        let first = self.first[name as usize];
        let begin = usize::from(first);
        if first == NOWHERE {
            0..0
        } else if self.repeated & (1 << name as u8) != 0 {
            begin..fields
        } else {
            begin..begin + 1
        }
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
        assert_eq!(names.places(HeaderName::Via, 4), 0..4);
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
