//! `ringfence answered`

use anyhow::Result;
use clap::Args;

use super::spoken::{How, Spoken};
use super::{Answer, Context};

/// Note that a call of a number was answered, for rules with `answered_within`
///
/// A registrar or peer that says in its CANCEL that another phone answered (`Reason: SIP;cause=200`) is
/// heard without it. Where yours does not, let the PBX run it, or feed it the numbers of its call records.
#[derive(Debug, Args)]
pub(super) struct Answered {
    #[command(flatten)]
    spoken: Spoken,
}

impl Answered {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        self.spoken.note(context, How::Answered).await
    }
}
