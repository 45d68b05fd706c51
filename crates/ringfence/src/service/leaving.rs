//! How the program ends: the registrars are asked to remove the bindings of its lines, and have a time to confirm it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use softphone::Removals;

use super::Service;

/// How long the registrars may take where the lines are few. Those that answer are not waited for any longer.
const GRACE: Duration = Duration::from_secs(5);
/// What each line adds to it. A registrar on a small machine takes several thousand a second.
const EACH: Duration = Duration::from_millis(1);
/// The longest: systemd's unit kills the program after 20 s (`TimeoutStopSec=`), of which connections may take 2 s more, and the journal
/// 5 s (`PARTING`).
const LONGEST: Duration = Duration::from_secs(12);

impl Service {
    /// Returns how long the registrars may take to answer when the program ends.
    pub(crate) fn grace(&self) -> Duration {
        grace_for(self.fleet.len())
    }

    /// Leaves: gives up a reload that goes on, unregisters every line and answers undecided calls, for at most `grace`. What the
    /// registrars have not confirmed by then is logged.
    pub(crate) async fn shutdown(&self, grace: Duration) {
        self.is_leaving.store(true, Relaxed);
        let Removals { confirmed, unconfirmed } = self.phone.shutdown(grace).await;
        if unconfirmed > 0 {
            let (of, hint) = (confirmed + unconfirmed, "they stay at the registrar until they expire");
            tracing::warn!(bindings = unconfirmed, of, hint, "not taken back");
        }
        self.screen.leave();
    }

    /// Fails when the program ends: then there is no reload any more, and one that goes on is given up.
    pub(super) fn still_runs(&self) -> Result<(), String> {
        if self.is_leaving.load(Relaxed) { Err("the program ends".to_owned()) } else { Ok(()) }
    }
}

fn grace_for(lines: usize) -> Duration {
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    GRACE.saturating_add(EACH.saturating_mul(lines)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{self, Config};
    use crate::confine::Confined;
    use crate::control::server::Desk as _;
    use crate::journal;

    fn of(accounts: &[&str]) -> Config {
        let account = |name: &&str| {
            format!(
                "[account.{name}]\nuser = \"{name}\"\ndomain = \"127.0.0.1\"\nport = 9\nregister = false\n"
            )
        };
        let rest = "[softphone]\nlisten = \"127.0.0.1:0\"\n[[rule]]\nid = \"all\"\nthen = \"busy\"\n[defaults]\nregion = \"GB\"\n";
        let text = accounts.iter().map(account).chain([rest.to_owned()]).collect::<String>();
        let reading = config::read_text(Path::new("/ringfence.toml"), text);
        reading.config.unwrap_or_else(|| panic!("{:?}", reading.report))
    }

    #[tokio::test]
    async fn a_reload_is_given_up_when_the_program_ends_and_has_not_failed() {
        let (recorder, journal, _records) = journal::open(journal::Settings::in_memory()).unwrap();
        let service =
            Service::start(of(&["858"]), Confined::default(), None, recorder, journal).await.unwrap();
        service.shutdown(Duration::ZERO).await;
        // In the middle of one no line can be made any more.
        let mut in_force = service.in_force.lock().await;
        assert!(service.adopt(&mut in_force, of(&["858", "859"])).await.unwrap_err().is_closed());
        drop(in_force);
        assert_eq!(service.reload().await.unwrap_err(), "the program ends");
        assert!(service.configuration().failed.is_none());
    }

    #[test]
    fn the_more_lines_there_are_the_longer_they_have_within_what_systemd_waits() {
        let unit = include_str!("../../../../packaging/ringfence.service");
        let killed = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap();
        let others = Duration::from_secs(2 + 5);
        assert!(LONGEST + others < Duration::from_secs(killed.parse().unwrap()));
        let seconds = [1, 1_000, 5_000, 10_000, usize::MAX].map(|lines| grace_for(lines).as_secs());
        assert_eq!(seconds, [5, 6, 10, 12, 12]);
    }
}
