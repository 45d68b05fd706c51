//! A text for people, that grows line by line.

use std::fmt::Display;

use crate::style::{STRONG, paint, width};

/// Lines of text, each with its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, line: impl Display) {
        self.add(line);
        self.0.push('\n');
    }

    /// Adds lines that have their ends.
    pub(crate) fn add(&mut self, text: impl Display) {
        self.0.push_str(&text.to_string());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Display for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sets rows under their headings, if there are any; the last column is not padded.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> Page {
    let heading = |text: &&str| if text.is_empty() { String::new() } else { paint(STRONG, text) };
    let headings: Vec<String> = headings.iter().map(heading).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in rows.iter().chain([&headings]) {
        widths.resize(widths.len().max(row.len()), 0);
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    let mut page = Page::new();
    for row in Some(&headings).filter(|headings| !headings.is_empty()).into_iter().chain(rows) {
        let cells =
            row.iter().zip(&widths).map(|(cell, most)| format!("{cell}{:1$}", "", most + 2 - width(cell)));
        page.line(cells.collect::<String>().trim_end());
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_takes_two_columns_counts_as_two() {
        let rows = [vec!["山田😀".to_owned(), "x".to_owned()], vec!["Zoe\u{308}".to_owned(), "y".to_owned()]];
        let table = table(&["NAME", ""], &rows).to_string();
        let plain = anstream::adapter::strip_str(&table).to_string();
        assert_eq!(plain, "NAME\n山田😀  x\nZoe\u{308}     y\n");
    }

    #[test]
    fn a_table_is_aligned_and_its_lines_end_with_text() {
        let rows = [vec!["home".to_owned(), "sip:858@pbx".to_owned()], vec!["a".to_owned(), String::new()]];
        let table = table(&["LINE", "ADDRESS"], &rows).to_string();
        let plain = anstream::adapter::strip_str(&table).to_string();
        assert_eq!(plain, "LINE  ADDRESS\nhome  sip:858@pbx\na\n");
    }
}
