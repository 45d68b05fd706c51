//! `doctor`, with registrars of a script.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ringfence_testing::{Direction, Record, Witness};
use serde_json::{Value, json};

use crate::home::Home;

/// A registrar that answers each request as a script says, and judges each when it goes.
struct Registrar {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<String>>>,
}

impl Registrar {
    /// Starts one. The script gets a request and where it came from, and returns its responses.
    fn start(script: impl Fn(&str, SocketAddr) -> Vec<String> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let (address, is_over) = (socket.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let (mut requests, mut buffer, mut witness) = (Vec::new(), [0; 4_096], Witness::new(address));
            let mut seen = |direction, peer, message: &[u8]| {
                witness.observe(&Record { at: Instant::now(), direction, peer, message: message.to_vec() });
            };
            while !ends.load(Ordering::Relaxed) {
                let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
                seen(Direction::Received, source, &buffer[..length]);
                let request = String::from_utf8(buffer[..length].to_vec()).unwrap();
                for response in script(&request, source) {
                    seen(Direction::Sent, source, response.as_bytes());
                    socket.send_to(response.as_bytes(), source).unwrap();
                }
                requests.push(request);
            }
            requests
        });
        Self { address, is_over, thread: Some(thread) }
    }

    /// Ends it. Returns what it was asked.
    fn requests(mut self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Registrar {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            std::thread::panicking() || ended.is_none_or(|ended| ended.is_ok()),
            "the registrar has panicked"
        );
    }
}

/// Returns a home whose one line has a registrar.
fn home(registrar: SocketAddr) -> Home {
    let home = Home::new();
    let account = format!(
        "[account.home]\nuser = \"858\"\ndomain = \"{}\"\nport = {}\npassword = \"hunter2\"\n",
        registrar.ip(),
        registrar.port()
    );
    let rest = "[softphone]\nlisten = \"127.0.0.1:0\"\ncontrol = \"control/s\"\n[journal]\npath = \"ringfence.db\"\n[defaults]\nregion = \"CH\"\n";
    home.write("ringfence.toml", &format!("{rest}{account}"));
    home
}

/// Makes a response to a request.
fn response(request: &str, source: SocketAddr, status: &str, headers: &str) -> String {
    let seen = format!("received={};rport={}", source.ip(), source.port());
    let copied = request.lines().filter(|line| {
        ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name))
    });
    let copied: Vec<String> = copied.map(|line| line.replace("rport", &seen)).collect();
    format!("SIP/2.0 {status}\r\n{}\r\n{headers}Content-Length: 0\r\n\r\n", copied.join("\r\n"))
}

const CHALLENGE: &str =
    "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"abc\", algorithm=MD5, qop=\"auth\"\r\n";

/// Answers an OPTIONS, and lists bindings for who has a password.
fn usual(request: &str, source: SocketAddr, headers: &str) -> Vec<String> {
    let headers = format!("Server: Example PBX 1.2\r\n{headers}");
    if request.starts_with("OPTIONS") {
        return vec![response(request, source, "200 OK", &headers)];
    }
    if !request.contains("\r\nAuthorization:") {
        return vec![response(request, source, "401 Unauthorized", CHALLENGE)];
    }
    let listed = "Contact: <sip:858@192.0.2.7:5060;transport=tcp>;expires=90\r\n";
    vec![response(request, source, "200 OK", &format!("{listed}{headers}"))]
}

fn date(ahead: SignedDuration) -> String {
    let at = (Timestamp::now() + ahead).to_zoned(jiff::tz::TimeZone::UTC);
    format!("Date: {}\r\n", at.strftime("%a, %d %b %Y %H:%M:%S GMT"))
}

/// Returns what was told without what differs from run to run: ports of this machine and times.
fn steady(told: &str) -> String {
    let mut steady = String::new();
    for (index, part) in told.split("127.0.0.1:").enumerate() {
        let rest = part.trim_start_matches(|letter: char| letter.is_ascii_digit());
        steady.push_str(if index == 0 { part } else { "127.0.0.1:PORT" });
        steady.push_str(if index == 0 { "" } else { rest });
    }
    let words = steady.split(' ').collect::<Vec<_>>().join(" ").replace("less than 1 ms", "1 ms");
    let mut parts = words.split(" ms");
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = told.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
        told.truncate(digits);
        told.push_str("N ms");
        told.push_str(part);
    }
    told
}

#[test]
fn a_line_that_is_well_is_told_so_a_sentence_each() {
    let registrar = Registrar::start(|request, source| usual(request, source, &date(SignedDuration::ZERO)));
    let home = home(registrar.address);
    insta::assert_snapshot!(steady(&home.told(&["doctor"])));
    let requests = registrar.requests();
    let firsts: Vec<&str> = requests.iter().filter_map(|request| request.split(' ').next()).collect();
    assert_eq!(firsts, ["OPTIONS", "REGISTER", "REGISTER"]);
    for request in requests {
        assert!(!request.contains("\r\nContact:") && !request.contains("\r\nExpires:"), "{request}");
        assert!(request.contains("\r\nUser-Agent: ringfence/"), "{request}");
    }
}

#[test]
fn nothing_is_written() {
    let registrar = Registrar::start(|request, source| usual(request, source, ""));
    let home = home(registrar.address);
    let all = || {
        let mut all: Vec<_> =
            std::fs::read_dir(home.path("")).unwrap().map(|at| at.unwrap().file_name()).collect();
        all.sort();
        all
    };
    let before = all();
    home.told(&["doctor"]);
    assert_eq!(all(), before);
}

#[test]
fn a_password_that_is_not_taken_is_an_error_and_is_sent_once() {
    let registrar = Registrar::start(|request, source| {
        let (status, headers) =
            if request.starts_with("OPTIONS") { ("200 OK", "") } else { ("401 Unauthorized", CHALLENGE) };
        vec![response(request, source, status, headers)]
    });
    let told = home(registrar.address).told(&["doctor", "home"]);
    assert!(
        told.contains("error    the registrar does not let us in (401 Unauthorized): realm \"pbx\""),
        "{told}"
    );
    assert!(told.contains("do: compare `user`") && told.ends_with("exit 1\n"), "{told}");
    let answers = registrar.requests().iter().filter(|request| request.contains("Authorization:")).count();
    assert_eq!(answers, 1, "servers ban who tries on");
}

#[test]
fn a_router_between_is_told_with_what_it_does() {
    let registrar = Registrar::start(|request, source| {
        let mut answers = usual(request, source, &date(SignedDuration::from_hours(1)));
        for answer in &mut answers {
            let seen = format!("received={};rport={}", source.ip(), source.port());
            *answer = answer.replace(&seen, "received=203.0.113.9;rport=40123");
        }
        answers
    });
    let told = home(registrar.address).told(&["doctor"]);
    for part in [
        "the server sees us at 203.0.113.9:40123, and we are at 127.0.0.1:",
        "a router translates addresses (NAT) and gives another port",
        "warning  the server's clock is 1 h 0 min ahead of ours\n           do: set this machine's clock",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert!(told.ends_with("exit 0\n"), "{told}");
}

#[test]
fn a_router_that_rewrites_sip_is_found_out() {
    let registrar = Registrar::start(|request, source| {
        let mut answers = usual(request, source, "");
        for answer in &mut answers {
            *answer = answer.replacen("SIP/2.0/UDP 127.0.0.1:", "SIP/2.0/UDP 203.0.113.9:", 1);
        }
        answers
    });
    let told = home(registrar.address).told(&["doctor"]);
    assert!(
        told.contains("warning  a router on the way rewrites SIP: the address in our Via came back"),
        "{told}"
    );
    assert!(told.contains("do: turn off what the router calls SIP ALG"), "{told}");
}

/// Answers Binding requests (RFC 8489): everybody is seen at 203.0.113.9 and a port.
fn stun(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let answering = socket.try_clone().unwrap();
    // It ends with the test's process.
    std::thread::spawn(move || {
        let mut buffer = [0; 100];
        while let Ok((length, source)) = answering.recv_from(&mut buffer) {
            let mut answer = vec![0x01, 0x01, 0, 12];
            answer.extend(&buffer[4..20.min(length)]);
            // XOR-MAPPED-ADDRESS of IPv4: the port and 203.0.113.9 under the magic cookie.
            answer.extend([0x00, 0x20, 0, 8, 0, 1]);
            answer.extend((port ^ 0x2112).to_be_bytes());
            answer.extend([0xea, 0x12, 0xd5, 0x4b]);
            answering.send_to(&answer, source).unwrap();
        }
    });
    socket
}

#[test]
fn a_translator_with_a_port_for_each_destination_is_told_apart_from_one_with_one_for_all() {
    for (port, expected) in [
        (40_123, "ok       the STUN server sees us at 203.0.113.9:40123, too\n"),
        (
            40_555,
            "warning  the STUN server sees us at 203.0.113.9:40555, and the registrar at 203.0.113.9:40123: the \
                  router gives another port for each destination (symmetric NAT)",
        ),
    ] {
        let registrar = Registrar::start(|request, source| {
            let seen = format!("received={};rport={}", source.ip(), source.port());
            let answers = usual(request, source, "").into_iter();
            answers.map(|answer| answer.replace(&seen, "received=203.0.113.9;rport=40123")).collect()
        });
        let stun = stun(port);
        let home = home(registrar.address);
        let listen = "listen = \"127.0.0.1:0\"";
        let with_stun = format!("{listen}\nstun = \"{}\"", stun.local_addr().unwrap());
        home.write("ringfence.toml", &home.read("ringfence.toml").replace(listen, &with_stun));
        let told = home.told(&["doctor"]);
        assert!(told.contains(expected), "{expected}\n{told}");
    }
}

#[test]
fn what_the_registrar_says_of_the_account_is_told_by_its_status() {
    for (status, expected) in [
        ("403 Forbidden", "error    the registrar refuses the account: 403 Forbidden"),
        ("404 Not Found", "error    the registrar does not know the user: 404 Not Found"),
        ("503 Service Unavailable", "error    the registrar is out of service: 503"),
        ("405 Method Not Allowed", "note     the registrar does not say which bindings there are (405"),
    ] {
        let registrar = Registrar::start(move |request, source| vec![response(request, source, status, "")]);
        let told = home(registrar.address).told(&["doctor"]);
        assert!(told.contains(expected), "{expected}\n{told}");
        assert_eq!(told.ends_with("exit 1\n"), expected.starts_with("error"), "{told}");
    }
}

#[test]
fn a_403_to_the_password_names_the_password() {
    let told = |is_asked: bool| {
        let registrar = Registrar::start(move |request, source| {
            if request.starts_with("OPTIONS") || is_asked && !request.contains("\r\nAuthorization:") {
                return usual(request, source, "");
            }
            vec![response(request, source, "403 Forbidden", "")]
        });
        home(registrar.address).told(&["doctor"])
    };
    let words = |told: String| told.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "or the password is wrong: FreeSWITCH and others answer 403 to it";
    assert!(words(told(true)).contains(expected));
    assert!(!words(told(false)).contains("password is wrong"));
}

#[test]
fn beside_another_installation_each_is_to_have_its_own_socket() {
    let registrar = Registrar::start(|request, source| usual(request, source, ""));
    let home = home(registrar.address);
    home.write("other.toml", &home.read("ringfence.toml"));
    let _program = home.running();
    let told = home.told(&["--config", "other.toml", "doctor"]);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("do: give each its own socket with [softphone] control"), "{told}");
    assert!(!told.contains("ask as the user who runs it"), "{told}");
}

#[test]
fn a_port_where_nobody_listens_and_a_server_that_is_silent_are_errors() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = home(nobody).told(&["doctor"]);
    assert!(told.contains("does not answer: nobody listens there"), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let told = home(silent.local_addr().unwrap()).told(&["doctor", "--timeout", "1"]);
    assert!(told.contains("error    the time was over before all was asked"), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");
}

#[test]
fn what_a_server_writes_moves_no_cursor() {
    let hostile = "Server: \u{1b}[2Jpbx\u{202e}\r\n";
    let registrar =
        Registrar::start(move |request, source| vec![response(request, source, "200 \u{9b}1mOK", hostile)]);
    for arguments in [&["doctor"][..], &["doctor", "--json"]] {
        let told = home(registrar.address).told(arguments);
        assert!(!told.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{told:?}");
    }
}

#[test]
fn json_has_the_findings_and_the_facts() {
    let registrar = Registrar::start(|request, source| usual(request, source, &date(SignedDuration::ZERO)));
    let output = home(registrar.address).run(&["doctor", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((told["line"].as_str(), told["ok"].as_bool()), (Some("home"), Some(true)));
    let way = &told["ways"][0];
    let tried = &way["facts"]["tried"][0];
    assert_eq!(tried["options"]["ok"]["status"], 200);
    assert_eq!(tried["options"]["ok"]["server"], "Example PBX 1.2");
    assert_eq!(tried["options"]["ok"]["seen"], tried["local"]);
    assert_eq!(tried["bindings"][0]["address"], "192.0.2.7:5060;transport=tcp");
    assert_eq!(
        (&way["facts"]["servers"][0]["transport"], &tried["transport"]),
        (&json!("udp"), &json!("udp"))
    );
    let topics: Vec<&str> =
        way["findings"].as_array().unwrap().iter().filter_map(|finding| finding["topic"].as_str()).collect();
    assert_eq!(topics, ["names", "connection", "server", "password", "address", "clock", "calls", "calls"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hunter2"));
}

#[test]
fn a_line_that_is_none_is_told_with_those_there_are() {
    let home = home("127.0.0.1:5060".parse().unwrap());
    assert_eq!(
        home.told(&["doctor", "office"]),
        "error: there is no line \"office\"\nhint: there are: home\nexit 2\n"
    );
    assert!(home.told(&["doctor", "--timeout", "0"]).ends_with("exit 2\n"));
}

#[test]
fn a_program_that_runs_and_does_not_answer_keeps_from_nothing() {
    let registrar = Registrar::start(|request, source| usual(request, source, ""));
    let home = home(registrar.address);
    std::fs::create_dir(home.path("control")).unwrap();
    std::fs::set_permissions(home.path("control"), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .unwrap();
    let _silent = std::os::unix::net::UnixListener::bind(home.path("control/s")).unwrap();
    let told = home.told(&["doctor"]);
    assert!(told.contains("warning  ringfence runs here and does not answer when it is asked"), "{told}");
    assert!(told.contains("ok       the registrar takes the user and the password"), "{told}");
}

#[test]
fn a_register_that_is_not_answered_is_an_error_where_an_options_is() {
    let registrar = Registrar::start(|request, source| {
        if request.starts_with("OPTIONS") {
            vec![response(request, source, "200 OK", "")]
        } else {
            Vec::new()
        }
    });
    let told = home(registrar.address).told(&["doctor"]);
    assert!(told.contains("error    a REGISTER is not answered: no answer within 4 s"), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");
}

#[test]
fn ours_is_known_among_hundreds_of_bindings_and_a_password_that_is_not_asked_for_is_told() {
    let registrar = Registrar::start(|request, source| {
        let others: Vec<String> =
            (1..=300).map(|port| format!("<sip:858@192.0.2.7:{port}>;expires=90")).collect();
        let others = format!("Contact: {}\r\n", others.join(", "));
        vec![response(request, source, "200 OK", &others)]
    });
    let told = home(registrar.address).told(&["doctor"]);
    assert!(told.contains("the registrar lists 300 bindings of this or other devices"), "{told}");
    assert!(told.contains("and 292 more"), "{told}");
    assert!(told.contains("warning  the registrar does not ask who we are"), "{told}");
}

#[test]
fn a_line_that_does_not_register_is_asked_for_no_bindings() {
    let registrar = Registrar::start(|request, source| usual(request, source, ""));
    let home = home(registrar.address);
    let trunk = home.read("ringfence.toml").replace("password = \"hunter2\"", "register = false");
    home.write("ringfence.toml", &trunk);
    let told = home.told(&["doctor"]);
    assert!(told.contains("answers an OPTIONS with 200 OK") && told.ends_with("exit 0\n"), "{told}");
    assert!(!told.contains("Contact") && !told.contains("keep-alive"), "{told}");
    assert!(registrar.requests().iter().all(|request| request.starts_with("OPTIONS")));
}

#[test]
fn one_proxy_of_two_that_is_dead_is_a_warning() {
    let registrar = Registrar::start(|request, source| usual(request, source, ""));
    let home = home(registrar.address);
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxies = format!("outbound_proxies = [\"{dead}\", \"{}\"]\n", registrar.address);
    home.write("ringfence.toml", &format!("{}{proxies}", home.read("ringfence.toml")));
    let told = home.told(&["doctor"]);
    assert!(told.contains(&format!("warning  {dead} does not answer: nobody listens there")), "{told}");
    assert!(told.contains("ok       through 127.0.0.1:") && told.ends_with("exit 0\n"), "{told}");
}

#[test]
fn answers_to_something_else_are_none() {
    let registrar = Registrar::start(|request, source| {
        let right = response(request, source, "200 OK", "");
        let method = request.split(' ').next().unwrap();
        vec![
            right.replace(&format!(" {method}\r\n"), " INVITE\r\n"),
            right.replace("Call-ID: ", "Call-ID: another"),
            right.replace("From:", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother\r\nFrom:"),
            right.replace("z9hG4bK", "z9hG4bKx"),
        ]
    });
    let told = home(registrar.address).told(&["doctor"]);
    assert!(
        told.contains("error    127.0.0.1:") && told.contains("does not answer: no answer within 4 s"),
        "{told}"
    );
}

#[test]
fn what_is_asked_for_and_not_given_is_told_with_the_reason() {
    for (challenge, expected, remedy) in [
        ("Basic realm=\"pbx\"", "expected a Digest challenge", "do: have the PBX ask for a Digest"),
        (
            "Digest realm=\"pbx\", nonce=\"a\", algorithm=ROT13",
            "expected a Digest",
            "do: have the PBX ask for a Digest",
        ),
    ] {
        let headers = format!("WWW-Authenticate: {challenge}\r\n");
        let registrar = Registrar::start(move |request, source| {
            vec![response(request, source, "401 Unauthorized", &headers)]
        });
        let told = home(registrar.address).told(&["doctor"]);
        assert!(told.contains(expected) && told.contains(remedy), "{expected}\n{told}");
        assert!(registrar.requests().iter().all(|request| !request.contains("Authorization:")));
    }
}
