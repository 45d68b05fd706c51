//! Files that were changed are followed without being asked, and a configuration that has lost a great part of itself waits a while:
//! whoever writes it may be half way. One that ends behind an account is as right as any, and unregisters all lines that come
//! after it.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::Service;
use crate::config::{Config, Stamped};

/// A configuration that is not taken up yet.
#[derive(Debug)]
pub(crate) struct Held {
    /// The file as it was read.
    file: Stamped,
    /// Until when it is to stay as it is.
    until: Instant,
}

/// What a configuration would take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Loss {
    /// How many lines there are, and how many would go.
    lines: usize,
    gone: usize,
    /// Whether there are rules, and would be none.
    rules: bool,
}

/// So long nothing may have been written for such a configuration to be meant: as long as a file that was emptied has.
const QUIET: Duration = Duration::from_secs(5);
/// So many lines may go at once, however few there are…
const HANDFUL: usize = 5;
/// … and one of so many.
const SHARE: usize = 10;

impl Service {
    /// Reads the configuration again, as a file has changed, and puts it in force, unless it takes away so much that it is held
    /// for a while: who calls asks again when that is over, or a file has changed again. What comes of it is logged, and in the
    /// status.
    pub(crate) async fn follow(&self, held: &mut Option<Held>) {
        let asked = self.reloads.asked();
        let mut in_force = self.in_force.lock().await;
        if self.is_as_read(&in_force) || self.reloads.came_of(asked).is_some() {
            *held = None;
            return;
        }
        let begun = self.reloads.begin();
        let came_of = match self.read(&in_force).await {
            Ok(reading) => {
                let loss = reading.config.as_ref().and_then(|config| self.loss(&in_force, config));
                let file = reading.config.as_ref().and_then(Config::stamp);
                if let (Some(loss), Some(file)) = (loss, file)
                    && !Held::is_over(held, file, loss)
                {
                    return;
                }
                self.take_up(&mut in_force, reading).await
            }
            Err(error) => Err(error),
        };
        *held = None;
        self.reloads.end(begun, &came_of);
    }

    /// Returns what a configuration would take away, if that is much.
    fn loss(&self, in_force: &Config, config: &Config) -> Option<Loss> {
        let (lines, gone) = self.fleet.gone(&config.accounts);
        let loss = Loss { lines, gone, rules: in_force.has_rules && !config.has_rules };
        loss.is_great().then_some(loss)
    }
}

impl Held {
    /// Waits until it is to be looked at again; without one, for ever.
    pub(crate) async fn wait(held: Option<&Self>) {
        match held {
            Some(held) => tokio::time::sleep_until(held.until).await,
            None => std::future::pending().await,
        }
    }

    /// Tells whether a configuration has been as it is for long enough. If not, it is held.
    fn is_over(held: &mut Option<Self>, file: &Stamped, loss: Loss) -> bool {
        let now = Instant::now();
        if let Some(held) = held.as_ref().filter(|held| held.file == *file) {
            return now >= held.until;
        }
        let (file, seconds) = (file.clone(), QUIET.as_secs());
        let hint = "`ringfence reload` takes it up at once; to write a file beside it and rename that is never half a file";
        tracing::warn!(would = %loss, seconds, hint, "configuration not taken up unless it stays so");
        *held = Some(Self { file, until: now + QUIET });
        false
    }
}

impl Loss {
    const fn is_great(self) -> bool {
        self.rules || (self.gone > HANDFUL && self.gone * SHARE > self.lines)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, gone, rules } = self;
        match (gone, rules) {
            (0, _) => f.write_str("have no rule of its own any more"),
            (gone, true) => write!(f, "remove {gone} of {lines} lines, and have no rule of its own any more"),
            (gone, false) => write!(f, "remove {gone} of {lines} lines"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_tenth_of_the_lines_and_more_than_a_handful_are_much_and_so_are_all_rules() {
        for (lines, gone, rules, is_great) in [
            (10_000, 1_000, false, false),
            (10_000, 1_001, false, true),
            (6, 5, false, false),
            (6, 6, false, true),
            (1, 0, true, true),
            (1, 0, false, false),
        ] {
            let loss = Loss { lines, gone, rules };
            assert_eq!(loss.is_great(), is_great, "{loss:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_over_when_the_file_has_been_the_same_for_five_seconds() {
        let (mut held, loss) = (None, Loss { lines: 10, gone: 10, rules: false });
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ringfence.toml");
        let before = Stamped::now(&path);
        std::fs::write(&path, "a").unwrap();
        let file = Stamped::now(&path);
        assert!(!Held::is_over(&mut held, &before, loss));
        tokio::time::sleep(QUIET * 4 / 5).await;
        assert!(!Held::is_over(&mut held, &file, loss), "it was written again");
        tokio::time::sleep(QUIET * 4 / 5).await;
        assert!(!Held::is_over(&mut held, &file, loss));
        Held::wait(held.as_ref()).await;
        assert!(Held::is_over(&mut held, &file, loss));
        let for_ever = Held::wait(None);
        assert!(tokio::time::timeout(QUIET, for_ever).await.is_err());
        assert_eq!(held.unwrap().file.path, path);
    }
}
