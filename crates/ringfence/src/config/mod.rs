//! The configuration: found, read and checked as a whole. What is wrong is collected in a
//! [`Report`], each thing with its file, line, column and a hint; only without an error there is a
//! [`Config`].

mod account;
pub(crate) mod edit;
pub(crate) mod findings;
mod journal;
mod listening;
mod lists;
mod location;
pub(crate) mod policy_file;
#[cfg(test)]
mod reference;
pub(crate) mod regular;
mod report;
mod screening;
mod secret;
mod section;
mod service;
mod softphone;
mod stamp;
mod tls;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::softphone::Transport;
use ringfence_policy::{Diagnostic, Draft, File, Policy};
use toml::de::DeTable;

pub(crate) use self::account::{Account, beside};
pub(crate) use self::lists::{ALLOW, Lists, Loaded, NEVER_BLOCK, REJECT};
pub(crate) use self::location::{FILE_NAME, canonical, find};
pub(crate) use self::report::{Report, Told};
pub(crate) use self::screening::FOREIGN;
use self::screening::Screening;
use self::section::{Key, Section};
pub(crate) use self::service::{Sandbox, Service};
pub(crate) use self::softphone::Softphone;
pub(crate) use self::stamp::Stamped;
pub(crate) use self::tls::Tls;
use crate::journal::Settings;
use crate::sources::{ListSpec, LookUpSpec};

/// A configuration without errors.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) path: PathBuf,
    /// The file itself, its lists, passwords and certificates, as they were read.
    pub(crate) files: Vec<Stamped>,
    pub(crate) softphone: Softphone,
    pub(crate) service: Service,
    pub(crate) tls: Tls,
    pub(crate) journal: Settings,
    pub(crate) accounts: Vec<Arc<Account>>,
    pub(crate) policy: Arc<Policy>,
    /// Whether it has rules of its own.
    pub(crate) has_rules: bool,
    /// What the policy was made of, which knows where each part stands.
    pub(crate) draft: Arc<Draft>,
    pub(crate) lists: Lists,
    /// The lists of which a part lies on servers, or becomes too old by itself.
    pub(crate) remote: Vec<ListSpec>,
    /// The lists that are asked for each call.
    pub(crate) look_ups: Vec<LookUpSpec>,
    /// What counts when one of them does not answer, where the policy says.
    pub(crate) unanswered: BTreeMap<Box<str>, ringfence_policy::Answer>,
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
    /// Where the journal is, if that could be read.
    pub(crate) journal: Option<Settings>,
    /// Every file that it is made of or names: lists, passwords, programs.
    pub(crate) files: Vec<PathBuf>,
    /// Whether there was a file to be read, be it right or wrong.
    pub(crate) was_read: bool,
}

/// A configuration is no longer, in bytes: a thousand lines are a tenth of it.
const MOST: u64 = 16 * 1024 * 1024;

const SOFTPHONE: Key = Key::new("softphone", "the table [softphone]", "{ listen = \"0.0.0.0:5060\" }");
const ACCOUNT: Key = Key::new("account", "a table [account.NAME] for each line", "…");
const TLS: Key = Key::new("tls", "the table [tls]", "{ trust = [\"office-ca.pem\"] }");
const SERVICE: Key = Key::new("service", "the table [service]", "{ user = \"ringfence\" }");
const JOURNAL: Key = Key::new("journal", "the table [journal]", "{ retention = \"90d\" }");

/// Reads a configuration file and the lists it names.
pub(crate) fn read(path: &Path) -> Reading {
    let stamped = Stamped::now(path);
    match regular::read(path, MOST) {
        Ok(bytes) => {
            let file = policy_file::known(path, File::from_bytes(path.to_string_lossy(), bytes));
            match Diagnostic::not_utf8(&file) {
                None => read_stamped(&stamped, &file),
                Some(wrong) => Reading::of(path, wrong),
            }
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
    let file = policy_file::known(path, File::new(path.to_string_lossy(), text));
    read_stamped(&Stamped::now(path), &file)
}

fn read_stamped(stamped: &Stamped, file: &File) -> Reading {
    let path = stamped.path.as_path();
    let (document, errors) = DeTable::parse_recoverable(file.text());
    let report = RefCell::new(Report::default());
    for error in &errors {
        let end = file.text().len();
        let place = file.place(error.span().unwrap_or(end..end));
        let wrong = Diagnostic::error(format!("not TOML: {}", error.message())).at(place);
        report.borrow_mut().push(wrong.hint("https://toml.io explains the format"));
    }
    if !errors.is_empty() {
        // What a broken document seems to say would only raise errors that are none.
        let mut report = report.into_inner();
        report.sort();
        // Where the running program is asked, and what it writes, is of use all the same.
        let unheard = RefCell::default();
        let document = Section::document(path, file, &unheard, &document);
        let softphone = document.table(&SOFTPHONE).map(|section| Softphone::read(&section));
        let control = softphone.and_then(|softphone| softphone.control);
        let journal = document.table(&JOURNAL).filter(journal::names_a_file);
        let journal = journal.map(|section| journal::read(&section));
        return Reading { report, control, journal, ..Reading::empty(path) };
    }
    // One that an editor or a full disk has emptied does not say that all is where it usually is.
    let says = ["account", "softphone", "journal", "list", "rule"];
    let is_emptied = !document.get_ref().keys().any(|key| says.contains(&&**key.get_ref()));
    let document = Section::document(path, file, &report, &document);
    let section = document.table(&SOFTPHONE);
    let softphone = section.as_ref().map(Softphone::read).unwrap_or_default();
    let service = document.table(&SERVICE).map(|section| Service::read(&section)).unwrap_or_default();
    let journal = document.table(&JOURNAL).map(|section| journal::read(&section)).unwrap_or_default();
    let tls = document.table(&TLS).map(|section| Tls::read(&section)).unwrap_or_default();
    if let Some(section) = section {
        softphone.check_tls(&section, &tls);
    }
    let (accounts, secrets) = accounts(&document, softphone.shards);
    let mut files: Vec<PathBuf> = secrets.iter().map(|file| file.path.clone()).collect();
    files.extend(tls.files.iter().map(|file| file.path.clone()));
    drop(document);
    let screening = Screening::read(stamped, file.clone(), &accounts, &mut report.borrow_mut());

    let mut report = report.into_inner();
    report.sort();
    let control = softphone.control.clone();
    files.extend(screening.files.iter().map(|file| file.path.clone()));
    files.extend(screening.named_files());
    let config = match screening.policy {
        Some(policy) if report.errors() == 0 => Some(Config {
            path: path.to_owned(),
            files: [screening.files, tls.files.clone(), secrets].concat(),
            softphone,
            service,
            tls,
            journal: journal.clone(),
            accounts: with_policy(accounts, &policy),
            policy: Arc::new(policy),
            has_rules: !screening.draft.has_standard_rules(),
            draft: Arc::new(screening.draft),
            lists: screening.lists.clone(),
            remote: screening.remote,
            look_ups: screening.look_ups,
            unanswered: screening.unanswered,
        }),
        _ => None,
    };
    let lists = screening.is_readable.then_some(screening.lists);
    let journal = (!is_emptied).then_some(journal);
    Reading { path: path.to_owned(), report, config, lists, control, journal, files, was_read: true }
}

impl Config {
    /// Returns the settings that another one changes and that take effect with a restart.
    pub(crate) fn needs_restart_for(&self, other: &Self) -> Vec<String> {
        let mut settings = self.softphone.differences(&other.softphone);
        settings.extend(self.service.differences(&other.service));
        settings.extend(journal::differences(&self.journal, &other.journal));
        settings
    }

    /// Returns its file as it was read.
    pub(crate) fn stamp(&self) -> Option<&Stamped> {
        self.files.iter().find(|file| file.path == self.path)
    }

    /// Forgets what nobody needs once it is in force: the text that it was read from and, unless lists come from servers,
    /// for which the rules are made anew, the accounts.
    pub(crate) fn forget_unneeded(&mut self) {
        self.draft = Arc::new(Draft::read(File::new("", ""), &mut |_, _| Err(String::new()), &[]).0);
        if self.remote.is_empty() {
            self.accounts = Vec::new();
        }
    }
}

impl Reading {
    fn empty(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            report: Report::default(),
            config: None,
            lists: None,
            control: None,
            journal: None,
            files: Vec::new(),
            was_read: true,
        }
    }

    fn of(path: &Path, error: Diagnostic) -> Self {
        let mut reading = Self::empty(path);
        reading.report.push(error);
        reading
    }
}

/// Reads the accounts, and the files that their passwords are in, as they were just before.
fn accounts(document: &Section<'_>, shards: u16) -> (Vec<Account>, Vec<Stamped>) {
    let (mut accounts, mut files, mut is_none) = (Vec::new(), Vec::new(), true);
    let mut names: HashMap<String, Arc<str>> = HashMap::new();
    let mut addresses = HashMap::new();
    for (name, section) in document.tables(&ACCOUNT) {
        is_none = false;
        if let Some(first) = names.insert(name.value.to_lowercase(), Arc::clone(&name.value)) {
            let (name, span) = (name.value.escape_debug(), name.span.clone());
            let message = format!(
                "expected a name that differs from others' in more than capitals, found `{name}` beside `{}`",
                first.escape_debug()
            );
            let hint = format!("rules mean both by line = \"{name}\": give one of the two another name");
            document.error(span, message, hint);
        }
        files.extend(account::password_file(&section).map(|file| Stamped::now(&file)));
        let Some(account) = Account::read(&name, &section, shards) else { continue };
        if let Some(address) = registered_as(&account)
            && let Some(first) = addresses.insert(address, Arc::clone(&name.value))
        {
            let (name, first) = (name.value.escape_debug(), first.escape_debug());
            let message = format!("`{name}` registers the address of `{first}` as well");
            let hint = "each call comes to both, or a registrar that keeps one Contact of an address refuses the second: leave \
                        one out, or let it wait for calls with register = false";
            document.warning(section.span(), message, hint);
        }
        accounts.push(account);
    }
    if is_none {
        let hint = "add [account.home] with user, domain and password, or write a fresh file: ringfence init";
        document.error(0..0, "expected at least one [account.NAME], found none", hint);
    }
    (accounts, files)
}

/// Returns what an account registers, and through which proxies; nothing where it does not. Where no port is named, it is that of
/// the transport, but for what SRV records say.
fn registered_as(account: &Account) -> Option<(String, String, u16, Vec<String>)> {
    let domain = account.domain.to_ascii_lowercase();
    let port = account.port.unwrap_or(account.transport.unwrap_or(Transport::Udp).default_port());
    account.register.then(|| (account.user.clone(), domain, port, account.outbound_proxies.clone()))
}

/// Adds to the accounts the peers that the policy's lines name by address.
fn with_policy(mut accounts: Vec<Account>, policy: &Policy) -> Vec<Arc<Account>> {
    for account in &mut accounts {
        let line = policy.line_of_account(&account.name);
        let peers = line.peers.iter().filter_map(|peer| peer.trim_matches(['[', ']']).parse().ok());
        account.peers.extend(peers.filter(|peer| !account.peers.contains(peer)).collect::<Vec<_>>());
    }
    let mut shared = Vec::with_capacity(accounts.len());
    // To collect them would keep the room that the accounts themselves had.
    shared.extend(accounts.into_iter().map(Arc::new));
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> Config {
        let text = format!(
            "[account.home]\nuser = \"858\"\ndomain = \"192.0.2.1\"\npassword = \"secret\"\n\n[defaults]\nregion = \
             \"GB\"\n\n{more}\n[[rule]]\nid = \"otherwise\"\nthen = \"busy\"\n"
        );
        let reading = read_text(Path::new("/ringfence.toml"), &text);
        reading.config.unwrap_or_else(|| panic!("{:?}", reading.report))
    }

    #[test]
    fn accounts_are_kept_in_force_only_where_rules_are_made_anew() {
        let fetched = "[list.fetched]\nsource = \"https://lists.example/numbers.txt\"\n";
        for (more, accounts) in [("", 0), (fetched, 1)] {
            let mut config = config(more);
            config.forget_unneeded();
            assert_eq!(config.accounts.len(), accounts, "{more}");
            assert_eq!(config.policy.rules().len(), 1);
        }
    }

    #[test]
    fn a_peer_is_one_of_the_account_that_its_line_names() {
        let peer = "position = \"sole\"\ntrust.peers = [\"198.51.100.9\"]\n";
        let config = config(&format!(
            "[account.away]\nuser = \"859\"\ndomain = \"192.0.2.2\"\npassword = \"secret\"\n\n\
             [line.home]\naccount = \"away\"\n{peer}\n[line.abroad]\naccount = \"home\"\n"
        ));
        let peers: Vec<_> =
            config.accounts.iter().map(|account| (&*account.name, account.peers.len())).collect();
        assert_eq!(peers, [("home", 0), ("away", 1)]);
    }

    #[test]
    fn two_accounts_of_one_address_are_warned_of() {
        let account = |name, more: &str| {
            format!(
                "[account.{name}]\nuser = \"858\"\ndomain = \"Pbx.example\"\npassword = \"secret\"\n{more}\n"
            )
        };
        let told = |other: &str, more: &str| {
            let text = account("home", "") + &account("twin", more).replace("Pbx", other);
            let rest = "[defaults]\nregion = \"GB\"\n[[rule]]\nid = \"otherwise\"\nthen = \"busy\"\n";
            let reading = read_text(Path::new("/ringfence.toml"), text + rest);
            assert!(reading.config.is_some(), "{:?}", reading.report);
            reading.report.to_string()
        };
        let twin = told("pbx", "");
        let message = "`twin` registers the address of `home` as well";
        assert!(twin.contains("/ringfence.toml:6:10") && twin.contains(message), "{twin}");
        for (other, more) in [
            ("pbx2", ""),
            ("pbx", "port = 5070"),
            ("pbx", "register = false"),
            ("pbx", "outbound_proxy = \"192.0.2.2\""),
        ] {
            assert!(!told(other, more).contains("as well"), "{other} {more}");
        }
        for more in ["port = 5060", "transport = \"tcp\"\nport = 5060"] {
            assert!(told("pbx", more).contains(message), "{more}");
        }
    }

    #[test]
    fn accounts_that_differ_in_capitals_only_are_refused() {
        let account = |name| {
            format!("[account.{name}]\nuser = \"858\"\ndomain = \"192.0.2.1\"\npassword = \"secret\"\n\n")
        };
        let text = format!("{}{}[defaults]\nregion = \"GB\"\n", account("Home"), account("home"));
        let reading = read_text(Path::new("/ringfence.toml"), &text);
        let told = reading.report.to_string();
        let place = "/ringfence.toml:6:10";
        let message =
            "expected a name that differs from others' in more than capitals, found `home` beside `Home`";
        assert!(told.contains(place) && told.contains(message), "{told}");
        assert!(reading.config.is_none());
    }
}
