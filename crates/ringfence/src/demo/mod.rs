//! The demo: a PBX, a softphone and callers in one process, on the loopback interface. Everything
//! but the PBX and the callers is the program itself: its configuration, its screen, its journal.

mod scenes;
mod stage;
mod told;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ringfence_testing::{Caller, Pbx, PbxConfig, Record as Message};
use tokio::time::timeout;

use self::scenes::{CONFIGURATION, RULES, Scene};
use self::stage::{Peer, seat};
pub(crate) use self::told::{Told, heading, registration, summary};
use crate::config::{self, Config};
use crate::confine::Confined;
use crate::control::server::Desk;
use crate::journal::{self, Call, News, Records};
use crate::service::Service;
use crate::trace::Tap;

/// A demo that runs: the curtain is up.
#[derive(Debug)]
pub(crate) struct Demo {
    service: Arc<Service>,
    records: Records,
    pbx: Peer<Pbx>,
    phone: SocketAddr,
    start: Instant,
}

/// What is on the loopback interface arrives, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(3);
/// An INVITE that was not answered for so long is not going to be: the first retransmission comes
/// after 500 ms.
const SILENCE: Duration = Duration::from_millis(300);
/// Where the stranger calls from: an address that is neither the PBX's nor a peer's.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

impl Demo {
    /// Starts the PBX and the softphone, and waits until the softphone is registered.
    pub(crate) async fn start(tap: Option<Tap>) -> Result<Self> {
        let start = Instant::now();
        let (socket, address) = seat(Ipv4Addr::LOCALHOST).await.context("no socket for the PBX")?;
        let mut pbx = Pbx::new(PbxConfig::new(address), u64::from(address.port()));
        pbx.add_user("858", "a loopback secret");
        let mut pbx = Peer::new(pbx, socket);

        let config = configuration(address.port())?;
        let (recorder, journal, records) = journal::open(journal::Settings::in_memory())?;
        let started = Service::start(config, Confined::default(), tap, recorder, journal).await;
        let service = started.context("the softphone did not start")?;
        let is_registered = pbx.play(PATIENCE, |pbx| pbx.is_registered("858")).await?;
        let phone = service.phone().local_addresses().first().copied();
        match phone {
            Some(phone) if is_registered => Ok(Self { service, records, pbx, phone, start }),
            _ => bail!("the softphone did not register within {} s", PATIENCE.as_secs()),
        }
    }

    /// Returns the calls to come through the PBX.
    pub(crate) fn scenes() -> Vec<Scene> {
        scenes::through_the_pbx()
    }

    /// Returns the messages of the registration.
    pub(crate) fn messages(&self) -> Vec<&Message> {
        self.pbx.node.messages().collect()
    }

    /// Plays one call and tells what came of it.
    pub(crate) async fn play(&mut self, scene: Scene) -> Result<Told> {
        let id = self.pbx.node.call(Instant::now(), scene.plan.clone());
        self.pbx.play(PATIENCE, |pbx| pbx.get(id).outcome().is_some()).await?;
        let call = self.journalled().await;
        let answers = self.pbx.node.get(id).statuses().into_iter().filter(|status| *status > 100).collect();
        let faults = self.pbx.node.get(id).faults().to_vec();
        let messages = self.pbx.node.messages_of(id).cloned().collect();
        Ok(Told::of_call(&scene, call, answers, faults, messages, self.start))
    }

    /// Plays a call that does not come through the PBX. `None` where the system has no second
    /// loopback address, as macOS has not.
    pub(crate) async fn play_stranger(&mut self) -> Result<Option<Told>> {
        let Ok((socket, address)) = seat(ELSEWHERE).await else { return Ok(None) };
        let before = self.dropped().await;
        let mut stranger = Peer::new(Caller::new(address, 9), socket);
        let id = stranger.node.call(Instant::now(), self.phone, scenes::from_elsewhere());
        stranger.play(SILENCE, |caller| !caller.get(id).answers().is_empty()).await?;
        let answers = stranger.node.get(id).statuses();
        let is_counted = self.dropped().await == before + 1;
        let messages = stranger.node.messages_of(id).cloned().collect();
        Ok(Some(Told::of_stranger(address, answers, is_counted, messages, self.start)))
    }

    /// Unregisters and ends. Returns how long all of it took.
    pub(crate) async fn end(mut self) -> Result<(bool, Duration)> {
        let service = Arc::clone(&self.service);
        let leaving = tokio::spawn(async move { service.shutdown(PATIENCE).await });
        let is_gone = self.pbx.play(PATIENCE, |pbx| !pbx.is_registered("858")).await?;
        leaving.await?;
        Ok((is_gone, self.start.elapsed()))
    }

    /// Returns how many INVITEs of strangers were dropped.
    async fn dropped(&self) -> u64 {
        self.service.status().await.counters.get("dropped_stranger").copied().unwrap_or_default()
    }

    /// Waits until the journal has the end of the next call.
    async fn journalled(&mut self) -> Option<Arc<Call>> {
        let mut batch = Vec::new();
        loop {
            timeout(PATIENCE, self.records.wait(&mut batch)).await.ok()?;
            let told = batch.drain(..).flat_map(|record| self.service.journal().take(record));
            let ended = told.filter_map(|news| match news {
                News::Ended(call) => Some(call),
                News::Call(_) => None,
            });
            if let Some(call) = ended.last() {
                return Some(Arc::new(call.call()));
            }
        }
    }
}

/// Reads the demo's configuration the way every other one is read.
fn configuration(port: u16) -> Result<Config> {
    let text = CONFIGURATION.replace("{PORT}", &port.to_string()) + RULES;
    let reading = config::read_text(Path::new("demo.toml"), text);
    match reading.config {
        Some(config) => Ok(config),
        None => bail!("the demo's own configuration: {}", reading.report.summary()),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_testing::{CallPlan, Outcome};

    use super::*;

    #[tokio::test]
    async fn a_call_whose_decision_panics_at_once_and_late_is_answered_as_on_error_says_and_written_down() {
        let mut demo = Demo::start(None).await.unwrap();
        demo.service.screen().panic_from_now_on();
        let id = demo.pbx.node.call(Instant::now(), CallPlan::new("+41791234567", "858"));
        assert!(demo.pbx.play(PATIENCE, |pbx| pbx.get(id).statuses().contains(&180)).await.unwrap());
        demo.pbx.node.cancel(Instant::now(), id);
        assert!(demo.pbx.play(PATIENCE, |pbx| pbx.get(id).outcome().is_some()).await.unwrap());
        let called = demo.pbx.node.get(id);
        assert_eq!((called.outcome(), called.statuses()), (Some(&Outcome::Cancelled), vec![100, 180, 487]));
        let call = demo.journalled().await.unwrap();
        assert_eq!((call.rule.as_str(), call.caller.as_str()), ("on_error", "+41791234567"));
        assert!(call.reason.ends_with("; the decision panicked"), "{}", call.reason);
        assert_eq!(demo.pbx.node.get(id).faults(), [""; 0]);
    }

    #[tokio::test]
    async fn a_call_that_cannot_be_explained_is_answered_and_written_down_all_the_same() {
        let mut demo = Demo::start(None).await.unwrap();
        demo.service.screen().be_unspeakable_from_now_on();
        let id = demo.pbx.node.call(Instant::now(), CallPlan::new("+442079460123", "858"));
        assert!(demo.pbx.play(PATIENCE, |pbx| pbx.get(id).outcome().is_some()).await.unwrap());
        let call = demo.journalled().await.unwrap();
        assert_eq!((call.rule.as_str(), call.verdict.status()), ("listed", Some(486)));
        assert_eq!((call.caller.as_str(), call.reason.as_str()), ("invalid", "to say why panicked"));
        assert!(call.evidence.facts.contains("+442079460123"), "{}", call.evidence.facts);
    }

    #[test]
    fn the_configuration_of_the_demo_has_no_error() {
        let config = configuration(5060).unwrap();
        assert_eq!((config.lists.reject().list.len(), config.lists.allow().list.len()), (3, 1));
    }
}
