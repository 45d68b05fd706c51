//! What is too long for UDP (RFC 3261 section 18.1.1).

use super::*;

const RULE: &str = "more than 1,300 bytes go by UDP only where there is no connection to be had";

/// A REGISTER of so many bytes.
fn of_length(bytes: usize) -> String {
    let firm = "f".repeat(bytes - REGISTER.len() - "Organization: \r\n".len());
    REGISTER.replacen("Content-Length", &format!("Organization: {firm}\r\nContent-Length"), 1)
}

#[test]
fn what_is_longer_than_1300_bytes_does_not_go_by_udp_at_once() {
    let mut bench = Bench::new();
    bench.sent(&of_length(1300));
    assert_eq!(bench.broken(), BTreeSet::new());

    let mut bench = Bench::new();
    bench.sent(&of_length(1301));
    bench.expect("more than 1,300 bytes go by UDP only where there is no connection to be had");

    let mut bench = Bench { transport: Transport::Tcp, ..Bench::new() };
    bench.sent(&of_length(1301).replace("SIP/2.0/UDP", "SIP/2.0/TCP"));
    assert_eq!(bench.broken(), BTreeSet::new());
}

#[test]
fn it_goes_by_udp_to_a_server_that_takes_no_connection_until_it_does() {
    let mut bench = Bench::new();
    bench.auditor.unconnected("192.0.2.99:5060".parse().unwrap());
    bench.auditor.unconnected(peer());
    bench.sent(&of_length(1301));
    assert_eq!(bench.broken(), BTreeSet::new());
    bench.auditor.connected(peer());
    bench.sent_after(T1, &of_length(1301));
    bench.expect(RULE);
}
