//! The lines: which accounts are registered, and how each stands.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use jiff::Timestamp;
use softphone::{Line, RegistrationState, Softphone};
use tokio::task::AbortHandle;

use crate::config::Account;
use crate::control::{LineState, LineStatus};

/// All lines of one softphone, by name.
#[derive(Debug)]
pub(crate) struct Fleet {
    phone: Softphone,
    members: RwLock<BTreeMap<String, Member>>,
}

#[derive(Debug)]
struct Member {
    account: Account,
    line: Line,
    /// The task that logs what becomes of the registration.
    watcher: AbortHandle,
}

impl Fleet {
    pub(crate) fn new(phone: Softphone) -> Self {
        Self { phone, members: RwLock::default() }
    }

    /// Makes the lines what a configuration says: unregisters those that are gone, registers those
    /// that are new, and leaves those alone that are as they were. Returns what changed, a sentence
    /// each. A line that cannot be made is told and logged; the others go on.
    pub(crate) async fn adopt(&self, accounts: &[Account]) -> Vec<String> {
        let mut changes = Vec::new();
        for (name, member) in self.take_gone(accounts) {
            member.watcher.abort();
            let is_changed = accounts.iter().any(|account| account.name == name);
            if let Err(error) = member.line.remove().await {
                tracing::warn!(line = name, %error, "not removed");
            }
            if !is_changed {
                changes.push(format!("line {name} is gone"));
            }
        }
        for account in accounts {
            if let Some(member) = self.members().get_mut(&account.name) {
                member.account = account.clone();
                continue;
            }
            match self.add(account).await {
                Ok(member) => {
                    self.members().insert(account.name.clone(), member);
                    changes.push(format!("line {} is new or changed", account.name));
                }
                Err(error) => {
                    tracing::error!(line = account.name, %error, "no line");
                    changes.push(format!("line {} cannot be made: {error}", account.name));
                }
            }
        }
        changes
    }

    /// Returns how each line stands.
    pub(crate) fn status(&self) -> Vec<LineStatus> {
        self.members().iter().map(|(name, member)| member.status(name)).collect()
    }

    /// Takes out of the table what no account wants as it is.
    fn take_gone(&self, accounts: &[Account]) -> BTreeMap<String, Member> {
        let mut members = self.members();
        let (kept, gone) = std::mem::take(&mut *members)
            .into_iter()
            .partition(|(_, member)| accounts.iter().any(|account| member.serves(account)));
        *members = kept;
        gone
    }

    async fn add(&self, account: &Account) -> softphone::Result<Member> {
        let line = self.phone.line(softphone_account(account)?).await?;
        let watcher = tokio::spawn(log_registration(account.name.clone(), line.clone())).abort_handle();
        Ok(Member { account: account.clone(), line, watcher })
    }

    /// Locks the table; whoever panicked with it left whole members behind.
    fn members(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Member>> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// Tells whether the line can go on as it is for an account: who names its callers is the
    /// screen's business.
    fn serves(&self, account: &Account) -> bool {
        let caller = account.caller.clone();
        Account { caller, ..self.account.clone() } == *account
    }

    fn status(&self, name: &str) -> LineStatus {
        let (state, cause, next) = match self.line.registration().state() {
            RegistrationState::Registering { .. } => (LineState::Registering, None, None),
            RegistrationState::Registered { refresh_at, .. } => {
                (LineState::Registered, None, Some(refresh_at))
            }
            RegistrationState::Failed { cause, retry_at } => {
                (LineState::Failed, Some(cause.to_string()), retry_at)
            }
            RegistrationState::Unregistered | _ if self.account.register => {
                (LineState::Unregistered, None, None)
            }
            RegistrationState::Unregistered | _ => (LineState::Static, None, None),
        };
        LineStatus {
            name: name.to_owned(),
            address: self.line.address_of_record().to_string(),
            state,
            cause,
            next: next.and_then(|next| Timestamp::try_from(next).ok()),
        }
    }
}

/// Tells the softphone what the configuration says of an account.
fn softphone_account(account: &Account) -> softphone::Result<softphone::Account> {
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
    if let Some(proxy) = &account.outbound_proxy {
        made = made.outbound_proxy(proxy);
    }
    if let Some(expires) = account.expires {
        made = made.expires(expires);
    }
    Ok(account.peers.iter().fold(made, |made, peer| made.peer(*peer)))
}

/// Logs every change of a line's registration.
async fn log_registration(name: String, line: Line) {
    let mut registration = line.registration();
    let mut state = Some(registration.state());
    while let Some(now) = state {
        match now {
            RegistrationState::Registering { attempt } => {
                tracing::debug!(line = name, attempt, "registering");
            }
            RegistrationState::Registered { expires, .. } => {
                tracing::info!(line = name, expires = expires.as_secs(), "registered");
            }
            RegistrationState::Failed { cause, retry_at } => {
                let retry = retry_at.and_then(|at| at.duration_since(std::time::SystemTime::now()).ok());
                let retry = retry.map(|wait| wait.as_secs());
                tracing::warn!(line = name, %cause, retry, "registration failed");
            }
            RegistrationState::Unregistered => tracing::info!(line = name, "not registered"),
            other => tracing::debug!(line = name, ?other, "registration"),
        }
        state = registration.changed().await;
    }
}
