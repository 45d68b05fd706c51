//! `ringfence remove`

use anyhow::Result;
use clap::Args;

use super::change::{Number, shown, told};
use super::failure::hint;
use super::output::print;
use super::{Answer, Context};
use crate::config::edit;
use crate::page::Page;

/// Take a number off all lists
///
/// Every entry that means the number, however it is written, is removed from the configuration and
/// from the files. Exits 1 if there is none.
#[derive(Debug, Args)]
pub(super) struct Remove {
    #[command(flatten)]
    number: Number,
}

impl Remove {
    pub(super) fn run(self, context: &Context) -> Result<Answer> {
        let change = self.number.change(context)?;
        let mut page = Page::new();
        for list in change.lists.each() {
            for (written, file, line) in edit::remove(&change.config, list, &change.pattern)? {
                let list = &list.name;
                page.line(format_args!("removed {written} from the {list} list ({}:{line})", shown(&file)));
            }
        }
        let is_removed = !page.is_empty();
        print(page)?;
        if !is_removed {
            anstream::eprintln!("{} is on no list", change.pattern);
        }
        for list in change.lists.each() {
            if let Some(entry) = change.wider(list) {
                hint(&format!("the {} list has {}, which covers it", list.name, told(list, entry)));
            }
        }
        Ok(Answer::of(is_removed))
    }
}
