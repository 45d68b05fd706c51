//! Takes rows over from another list.

use super::error::{INLINE, Line, Problem};
use super::{List, ListBuilder};

impl ListBuilder {
    /// Adds again what a list has of those files that are meant, `None` being inline, and returns how many entries
    /// that were: of a file that cannot be read any more.
    ///
    /// ```
    /// use ringfence_policy::{List, Region};
    ///
    /// let switzerland = Region::parse("CH")?;
    /// let mut before = List::builder("reject");
    /// before.inline("anonymous", switzerland);
    /// before.text("spam.txt", "0800* # sells wine\n", switzerland);
    /// let (before, _) = before.build();
    ///
    /// let mut builder = List::builder("reject");
    /// assert_eq!(builder.again(&before, |file| file == Some("spam.txt")), 1);
    /// let (list, _) = builder.build();
    /// let entry = list.entries().next().expect("one entry");
    /// assert_eq!((entry.to_string(), entry.note()), ("0800*".to_owned(), Some("sells wine")));
    /// assert_eq!(entry.origin().to_string(), "spam.txt:1");
    /// # Ok::<(), ringfence_policy::UnknownRegion>(())
    /// ```
    pub fn again(&mut self, list: &List, is_meant: impl Fn(Option<&str>) -> bool) -> usize {
        let files =
            list.files.iter().map(|file| is_meant(Some(file)).then(|| self.file_index(file)).flatten());
        let files: Vec<Option<u16>> = files.collect();
        let inline = is_meant(None).then_some(INLINE);
        let index = |file: u16| files.get(usize::from(file)).map_or(inline, |index| *index);
        let mut count: usize = 0;
        for entry in list.entries() {
            let Some(file) = index(entry.place.file) else { continue };
            let (number, is_record) = (entry.place.line, entry.place.is_record);
            let line = Line { file, number, column: 1, is_record };
            match self.place(entry.written(), entry.note().unwrap_or_default(), line) {
                Some(place) => self.add(entry.pattern(), place, line, list.terms.of(entry.place.text)),
                None => self.report_at(line, Problem::Full),
            }
            count += 1;
        }
        for (file, set) in &list.sets {
            if let Some(file) = index(*file) {
                self.sets.push((file, set.clone()));
                count = count.saturating_add(set.len());
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::caller::Caller;
    use crate::number::Region;
    use crate::{Record, normalise};

    #[test]
    fn a_list_that_is_taken_again_is_the_same_list() {
        let region = Region::parse("CH").unwrap();
        let mut builder = List::builder("reject");
        builder.inline_entry("079 123 45 67", Some("Anna"), Some(Timestamp::MAX), region);
        builder.text(
            "a.txt",
            "0800*\nanonymous # nobody\n/^07/\n044 123 00 00..044 123 00 99\nWine shop\n",
            region,
        );
        let file = builder.file("b.csv");
        builder.record(file, Record { weight: 7, ..Record::new(2, "+41791234568") }, region);
        let (before, _) = builder.build();
        let mut builder = List::builder("reject");
        assert_eq!(builder.again(&before, |_| true), before.len());
        let (after, errors) = builder.build();
        assert!(errors.is_empty());
        let told = |list: &List| {
            let told = |entry: crate::Entry<'_>| {
                format!(
                    "{entry} {:?} {:?} {} {}",
                    entry.note(),
                    entry.until(),
                    entry.weight(),
                    entry.origin()
                )
            };
            list.entries().map(told).collect::<Vec<_>>()
        };
        assert_eq!(told(&after), told(&before));
        let number = normalise("044 123 00 07", region).unwrap();
        assert!(after.find_number(number, Timestamp::UNIX_EPOCH).is_some());
        let caller = Caller::from_header("anonymous", "anonymous.invalid");
        assert_eq!(
            after.find(&caller.identify(region), Timestamp::UNIX_EPOCH).is_some(),
            before.find(&caller.identify(region), Timestamp::UNIX_EPOCH).is_some()
        );
    }
}
