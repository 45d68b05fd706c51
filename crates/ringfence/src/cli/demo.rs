//! `ringfence demo`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Answer;
use super::output::{print, print_json};
use crate::demo::{self, Told};
use crate::page::Page;
use crate::trace::Drawing;

/// See calls being rejected, without a PBX and without a network
///
/// Starts a small PBX on the loopback interface, registers with it, and takes calls from listed,
/// allowed, withheld and unknown callers and from a stranger. It is a test of itself as well: exits 1
/// if a call is not answered as it should be.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Write what is sent and received to a capture file for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
}

#[derive(Serialize)]
struct Outcome {
    ok: bool,
    seconds: f64,
    calls: Vec<Told>,
}

impl Demo {
    pub(super) async fn run(self) -> Result<Answer> {
        let drawing = self.pcap.as_deref().map(|path| Drawing::start(false, Some(path))).transpose()?;
        let show = |page: Page| if self.json { Ok(()) } else { print(page) };
        show(demo::heading())?;
        let mut demo = demo::Demo::start(drawing.as_ref().map(Drawing::tap)).await?;
        show(demo::registration(&demo.messages()))?;
        let mut told = Vec::new();
        for scene in demo::Demo::scenes() {
            told.push(demo.play(scene).await?);
            show(told[told.len() - 1].scene(told.len()))?;
        }
        if let Some(stranger) = demo.play_stranger().await? {
            show(stranger.scene(told.len() + 1))?;
            told.push(stranger);
        }
        let (is_unregistered, took) = demo.end().await?;
        show(demo::summary(&told, is_unregistered, took))?;
        drawing.map(Drawing::finish).transpose()?;
        let ok = is_unregistered && told.iter().all(Told::is_ok);
        if self.json {
            print_json(&Outcome { ok, seconds: took.as_secs_f64(), calls: told })?;
        }
        Ok(Answer::of(ok))
    }
}
