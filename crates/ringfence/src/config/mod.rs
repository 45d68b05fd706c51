//! The configuration: found, read and checked as a whole. What is wrong is collected in a
//! [`Report`], each thing with its file, line, column and a hint; only without an error there is a
//! [`Config`].

mod account;
mod diagnostic;
pub(crate) mod edit;
pub(crate) mod findings;
mod lists;
mod location;
mod near;
pub(crate) mod regular;
mod screen;
mod secret;
mod section;
mod softphone;
mod source;
mod stamp;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringfence_policy::{Condition, Policy, PolicyError, PolicyParts, Region, Rule, Treatment};
use toml::de::DeTable;

pub(crate) use self::account::{Account, Identity};
pub(crate) use self::diagnostic::{Diagnostic, Report};
pub(crate) use self::lists::{Lists, Loaded, Which};
pub(crate) use self::location::{FILE_NAME, find};
use self::screen::Screen;
use self::section::{Key, Section};
pub(crate) use self::softphone::Softphone;
use self::source::Source;
pub(crate) use self::stamp::Stamped;

/// A configuration without errors.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) path: PathBuf,
    /// The file itself and its lists, as they were read.
    pub(crate) files: Vec<Stamped>,
    pub(crate) softphone: Softphone,
    pub(crate) accounts: Vec<Account>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) lists: Lists,
}

/// All that one reading found out.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The configuration file.
    pub(crate) path: PathBuf,
    /// Errors and warnings.
    pub(crate) report: Report,
    /// The configuration, if there is no error.
    pub(crate) config: Option<Config>,
    /// The lists, even if other parts have errors.
    pub(crate) lists: Option<Lists>,
    /// The control socket that is named, even if other parts have errors.
    pub(crate) control: Option<PathBuf>,
    /// Whether there was a file to be read, be it right or wrong.
    pub(crate) was_read: bool,
}

/// A configuration is no longer, in bytes: a thousand lines are a tenth of it.
const MOST: u64 = 1024 * 1024;

const VERSION: Key = Key::new("version", "1, the version of this format", "1");
const SOFTPHONE: Key = Key::new("softphone", "the table [softphone]", "{ listen = \"0.0.0.0:5060\" }");
const DEFAULTS: Key = Key::new("defaults", "the table [defaults]", "{ region = \"CH\" }");
const REGION: Key = Key::new("region", "the region whose way of writing numbers is meant", "\"CH\"");
const ACCOUNT: Key = Key::new("account", "a table [account.NAME] for each line", "…");
const SCREEN: Key = Key::new("screen", "the table [screen]", "{ otherwise = \"ring\" }");

/// Reads a configuration file and the lists it names.
pub(crate) fn read(path: &Path) -> Reading {
    let stamped = Stamped::now(path);
    match regular::read(path, MOST).map(String::from_utf8) {
        Ok(Ok(text)) => read_stamped(&stamped, text),
        Ok(Err(error)) => {
            let valid =
                String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
            let source = Source::new(path, valid);
            let end = source.text().len();
            let wrong =
                Diagnostic::error("expected UTF-8 text, found other bytes").at(source.place(end..end));
            Reading::of(path, wrong.hint("iconv -f latin1 -t utf-8 converts an old file"))
        }
        Err(error) => {
            let mut wrong = Diagnostic::error(format!("cannot read {}: {error}", path.display()));
            wrong.hint = error.hint().map(str::to_owned);
            Reading { was_read: false, ..Reading::of(path, wrong) }
        }
    }
}

/// Reads a configuration from its text; `path` names it, and its lists are beside it.
pub(crate) fn read_text(path: &Path, text: impl Into<String>) -> Reading {
    read_stamped(&Stamped::now(path), text)
}

fn read_stamped(stamped: &Stamped, text: impl Into<String>) -> Reading {
    let path = stamped.path.as_path();
    let source = Source::new(path, text);
    let (document, errors) = DeTable::parse_recoverable(source.text());
    let report = RefCell::new(Report::default());
    for error in &errors {
        let end = source.text().len();
        let place = source.place(error.span().unwrap_or(end..end));
        let wrong = Diagnostic::error(format!("not TOML: {}", error.message())).at(place);
        report.borrow_mut().push(wrong.hint("https://toml.io explains the format"));
    }
    if !errors.is_empty() {
        // What a broken document seems to say would only raise errors that are none.
        let mut report = report.into_inner();
        report.sort();
        return Reading { report, ..Reading::empty(path) };
    }
    let document = Section::document(&source, &report, &document);
    document.integer(&VERSION, 1..=1);
    let softphone = document.table(&SOFTPHONE).map(|section| Softphone::read(&section)).unwrap_or_default();
    let region = region(&document);
    let accounts = accounts(&document);
    let lists = Lists::read(&document, region);
    let screen = document.table(&SCREEN).map(|section| Screen::read(&section)).unwrap_or_default();
    document.finish();
    let policy = lists.as_ref().and_then(|lists| policy(&report, lists, screen));

    let mut report = report.into_inner();
    report.sort();
    let control = softphone.control.clone();
    let config = match (policy, &lists) {
        (Some(policy), Some(lists)) if report.errors() == 0 => {
            let listed = Which::BOTH.into_iter().flat_map(|which| lists.of(which).stamped.clone());
            let files = std::iter::once(stamped.clone()).chain(listed).collect();
            Some(Config { path: path.to_owned(), files, softphone, accounts, policy, lists: lists.clone() })
        }
        _ => None,
    };
    Reading { path: path.to_owned(), report, config, lists, control, was_read: true }
}

impl Reading {
    fn empty(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            report: Report::default(),
            config: None,
            lists: None,
            control: None,
            was_read: true,
        }
    }

    fn of(path: &Path, error: Diagnostic) -> Self {
        let mut reading = Self::empty(path);
        reading.report.push(error);
        reading
    }
}

fn region(document: &Section<'_>) -> Option<Region> {
    let Some(section) = document.table(&DEFAULTS) else {
        let hint =
            "[defaults]\n      region = \"CH\"    # or \"US\", \"DE\", …: how national numbers are read";
        document.error(0..0, "expected [defaults] with the region of your numbers, found none", hint);
        return None;
    };
    let code = section.text(&REGION);
    if code.is_none() && section.lacks(&REGION) {
        section.missing(&REGION);
    }
    let region = code.and_then(|code| match Region::parse(code.value) {
        Ok(region) => Some(region),
        Err(error) => {
            section.error(code.span, error.to_string(), "the two letters of ISO 3166, such as CH, DE, US");
            None
        }
    });
    section.finish();
    region
}

fn accounts(document: &Section<'_>) -> Vec<Account> {
    let tables = document.tables(&ACCOUNT);
    if tables.is_empty() {
        let hint = "add [account.home] with user, domain and password, or write a fresh file: ringfence init";
        document.error(0..0, "expected at least one [account.NAME], found none", hint);
    }
    tables.iter().filter_map(|(name, section)| Account::read(name, section)).collect()
}

/// Makes the policy, which refuses to refuse emergency numbers.
fn policy(report: &RefCell<Report>, lists: &Lists, screen: Screen) -> Option<Arc<Policy>> {
    let [allowed, listed, otherwise] =
        [screen.allowed, Treatment::reject("listed", screen.listed), screen.otherwise].map(Arc::new);
    let mut parts = PolicyParts::new(lists.region);
    parts.lists = vec![Arc::clone(&lists.allow.list), Arc::clone(&lists.reject.list)];
    parts.welcome = Arc::clone(&allowed);
    parts.treatments.extend([&allowed, &listed, &otherwise].map(Arc::clone));
    parts.rules = vec![
        Rule::new("allowed", Condition::CallerIn(vec![0]), allowed),
        Rule::new("listed", Condition::CallerIn(vec![1]), listed),
        Rule::new("otherwise", Condition::Always, otherwise),
    ];
    match Policy::new(parts) {
        Ok(policy) => Some(Arc::new(policy)),
        Err(PolicyError::Emergency(entries)) => {
            for wrong in &entries {
                let entry = lists.reject.list.entries().find(|entry| {
                    entry.origin().line() == wrong.line() && entry.origin().file() == wrong.file()
                });
                let message = format!("{} is an emergency number and cannot be refused", wrong.written());
                let mut diagnostic = Diagnostic::error(message).hint("remove it from the list");
                diagnostic.place = entry.map(|entry| lists.reject.shown_place(entry));
                report.borrow_mut().push(diagnostic);
            }
            None
        }
        Err(error @ PolicyError::NotTotal) => {
            report.borrow_mut().push(Diagnostic::error(error.to_string()));
            None
        }
    }
}
