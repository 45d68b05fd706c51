//! `ringfence remove`

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use super::change::{Number, shown, told};
use super::failure::hint;
use super::list::remembered;
use super::output::print;
use super::{Answer, Context, caller, in_force, lists_of};
use crate::config::edit;
use crate::journal::Added;
use crate::page::Page;

/// Take a number off all lists
///
/// Every entry that means the number, however it is written, is removed from the configuration and
/// from the files; what a rule or a person has put on a list for a time ends now. A running ringfence decides the
/// next call by it. If a test of the policy fails with it, nothing is changed. Exits 1 if nothing was removed, or
/// the running ringfence cannot take it up.
#[derive(Debug, Args)]
pub(super) struct Remove {
    #[command(flatten)]
    number: Number,
}

impl Remove {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let now = Timestamp::now();
        let (change, _turn) = self.number.change(context)?;
        let removed = change.attempt(change.lists.each()).make(|| {
            let (mut page, mut changed) = (Page::new(), Vec::new());
            for list in change.lists.each() {
                for (written, file, line) in edit::remove(&change.config, list, &change.pattern)? {
                    let (list, file) = (&list.name, shown(&file));
                    page.line(format_args!("removed {written} from the {list} list ({file}:{line})"));
                    changed.push(list.as_str());
                }
            }
            Ok((page, changed))
        })?;
        let Some(((mut page, changed), reading)) = removed else { return Ok(Answer::Negative) };
        let remembered = self.remembered(context, &change).await;
        for Added { list, identity, rule, .. } in remembered.iter().flatten() {
            let by = rule.as_ref().map(|rule| format!(", put there by rule {rule}")).unwrap_or_default();
            let identity = caller::told(identity);
            page.line(format_args!("removed {identity} from the {list} list (journal{by})"));
        }
        let is_removed = !page.is_empty();
        print(page)?;
        let lists = lists_of(reading)?;
        let left: Vec<_> =
            lists.each().iter().filter_map(|list| Some((list, change.covering(list, now)?))).collect();
        if !is_removed && remembered.is_ok() {
            let why = if left.is_empty() { "is on no list" } else { "has no entry to take off" };
            anstream::eprintln!("{} {why}", change.pattern);
        }
        for (list, entry) in left {
            let otherwise =
                if edit::is_editable(list, entry) { "" } else { "; ringfence does not write that file" };
            hint(&format!("the {} list has {}, which covers it{otherwise}", list.name, told(list, entry)));
        }
        let answer = if changed.is_empty() {
            Answer::of(is_removed)
        } else {
            in_force::take_up(context, &changed).await?
        };
        // What the files have lost is told and in force, whatever becomes of the journal.
        remembered.map(|_| answer)
    }

    /// Ends the entries that the journal has of the caller, and returns them.
    async fn remembered(&self, context: &Context, change: &super::change::Change) -> Result<Vec<Added>> {
        let Some(identity) = self.number.identity(change.lists.region) else { return Ok(Vec::new()) };
        let now = Timestamp::now();
        let mut entries = remembered::entries(context, now).await?;
        entries.retain(|entry| entry.identity == identity);
        if !entries.is_empty() {
            remembered::end(context, &entries, now).await?;
        }
        Ok(entries)
    }
}
