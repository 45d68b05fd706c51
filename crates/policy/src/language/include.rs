//! Reading a policy file and the files it includes.
//!
//! Included blocks come before a file's own. A file that is included twice is read once; one that
//! includes itself, on whatever way, is an error.

use std::collections::HashMap;
use std::net::Ipv6Addr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Report, Span};
use super::document::Document;
use super::file::File;
use super::read::{At, Read, Reader, brief};

/// A policy file is no longer, in bytes: ten thousand rules with their tests are a quarter of it.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;

/// How many files a policy has at most, and how deep they include one another.
pub(super) const MOST: usize = 256;
const DEEPEST: usize = 8;

/// Returns a file by its name as it is written, and by the name of the file that says so.
pub(super) type Open<'o> = dyn FnMut(&str, &str) -> Result<File, String> + 'o;

/// Reads a file and what it includes. The documents are in the order in which their blocks come.
pub(super) struct Included<'o> {
    pub(super) files: Vec<File>,
    pub(super) documents: Vec<Document>,
    pub(super) report: Report,
    /// The names of a program's accounts: what it calls its lines.
    pub(super) accounts: Vec<String>,
    /// Their addresses-of-record, by those names.
    pub(super) addresses: HashMap<String, String>,
    /// Whether a file could not be read at all, so that nobody can tell what is not there.
    pub(super) is_partial: bool,
    open: &'o mut Open<'o>,
    foreign: &'o [&'o str],
    /// The files that are being read, from the first to the innermost, by their places.
    within: Vec<u16>,
}

impl<'o> Included<'o> {
    pub(super) fn read(main: File, open: &'o mut Open<'o>, foreign: &'o [&'o str]) -> Self {
        let mut included = Self {
            files: Vec::new(),
            documents: Vec::new(),
            report: Report::default(),
            accounts: Vec::new(),
            addresses: HashMap::new(),
            is_partial: false,
            open,
            foreign,
            within: Vec::new(),
        };
        included.file(main);
        included
    }

    fn file(&mut self, file: File) {
        let Ok(index) = u16::try_from(self.files.len()) else { return };
        let table = table(index, &file, &mut self.report);
        if let Some(table) = &table {
            self.take_foreign(index, table);
        }
        let document = table.and_then(|table| document(index, table, &mut self.report, self.foreign));
        self.files.push(file);
        let Some(document) = document else {
            self.is_partial = true;
            return;
        };
        debug_assert!(document.version.is_none_or(|version| version.value.0 == 1), "there is no other");
        self.within.push(index);
        for name in document.include.iter().flat_map(|names| names.iter()) {
            self.include(index, name);
        }
        self.within.pop();
        self.documents.push(document);
    }

    /// Takes what belongs to the program: from the main file alone, where the program looks for it.
    fn take_foreign(&mut self, index: u16, table: &Table<'_>) {
        if index == 0 && self.foreign.contains(&ACCOUNTS) {
            for (name, address) in accounts_in(table) {
                self.addresses.extend(address.map(|address| (name.clone(), address)));
                self.accounts.push(name);
            }
        }
        if index == 0 {
            return;
        }
        for key in table.get_ref().keys().filter(|key| self.foreign.contains(&&**key.get_ref())) {
            let message = format!("[{}] counts for nothing in a file that is included", key.get_ref());
            let hint = "move it to the configuration file, which includes this one";
            self.report.warning(Span::new(index, &key.span()), message, hint);
        }
    }

    fn include(&mut self, of: u16, written: &At<String>) {
        let shown = brief(written);
        if self.files.len() >= MOST || self.within.len() > DEEPEST {
            let message = format!(
                "expected at most {MOST} files that include one another {DEEPEST} deep, found more with \"{shown}\""
            );
            return self.report.error(written.span, message, "put the blocks of several files into one");
        }
        let including = self.files[usize::from(of)].name().to_owned();
        let file = match (self.open)(written, &including) {
            Ok(file) => file,
            Err(reason) => {
                let message = format!("cannot read the included file \"{shown}\": {reason}");
                let hint = "a relative name is looked for beside the file that includes it";
                self.is_partial = true;
                return self.report.error(written.span, message, hint);
            }
        };
        let within = || self.within.iter().filter_map(|index| self.files.get(usize::from(*index)));
        if let Some(itself) = within().find(|outer| outer.identity() == file.identity()) {
            let way: Vec<&str> = within().map(File::name).collect();
            let message = format!("{} includes itself: {} → {}", itself.name(), way.join(" → "), file.name());
            return self.report.error(written.span, message, "leave one of these includes out");
        }
        if !self.files.iter().any(|known| known.identity() == file.identity()) {
            self.file(file);
        }
    }
}

/// Reads one file. One that is no TOML says nothing else: what it seems to say would raise errors
/// that are none.
pub(super) fn parse(index: u16, file: &File, report: &mut Report, foreign: &[&str]) -> Option<Document> {
    document(index, table(index, file, report)?, report, foreign)
}

/// The table that a program keeps its accounts in.
const ACCOUNTS: &str = "account";

/// Returns the names of a program's accounts in the order of the file, and the address-of-record of each that says one.
fn accounts_in(table: &Table<'_>) -> Vec<(String, Option<String>)> {
    let Some(DeValue::Table(accounts)) = table.get_ref().get(ACCOUNTS).map(Spanned::get_ref) else {
        return Vec::new();
    };
    let mut accounts: Vec<_> = accounts.iter().collect();
    accounts.sort_by_key(|(name, _)| name.span().start);
    accounts.into_iter().map(|(name, account)| (name.get_ref().to_string(), address_of(account))).collect()
}

/// Returns the address-of-record that an account says.
fn address_of(account: &Spanned<DeValue<'_>>) -> Option<String> {
    let DeValue::Table(account) = account.get_ref() else { return None };
    let text = |key: &str| match account.get(key).map(Spanned::get_ref) {
        Some(DeValue::String(text)) => Some(text.trim().to_owned()),
        Some(_) | None => None,
    };
    let (user, domain) = (text("user")?, text("domain")?);
    let is_bare = domain.parse::<Ipv6Addr>().is_ok();
    Some(if is_bare { format!("sip:{user}@[{domain}]") } else { format!("sip:{user}@{domain}") })
}

/// All of a file, with where it stands.
type Table<'t> = Spanned<DeTable<'t>>;

fn table<'f>(index: u16, file: &'f File, report: &mut Report) -> Option<Table<'f>> {
    let text = file.text();
    if let (Some(spoilt), Some(wrong)) = (file.spoilt(), Diagnostic::not_utf8(file)) {
        report.error(Span::new(index, &spoilt), wrong.message, wrong.hint.unwrap_or_default());
        return None;
    }
    if text.len() > LONGEST {
        let message = format!("expected a policy of at most {LONGEST} bytes, found {}", text.len());
        let hint = "keep long lists in files of their own: files = [\"numbers.txt\"]";
        report.error(Span::new(index, &(0..0)), message, hint);
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let end = text.len();
        let span = Span::new(index, &error.span().unwrap_or(end..end));
        report.error(span, format!("not TOML: {}", error.message()), "https://toml.io explains the format");
    }
    errors.is_empty().then_some(table)
}

fn document(index: u16, table: Table<'_>, report: &mut Report, foreign: &[&str]) -> Option<Document> {
    let span = table.span();
    let document = Spanned::new(span, DeValue::Table(table.into_inner()));
    Document::read(&document, &mut Reader::new(index, report, foreign))
}
