//! Which format a file has.

use ringfence_policy::Format;

use super::csv;

#[test]
fn the_name_of_a_file_tells_its_format() {
    for (path, format) in [
        ("/srv/mom/contacts.vcf", Format::VCard),
        ("CONTACTS.VCARD", Format::VCard),
        ("https://example.org/list.csv?day=1", csv()),
        ("a.tsv", csv()),
        ("harassers.json", Format::CallBlocker),
        ("/etc/ncid/ncidd.blacklist", Format::Ncid),
        ("ncidd.whitelist", Format::Ncid),
        ("blocked.list", Format::FreeSwitch),
        ("spam.txt", Format::Text),
    ] {
        assert_eq!(Format::guess(Some(path), None, b""), Some(format), "{path}");
    }
}

#[test]
fn what_a_server_says_counts_where_the_name_says_nothing() {
    for (content_type, format) in [
        ("text/vcard; charset=utf-8", Format::VCard),
        ("Text/CSV", csv()),
        ("application/json", Format::CallBlocker),
        ("text/plain", Format::Text),
    ] {
        assert_eq!(
            Format::guess(Some("/list"), Some(content_type), b"1001\n"),
            Some(format),
            "{content_type}"
        );
    }
}

#[test]
fn how_a_file_begins_tells_its_format_at_last() {
    for (first, format) in [
        ("\u{feff}begin:vcard\r\n", Some(Format::VCard)),
        ("\n {\"entries\":", Some(Format::CallBlocker)),
        ("[\"1001\"]", Some(Format::CallBlocker)),
        ("/blacklist/1001 : 1", Some(Format::Asterisk)),
        ("Name;Mobile Phone\n", Some(csv())),
        ("# phone, name\n1001\n", Some(Format::Text)),
        ("+4179*\n", Some(Format::Text)),
        ("", Some(Format::Text)),
        ("<!DOCTYPE html>", None),
        ("\u{0}ELF", None),
    ] {
        assert_eq!(Format::guess(None, None, first.as_bytes()), format, "{first}");
    }
}

#[test]
fn a_format_has_a_name_that_is_read_again() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.name()), Some(format));
    }
    assert_eq!(Format::parse("json"), Some(Format::CallBlocker));
    assert_eq!(Format::parse("xml"), None);
}
