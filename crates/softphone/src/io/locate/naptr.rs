//! Which transport a domain wants, and where its servers are listed: NAPTR (RFC 3263 section 4.1).

use ringfence_ua::Transport;

use crate::io::resolver::Naptr;

/// A transport, and the name of its SRV records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) transport: Transport,
    pub(super) name: String,
}

/// Returns the services that the records lead to, the preferred first: those that can be used, of one order.
pub(super) fn services(records: &[Naptr], is_secure: bool, supported: &[Transport]) -> Vec<Service> {
    let mut usable: Vec<(&Naptr, Service)> = records
        .iter()
        .take(MOST_RECORDS)
        .filter_map(|record| Some((record, service(record, is_secure, supported)?)))
        .collect();
    usable.sort_by_key(|(record, _)| (record.order, record.preference));
    //= https://www.rfc-editor.org/rfc/rfc3403#section-4.1
    //# The important difference between Order and Preference is that once
    //# a match is found the client MUST NOT consider records with a
    //# different Order but they MAY process records with the same Order
    //# but different Preferences.
    let order = usable.first().map(|(record, _)| record.order);
    usable
        .into_iter()
        .take_while(|(record, _)| Some(record.order) == order)
        .take(MOST_SERVICES)
        .map(|(_, service)| service)
        .collect()
}

fn service(record: &Naptr, is_secure: bool, supported: &[Transport]) -> Option<Service> {
    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
    //# The resource record will contain an empty
    //# regular expression and a replacement value, which is the SRV record
    //# for that particular transport protocol.
    let name = record.replacement.trim_end_matches('.');
    if !record.flags.eq_ignore_ascii_case("s") || !record.regexp.is_empty() || name.is_empty() {
        return None;
    }
    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
    //# First, a client resolving a SIPS URI MUST discard any services that
    //# do not contain "SIPS" as the protocol in the service field.  The
    //# converse is not true, however.  A client resolving a SIP URI SHOULD
    //# retain records with "SIPS" as the protocol, if the client supports
    //# TLS.  Second, a client MUST discard any service fields that identify
    //# a resolution service whose value is not "D2X", for values of X that
    //# indicate transport protocols supported by the client.
    let transport = match record.service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Transport::Udp,
        "SIP+D2T" => Transport::Tcp,
        "SIPS+D2T" => Transport::Tls,
        _ => return None,
    };
    let is_kept = supported.contains(&transport) && (!is_secure || transport == Transport::Tls);
    is_kept.then(|| Service { transport, name: name.to_owned() })
}

/// Records of one domain that are looked at: there are three transports here.
const MOST_RECORDS: usize = 64;
/// Services whose records are asked for: one whose domain lists more of them leads to hundreds of look-ups.
const MOST_SERVICES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

    fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> Naptr {
        let (flags, regexp, replacement) = ("s".to_owned(), String::new(), replacement.to_owned());
        Naptr { order, preference, flags, service: service.to_owned(), regexp, replacement }
    }

    /// The records that section 4.1 prints.
    fn example() -> [Naptr; 3] {
        [
            naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com."),
            naptr(90, 50, "SIP+D2T", "_sip._tcp.example.com"),
            naptr(100, 50, "SIP+D2U", "_sip._udp.example.com."),
        ]
    }

    fn names(records: &[Naptr], is_secure: bool, supported: &[Transport]) -> Vec<String> {
        services(records, is_secure, supported).into_iter().map(|service| service.name).collect()
    }

    #[test]
    fn the_most_preferred_transport_that_is_supported_is_taken() {
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
        //= type=test
        //# Since the client supports TCP and UDP,
        //# TCP will be used, targeted to a host determined by an SRV lookup of
        //# _sip._tcp.example.com.
        assert_eq!(names(&example(), false, &[Transport::Udp, Transport::Tcp]), ["_sip._tcp.example.com"]);
        assert_eq!(names(&example(), false, &ALL), ["_sips._tcp.example.com"]);
        assert_eq!(names(&example(), false, &[Transport::Udp]), ["_sip._udp.example.com"]);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.2
    //= type=test
    //# Independent of which URI is used as input to the procedures of [4], if the Request-URI
    //# specifies a SIPS resource, the UAC MUST follow the procedures of [4] as if the input URI
    //# were a SIPS URI.
    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
    //= type=test
    //# First, a client resolving a SIPS URI MUST discard any services that do not contain "SIPS" as
    //# the protocol in the service field.
    #[test]
    fn a_sips_uri_takes_sips_alone() {
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
        //= type=test
        //# First, a client resolving a SIPS URI MUST discard any services that
        //# do not contain "SIPS" as the protocol in the service field.
        assert_eq!(names(&example(), true, &ALL), ["_sips._tcp.example.com"]);
        assert!(names(&example()[1..], true, &ALL).is_empty());
        assert!(names(&example(), true, &[Transport::Udp, Transport::Tcp]).is_empty());
    }

    #[test]
    fn a_domain_with_services_without_number_is_asked_for_the_first_eight() {
        let records: Vec<Naptr> =
            (0..64).map(|n| naptr(1, 64 - n, "SIP+D2U", &format!("_sip._udp.{n}.a"))).collect();
        let found = names(&records, false, &ALL);
        assert_eq!((found.len(), found[0].as_str()), (8, "_sip._udp.63.a"));
    }

    #[test]
    fn those_of_one_order_go_by_preference_in_any_case_of_letters() {
        let mut records = [naptr(10, 20, "sip+d2u", "_sip._udp.a"), naptr(10, 10, "Sip+D2T", "_sip._tcp.a")];
        records[0].flags = "S".to_owned();
        assert_eq!(names(&records, false, &ALL), ["_sip._tcp.a", "_sip._udp.a"]);
    }

    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
    //= type=test
    //# Second, a client MUST discard any service fields that identify a resolution service whose
    //# value is not "D2X", for values of X that indicate transport protocols supported by the
    //# client.
    #[test]
    fn what_finds_no_sip_server_here_is_passed_over() {
        let sctp = naptr(1, 1, "SIP+D2S", "_sip._sctp.a");
        let web_socket = naptr(1, 1, "SIPS+D2W", "_sips._ws.a");
        let dtls = naptr(1, 1, "SIPS+D2U", "_sips._udp.a");
        let telephony = naptr(1, 1, "E2U+sip", "a");
        let rewritten =
            Naptr { regexp: "!^.*$!sip:a@b!".to_owned(), ..naptr(1, 1, "SIP+D2U", "_sip._udp.a") };
        let terminal = Naptr { flags: "u".to_owned(), ..naptr(1, 1, "SIP+D2U", "_sip._udp.a") };
        let nowhere = naptr(1, 1, "SIP+D2U", ".");
        let records = [sctp, web_socket, dtls, telephony, rewritten, terminal, nowhere];
        assert!(services(&records, false, &ALL).is_empty());
    }
}
