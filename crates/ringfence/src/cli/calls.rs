//! `ringfence calls`

use anyhow::Result;
use clap::Args;

use super::output::{clock, print, print_json};
use super::status::explain;
use super::{Answer, Context};
use crate::control::client;
use crate::control::{Request, Response};
use crate::journal::{Call, MOST_CALLS, News, Outcome};
use crate::style::{BAD, CAUTION, DIM, GOOD, STRONG, paint};
use crate::visible::{cut, visible};

/// Show what was decided about the newest calls, and why
///
/// The running program keeps the newest 1,000 calls, in memory for now: a restart forgets them.
#[derive(Debug, Args)]
pub(super) struct Calls {
    /// Go on with calls as they happen, until interrupted
    #[arg(short, long)]
    follow: bool,

    /// How many of the newest calls
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,

    /// Print one JSON object an event
    #[arg(long)]
    json: bool,
}

impl Calls {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let places = context.control_places()?;
        let request = Request::Calls { limit: self.limit.min(MOST_CALLS), follow: self.follow };
        let mut answer = client::ask(&places, &request).await.map_err(explain)?;
        let mut is_empty = true;
        while let Some(response) = answer.next().await.map_err(explain)? {
            is_empty = false;
            match response {
                Response::News(news) if self.json => print_json(&news)?,
                Response::News(news) => print(rendered(&news))?,
                Response::Missed(missed) => {
                    anstream::eprintln!(
                        "{} missed {missed} events: this reader was too slow",
                        paint(CAUTION, "…")
                    );
                }
                Response::Status(_) | Response::Reloaded(_) | Response::Error(_) | Response::End {} => {}
            }
        }
        if is_empty && !self.json && self.limit > 0 {
            print("no calls yet\n")?;
        }
        Ok(Answer::Fine)
    }
}

fn rendered(news: &News) -> String {
    match news {
        News::Call(call) => decided(call),
        News::Ended(call) => {
            ended(call).map(|end| format!("          {} {end}\n", paint(DIM, "└"))).unwrap_or_default()
        }
    }
}

/// Returns a call in two lines: who and what, and why.
fn decided(call: &Call) -> String {
    let (style, verdict) = match &call.verdict {
        Outcome::Reject { status } => (BAD, format!("rejected {status}")),
        Outcome::Redirect { to } => (CAUTION, format!("redirected to {}", visible(to))),
        Outcome::Ring => (GOOD, "rang".to_owned()),
        Outcome::Ignore => (DIM, "ignored".to_owned()),
        Outcome::Refuse { status } => (BAD, format!("could not ring ({status})")),
    };
    let name = call.display_name.as_deref().map(|name| format!(" \"{}\"", visible(&cut(name, MOST_NAME))));
    let name = name.unwrap_or_default();
    let end = ended(call).map(|end| format!(", {end}")).unwrap_or_default();
    format!(
        "{}  {}{name} → {}  {}{}\n          {}\n",
        paint(DIM, clock(call.at)),
        paint(STRONG, visible(&cut(&call.caller, MOST_NAME))),
        visible(&call.line),
        paint(style, verdict),
        paint(DIM, end),
        paint(DIM, visible(&call.reason)),
    )
}

/// A stranger's name is no longer, in characters: enough to know it by.
const MOST_NAME: usize = 60;

fn ended(call: &Call) -> Option<String> {
    let ended = call.ended.as_ref()?;
    let status = ended.status.map(|status| format!(" with {status}")).unwrap_or_default();
    Some(format!("{}{status}", visible(&ended.how)))
}
