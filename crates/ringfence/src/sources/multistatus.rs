//! Reads the cards out of a `WebDAV` multistatus (RFC 4918 section 13, RFC 6352 section 10.4).
//!
//! Only as much XML is read as that needs: elements by their local names, text, CDATA, the entities
//! XML itself has. A document type is refused, and with it every entity that could grow.

/// Returns the cards one after the other.
pub(crate) fn cards(xml: &str) -> Result<String, &'static str> {
    let mut reader = Reader { rest: xml.trim_start_matches('\u{feff}'), open: Vec::new() };
    let mut cards = String::new();
    let mut is_multistatus = false;
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::Text(text) if reader.is_in("address-data") => unescape(text, &mut cards)?,
            Piece::Verbatim(text) if reader.is_in("address-data") => cards.push_str(text),
            // RFC 6352 section 8.6.2: the server has more than it sends.
            Piece::Text(text) if reader.is_in("status") && text.contains(" 507 ") => {
                return Err("the server sends a part of the address book only (507)");
            }
            Piece::Start(name) => is_multistatus |= name == "multistatus",
            Piece::End("address-data") => cards.push_str("\r\n"),
            Piece::Text(_) | Piece::Verbatim(_) | Piece::End(_) => {}
        }
    }
    if is_multistatus { Ok(cards) } else { Err("expected a multistatus, found another document") }
}

struct Reader<'a> {
    rest: &'a str,
    /// The elements around, by their local names.
    open: Vec<&'a str>,
}

enum Piece<'a> {
    Start(&'a str),
    End(&'a str),
    Text(&'a str),
    /// Text in which nothing is escaped.
    Verbatim(&'a str),
}

/// A multistatus is five deep.
const DEEPEST: usize = 32;

impl<'a> Reader<'a> {
    /// Returns the next piece. An element that ends itself comes as its start only.
    fn next(&mut self) -> Result<Option<Piece<'a>>, &'static str> {
        loop {
            if self.rest.is_empty() {
                return if self.open.is_empty() { Ok(None) } else { Err("the XML ends in the middle") };
            }
            let Some(markup) = self.rest.strip_prefix('<') else {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Ok(Some(Piece::Text(text)));
            };
            if let Some(comment) = markup.strip_prefix("!--") {
                self.rest = after(comment, "-->")?.1;
            } else if let Some(verbatim) = markup.strip_prefix("![CDATA[") {
                let (text, rest) = after(verbatim, "]]>")?;
                self.rest = rest;
                return Ok(Some(Piece::Verbatim(text)));
            } else if markup.starts_with('!') {
                return Err("expected XML without a document type");
            } else if let Some(instruction) = markup.strip_prefix('?') {
                self.rest = after(instruction, "?>")?.1;
            } else if let Some(end) = markup.strip_prefix('/') {
                let (name, rest) = after(end, ">")?;
                self.rest = rest;
                return self.end(local(name.trim_end())).map(Some);
            } else {
                return self.start(markup).map(Some);
            }
        }
    }

    fn start(&mut self, markup: &'a str) -> Result<Piece<'a>, &'static str> {
        let (tag, rest) = tag(markup)?;
        self.rest = rest;
        let is_empty = tag.ends_with('/');
        let name = tag.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
        let name = local(name);
        if name.is_empty() {
            return Err("expected the name of an element after `<`");
        }
        if !is_empty {
            if self.open.len() == DEEPEST {
                return Err("the XML is too deep");
            }
            self.open.push(name);
        }
        Ok(Piece::Start(name))
    }

    fn end(&mut self, name: &'a str) -> Result<Piece<'a>, &'static str> {
        match self.open.pop() {
            Some(open) if open == name => Ok(Piece::End(name)),
            Some(_) | None => Err("an element ends that is not open"),
        }
    }

    fn is_in(&self, name: &str) -> bool {
        self.open.last() == Some(&name)
    }
}

/// Splits at the end of a tag, which is not the `>` of a quoted attribute.
fn tag(markup: &str) -> Result<(&str, &str), &'static str> {
    let mut quote = None;
    for (index, byte) in markup.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Ok((&markup[..index], &markup[index + 1..])),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None | Some(_), _) => {}
        }
    }
    Err("the XML ends in the middle")
}

fn after<'a>(text: &'a str, end: &str) -> Result<(&'a str, &'a str), &'static str> {
    text.split_once(end).ok_or("the XML ends in the middle")
}

/// Returns a name without the prefix of its namespace, which each server chooses for itself.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn unescape(text: &str, into: &mut String) -> Result<(), &'static str> {
    let mut pieces = text.split('&');
    into.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (entity, rest) = piece.split_once(';').ok_or("expected `;` after an entity")?;
        into.push(character(entity).ok_or("expected an entity of XML itself")?);
        into.push_str(rest);
    }
    Ok(())
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let code = entity.strip_prefix('#')?;
            let code = match code.strip_prefix('x') {
                Some(code) => u32::from_str_radix(code, 16).ok()?,
                None => code.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multistatus(inside: &str) -> String {
        format!("<?xml version='1.0'?>\n<d:multistatus xmlns:d='DAV:' note='a>b'>{inside}</d:multistatus>\n")
    }

    #[test]
    fn cards_are_read_whatever_the_prefixes_and_however_they_are_escaped() {
        let xml = multistatus(
            "<d:response><d:href>/a.vcf</d:href><d:propstat><d:prop><card:address-data xmlns:card='x'>\
             BEGIN:VCARD&#13;\nFN:A &amp; B&#xD;\nEND:VCARD</card:address-data></d:prop>\
             <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response><!-- <x> -->\
             <d:response><address-data><![CDATA[BEGIN:VCARD <2>]]></address-data><d:empty/></d:response>",
        );
        assert_eq!(cards(&xml).unwrap(), "BEGIN:VCARD\r\nFN:A & B\r\nEND:VCARD\r\nBEGIN:VCARD <2>\r\n");
    }

    #[test]
    fn an_address_book_that_is_not_all_sent_is_refused() {
        let xml =
            multistatus("<d:response><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>");
        assert_eq!(cards(&xml), Err("the server sends a part of the address book only (507)"));
    }

    const BROKEN: [&str; 16] = [
        "",
        "<",
        "</a>",
        "<a>",
        "<a></b>",
        "<a",
        "<a b='>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
        "<!--",
        "<?xml",
        "<a>&b;</a>",
        "<![CDATA[",
        "<>",
        "< />",
        "<html></html>",
        "plain",
    ];

    #[test]
    fn what_is_no_whole_multistatus_is_an_error_and_never_a_panic() {
        for xml in BROKEN {
            assert!(cards(xml).is_err(), "{xml}");
        }
        for entity in ["&b;", "&", "&#xD800;", "&#99999999999;", "&#x;", "&lt"] {
            assert!(
                cards(&multistatus(&format!("<address-data>{entity}</address-data>"))).is_err(),
                "{entity}"
            );
        }
        assert!(cards(&"<a>".repeat(100_000)).is_err());
    }
}
