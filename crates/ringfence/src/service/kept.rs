//! The last good rows of a list whose file has become unreadable.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringfence_policy::List;

use super::absolute;
use crate::config::Config;
use crate::supply;

/// Keeps the last good rows of files on this machine that have become unreadable, or empty of rows, in their lists.
/// Returns which lists, and why.
pub(super) fn keep_good_rows(in_force: &Config, config: &mut Config) -> Vec<(String, String)> {
    let mut kept = Vec::new();
    for loaded in config.lists.each().to_vec() {
        if loaded.troubles.is_empty() {
            continue;
        }
        let Some(before) = in_force.policy.list(&loaded.name).map(Arc::clone) else { continue };
        let mut builder = List::builder(&loaded.name);
        builder.again(&loaded.list, |_| true);
        let had_rows = |(path, trouble): (PathBuf, String)| {
            let path = absolute(&path);
            let is_card = |file: &Path| {
                let is_vcard = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("vcf"));
                is_vcard && file.parent() == Some(&path)
            };
            // Or a card in the directory that it is.
            let is_it = |file: &Path| *file == *path || is_card(file);
            let is_of_it = |file: Option<&str>| file.is_some_and(|file| is_it(&absolute(Path::new(file))));
            (builder.again(&before, is_of_it) > 0).then_some(trouble)
        };
        let troubles: Vec<String> = loaded.troubles.into_iter().filter_map(had_rows).collect();
        if !troubles.is_empty() && supply::put(config, Arc::new(builder.build().0)) {
            kept.push((loaded.name, troubles.join(", ")));
        }
    }
    kept
}
