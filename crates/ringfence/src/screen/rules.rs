//! One configuration as the screen decides by it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ringfence_policy::{Answer, Policy};

use super::on_line::{Kinds, OnLine};
use crate::config::Config;
use crate::journal::Past;
use crate::runnable;
use crate::sources::Sources;

/// One configuration, with its answers ready to be sent.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) policy: Arc<Policy>,
    /// The policy's checksum, which the records of all its calls share.
    pub(super) checksum: Arc<str>,
    /// Which configuration of this run it is.
    pub(super) number: u64,
    pub(super) lines: BTreeMap<Arc<str>, OnLine>,
    /// For a line that is none of them.
    pub(super) other: OnLine,
    /// Whom to ask about a caller.
    pub(super) sources: Arc<Sources>,
    /// The lists that are asked for each call, with what counts when one does not answer.
    pub(super) asked: Vec<Box<str>>,
    pub(super) unanswered: BTreeMap<Box<str>, Answer>,
}

impl Rules {
    /// Makes them of a configuration.
    pub(super) fn new(
        config: &Config,
        sources: Arc<Sources>,
        past: &Past,
        number: u64,
    ) -> softphone::Result<Self> {
        let policy = &config.policy;
        let mut kinds = Kinds::default();
        let refused = runnable::refused(config, Timestamp::now());
        let lines = config.accounts.iter().map(|account| {
            let line = OnLine::of(policy, past, account, refused.get(&account.name), &mut kinds)?;
            Ok((Arc::clone(&account.name), line))
        });
        // Made in one go the nodes of the map are full; line by line each would be half empty.
        let lines = lines.collect::<softphone::Result<BTreeMap<_, _>>>()?;
        let other = OnLine::of_none(policy, &mut kinds)?;
        Ok(Self {
            policy: Arc::clone(policy),
            checksum: policy.checksum().into(),
            number,
            lines,
            other,
            sources,
            asked: config.look_ups.iter().map(|look_up| look_up.name.as_str().into()).collect(),
            unanswered: config.unanswered.clone(),
        })
    }

    /// Returns what the rules need of a line.
    pub(super) fn line(&self, label: &str) -> &OnLine {
        self.lines.get(label).unwrap_or(&self.other)
    }
}
