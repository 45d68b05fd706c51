//! The running program: the softphone, its screen, its lines, and the configuration in force.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use jiff::Timestamp;
use ringfence_policy::List;
use softphone::{Attendant, Builder, Softphone, Transport};

use crate::config::regular::ReadError;
use crate::config::{self, Config, Reading, Stamped};
use crate::confine::{Confined, is_elsewhere};
use crate::control::server::Desk;
use crate::control::{Configuration, Failed, LineStates, Listener, Reloaded, Status};
use crate::fleet::Fleet;
use crate::instance;
use crate::journal::{Journal, Recorder};
use crate::runnable;
use crate::screen::Screen;
use crate::store::Place;
use crate::supply::{self, Supply};
use crate::trace::Tap;

mod followed;
mod joined;
mod kept;
mod leaving;
#[cfg(test)]
mod worlds;

pub(crate) use followed::Held;
use joined::Joined;
use kept::keep_good_rows;

/// The running program.
#[derive(Debug)]
pub(crate) struct Service {
    /// Itself, for the tasks that put lists into the policy.
    me: Weak<Self>,
    phone: Softphone,
    screen: Arc<Screen>,
    fleet: Fleet,
    supply: Supply,
    journal: Arc<Journal>,
    started: Timestamp,
    confined: Confined,
    configuration: Mutex<Configuration>,
    /// The configuration in force. Whoever reloads holds it, so that two reloads never mix.
    in_force: tokio::sync::Mutex<Config>,
    reloads: Joined<Result<Reloaded, String>>,
    /// Whether the program ends.
    is_leaving: AtomicBool,
    /// What came of putting it in force.
    last: Mutex<Reloaded>,
    /// Tells the watch which files to look at from now on.
    files: tokio::sync::watch::Sender<Vec<Stamped>>,
}

impl Service {
    /// Returns the screen.
    pub(crate) fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Binds the sockets and makes the lines. The records of calls come out of the journal's queue.
    pub(crate) async fn start(
        mut config: Config,
        confined: Confined,
        tap: Option<Tap>,
        recorder: Recorder,
        journal: Arc<Journal>,
    ) -> Result<Arc<Self>, softphone::Error> {
        let supply = Supply::default();
        let sources = supply.open(&mut config).await;
        let screen = Arc::new(Screen::new(&config, Arc::clone(&sources), recorder)?);
        let mut builder = builder(&config, instance(&config));
        if let Some(tap) = tap {
            builder = builder.trace(move |traced| tap.take(traced));
        }
        let (decider, witness) = (Arc::clone(&screen), Arc::clone(&screen));
        let builder = builder
            .screen_together(move |invites, verdicts| decider.decide_together(invites, verdicts))
            .ended(move |ended| witness.note_end(ended));
        let (phone, attendant) = Attendant::start(builder).await?;
        let fleet = Fleet::new(phone.clone(), attendant, Arc::clone(&screen));
        fleet.adopt(&config.accounts, &runnable::refused(&config, Timestamp::now())).await?;
        config.forget_unneeded();
        let service = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            phone,
            screen,
            fleet,
            supply,
            journal,
            started: Timestamp::now(),
            confined,
            configuration: Mutex::new(in_force(&config)),
            files: tokio::sync::watch::Sender::new(config.files.clone()),
            in_force: tokio::sync::Mutex::new(config),
            reloads: Joined::default(),
            is_leaving: AtomicBool::new(false),
            last: Mutex::default(),
        });
        service.supply.run(sources, service.me.clone());
        Ok(service)
    }

    /// Decides with a list that has come from a server, from now on.
    pub(crate) async fn take_list(&self, list: Arc<List>) {
        let mut in_force = self.in_force.lock().await;
        let (name, entries) = (list.name().to_owned(), list.len());
        // One that comes while a reload has done away with all that come is late.
        if in_force.remote.is_empty() || !supply::put(&mut in_force, list) {
            return;
        }
        match self.screen.adopt(&in_force, self.supply.sources()) {
            Ok(()) => {
                let lists = self::entries(&in_force);
                self.configuration().lists = lists;
                tracing::info!(list = name, entries, "list taken up");
            }
            Err(error) => tracing::error!(list = name, %error, "list not taken up"),
        }
    }

    /// Returns a watch on the files that make the configuration.
    pub(crate) fn files(&self) -> tokio::sync::watch::Receiver<Vec<Stamped>> {
        self.files.subscribe()
    }

    pub(crate) fn phone(&self) -> &Softphone {
        &self.phone
    }

    /// Reads the configuration again, and puts it in force if nothing is wrong with it.
    async fn read_again(&self, in_force: &mut Config) -> Result<Reloaded, String> {
        let reading = self.read(in_force).await?;
        self.take_up(in_force, reading).await
    }

    /// Reads the configuration again.
    async fn read(&self, in_force: &Config) -> Result<Reading, String> {
        self.still_runs()?;
        let path = in_force.path.clone();
        // Ten million numbers take a moment to read, in which calls and clients go on.
        let read = tokio::task::spawn_blocking(move || config::read(&path)).await;
        read.map_err(|error| self.fail(error.to_string()))
    }

    /// Puts what was read in force if nothing is wrong with it.
    async fn take_up(&self, in_force: &mut Config, reading: Reading) -> Result<Reloaded, String> {
        let warnings = reading.report.warnings();
        let Some(mut config) = reading.config else {
            let told = reading.report.summary();
            // Of a file that was not read nothing can be told that stands in it.
            let logged = if reading.was_read { reading.report.outline() } else { told.clone() };
            return Err(self.fail_as(told, &logged));
        };
        let refused = runnable::refused(&config, Timestamp::now());
        if let Some((why, _)) = runnable::obstacle(&config, &refused) {
            return Err(self.fail(why));
        }
        if let Some(file) = reading.files.iter().find(|file| is_elsewhere(file) && file.exists()) {
            let error = ReadError::OutOfReach;
            let hint = error.hint().unwrap_or_default();
            return Err(self.fail(format!("cannot read {}: {error}; {hint}", file.display())));
        }
        let is_missing = |shard: u16| shard >= in_force.softphone.shards;
        if let Some(account) = config.accounts.iter().find(|account| account.shard.is_some_and(is_missing)) {
            let name = &account.name;
            return Err(self.fail(format!("the account {name} is on a shard that there is with a restart")));
        }
        let has_lost_rules = in_force.has_rules && !config.has_rules;
        let kept = keep_good_rows(in_force, &mut config);
        let sentences = || kept.iter().map(|(list, trouble)| format!("{list} ({trouble})"));
        let adopted = self.adopt(in_force, config).await;
        // What was put in force meanwhile ends with the program.
        self.still_runs()?;
        let mut reloaded = adopted.map_err(|error| self.fail(error.to_string()))?;
        reloaded.warnings = warnings;
        for kept in sentences() {
            tracing::warn!(list = kept, "list kept as it was");
        }
        reloaded.changes.extend(sentences().map(|kept| format!("list kept as it was: {kept}")));
        self.configuration().kept = sentences().collect();
        tracing::info!(changes = reloaded.changes.len(), warnings, "reloaded");
        if has_lost_rules {
            let hint = "callers on the list `reject` are busy and all others ring: is this the whole file?";
            tracing::warn!(hint, "the configuration has no rule of its own any more");
        }
        for setting in &reloaded.needs_restart {
            tracing::warn!(setting, "changes with a restart");
        }
        *self.last() = reloaded.clone();
        Ok(reloaded)
    }

    /// Tells whether the files are as they were read. After a failure they may be back as they were, and that is to be told.
    fn is_as_read(&self, in_force: &Config) -> bool {
        self.configuration().failed.is_none() && in_force.files.iter().all(Stamped::is_current)
    }

    /// Puts a configuration in force as far as a restart is not needed.
    async fn adopt(&self, in_force: &mut Config, mut config: Config) -> softphone::Result<Reloaded> {
        let sources = self.supply.open(&mut config).await;
        let (before, after) = (entries(in_force), entries(&config));
        let has_tls_changed = in_force.tls != config.tls;
        if has_tls_changed {
            // It is the one thing that may not be possible, as where a port of TLS is left without a certificate until a
            // restart: nothing else has changed then. And before the lines: those that are new connect with what is new.
            self.phone.set_tls(config.tls.settings.clone()).await?;
        }
        self.screen.adopt(&config, Arc::clone(&sources))?;
        self.supply.run(sources, self.me.clone());
        let refused = runnable::refused(&config, Timestamp::now());
        let changes = self.fleet.adopt(&config.accounts, &refused).await?;
        let mut changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        if before != after {
            let told: Vec<_> = after.iter().map(|(list, entries)| format!("{list} has {entries}")).collect();
            changes.push(format!("entries: {}", told.join(", ")));
        }
        if has_tls_changed {
            changes.push("certificates".to_owned());
        }
        let needs_restart = in_force.needs_restart_for(&config);
        let mut configuration = self.configuration();
        *configuration = Configuration { needs_restart: needs_restart.clone(), ..self::in_force(&config) };
        drop(configuration);
        self.files.send_replace(config.files.clone());
        // What needs a restart is compared with what the program was started with.
        let (softphone, service) = (in_force.softphone.clone(), in_force.service.clone());
        let journal = in_force.journal.clone();
        *in_force = Config { softphone, service, journal, ..config };
        in_force.forget_unneeded();
        Ok(Reloaded { changes, kept: Vec::new(), warnings: 0, needs_restart })
    }

    fn fail(&self, error: String) -> String {
        let logged = error.clone();
        self.fail_as(error, &logged)
    }

    /// Notes a failure of which the log may not say all: what is wrong in a list names people.
    fn fail_as(&self, error: String, logged: &str) -> String {
        tracing::error!(
            error = logged,
            hint = "ringfence check",
            "reload failed, the last good configuration stays"
        );
        self.configuration().failed = Some(Failed { at: Timestamp::now(), error: error.clone() });
        error
    }

    fn last(&self) -> MutexGuard<'_, Reloaded> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn configuration(&self) -> MutexGuard<'_, Configuration> {
        self.configuration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk for Service {
    async fn status(&self) -> Status {
        let counters = self.phone.counters().await.unwrap_or_default();
        let lines = self.fleet.status();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: self.started,
            now: Timestamp::now(),
            confined: self.confined.clone(),
            listen: self.phone.listeners().into_iter().map(Listener::from).collect(),
            configuration: self.configuration().clone(),
            line_states: LineStates::of(&lines),
            lines,
            calls: self.journal.tally(),
            journal: self.journal.health(),
            sources: self.supply.status(),
            counters: counters.iter().map(|(name, count)| (name.to_owned(), count)).collect(),
        }
    }

    fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    fn path(&self) -> PathBuf {
        self.configuration().path.clone()
    }

    fn has_switch(&self, name: &str) -> bool {
        self.screen.has_switch(name)
    }

    fn forget_answers(&self, identity: &str) -> usize {
        self.supply.sources().forget(identity)
    }

    async fn reload(&self) -> Result<Reloaded, String> {
        let asked = self.reloads.asked();
        let mut in_force = self.in_force.lock().await;
        self.reloads.join(asked, self.read_again(&mut in_force)).await
    }

    async fn renew(&self) -> Result<Reloaded, String> {
        let asked = self.reloads.asked();
        let mut in_force = self.in_force.lock().await;
        if self.is_as_read(&in_force) {
            return Ok(self.last().clone());
        }
        self.reloads.join(asked, self.read_again(&mut in_force)).await
    }
}

/// Tells the softphone what the configuration says of it.
pub(crate) fn builder(config: &Config, instance: Option<String>) -> Builder {
    let settings = &config.softphone;
    let mut builder = Softphone::builder().listen(settings.listen).tls(config.tls.settings.clone());
    if let Some(instance) = instance {
        builder = builder.instance_id(&instance);
    }
    if let Some(server) = &settings.stun {
        builder = builder.stun_server(server);
    }
    for (&transport, &address) in &settings.connections {
        builder = match transport {
            Transport::Udp => builder.listen(address),
            Transport::Tcp => builder.listen_tcp(address),
            Transport::Tls => builder.listen_tls(address),
            Transport::Ws => builder.listen_ws(address),
            Transport::Wss => builder.listen_wss(address),
        };
    }
    if let Some(origins) = &settings.ws_origins {
        builder = builder.ws_origins(origins);
    }
    if let Some(a_second) = settings.requests_per_source {
        builder = builder.requests_per_source(a_second);
    }
    builder
        .rtp_ports(settings.rtp_ports.clone())
        .user_agent(&settings.user_agent)
        .warning_agent("ringfence")
        .shards(settings.shards)
        .processors(&settings.processors)
        .busy_poll(settings.busy_poll)
        .trying(settings.trying)
}

/// Returns what this installation is known by to registrars. Where no journal is kept, nothing else is either.
fn instance(config: &Config) -> Option<String> {
    match instance::of(state_directory(config)?) {
        Ok(instance) => Some(instance),
        Err(error) => {
            tracing::warn!(
                %error,
                hint = "the folder of [journal] path is to be one that this user may write: without what is kept there \
                        a restart leaves the old binding at the registrar",
                "registrars are not told which device this is"
            );
            None
        }
    }
}

/// Returns what this installation is known by, if it has ever run. Nothing is made or written.
pub(crate) fn known_instance(config: &Config) -> Option<String> {
    instance::known(state_directory(config)?)
}

/// Returns where the journal is, and what else is kept.
fn state_directory(config: &Config) -> Option<&Path> {
    let Place::File(journal) = &config.journal.place else { return None };
    Some(journal.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

fn in_force(config: &Config) -> Configuration {
    Configuration {
        path: absolute(&config.path),
        loaded: Timestamp::now(),
        failed: None,
        needs_restart: Vec::new(),
        kept: Vec::new(),
        policy: config.policy.checksum().to_owned(),
        rules: config.policy.rules().len(),
        lists: entries(config),
    }
}

/// Who asks, or says where a file is, may be in another directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Counts the entries of each list.
fn entries(config: &Config) -> Vec<(String, usize)> {
    config.policy.lists().iter().map(|list| (list.name().to_owned(), list.len())).collect()
}
