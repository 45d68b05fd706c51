//! Which format a file has.

use super::asterisk::FAMILY;
use super::csv::has_known_header;
use super::lines::after_mark;
use super::{Columns, Format};

pub(super) fn guess(path: Option<&str>, content_type: Option<&str>, first: &[u8]) -> Option<Format> {
    let name = path.and_then(by_name);
    if let Some(format) = name.or_else(|| content_type.and_then(by_content_type)) {
        return Some(format);
    }
    by_content(first)
}

fn by_name(path: &str) -> Option<Format> {
    let name = path.rsplit(['/', '\\']).next()?;
    let name = name.split(['?', '#']).next()?;
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "vcf" | "vcard" => Some(Format::VCard),
        "csv" | "tsv" => Some(Format::Csv(Columns::default())),
        "json" => Some(Format::CallBlocker),
        "blacklist" | "whitelist" => Some(Format::Ncid),
        "list" => Some(Format::FreeSwitch),
        _ => None,
    }
}

fn by_content_type(content_type: &str) -> Option<Format> {
    let kind = content_type.split(';').next()?.trim();
    match kind.to_ascii_lowercase().as_str() {
        "text/vcard" | "text/x-vcard" | "text/directory" => Some(Format::VCard),
        "text/csv" | "application/csv" | "text/tab-separated-values" => Some(Format::Csv(Columns::default())),
        "application/json" | "text/json" => Some(Format::CallBlocker),
        _ => None,
    }
}

/// Guesses by how a file begins; what begins like none of the others is text.
fn by_content(first: &[u8]) -> Option<Format> {
    let first = &first[after_mark(first)..];
    let first = &first[..first.len().min(ENOUGH)];
    let text = first.trim_ascii_start();
    if text.len() >= BEGIN.len() && text[..BEGIN.len()].eq_ignore_ascii_case(BEGIN) {
        return Some(Format::VCard);
    }
    match text.first() {
        Some(b'{' | b'[') => Some(Format::CallBlocker),
        Some(b'<') => None,
        _ if first.contains(&0) => None,
        _ if text.starts_with(FAMILY.as_bytes()) => Some(Format::Asterisk),
        Some(b'#') => Some(Format::Text),
        _ if has_known_header(first) => Some(Format::Csv(Columns::default())),
        _ => Some(Format::Text),
    }
}

const BEGIN: &[u8] = b"BEGIN:VCARD";

/// The first line and more.
const ENOUGH: usize = 4096;
