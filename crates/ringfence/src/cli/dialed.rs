//! `ringfence dialed`

use anyhow::Result;
use clap::Args;

use super::spoken::{How, Spoken};
use super::{Answer, Context};

/// Note that you called a number, for rules with `dialed_within`
///
/// Let your PBX run it for each call that goes out, or feed it the numbers of its call records. After an
/// emergency number whoever calls within the hour rings.
#[derive(Debug, Args)]
pub(super) struct Dialed {
    #[command(flatten)]
    spoken: Spoken,
}

impl Dialed {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        self.spoken.note(context, How::Dialed).await
    }
}
