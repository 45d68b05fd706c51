//! A line in the place of another: of two lines that are one to their registrar, the second has its binding in the end, in
//! whichever order their requests come.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod probe;

use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, Config, Event, LineId, RegistrationState, Target};

use probe::{Probe, Sent, phone_address, seconds};

const BY_INSTANCE: &str = "Require: outbound\r\nExpires: 3600\r\n";
const BY_CONTACT: &str = "Expires: 3600\r\n";

fn account() -> Account {
    let mut account = Account::new("858", "192.0.2.1", 5060);
    account.instance = Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".into());
    account.label = "home".into();
    account
}

/// A phone with a line, and what it sends a registrar.
struct Phone {
    probe: Probe,
    line: LineId,
    /// The line that was added last.
    newest: LineId,
}

impl Phone {
    /// Begins with a line whose first REGISTER is on its way.
    fn asking(account: Account) -> (Self, Sent) {
        let probe = Probe::resolving(Config::new(phone_address()), account);
        let line = probe.line;
        let mut phone = Self { probe, line, newest: line };
        let first = phone.resolved(line).pop().unwrap();
        (phone, first)
    }

    /// Begins with one that is registered.
    fn registered(account: Account, granted: &str) -> Self {
        let (mut phone, first) = Self::asking(account);
        phone.answer(&first, "200 OK", granted);
        assert!(phone.probe.is_registered());
        phone
    }

    fn resolved(&mut self, line: LineId) -> Vec<Sent> {
        let target = Target::udp("192.0.2.1:5060".parse().unwrap(), phone_address());
        registers(self.probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(vec![target]))))
    }

    /// Answers a REGISTER, and returns what is sent then.
    fn answer(&mut self, register: &Sent, status: &str, more: &str) -> Vec<Sent> {
        let field = |name: &str| format!("{name}: {}\r\n", register.header(name).unwrap());
        let echoed = ["Via", "From", "To", "Call-ID", "CSeq"].map(field).concat();
        registers(self.probe.receive(format!("SIP/2.0 {status}\r\n{echoed}{more}Content-Length: 0\r\n\r\n")))
    }

    /// Has another line take the place of the first, and returns what is sent for that.
    fn replace(&mut self, next: &Account) -> Vec<Sent> {
        let line = self.line;
        registers(self.probe.act(|endpoint, now| endpoint.replace_line(now, line, next)))
    }

    fn add(&mut self, account: Account) -> Sent {
        let mut added = None;
        self.probe.act(|endpoint, now| added = Some(endpoint.add_line(now, account).unwrap()));
        self.newest = added.unwrap();
        self.resolved(self.newest).pop().unwrap()
    }

    fn is_removed(&self) -> bool {
        self.probe.events().iter().any(|event| matches!(event, Event::Removed { line } if *line == self.line))
    }
}

fn registers(sent: Vec<Sent>) -> Vec<Sent> {
    sent.into_iter().filter(|sent| sent.payload.starts_with(b"REGISTER")).collect()
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-6
//= type=test
//# (Even though the Contact URI is not used for
//# binding comparisons, it is still needed by the authoritative proxy to
//# form the target set.)
#[test]
fn nothing_is_removed_by_instance_that_the_next_line_registers() {
    let mut phone = Phone::registered(account(), BY_INSTANCE);
    assert!(phone.replace(&account()).is_empty() && phone.is_removed());
    let begun = phone.add(account());
    assert_eq!(begun.header("Expires").as_deref(), Some("3600"));
    assert!(phone.answer(&begun, "200 OK", BY_INSTANCE).is_empty());
    // Nor later, up to the next refresh.
    let later = phone.probe.pass(seconds(2_000));
    assert!(later.iter().all(|(_, sent)| !sent.payload.starts_with(b"REGISTER")));
}

#[test]
fn a_contact_that_is_known_by_itself_is_removed_and_so_is_what_no_other_line_registers() {
    type Change = fn(&mut Account);
    let others: [(&str, Change); 4] = [
        ("a label", |next| next.label = "office".into()),
        ("a user", |next| next.user = "859".into()),
        ("a port", |next| next.port = Some(5070)),
        ("no registration", |next| next.is_registering = false),
    ];
    for (what, change) in others {
        let mut phone = Phone::registered(account(), BY_INSTANCE);
        let mut next = account();
        change(&mut next);
        let removal = phone.replace(&next).pop().unwrap();
        assert_eq!(removal.header("Expires").as_deref(), Some("0"), "{what}");
        assert!(removal.header("Contact").unwrap().contains("+sip.instance"), "{what}");
    }
    let mut phone = Phone::registered(account(), BY_CONTACT);
    let removal = phone.replace(&account()).pop().unwrap();
    assert_eq!(removal.header("Expires").as_deref(), Some("0"));
    assert!(!removal.header("Contact").unwrap().contains("+sip.instance"));
}

#[test]
fn a_flow_that_the_next_line_does_not_have_is_removed() {
    let mut several = account();
    several.extras_mut().outbound_proxy = Some(("192.0.2.1".to_owned(), Some(5060)));
    several.extras_mut().other_proxies = vec![("192.0.2.2".to_owned(), Some(5060))];
    let (mut phone, first) = Phone::asking(several.clone());
    let flow = phone.probe.events().iter().find_map(|event| match event {
        Event::Resolve { line, .. } if *line != phone.line => Some(*line),
        _ => None,
    });
    let second = phone.resolved(flow.unwrap()).pop().unwrap();
    for register in [&first, &second] {
        phone.answer(register, "200 OK", BY_INSTANCE);
    }
    let mut next = several;
    next.extras_mut().other_proxies.clear();
    let removals = phone.replace(&next);
    let contacts: Vec<_> = removals.iter().map(|removal| removal.header("Contact").unwrap()).collect();
    assert!(matches!(&contacts[..], [contact] if contact.ends_with("reg-id=2")), "{contacts:?}");
}

#[test]
fn a_line_that_is_tried_again_before_its_first_answer_stays_registered() {
    let (mut phone, first) = Phone::asking(account());
    let line = phone.line;
    // As when its maker has waited long enough, and tries again.
    assert!(phone.probe.act(|endpoint, now| endpoint.remove_line(now, line)).is_empty());
    let second = phone.add(account());
    assert!(phone.answer(&second, "200 OK", BY_INSTANCE).is_empty());
    assert!(phone.answer(&first, "200 OK", BY_INSTANCE).is_empty(), "nothing takes the binding away");
    assert!(phone.is_removed());
    let states = phone.probe.events().iter().rev().filter_map(|event| match event {
        Event::Registration { line, state } if *line != phone.line => Some(state),
        _ => None,
    });
    assert!(matches!(states.into_iter().next(), Some(RegistrationState::Registered { .. })));
}

#[test]
fn a_line_that_is_tried_a_third_time_stays_registered() {
    let (mut phone, first) = Phone::asking(account());
    let mut asked = vec![first];
    for _ in 0..2 {
        let line = phone.newest;
        assert!(phone.probe.act(|endpoint, now| endpoint.remove_line(now, line)).is_empty());
        asked.push(phone.add(account()));
    }
    // Whichever is answered last.
    for register in asked.iter().rev() {
        assert!(phone.answer(register, "200 OK", BY_INSTANCE).is_empty(), "nothing takes the binding away");
    }
}

#[test]
fn a_challenge_that_comes_when_the_line_leaves_is_not_answered_with_a_registration() {
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
    let known = Account { credentials: Some(Credentials::new("858", "secret")), ..account() };
    let (mut phone, first) = Phone::asking(known.clone());
    let line = phone.line;
    phone.probe.act(|endpoint, now| endpoint.remove_line(now, line));
    assert!(phone.answer(&first, "401 Unauthorized", challenge).is_empty() && phone.is_removed());

    // A removal by instance that is challenged when another line is there is not sent again either.
    let mut phone = Phone::registered(known.clone(), BY_INSTANCE);
    let removal = registers(phone.probe.act(|endpoint, now| endpoint.remove_line(now, line))).pop().unwrap();
    phone.add(known);
    assert!(phone.answer(&removal, "401 Unauthorized", challenge).is_empty() && phone.is_removed());
}
