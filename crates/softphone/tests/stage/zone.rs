// A resolver of a script: what each name has, and what was asked. It is included, by tests within the crate as well, where
// the names of `softphone` are in scope.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The records of all names, which may be changed while it is asked. Clones are the same zone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Zone {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<String, Answer>,
    asked: Vec<String>,
    /// How long each answer takes.
    delay: Duration,
    is_down: bool,
}

/// What is said of one name and kind, as `SRV _sip._udp.example.com`.
#[derive(Debug, Clone, Default)]
struct Answer {
    records: Vec<String>,
    ttl: u64,
}

impl Zone {
    /// Adds a record as a zone file has it: name, lifetime in seconds, kind and what it says; `A` stands for AAAA, too.
    pub(crate) fn with(self, line: &str) -> Self {
        let [name, ttl, kind, data] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
        let mut state = self.state.lock().unwrap();
        let answer = state.records.entry(format!("{kind} {name}")).or_default();
        answer.records.push(data.to_owned());
        answer.ttl = ttl.parse().unwrap();
        drop(state);
        self
    }

    /// Takes all records of a name and kind away.
    pub(crate) fn without(&self, name: &str, kind: &str) {
        self.state.lock().unwrap().records.remove(&format!("{kind} {name}"));
    }

    /// Has each answer take so long.
    pub(crate) fn delay(&self, delay: Duration) {
        self.state.lock().unwrap().delay = delay;
    }

    /// Has every look-up fail, or no longer.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    /// Returns what was asked since the last time, in that order.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    fn look_up<'a, R: Send + 'a>(&'a self, kind: &str, name: &str, read: fn(&str) -> R) -> Lookup<'a, R> {
        let key = format!("{kind} {}", name.to_ascii_lowercase());
        let mut state = self.state.lock().unwrap();
        state.asked.push(key.clone());
        let (answer, is_down, delay) = (state.records.get(&key).cloned(), state.is_down, state.delay);
        Box::pin(async move {
            if delay > Duration::ZERO {
                tokio::time::sleep(delay).await;
            }
            match answer {
                _ if is_down => Err(LookupError::Failed { error: "SERVFAIL".to_owned() }),
                Some(answer) if answer.records == ["SERVFAIL"] => {
                    Err(LookupError::Failed { error: "SERVFAIL".to_owned() })
                }
                Some(answer) => {
                    let records = answer.records.iter().map(|record| read(record)).collect();
                    Ok(Records::new(records, Duration::from_secs(answer.ttl)))
                }
                None => Err(LookupError::Missing { ttl: None }),
            }
        })
    }
}

impl Resolver for Zone {
    fn naptr<'a>(&'a self, name: &'a str) -> Lookup<'a, Naptr> {
        self.look_up("NAPTR", name, |record| {
            let words: Vec<&str> = record.split(' ').collect();
            let text = |word: &str| word.trim_matches('"').to_owned();
            Naptr {
                order: words[0].parse().unwrap(),
                preference: words[1].parse().unwrap(),
                flags: text(words[2]),
                service: text(words[3]),
                regexp: text(words[4]),
                replacement: words[5].to_owned(),
            }
        })
    }

    fn srv<'a>(&'a self, name: &'a str) -> Lookup<'a, Srv> {
        self.look_up("SRV", name, |record| {
            let words: Vec<&str> = record.split(' ').collect();
            Srv {
                priority: words[0].parse().unwrap(),
                weight: words[1].parse().unwrap(),
                port: words[2].parse().unwrap(),
                target: words[3].to_owned(),
            }
        })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr> {
        self.look_up("A", host, |record| record.parse().unwrap())
    }
}
