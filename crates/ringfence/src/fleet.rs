//! The lines: which accounts are registered, and how each stands.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::SystemTime;

use futures_util::future::join_all;
use jiff::Timestamp;
use softphone::{Line, RegistrationState, Softphone};

use crate::config::Account;
use crate::control::{LineState, LineStatus};
use crate::runnable::Refusal;
use crate::screen::Screen;
use crate::visible::visible;

/// All lines of one softphone, by name.
#[derive(Debug)]
pub(crate) struct Fleet {
    phone: Softphone,
    screen: Arc<Screen>,
    members: RwLock<BTreeMap<String, Member>>,
}

/// An account and its line, or why it has none.
#[derive(Debug)]
struct Member {
    account: Arc<Account>,
    line: Result<Watched, Absent>,
    /// Has the user's calls come to the screen as this line's, and not as another's, while it is refused.
    stand_in: Option<Line>,
}

/// Why there is no line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Absent {
    /// The softphone could not make it.
    Failed(String),
    /// It is not started, for what it can reach is not there yet.
    Refused(Refusal),
}

/// A line, and whether what becomes of its registration is still logged.
#[derive(Debug)]
struct Watched {
    line: Line,
    is_logged: Arc<AtomicBool>,
}

impl Fleet {
    pub(crate) fn new(phone: Softphone, screen: Arc<Screen>) -> Self {
        Self { phone, screen, members: RwLock::default() }
    }

    /// Makes the lines what a configuration says: unregisters those that are gone, registers those
    /// that are new, and leaves those alone that are as they were. Returns what changed, a sentence
    /// each. A line that cannot be made, or is refused, is told, logged and in the status; the others go on.
    pub(crate) async fn adopt(
        &self,
        accounts: &[Arc<Account>],
        refused: &BTreeMap<String, Refusal>,
    ) -> Vec<String> {
        let mut changes = Vec::new();
        let by_name = accounts.iter().map(|account| (account.name.as_str(), &**account)).collect();
        for (name, member) in self.take_gone(&by_name, refused) {
            if !by_name.contains_key(&*name) {
                changes.push(format!("line {name} is gone"));
            }
            // A registrar that does not answer is no reason to keep the rest of a reload waiting.
            tokio::spawn(member.leave(name));
        }
        let mut new = Vec::new();
        for account in accounts {
            match self.members().get_mut(&account.name) {
                Some(member) => member.account = Arc::clone(account),
                None => new.push(account),
            }
        }
        for some in new.chunks(AT_ONCE) {
            // They are begun in their order: of two lines of one user, the first has its calls.
            let made =
                join_all(some.iter().map(|account| self.make(account, refused.get(&account.name)))).await;
            for (account, member) in some.iter().zip(made) {
                changes.push(member.told_new());
                self.members().insert(account.name.clone(), member);
            }
        }
        let mut members = self.members();
        // Made anew in one go its nodes are full; each was half empty.
        *members = std::mem::take(&mut *members).into_iter().collect();
        drop(members);
        changes
    }

    /// Makes the line of an account, unless it is refused.
    async fn make(&self, account: &Arc<Account>, refused: Option<&Refusal>) -> Member {
        let line = match refused {
            Some(refusal) => Err(Absent::Refused(refusal.clone())),
            None => self.add(account).await.map_err(|error| Absent::Failed(error.to_string())),
        };
        let stand_in = match &line {
            Err(Absent::Refused(_)) => self.stand_in(account).await,
            Ok(_) | Err(Absent::Failed(_)) => None,
        };
        Member { account: Arc::clone(account), line, stand_in }
    }

    /// Returns how each line stands.
    pub(crate) fn status(&self) -> Vec<LineStatus> {
        self.members().iter().map(|(name, member)| member.status(name)).collect()
    }

    /// Takes out of the table what no account wants as it is.
    fn take_gone(
        &self,
        accounts: &BTreeMap<&str, &Account>,
        refused: &BTreeMap<String, Refusal>,
    ) -> BTreeMap<String, Member> {
        let mut members = self.members();
        let (kept, gone) =
            std::mem::take(&mut *members).into_iter().partition(|(name, member)| match refused.get(name) {
                Some(refusal) => member.line.as_ref().err() == Some(&Absent::Refused(refusal.clone())),
                None => accounts.get(&**name).is_some_and(|account| member.serves(account)),
            });
        *members = kept;
        gone
    }

    async fn add(&self, account: &Account) -> softphone::Result<Watched> {
        let line = self.phone.line(softphone_account(account)?).await?;
        let is_logged = Arc::new(AtomicBool::new(true));
        let log =
            Log { is_wanted: Arc::clone(&is_logged), registers: account.register, was_registered: false };
        tokio::spawn(attend(line.clone(), log, Arc::clone(&self.screen)));
        Ok(Watched { line, is_logged })
    }

    /// Makes a line that does not register for an account that is refused.
    async fn stand_in(&self, account: &Account) -> Option<Line> {
        let account = softphone_account(account).ok()?.register(false);
        self.phone.line(account).await.ok()
    }

    /// Locks the table; whoever panicked with it left whole members behind.
    fn members(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Member>> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines that are made at once: to wait for each by itself is to wake the shard for each. So many `join_all` begins one
/// after the other.
const AT_ONCE: usize = 30;

impl Member {
    /// Logs what became of a new line, and tells it in a sentence.
    fn told_new(&self) -> String {
        let name = &self.account.name;
        match &self.line {
            Ok(_) => format!("line {name} is new or changed"),
            Err(Absent::Failed(error)) => {
                tracing::error!(line = name, error, "no line");
                format!("line {name} cannot be made: {error}")
            }
            Err(Absent::Refused(refusal)) => {
                let (rule, hint) = (&refusal.rule, Refusal::HINT);
                tracing::error!(line = name, rule, why = %refusal, hint, "line refused");
                format!("line {name} is refused: {refusal}")
            }
        }
    }

    /// Tells whether the line can go on as it is for an account: who names its callers is the
    /// screen's business.
    fn serves(&self, account: &Account) -> bool {
        let caller = account.caller.clone();
        self.line.is_ok() && Account { caller, ..Account::clone(&self.account) } == *account
    }

    /// Unregisters and removes the line.
    async fn leave(self, name: String) {
        let line = match self.line {
            Ok(Watched { line, is_logged }) => {
                is_logged.store(false, Relaxed);
                Some(line)
            }
            Err(_) => self.stand_in,
        };
        if let Some(line) = line
            && let Err(error) = line.remove().await
        {
            tracing::warn!(line = name, %error, "not removed");
        }
    }

    fn status(&self, name: &str) -> LineStatus {
        let (state, cause, next) = match &self.line {
            Ok(Watched { line, .. }) => self.registration(&line.registration().state()),
            Err(Absent::Failed(error)) => (LineState::Failed, Some(error.clone()), None),
            Err(Absent::Refused(refusal)) => (LineState::Refused, Some(refusal.to_string()), None),
        };
        let address = match &self.line {
            Ok(Watched { line, .. }) => line.address_of_record().to_string(),
            Err(_) => format!("sip:{}@{}", self.account.user, self.account.domain),
        };
        LineStatus { name: name.to_owned(), address, state, cause, next }
    }

    fn registration(&self, state: &RegistrationState) -> (LineState, Option<String>, Option<Timestamp>) {
        let time = |at: SystemTime| Timestamp::try_from(at).ok();
        match state {
            RegistrationState::Registering { after, .. } => {
                (LineState::Registering, after.as_ref().map(ToString::to_string), None)
            }
            RegistrationState::Registered { refresh_at, lost, .. } => {
                (LineState::Registered, lost.as_ref().map(ToString::to_string), time(*refresh_at))
            }
            RegistrationState::Failed { cause, retry_at } => {
                (LineState::Failed, Some(cause.to_string()), retry_at.and_then(time))
            }
            RegistrationState::Unregistered | _ if self.account.register => {
                (LineState::Unregistered, None, None)
            }
            RegistrationState::Unregistered | _ => (LineState::Static, None, None),
        }
    }
}

/// Tells the softphone what the configuration says of an account.
pub(crate) fn softphone_account(account: &Account) -> softphone::Result<softphone::Account> {
    let mut made =
        softphone::Account::of(&account.user, account.domain.trim_matches(['[', ']']), account.port)?
            .label(&account.name)
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
    Ok(account.peers.iter().fold(made, |made, peer| made.peer(*peer)))
}

/// Logs every change of a line's registration, and decides what the screen could not decide at once: it needs what a
/// server says, or it failed. One task a line does both: there may be fifty thousand.
///
/// It is no `async fn`, which would keep its arguments twice.
fn attend(line: Line, mut log: Log, screen: Arc<Screen>) -> impl Future<Output = ()> + Send {
    let mut registration = line.registration();
    async move {
        log.tell(line.label(), &registration.state());
        loop {
            tokio::select! {
                Some(state) = registration.changed() => log.tell(line.label(), &state),
                // One that is over is written down as well.
                call = line.incoming_or_over() => {
                    let Some(call) = call else { return };
                    let screen = Arc::clone(&screen);
                    tokio::spawn(async move { screen.decide_late(call).await });
                }
            }
        }
    }
}

/// What is logged of a line's registration.
struct Log {
    is_wanted: Arc<AtomicBool>,
    /// Whether the line is to be registered.
    registers: bool,
    was_registered: bool,
}

impl Log {
    fn tell(&mut self, line: &str, state: &RegistrationState) {
        if !self.is_wanted.load(Relaxed) {
            return;
        }
        match state {
            RegistrationState::Registering { attempt, .. } => {
                tracing::debug!(line, attempt, "registering");
            }
            RegistrationState::Registered { lost: Some(lost), .. } => {
                self.was_registered = true;
                let (proxy, cause) = (&lost.proxy, visible(&lost.cause.to_string()));
                tracing::warn!(line, proxy, %cause, "one proxy lost");
            }
            RegistrationState::Registered { expires, chosen, lost: None, .. } => {
                let is_first = !std::mem::replace(&mut self.was_registered, true);
                let expires = expires.as_secs();
                if is_first && chosen.by.is_domain() {
                    let hint = "`transport` in its account keeps it to one";
                    tracing::info!(line, expires, by = %chosen, hint, "registered");
                } else {
                    tracing::info!(line, expires, by = %chosen.transport, "registered");
                }
            }
            RegistrationState::Failed { cause, retry_at } => {
                let retry = retry_at.and_then(|at| at.duration_since(SystemTime::now()).ok());
                let cause = visible(&cause.to_string());
                tracing::warn!(line, %cause, retry = retry.map(|wait| wait.as_secs()), "registration failed");
            }
            RegistrationState::Unregistered if self.registers => {
                // A line that never got there has nothing to leave.
                if std::mem::take(&mut self.was_registered) {
                    tracing::info!(line, "unregistered");
                }
            }
            RegistrationState::Unregistered | _ => tracing::info!(line, "no registration"),
        }
    }
}
