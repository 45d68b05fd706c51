//! `[journal]`: where calls are written down, for how long, and how safely.

use super::account::beside;
use super::section::{At, Key, Section};
use crate::journal::{Durability, Place, Settings, read_age, read_size};

const PATH: Key = Key::new("path", "the path of the journal's file, or \"off\"", "\"ringfence.db\"");
const RETENTION: Key = Key::new("retention", "how long calls are kept, from 1h to 100y", "\"90d\"");
const MAX_SIZE: Key = Key::new("max_size", "how much is kept, from 1MB to 1TB", "\"500MB\"");
const DURABILITY: Key = Key::new(
    "durability",
    "\"process\" (a kill loses nothing) or \"full\" (nor does a power cut)",
    "\"process\"",
);

/// Tells whether a section says where the journal is.
pub(super) fn names_a_file(section: &Section<'_>) -> bool {
    section.glance(&PATH).is_some()
}

/// Reads a section; what it does not say keeps its default.
pub(super) fn read(section: &Section<'_>) -> Settings {
    let default = Settings::default();
    let settings = Settings {
        place: section.text(&PATH).map_or(default.place, |at| match at.value {
            "off" => Place::Memory,
            "" => {
                section.unfit(&PATH, at.span, "\"\"");
                Place::Memory
            }
            path => Place::File(beside(section.path(), path)),
        }),
        retention: section.parsed(&RETENTION, |text| read_age(text).ok()).map_or(default.retention, value),
        max_size: section.parsed(&MAX_SIZE, |text| read_size(text).ok()).map_or(default.max_size, value),
        durability: section.parsed(&DURABILITY, durability).map_or(default.durability, value),
    };
    section.finish();
    settings
}

/// Returns the settings that another one changes; each takes effect with a restart.
pub(super) fn differences(settings: &Settings, other: &Settings) -> Vec<String> {
    let differs = [
        (&PATH, settings.place != other.place),
        (&RETENTION, settings.retention != other.retention),
        (&MAX_SIZE, settings.max_size != other.max_size),
        (&DURABILITY, settings.durability != other.durability),
    ];
    let changed = differs.into_iter().filter(|(_, differs)| *differs);
    changed.map(|(key, _)| format!("journal.{}", key.name)).collect()
}

fn value<T>(at: At<T>) -> T {
    at.value
}

fn durability(text: &str) -> Option<Durability> {
    match text {
        "process" => Some(Durability::Process),
        "full" => Some(Durability::Full),
        _ => None,
    }
}
