//! Texts one behind the other in one piece of memory, each found by its number.
//!
//! A text of its own is a piece of memory that is asked for, and fetched again when it is long cold, only to be let go of.

/// Texts, some of which may not be there.
#[derive(Debug, Clone)]
pub(crate) struct Texts<const COUNT: usize> {
    all: String,
    /// Where each begins and ends.
    places: [(u32, u32); COUNT],
}

/// Where a text is that is not there: beyond every other.
const NOWHERE: (u32, u32) = (u32::MAX, u32::MAX);

impl<const COUNT: usize> Texts<COUNT> {
    /// Makes room for so many bytes. More make more room.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self { all: String::with_capacity(bytes), places: [NOWHERE; COUNT] }
    }

    /// Copies texts.
    pub(crate) fn of(texts: [Option<&str>; COUNT]) -> Self {
        let mut all = String::with_capacity(texts.iter().flatten().map(|text| text.len()).sum());
        all.extend(texts.into_iter().flatten());
        let mut end = 0;
        let places = texts.map(|text| {
            let Some(text) = text else { return NOWHERE };
            let begin = end;
            end += text.len();
            (place(begin), place(end))
        });
        Self { all, places }
    }

    /// Puts the text of a number behind all others, if there is one.
    pub(crate) fn put(&mut self, number: usize, text: Option<&str>) {
        if let Some(text) = text {
            self.write(number, |all| all.push_str(text));
        }
    }

    /// Has the text of a number written behind all others.
    pub(crate) fn write(&mut self, number: usize, write: impl FnOnce(&mut String)) {
        let begin = self.all.len();
        write(&mut self.all);
        self.places[number] = (place(begin), place(self.all.len()));
    }

    /// Returns the text of a number.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let (begin, end) = self.places[number];
        self.all.get(begin as usize..end as usize)
    }

    /// Returns the same without room for more.
    pub(crate) fn fitted(&self) -> Self {
        self.clone()
    }

    /// Returns how many bytes they hold.
    pub(crate) const fn bytes(&self) -> usize {
        self.all.capacity()
    }
}

/// What lies behind four gigabytes is not found again, and nothing that long is told of a call.
fn place(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_as_they_went_in_also_those_that_are_empty_or_not_there() {
        let given = [Some("+41"), Some(""), None, Some("Jörg"), None, Some("")];
        let texts = Texts::of(given);
        assert_eq!(std::array::from_fn(|number| texts.get(number)), given);
        assert_eq!(texts.bytes(), "+41Jörg".len());
    }

    #[test]
    fn texts_are_written_in_any_order_and_fit_in_the_end() {
        let mut texts = Texts::<3>::with_room(100);
        texts.write(2, |all| all.extend(["a", "b"]));
        texts.put(0, Some("c"));
        texts.put(1, None);
        let fitted = texts.fitted();
        assert_eq!([0, 1, 2].map(|number| fitted.get(number)), [Some("c"), None, Some("ab")]);
        assert_eq!((texts.bytes(), fitted.bytes()), (100, 3));
    }
}
