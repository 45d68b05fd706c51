//! `ringfence allow`

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use super::change::{Number, shown, told};
use super::failure::hint;
use super::output::print;
use super::precedence::Precedence;
use super::{Answer, Context, in_force, reach};
use crate::config::{ALLOW, edit};

/// Put a number on the allow list
///
/// Where a rule that asks for the allow list and nothing else comes first, as `ringfence init` writes it, an allowed
/// caller is not rejected though the reject list names the number too. The entry goes
/// to the first file of [list.allow] if the list has files, else to its `entries`; one that was there for a time makes
/// way for it. A running ringfence decides
/// the next call by it. What means most numbers of a country, or of more, is shown and asked about. If a test of the
/// policy fails with it, nothing is changed and the exit status is 1; so it is if the running ringfence cannot take
/// it up.
#[derive(Debug, Args)]
pub(super) struct Allow {
    #[command(flatten)]
    number: Number,

    /// Why, written beside the entry
    #[arg(long, visible_alias = "comment", value_name = "TEXT")]
    note: Option<String>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Allow {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let now = Timestamp::now();
        let (change, mut turn) = self.number.change(context)?;
        let (reject, allow) = (change.lists.reject(), change.lists.allow());
        let ending = change.ending(allow);
        // One that ends does not do: what is allowed now is so for good.
        if let Some(entry) = change.covering(allow, Timestamp::MAX).filter(|_| ending.is_none()) {
            print(format_args!("{} is allowed already: {}\n", change.pattern, told(allow, entry)))?;
            return Ok(Answer::Fine);
        }
        if !reach::accept(&mut turn, [&change.pattern], allow, change.lists.region, self.yes)? {
            return Ok(Answer::Negative);
        }
        let add = || {
            if ending.is_some() {
                edit::remove(&change.config, allow, &change.pattern)?;
            }
            change.add(allow, "allowed", self.note.as_deref())
        };
        let Some((file, _)) = change.attempt([allow]).make(add)? else { return Ok(Answer::Negative) };
        print(format_args!("allowed {} in {}\n", change.pattern, shown(&file)))?;
        if let Some(entry) = change.covering(reject, now) {
            let rejected = told(reject, entry);
            match change.precedence(now) {
                None => {}
                Some(Precedence::Allow) => {
                    print(format_args!("it wins over {rejected} on the reject list\n"))?;
                }
                Some(precedence) => match precedence.why() {
                    Some(why) => print(format_args!("{rejected} on the reject list wins over it: {why}\n"))?,
                    None => {
                        hint(&format!(
                            "the reject list has {rejected}, too: `ringfence why` tells which decides"
                        ));
                    }
                },
            }
        }
        in_force::take_up(context, &[ALLOW]).await
    }
}
