//! Whether all that `[softphone]` says of listening can be listened on at once.

use std::net::SocketAddr;

use softphone::Transport;

use super::section::{Key, Section};

/// One of the addresses that are listened on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listening {
    pub(super) key: &'static Key,
    pub(super) transport: Transport,
    pub(super) address: SocketAddr,
}

/// Tells of addresses that lead beyond the last port, and of those that another one has taken. Each thread listens a port
/// further than the one before it.
pub(super) fn check(section: &Section<'_>, all: &[Listening], shards: u16) {
    for (index, one) in all.iter().enumerate() {
        let span = section.span_of(one.key).unwrap_or_else(|| section.span());
        if one.last_port(shards).is_none() {
            let (port, most) = (one.address.port(), u16::MAX - (shards - 1));
            let message = format!(
                "expected a port for each of {shards} threads, from {port} on: they lead beyond 65535"
            );
            section.error(span.clone(), message, format!("name a port up to {most}, or have fewer `shards`"));
        }
        if let Some(other) = all[..index].iter().find(|other| one.is_in_the_way_of(other, shards)) {
            let message = format!("expected an address of its own, found that of `{}`", other.key.name);
            let ports =
                if shards > 1 { format!(", {shards} apart, as each thread has one") } else { String::new() };
            let hint =
                format!("TCP, TLS and WebSocket cannot be told apart at one port: name another{ports}");
            section.error(span, message, hint);
        }
    }
}

impl Listening {
    /// Returns the port of the last thread, where there is one. The system chooses where none is named.
    fn last_port(&self, shards: u16) -> Option<u16> {
        let port = self.address.port();
        if port == 0 { Some(0) } else { port.checked_add(shards - 1) }
    }

    fn is_in_the_way_of(&self, other: &Self, shards: u16) -> bool {
        let ports = |it: &Self| (it.address.port(), it.last_port(shards).unwrap_or(u16::MAX));
        let ((first, last), (others_first, others_last)) = (ports(self), ports(other));
        let has_shared_port = first.max(others_first) <= last.min(others_last);
        let is_named = first != 0 && others_first != 0;
        is_named
            && self.transport.is_reliable() == other.transport.is_reliable()
            && has_shared_port
            && is_same_host(self.address, other.address)
    }
}

/// Returns whether packets to one address may be for the other: `[::]` stands for those of IPv4, too.
fn is_same_host(one: SocketAddr, other: SocketAddr) -> bool {
    let stands_for =
        |all: SocketAddr, it: SocketAddr| all.ip().is_unspecified() && (all.is_ipv6() || it.is_ipv4());
    one.ip() == other.ip() || stands_for(one, other) || stands_for(other, one)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read_text;

    const REST: &str = "\n[account.home]\nuser = \"858\"\ndomain = \"192.0.2.1\"\nregister = false\n\
        [defaults]\nregion = \"CH\"\n[[rule]]\nid = \"all\"\nthen = \"ring\"\n";

    /// What is wrong with a configuration that says this of listening.
    fn told(lines: &[&str]) -> String {
        let text = format!("version = 1\n[softphone]\n{}{REST}", lines.join("\n"));
        read_text(Path::new("/nowhere/ringfence.toml"), text).report.to_string()
    }

    /// Whether a line of what is told is about a place, and says this.
    fn says(told: &str, place: &str, words: &str) -> bool {
        told.lines().any(|line| line.contains(&format!("ringfence.toml:{place}:")) && line.contains(words))
    }

    #[test]
    fn two_listeners_at_one_address_and_port_are_told_where_the_second_is_named() {
        let cases = [
            ("0.0.0.0:5061", "0.0.0.0:5061"),
            ("127.0.0.1:5061", "0.0.0.0:5061"),
            ("[::]:5061", "127.0.0.1:5061"),
            ("[::1]:5061", "[::]:5061"),
        ];
        for (tcp, ws) in cases {
            let told = told(&[&format!("listen_tcp = \"{tcp}\""), &format!("listen_ws = \"{ws}\"")]);
            assert!(says(&told, "4:13", "expected an address of its own"), "{tcp} {ws}: {told}");
            assert!(told.contains("found that of `listen_tcp`") && told.contains("hint:"), "{told}");
        }
    }

    #[test]
    fn listeners_that_are_not_in_each_others_way_are_none_of_them_told() {
        let cases = [
            ("listen = \"0.0.0.0:5060\"", "listen_tcp = \"0.0.0.0:5060\""),
            ("listen_tcp = \"0.0.0.0:0\"", "listen_ws = \"0.0.0.0:0\""),
            ("listen_tcp = \"127.0.0.1:5060\"", "listen_ws = \"127.0.0.2:5060\""),
            ("listen_tcp = \"0.0.0.0:5060\"", "listen_ws = \"[::1]:5060\""),
            ("listen_tcp = \"0.0.0.0:5060\"", "listen_ws = \"0.0.0.0:5061\""),
        ];
        for (one, other) in cases {
            assert!(!told(&[one, other]).contains("error"), "{one} {other}: {}", told(&[one, other]));
        }
    }

    #[test]
    fn each_thread_needs_a_port() {
        let near = ["shards = 4", "listen_tcp = \"0.0.0.0:5060\"", "listen_ws = \"0.0.0.0:5063\""];
        assert!(says(&told(&near), "5:13", "expected an address of its own"), "{}", told(&near));
        let beyond = told(&["listen = \"0.0.0.0:65530\"", "shards = 64"]);
        assert!(says(&beyond, "3:10", "expected a port for each of 64 threads, from 65530 on"), "{beyond}");
        assert!(beyond.contains("name a port up to 65472, or have fewer `shards`"), "{beyond}");
        let last = ["listen = \"0.0.0.0:65472\"", "shards = 64"];
        assert!(!told(&last).contains("error"), "{}", told(&last));
    }
}
