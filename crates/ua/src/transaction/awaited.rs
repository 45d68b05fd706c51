//! The ACKs that are awaited, by their topmost Via as it will be written.
//!
//! Nearly every ACK that comes has the very octets that its INVITE had there: it is known by comparing them, where to read
//! and to hash them takes ten times as long. Whatever is not found here is read as if there were no such table.

use super::key::Key;

/// The topmost Vias of the newest INVITEs that were let in, and which transactions they name.
#[derive(Debug)]
pub(crate) struct Awaited {
    places: Box<[Place]>,
}

/// One Via. It takes the place of what was there before.
#[derive(Debug, Clone, Copy)]
struct Place {
    key: Key,
    length: u8,
    via: [u8; LONGEST],
}

/// As many calls as are under way at once where thousands come a second and are rejected; of more, some are read.
const PLACES: usize = 256;
/// Vias as they come from a PBX are shorter.
const LONGEST: usize = 128;
/// Odd, and with its bits well mixed: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Default for Awaited {
    fn default() -> Self {
        Self { places: vec![Place { key: Key(0), length: 0, via: [0; LONGEST] }; PLACES].into_boxed_slice() }
    }
}

impl Awaited {
    /// Takes the topmost Via of an INVITE, whose branch is unique across space and time, and the transaction that it names.
    pub(crate) fn note(&mut self, via: &[u8], key: Key) {
        let place = &mut self.places[place(via)];
        if let (Some(room), Ok(length)) = (place.via.get_mut(..via.len()), u8::try_from(via.len())) {
            room.copy_from_slice(via);
            (place.key, place.length) = (key, length);
        }
    }

    /// Finds the transaction that a topmost Via names.
    pub(crate) fn find(&self, via: &[u8]) -> Option<Key> {
        let place = &self.places[place(via)];
        (place.via[..place.length.into()] == *via && !via.is_empty()).then_some(place.key)
    }
}

/// Returns where a Via is. Whoever has many at one place has them read, and no more.
fn place(via: &[u8]) -> usize {
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(SPREAD).rotate_left(23);
    let (words, rest) = via.as_chunks::<8>();
    let sum = words.iter().fold(0, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    let sum = rest.iter().fold(sum, |sum, byte| sum ^ u64::from(*byte)).wrapping_mul(SPREAD);
    (sum >> 56) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(number: usize) -> Vec<u8> {
        format!("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{number:08};rport").into_bytes()
    }

    #[test]
    fn a_via_that_was_noted_is_found_and_no_other() {
        let mut awaited = Awaited::default();
        assert!([&b""[..], b"\0", &via(7)].iter().all(|via| awaited.find(via).is_none()));
        awaited.note(&via(7), Key(7));
        assert_eq!((awaited.find(&via(7)), awaited.find(&via(8))), (Some(Key(7)), None));
        let (longer, shorter) = ([via(7), b";x".to_vec()].concat(), via(7)[1..].to_vec());
        assert_eq!((awaited.find(&longer), awaited.find(&shorter)), (None, None));
    }

    #[test]
    fn of_as_many_as_there_are_places_for_most_are_found_whatever_tells_them_apart() {
        let mut awaited = Awaited::default();
        let noted = |awaited: &mut Awaited, number: usize| awaited.note(&via(number), Key(number as u128));
        (0..10_000).for_each(|number| noted(&mut awaited, number));
        let found = (10_000 - PLACES..10_000).filter(|number| awaited.find(&via(*number)).is_some());
        assert!(found.count() > PLACES / 2);
    }

    #[test]
    fn one_that_is_too_long_leaves_what_was_there() {
        let mut awaited = Awaited::default();
        for length in LONGEST - 1..300 {
            let via = vec![b'x'; length];
            awaited.note(&via, Key(length as u128));
            let expected = (length <= LONGEST).then_some(Key(length as u128));
            assert_eq!(awaited.find(&via), expected, "{length}");
        }
        let longest = [LONGEST - 1, LONGEST].map(|length| awaited.find(&vec![b'x'; length]).is_some());
        assert!(longest.contains(&true));
    }
}
