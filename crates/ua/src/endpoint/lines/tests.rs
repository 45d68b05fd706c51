use ringfence_wire::sip::{Head, Message};

use super::*;
use crate::call::Origin;
use crate::registration::{Extras, Target};
use crate::transaction::timers::epoch;

const REGISTRAR: &str = "192.0.2.1";
const PEER: &str = "198.51.100.5";
const STRANGER: &str = "203.0.113.66";

/// Some lines, known by their users; the token of a line is `token-`, its user and zeros.
struct Book {
    lines: Lines,
    ids: Vec<(String, LineId)>,
}

impl Book {
    fn new(accounts: &[Account]) -> Self {
        let mut book = Self { lines: Lines::new(), ids: Vec::new() };
        for account in accounts {
            let token = LineToken::read(token(&account.user).as_bytes()).unwrap();
            let id = book.lines.add(account.clone().into(), None, token);
            book.ids.push((account.user.to_string(), id));
            book.locate(&account.user, &[REGISTRAR]);
        }
        book
    }

    fn id(&self, user: &str) -> LineId {
        self.ids.iter().find(|(known, _)| known == user).unwrap().1
    }

    /// Has a line's registrar looked up.
    fn locate(&mut self, user: &str, addresses: &[&str]) {
        let local = "192.0.2.7:5060".parse().unwrap();
        let target = |address: &&str| Target::udp(SocketAddr::new(address.parse().unwrap(), 5060), local);
        let targets: Vec<Target> = addresses.iter().map(target).collect();
        self.lines.located(epoch(), self.id(user), Some(&targets));
    }

    /// Whose line an INVITE is for and why it is let in.
    fn admit(&self, uri: &str, to: &str, source: &str) -> Option<(&str, Origin)> {
        let text = format!("INVITE {uri} SIP/2.0\r\nTo: {to}\r\n\r\n");
        let request = Message::parse(text.as_bytes()).unwrap();
        let source = SocketAddr::new(source.parse().unwrap(), 5062);
        let admitted = self.lines.admit(&Head::of(&request), source);
        assert!(admitted.is_none() || !self.lines.is_stranger(&request, source));
        let (id, origin) = admitted?;
        let (user, _) = self.ids.iter().find(|(_, known)| *known == id)?;
        Some((user, origin))
    }
}

fn token(user: &str) -> String {
    format!("token-{user:0<14}")
}

fn with_peers(peers: Vec<IpAddr>) -> Box<Extras> {
    Box::new(Extras { peers, ..Extras::default() })
}

fn account(user: &str) -> Account {
    Account::new(user, REGISTRAR, 5060)
}

#[test]
fn the_token_decides_before_source_and_user() {
    let mut book = Book::new(&[account("858"), account("859")]);
    book.locate("859", &["192.0.2.2"]);
    let uri = &format!("sip:858@192.0.2.7;line={}", token("859"));
    assert_eq!(book.admit(uri, "<sip:858@192.0.2.1>", REGISTRAR), Some(("859", Origin::Token)));
    assert_eq!(book.admit(uri, "<sip:858@192.0.2.1>", STRANGER), Some(("859", Origin::Token)));
    assert_eq!(book.admit(uri, "<sip:858@192.0.2.1>", "192.0.2.2"), Some(("859", Origin::Registrar)));
}

#[test]
fn a_wrong_token_is_as_good_as_none() {
    let book = Book::new(&[account("858")]);
    for token in ["token-858", &token("858").to_uppercase(), "", &token("85"), &(token("858") + "x")] {
        let uri = format!("sip:858@192.0.2.7;line={token}");
        assert_eq!(book.admit(&uri, "<sip:858@192.0.2.1>", STRANGER), None, "{token}");
        let admitted = book.admit(&uri, "<sip:858@192.0.2.1>", REGISTRAR);
        assert_eq!(admitted, Some(("858", Origin::Registrar)));
    }
}

#[test]
fn of_the_registrars_lines_the_request_uri_names_one_and_else_to_does() {
    let book = Book::new(&[account("858"), account("859"), account("860")]);
    let admit = |uri, to| book.admit(uri, to, REGISTRAR).map(|(user, _)| user);
    assert_eq!(admit("sip:859@192.0.2.7", "<sip:860@192.0.2.1>"), Some("859"));
    assert_eq!(admit("sip:192.0.2.7", "<sip:860@192.0.2.1>"), Some("860"));
    assert_eq!(admit("sip:+4144@192.0.2.7", "<sip:860@192.0.2.1>"), Some("860"));
    assert_eq!(admit("sip:%385%39@192.0.2.7", "<sip:860@192.0.2.1>"), Some("859"));
}

#[test]
fn a_trunks_number_reaches_the_first_line_of_its_registrar() {
    let mut book = Book::new(&[account("858"), account("859"), account("860")]);
    book.locate("858", &["192.0.2.2"]);
    let admit = |uri, to| book.admit(uri, to, REGISTRAR);
    let first = Some(("859", Origin::Registrar));
    assert_eq!(admit("sip:+41445551234@192.0.2.7", "<sip:+41445551234@192.0.2.1>"), first);
    assert_eq!(admit("tel:+41445551234", "<tel:+41445551234>"), first);
    assert_eq!(admit("sip:a:b@", "nothing that can be read <"), first);
    // The line that is named has another registrar.
    assert_eq!(admit("sip:858@192.0.2.7", "<sip:858@192.0.2.1>"), first);
}

#[test]
fn a_stranger_reaches_no_line_whatever_is_named() {
    let book = Book::new(&[account("858"), account("859")]);
    for uri in ["sip:858@192.0.2.7", "sip:192.0.2.7", "tel:+41445551234", "sip:858@192.0.2.7;line"] {
        assert_eq!(book.admit(uri, "<sip:859@192.0.2.1>", STRANGER), None, "{uri}");
    }
}

#[test]
fn a_peer_reaches_the_line_that_it_was_configured_for() {
    let with_peer = Account { extras: Some(with_peers(vec![PEER.parse().unwrap()])), ..account("859") };
    let book = Book::new(&[account("858"), with_peer]);
    let admitted = Some(("859", Origin::Peer));
    assert_eq!(book.admit("sip:859@192.0.2.7", "<sip:859@192.0.2.1>", PEER), admitted);
    assert_eq!(book.admit("sip:858@192.0.2.7", "<sip:858@192.0.2.1>", PEER), admitted);
    assert_eq!(book.admit("sip:859@192.0.2.7", "<sip:859@192.0.2.1>", STRANGER), None);
}

#[test]
fn an_open_line_takes_anyone_and_still_tells_who_is_known() {
    let open = Account { is_open: true, ..account("859") };
    let book = Book::new(&[account("858"), open]);
    let admit = |source| book.admit("sip:859@192.0.2.7", "<sip:859@192.0.2.1>", source);
    assert_eq!(admit(STRANGER), Some(("859", Origin::Anyone)));
    assert_eq!(admit(REGISTRAR), Some(("859", Origin::Registrar)));
    let no_line = book.admit("sip:4711@192.0.2.7", "<sip:4711@192.0.2.1>", STRANGER);
    assert_eq!(no_line, Some(("859", Origin::Anyone)));
}

#[test]
fn a_strangers_call_for_a_closed_line_reaches_no_open_one() {
    let book = Book::new(&[account("858"), Account { is_open: true, ..account("859") }]);
    assert_eq!(book.admit("sip:858@192.0.2.7", "<sip:4711@192.0.2.1>", STRANGER), None);
    assert_eq!(book.admit("sip:4711@192.0.2.7", "<sip:858@192.0.2.1>", STRANGER), None);
    let both = book.admit("sip:858@192.0.2.7", "<sip:859@192.0.2.1>", STRANGER);
    assert_eq!(both, Some(("859", Origin::Anyone)));
}

#[test]
fn an_ipv4_address_is_the_same_however_the_socket_writes_it() {
    let mapped_peer = Account {
        extras: Some(with_peers(vec![format!("::ffff:{PEER}").parse().unwrap()])),
        ..account("858")
    };
    let mut book = Book::new(&[mapped_peer]);
    let admit = |book: &Book, source| {
        book.admit("sip:858@192.0.2.7", "<sip:858@192.0.2.1>", source).map(|(_, origin)| origin)
    };
    assert_eq!(admit(&book, "::ffff:192.0.2.1"), Some(Origin::Registrar));
    assert_eq!(admit(&book, PEER), Some(Origin::Peer));
    assert_eq!(admit(&book, "::192.0.2.1"), None);
    book.locate("858", &["::ffff:192.0.2.2"]);
    assert_eq!(admit(&book, "192.0.2.2"), Some(Origin::Registrar));
}

#[test]
fn a_registrar_that_has_moved_is_known_at_its_new_address_alone() {
    let mut book = Book::new(&[account("858"), account("859")]);
    book.locate("858", &["192.0.2.2", "2001:db8::2", "192.0.2.2"]);
    let admit = |book: &Book, user: &str, source| {
        book.admit(&format!("sip:{user}@192.0.2.7"), "<sip:192.0.2.1>", source)
            .map(|(user, _)| user.to_owned())
    };
    assert_eq!(admit(&book, "858", "192.0.2.2").as_deref(), Some("858"));
    assert_eq!(admit(&book, "858", "2001:db8::2").as_deref(), Some("858"));
    // The address that it had is the other line's still.
    assert_eq!(admit(&book, "858", REGISTRAR).as_deref(), Some("859"));
    book.lines.located(epoch(), book.id("858"), None);
    assert_eq!(admit(&book, "858", "192.0.2.2").as_deref(), Some("858"), "a failed look-up changes nothing");
}

#[test]
fn a_peer_stays_one_when_the_registrar_leaves_its_address() {
    let with_peer = Account { extras: Some(with_peers(vec![REGISTRAR.parse().unwrap()])), ..account("858") };
    let mut book = Book::new(&[with_peer]);
    book.locate("858", &["192.0.2.2"]);
    let admitted = book.admit("sip:4711@192.0.2.7", "<sip:4711@192.0.2.1>", REGISTRAR);
    assert_eq!(admitted, Some(("858", Origin::Peer)));
}

#[test]
fn a_removed_line_is_found_by_nothing_and_leaves_nothing_behind() {
    let everything = Account {
        extras: Some(with_peers(vec![PEER.parse().unwrap()])),
        is_open: true,
        ..account("%38%35%38")
    };
    let mut book = Book::new(&[everything]);
    assert!(book.lines.remove(book.id("%38%35%38")).is_some());
    let token_escaped = format!("sip:858@192.0.2.7;line={}", token("%38%35%38").replace('%', "%25"));
    for source in [REGISTRAR, PEER, STRANGER] {
        assert_eq!(book.admit(&token_escaped, "<sip:858@x>", source), None);
    }
    let Lines { by_id, by_token, by_user, by_address, open, .. } = &book.lines;
    assert!(by_id.is_empty() && by_token.is_empty() && by_user.is_empty());
    assert!(by_address.is_empty() && open.is_empty());
}

#[test]
fn the_registrar_behind_a_proxy_may_ring_as_the_proxy_may() {
    let mut book = Book::new(&[account("858")]);
    let behind = "198.51.100.77";
    let rung = |book: &Book, source| {
        book.admit("sip:858@192.0.2.7", "<sip:858@192.0.2.1>", source).map(|(_, origin)| origin)
    };
    assert_eq!(rung(&book, behind), None);
    book.lines.located_behind_proxy(book.id("858"), &[behind.parse().unwrap()]);
    assert_eq!(rung(&book, behind), Some(Origin::Registrar));
    assert_eq!(rung(&book, REGISTRAR), Some(Origin::Registrar), "the proxy itself");
    book.locate("858", &["192.0.2.2"]);
    assert_eq!(rung(&book, behind), Some(Origin::Registrar), "the proxy moves, the registrar does not");
    book.lines.located_behind_proxy(book.id("858"), &[]);
    assert_eq!(rung(&book, behind), None);
}

#[test]
fn what_was_found_of_one_registrar_is_there_once_for_all_its_lines_behind_a_proxy_too() {
    let mut book = Book::new(&[account("858"), account("859")]);
    let is_shared = |book: &Book| {
        let [one, other] = ["858", "859"].map(|user| &book.lines.find(book.id(user)).unwrap().located);
        Arc::ptr_eq(one, other)
    };
    assert!(is_shared(&book));
    for _ in 0..2 {
        for user in ["858", "859"] {
            book.locate(user, &[REGISTRAR]);
            book.lines.located_behind_proxy(book.id(user), &[PEER.parse().unwrap()]);
        }
        assert!(is_shared(&book));
    }
    book.locate("858", &["192.0.2.2"]);
    assert!(!is_shared(&book));
}

/// There may be fifty thousand.
#[test]
fn what_a_line_takes_does_not_grow_unnoticed() {
    assert!(size_of::<Line>() <= 336, "{}", size_of::<Line>());
    assert!(size_of::<Account>() <= 112, "{}", size_of::<Account>());
}
