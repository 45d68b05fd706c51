use super::*;

fn host(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], 5060))
}

fn row(from: u8, to: u8, fate: Fate, payload: &str) -> Row<'_> {
    Row {
        at: Duration::from_millis(1_500),
        source: host(from),
        destination: host(to),
        fate,
        payload: payload.as_bytes(),
    }
}

const INVITE: &str = "INVITE sip:858@192.0.2.7;x=1 SIP/2.0\r\nFrom: <sip:1@a>;tag=1\r\nCSeq: 1 INVITE\r\nCall-ID: a84b4c76\r\n\r\n";
const BUSY: &str = "SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\nCall-ID: a84b4c76\r\n\r\n";

#[test]
fn two_hosts_have_a_lifeline_each_and_a_row_for_every_message() {
    let text = draw(&[row(1, 7, Fate::Delivered, INVITE), row(7, 1, Fate::Lost, BUSY)]);
    let expected = [
        "               192.0.2.1:5060                                                     192.0.2.7:5060",
        "         1.500 │ INVITE sip:858@192.0.2.7;…  CSeq 1 #a84b4c ─────────────────────▶│",
        "               │   from <sip:1@a>                                                 │",
        "         1.500 │✗ lost ───────────────────── 486 Busy Here  CSeq 1 INVITE #a84b4c │",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn lifelines_stand_below_each_other_whoever_speaks() {
    let rows = [
        row(1, 2, Fate::Delivered, INVITE),
        row(2, 3, Fate::Duplicated, INVITE),
        row(4, 1, Fate::Delivered, BUSY),
        row(3, 2, Fate::Unreachable, BUSY),
    ];
    let text = draw(&rows);
    let last = |line: &str| line.chars().count();
    let widths: Vec<usize> = text.lines().skip(1).map(last).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    assert!(text.contains("▶▶") && text.contains("⊘ unreachable"), "{text}");
}

#[test]
fn hosts_without_a_lifeline_are_told_in_words() {
    let rows: Vec<Row<'_>> = (1..20).map(|number| row(number, number + 1, Fate::Delivered, BUSY)).collect();
    let text = draw(&rows);
    assert!(text.contains("192.0.2.19:5060 ▶ 192.0.2.20:5060  486 Busy Here"), "{text}");
}

#[test]
fn what_the_network_sent_cannot_steer_the_terminal() {
    let hostile = "INVITE sip:\u{1b}[2J SIP/2.0\r\nFrom: \u{202e}\u{7}x\r\nCall-ID: \u{9b}\r\n\r\n";
    let text = draw(&[row(1, 2, Fate::Delivered, hostile)]);
    assert!(
        text.chars().all(|letter| letter == '\n' || !letter.is_control() && letter != '\u{202e}'),
        "{text:?}"
    );
}

#[test]
fn nothing_draws_nothing_but_its_head() {
    assert_eq!(draw(&[]).trim(), "");
}
