//! The lines: which accounts are registered, and how each stands.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::SystemTime;

use futures_util::future::join_all;
use jiff::Timestamp;
use softphone::{Attendant, Line, News, RegistrationState, Softphone};

use crate::config::Account;
use crate::control::{LineState, LineStatus};
use crate::runnable::Refusal;
use crate::screen::Screen;

mod log;
mod said;

use log::Log;
use said::{Said, Seeds};

/// All lines of one softphone, by name.
#[derive(Debug)]
pub(crate) struct Fleet {
    phone: Softphone,
    log: Arc<Log>,
    seeds: Seeds,
    members: RwLock<BTreeMap<Arc<str>, Member>>,
}

/// A line, or why there is none, and what its account said.
#[derive(Debug)]
struct Member {
    said: Said,
    line: Result<Line, Box<Absent>>,
}

/// What is known of a line that is not there.
#[derive(Debug)]
struct Absent {
    why: Why,
    address: String,
    /// Has the user's calls come to the screen as this line's, and not as another's, while it is refused.
    stand_in: Option<Line>,
}

/// Why there is no line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// The softphone could not make it.
    Failed(String),
    /// It is not started, for what it can reach is not there yet.
    Refused(Refusal),
}

/// What became of a line, as a sentence. It is put into words where somebody reads it: at the start nobody does, and the words of
/// fifty thousand would lie among what stays.
#[derive(Debug)]
pub(crate) struct Change {
    line: Arc<str>,
    what: Cow<'static, str>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} {}", self.line, self.what)
    }
}

impl Fleet {
    /// Has the lines attended to from now on.
    pub(crate) fn new(phone: Softphone, attendant: Attendant, screen: Arc<Screen>) -> Self {
        let log = Arc::new(Log::default());
        tokio::spawn(attend(attendant, Arc::clone(&log), screen));
        Self { phone, log, seeds: Seeds::default(), members: RwLock::default() }
    }

    /// Makes the lines what a configuration says: unregisters those that are gone, registers those
    /// that are new, and leaves those alone that are as they were. Returns what changed. A line that cannot be made, or is
    /// refused, is told, logged and in the status; the others go on. Fails when the softphone was shut down.
    pub(crate) async fn adopt(
        &self,
        accounts: &[Arc<Account>],
        refused: &BTreeMap<Arc<str>, Refusal>,
    ) -> softphone::Result<Vec<Change>> {
        let mut changes = Vec::new();
        let by_name = accounts.iter().map(|account| (&*account.name, &**account)).collect();
        let gone = self.take_gone(&by_name, refused);
        let gone = self.change(gone, &by_name, refused, &mut changes).await?;
        for (name, member) in gone {
            if let Some(line) = member.own_line() {
                self.log.leave(line.id());
            }
            if !by_name.contains_key(&*name) {
                self.log.set_stand_in(&name, false);
                changes.push(Change { line: Arc::clone(&name), what: "is gone".into() });
            }
            let next = by_name.get(&*name).filter(|_| !refused.contains_key(&name));
            let next = next.and_then(|account| softphone_account(account).ok());
            // A registrar that does not answer is no reason to keep the rest of a reload waiting.
            tokio::spawn(member.leave(name, next));
        }
        let new: Vec<_> = {
            let members = self.members();
            accounts.iter().filter(|account| !members.contains_key(&account.name)).collect()
        };
        for some in new.chunks(AT_ONCE) {
            // They are begun in their order: of two lines of one user, the first has its calls.
            let made =
                join_all(some.iter().map(|account| self.make(account, refused.get(&account.name)))).await;
            for (account, member) in some.iter().zip(made) {
                let member = member?;
                changes
                    .push(Change { line: Arc::clone(&account.name), what: member.told_new(&account.name) });
                self.members().insert(Arc::clone(&account.name), member);
            }
        }
        let mut members = self.members();
        // Made anew in one go its nodes are full; each was half empty.
        *members = std::mem::take(&mut *members).into_iter().collect();
        drop(members);
        Ok(changes)
    }

    /// Has the lines whose accounts say something else be of these, where their bindings stay what they are. Returns the others;
    /// fails when the softphone was shut down.
    async fn change(
        &self,
        gone: BTreeMap<Arc<str>, Member>,
        accounts: &BTreeMap<&str, &Account>,
        refused: &BTreeMap<Arc<str>, Refusal>,
        changes: &mut Vec<Change>,
    ) -> softphone::Result<BTreeMap<Arc<str>, Member>> {
        let mut gone = gone.into_iter();
        let mut others = BTreeMap::new();
        loop {
            let some: Vec<_> = gone.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok(others);
            }
            let changed = join_all(some.iter().map(async |(name, member)| {
                let account = accounts.get(&**name).filter(|_| !refused.contains_key(name))?;
                let line = member.line.as_ref().ok()?;
                let is_changed = line.change(softphone_account(account).ok()?).await;
                match is_changed {
                    Ok(is_changed) => is_changed.then(|| Ok(self.seeds.said(account))),
                    // What is wrong with an account is told where its line is made.
                    Err(error) => error.is_closed().then_some(Err(error)),
                }
            }));
            let changed = changed.await;
            for ((name, member), said) in some.into_iter().zip(changed) {
                let Some(said) = said.transpose()? else {
                    others.insert(name, member);
                    continue;
                };
                changes.push(Change { line: Arc::clone(&name), what: "is changed".into() });
                self.members().insert(name, Member { said, ..member });
            }
        }
    }

    /// Makes the line of an account, unless it is refused. Fails when the softphone was shut down.
    async fn make(&self, account: &Account, refused: Option<&Refusal>) -> softphone::Result<Member> {
        let (line, stand_in) = match refused {
            Some(refusal) => (Err(Why::Refused(refusal.clone())), self.stand_in(account).await),
            None => match self.add(account).await {
                Ok(line) => (Ok(line), None),
                Err(error) if error.is_closed() => return Err(error),
                Err(error) => (Err(Why::Failed(error.to_string())), None),
            },
        };
        let address = || format!("sip:{}@{}", account.user, account.domain);
        let line = line.map_err(|why| Box::new(Absent { why, address: address(), stand_in }));
        Ok(Member { said: self.seeds.said(account), line })
    }

    /// Returns how many lines there are, with those that are refused.
    pub(crate) fn len(&self) -> usize {
        self.members().len()
    }

    /// Returns how each line stands.
    pub(crate) fn status(&self) -> Vec<LineStatus> {
        self.members().iter().map(|(name, member)| member.status(name, &self.log)).collect()
    }

    /// Returns how many lines there are, and how many of them have no account among these.
    pub(crate) fn gone(&self, accounts: &[Arc<Account>]) -> (usize, usize) {
        let named: HashSet<&str> = accounts.iter().map(|account| &*account.name).collect();
        let members = self.members();
        (members.len(), members.keys().filter(|name| !named.contains(&***name)).count())
    }

    /// Takes out of the table what no account wants as it is.
    fn take_gone(
        &self,
        accounts: &BTreeMap<&str, &Account>,
        refused: &BTreeMap<Arc<str>, Refusal>,
    ) -> BTreeMap<Arc<str>, Member> {
        let mut members = self.members();
        let (kept, gone) = std::mem::take(&mut *members).into_iter().partition(|(name, member)| {
            let is_as_it_was =
                accounts.get(&**name).is_some_and(|account| self.seeds.said(account) == member.said);
            is_as_it_was && member.stands_as(refused.get(&**name))
        });
        *members = kept;
        gone
    }

    async fn add(&self, account: &Account) -> softphone::Result<Line> {
        self.log.set_stand_in(&account.name, false);
        self.phone.line(softphone_account(account)?).await
    }

    /// Makes a line that does not register for an account that is refused.
    async fn stand_in(&self, account: &Account) -> Option<Line> {
        let made = softphone_account(account).ok()?.register(false);
        self.log.set_stand_in(&account.name, true);
        self.phone.line(made).await.ok()
    }

    /// Locks the table; whoever panicked with it left whole members behind.
    fn members(&self) -> RwLockWriteGuard<'_, BTreeMap<Arc<str>, Member>> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines that are made at once: to wait for each by itself is to wake the shard for each. So many `join_all` begins one
/// after the other.
const AT_ONCE: usize = 30;

impl Member {
    /// Logs what became of a new line, and tells it in words.
    fn told_new(&self, name: &str) -> Cow<'static, str> {
        match &self.line {
            Ok(_) => "is new or changed".into(),
            Err(absent) => match &absent.why {
                Why::Failed(error) => {
                    tracing::error!(line = name, error, "no line");
                    format!("cannot be made: {error}").into()
                }
                Why::Refused(refusal) => {
                    let (rule, hint) = (&refusal.rule, Refusal::HINT);
                    tracing::error!(line = name, rule, why = %refusal, hint, "line refused");
                    format!("is refused: {refusal}").into()
                }
            },
        }
    }

    /// Tells whether the line is there, or refused for this reason.
    fn stands_as(&self, refusal: Option<&Refusal>) -> bool {
        match (&self.line, refusal) {
            (Ok(_), None) => true,
            (Err(absent), Some(refusal)) => absent.why == Why::Refused(refusal.clone()),
            (Ok(_), Some(_)) | (Err(_), None) => false,
        }
    }

    /// Returns the line, or what stands in for it.
    fn own_line(&self) -> Option<&Line> {
        self.line.as_ref().map_or_else(|absent| absent.stand_in.as_ref(), Some)
    }

    /// Unregisters and removes the line, of which that of another account may take the place.
    async fn leave(self, name: Arc<str>, next: Option<softphone::Account>) {
        let Some(line) = self.own_line() else { return };
        let left = match next {
            Some(next) => line.replace(next).await,
            None => line.remove().await,
        };
        // Where the program ends meanwhile, that tells of its bindings.
        if let Err(error) = left
            && !error.is_closed()
        {
            tracing::warn!(line = &*name, %error, "not removed");
        }
    }

    fn status(&self, name: &str, log: &Log) -> LineStatus {
        let (mut state, cause, next, address) = match &self.line {
            Ok(line) => {
                let (state, cause, next) = registration(line);
                (state, cause, next, line.address_of_record().to_owned())
            }
            Err(absent) => {
                let (state, cause) = match &absent.why {
                    Why::Failed(error) => (LineState::Failed, error.clone()),
                    Why::Refused(refusal) => (LineState::Refused, refusal.to_string()),
                };
                (state, Some(cause), None, absent.address.clone())
            }
        };
        // What has failed before is told as what it is, though the binding may hold on.
        let is_asking = state == LineState::Registering && cause.is_none();
        let refreshing = is_asking && self.line.as_ref().is_ok_and(|line| log.is_bound(line.id()));
        if refreshing {
            state = LineState::Registered;
        }
        LineStatus { name: name.to_owned(), address, state, refreshing, cause, next }
    }
}

fn registration(line: &Line) -> (LineState, Option<String>, Option<Timestamp>) {
    let time = |at: SystemTime| Timestamp::try_from(at).ok();
    match line.registration().state() {
        RegistrationState::Registering { after, .. } => {
            (LineState::Registering, after.map(|cause| cause.to_string()), None)
        }
        RegistrationState::Registered { refresh_at, lost, .. } => {
            (LineState::Registered, lost.map(|lost| lost.to_string()), time(refresh_at))
        }
        RegistrationState::Failed { cause, retry_at } => {
            (LineState::Failed, Some(cause.to_string()), retry_at.and_then(time))
        }
        RegistrationState::Unregistered | _ if line.is_registering() => (LineState::Unregistered, None, None),
        RegistrationState::Unregistered | _ => (LineState::Static, None, None),
    }
}

/// Tells the softphone what the configuration says of an account.
pub(crate) fn softphone_account(account: &Account) -> softphone::Result<softphone::Account> {
    let mut made =
        softphone::Account::of(&account.user, account.domain.trim_matches(['[', ']']), account.port)?
            .label(Arc::clone(&account.name))
            .register(account.register)
            .open_to_everyone(account.open);
    if let Some(password) = &account.password {
        made = made.password(password.reveal());
    }
    if let Some(user) = &account.auth_user {
        made = made.auth_user(user);
    }
    if let Some(name) = &account.display_name {
        made = made.display_name(name);
    }
    if let Some(transport) = account.transport {
        made = made.transport(transport);
    }
    if let Some(path) = &account.websocket_path {
        made = made.websocket_path(path);
    }
    let proxies: Vec<&str> = account.outbound_proxies.iter().map(String::as_str).collect();
    made = made.outbound_proxies(&proxies);
    if let Some(address) = account.public_address {
        made = made.public_address(address);
    }
    if let Some(ping) = account.keep_alive {
        made = made.keep_alive(ping);
    }
    if let Some(expires) = account.expires {
        made = made.expires(expires);
    }
    if let Some(shard) = account.shard {
        made = made.shard(shard);
    }
    Ok(account.peers.iter().fold(made, |made, peer| made.peer(*peer)))
}

/// Logs every change of the lines' registrations, and decides what the screen could not decide at once: it needs what a
/// server says, or it failed. One task does both for all of them: there may be fifty thousand.
async fn attend(mut attendant: Attendant, log: Arc<Log>, screen: Arc<Screen>) {
    while let Some(news) = attendant.next().await {
        match news {
            News::Registration { line, state } => {
                // Whatever goes wrong with the words, which the panic hook logs: calls are to be decided.
                let _ = catch_unwind(AssertUnwindSafe(|| log.tell(&line, &state)));
            }
            News::Incoming(call) => {
                // One that is over is written down as well.
                let screen = Arc::clone(&screen);
                tokio::spawn(async move { screen.decide_late(call).await });
            }
            News::Unconfirmed { line } => log::tell_unconfirmed(&line),
            News::Removed { line } => log.forget(line.id()),
            _ => {}
        }
    }
}
