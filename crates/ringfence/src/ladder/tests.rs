use super::*;

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn ladder_of(messages: &[(u64, Direction, &str)]) -> String {
    let mut ladder = Ladder::new("PBX", "softphone");
    let mut text = ladder.head();
    for (millis, direction, datagram) in messages {
        let at = Duration::from_millis(*millis);
        let datagram = datagram.replace('\n', "\r\n");
        text += &ladder.rows(&Message { at, direction: *direction, datagram: datagram.as_bytes() });
    }
    plain(&text)
}

#[test]
fn a_rejected_call_reads_as_a_ladder() {
    let ladder = ladder_of(&[
        (
            1_000,
            Direction::Right,
            "INVITE sip:858@127.0.0.1:5060 SIP/2.0\nFrom: \"Anna\" <sip:02079460123@127.0.0.1>;tag=1\nCSeq: 1 INVITE\n\n",
        ),
        (1_000, Direction::Left, "SIP/2.0 100 Trying\nCSeq: 1 INVITE\n\n"),
        (
            1_001,
            Direction::Left,
            "SIP/2.0 486 Busy Here\nCSeq: 1 INVITE\nWarning: 399 ringfence \"User reject\"\n\n",
        ),
        (1_150, Direction::Right, "ACK sip:858@127.0.0.1:5060 SIP/2.0\nCSeq: 1 ACK\n\n"),
    ]);
    insta::assert_snapshot!(ladder);
}

#[test]
fn a_registration_shows_challenge_and_expiry_but_no_digest() {
    let ladder = ladder_of(&[
        (0, Direction::Left, "REGISTER sip:127.0.0.1:5070 SIP/2.0\nCSeq: 1 REGISTER\nExpires: 3600\n\n"),
        (
            1,
            Direction::Right,
            "SIP/2.0 401 Unauthorized\nCSeq: 1 REGISTER\nWWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", algorithm=SHA-256\n\n",
        ),
        (
            2,
            Direction::Left,
            "REGISTER sip:127.0.0.1:5070 SIP/2.0\nCSeq: 2 REGISTER\nAuthorization: Digest username=\"858\", realm=\"pbx\", algorithm=SHA-256, response=\"0123\"\n\n",
        ),
        (
            1_500,
            Direction::Right,
            "SIP/2.0 200 OK\nCSeq: 2 REGISTER\nContact: <sip:858@127.0.0.1:5060>;expires=3600\n\n",
        ),
    ]);
    assert!(!ladder.contains("0123"));
    insta::assert_snapshot!(ladder);
}

#[test]
fn long_fields_are_wrapped_and_long_labels_cut_at_80_columns() {
    let uri = format!("sip:{}@pbx.example.com", "1".repeat(200));
    let invite = format!("INVITE {uri} SIP/2.0\nFrom: \"A name with several words in it\" <{uri}>;tag=1\n\n");
    let ladder =
        ladder_of(&[(0, Direction::Right, &invite), (12_345, Direction::Left, "SIP/2.0 200 OK\n\n")]);
    assert!(ladder.lines().all(|line| line.chars().count() <= 80));
    insta::assert_snapshot!(ladder);
}

#[test]
fn what_the_network_sent_cannot_steer_the_terminal() {
    let hostile =
        "INVITE sip:\u{1b}[2J SIP/2.0\nFrom: \u{1b}]0;owned\u{7} <sip:1@a>\nPrivacy: id\u{9b}31m\n\n";
    let mut ladder = Ladder::new("a\u{1b}c", "b");
    let head = ladder.head();
    let message = Message { at: Duration::ZERO, direction: Direction::Right, datagram: hostile.as_bytes() };
    let shown = plain(&(head + &ladder.rows(&message)));
    assert!(shown.chars().all(|letter| letter == '\n' || !letter.is_control()), "{shown:?}");
}

#[test]
fn bytes_that_are_not_sip_get_a_row_of_their_own() {
    let mut ladder = Ladder::new("PBX", "softphone");
    for datagram in [b"\r\n\r\n".as_slice(), b"\xff\xfe", b"", &vec![b'x'; 70_000]] {
        let message = Message { at: Duration::ZERO, direction: Direction::Left, datagram };
        assert_eq!(ladder.rows(&message).lines().count(), 1);
    }
}

#[test]
fn times_are_told_in_the_unit_that_fits() {
    for (time, expected) in [(0, "0.0 ms"), (1_250, "1.2 ms"), (250_400, "250 ms"), (1_234_567, "1.23 s")] {
        assert_eq!(elapsed(Duration::from_micros(time)), expected);
    }
}

#[test]
fn what_is_far_too_long_is_cut_whatever_it_is() {
    let long = "1".repeat(9_000);
    let message = |start: &str, field: &str| format!("{start}\nCSeq: 1 INVITE\n{field}: {long} {long}\n\n");
    let mut datagrams = vec![
        format!("OPTIONS sip:x SIP/2.0\nCSeq: {long}\n\n"),
        format!("SIP/2.0 200 {long}\nCSeq: {long} {long}\n\n"),
        format!("{long} sip:{long} SIP/2.0\nCSeq: 1 {long}\n\n"),
    ];
    for field in
        ["From", "To", "Warning", "Expires", "WWW-Authenticate", "Authorization", "Contact", "Call-ID"]
    {
        datagrams.push(message("INVITE sip:x SIP/2.0", field));
        datagrams.push(message("REGISTER sip:x SIP/2.0", field));
        datagrams.push(message("SIP/2.0 401 No", field));
    }
    for datagram in datagrams {
        for direction in [Direction::Right, Direction::Left] {
            let ladder = ladder_of(&[(0, direction, &datagram)]);
            assert!(ladder.lines().count() < 40 && ladder.lines().all(|row| width(row) < 120), "{ladder}");
        }
    }
}
