//! `[account.NAME]`: one line at one PBX.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ringfence_policy::{Identity, brief};
use softphone::{Ping, Transport};

use super::regular;
use super::secret::Secret;
use super::section::{At, Key, Section};

/// What one `[account.NAME]` says. Two that are equal need no new registration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Account {
    /// The line's name.
    pub(crate) name: Arc<str>,
    pub(crate) user: String,
    /// A host name or an address, an IPv6 one in brackets.
    pub(crate) domain: String,
    /// Without one it is that of the transport.
    pub(crate) port: Option<u16>,
    pub(crate) display_name: Option<String>,
    pub(crate) auth_user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) register: bool,
    pub(crate) transport: Option<Transport>,
    pub(crate) websocket_path: Option<String>,
    pub(crate) outbound_proxies: Vec<String>,
    pub(crate) public_address: Option<IpAddr>,
    pub(crate) keep_alive: Option<Ping>,
    pub(crate) expires: Option<Duration>,
    pub(crate) peers: Vec<IpAddr>,
    pub(crate) open: bool,
    /// The shard that it is on, where one is named.
    pub(crate) shard: Option<u16>,
    pub(crate) caller: Vec<Identity>,
}

const USER: Key = Key::new("user", "the user part of the line's address", "\"858\"");
const DOMAIN: Key = Key::new("domain", "the registrar's host name or address", "\"192.168.115.100\"");
const PORT: Key = Key::new("port", "a port from 1 to 65535", "5060");
const DISPLAY_NAME: Key = Key::new("display_name", "a name without control characters", "\"Reception\"");
const AUTH_USER: Key = Key::new("auth_user", "the user name of the digest authentication", "\"858\"");
const PASSWORD: Key = Key::new("password", "a string", "\"…\"");
const PASSWORD_FILE: Key = Key::new("password_file", "the name of a file", "\"secret.txt\"");
const PASSWORD_ENV: Key = Key::new("password_env", "the name of an environment variable", "\"PBX_PASSWORD\"");
const REGISTER: Key = Key::new("register", "true or false", "true");
const OUTBOUND_PROXY: Key =
    Key::new("outbound_proxy", "the proxy's host and port, or its SIP URI", "\"10.0.0.1:5060\"");
const OUTBOUND_PROXIES: Key = Key::new(
    "outbound_proxies",
    "up to four different proxies, instead of `outbound_proxy`, by one transport",
    "[\"edge1.example.com\", \"edge2.example.com\"]",
);
const TRANSPORT: Key = Key::new("transport", "`udp`, `tcp`, `tls`, `ws` or `wss`", "\"tls\"");
const WEBSOCKET_PATH: Key = Key::new("websocket_path", "a path that begins with /", "\"/ws\"");
const PUBLIC_ADDRESS: Key =
    Key::new("public_address", "an IP address that a router forwards to us", "\"203.0.113.9\"");
//= https://www.rfc-editor.org/rfc/rfc5626#section-8
//# UACs MUST NOT use an ambiguous configuration option such as "Work through NATs?" or "Do
//# keep-alives?" to imply next-hop STUN support.
const KEEP_ALIVE: Key = Key::new("keep_alive", "`auto`, `crlf` or `stun`", "\"stun\"");
const EXPIRES: Key = Key::new("expires", "a duration from 1m to 1d", "\"1h\"");
const PEERS: Key = Key::new("peers", "IP addresses", "[\"10.0.0.7\"]");
const OPEN: Key = Key::new("open", "true or false", "false");
const SHARD: Key = Key::new("shard", "the number of one of the `shards`, counted from 0", "0");
const CALLER: Key = Key::new("caller", "\"asserted\" and \"from\"", "[\"asserted\", \"from\"]");

impl Account {
    /// Reads a section; without a user, a domain or its password there is no account. There are so many shards.
    pub(crate) fn read(name: &At<Arc<str>>, section: &Section<'_>, shards: u16) -> Option<Self> {
        if !is_name(&name.value) {
            let hint = "letters, digits, `-`, `_` and `.` make a name, for example [account.home]";
            section.error(name.span.clone(), "expected a line's name", hint);
        }
        let user = section.parsed(&USER, user_part);
        let domain = section.text(&DOMAIN).and_then(|text| domain(section, text));
        for key in [&USER, &DOMAIN].into_iter().filter(|key| section.lacks(key)) {
            section.missing(key);
        }
        let register = section.flag(&REGISTER).unwrap_or(true);
        let open = section.flag(&OPEN).unwrap_or(false);
        let expires = section.duration(&EXPIRES).and_then(|at| {
            let fits = (60..=86_400).contains(&at.value.as_secs());
            if !fits {
                section.unfit(&EXPIRES, at.span, &format!("{} seconds", at.value.as_secs()));
            }
            fits.then_some(at.value)
        });
        let account = Self {
            name: Arc::clone(&name.value),
            port: section.integer(&PORT, 1..=65_535).map(|at| narrow(at.value)),
            display_name: section.line(&DISPLAY_NAME).map(|at| at.value),
            auth_user: section.line(&AUTH_USER).map(|at| at.value),
            password: password(section, register),
            websocket_path: section.parsed(&WEBSOCKET_PATH, resource).map(|at| at.value),
            transport: section.parsed(&TRANSPORT, transport).map(|at| at.value),
            outbound_proxies: proxies(section),
            public_address: section.parsed(&PUBLIC_ADDRESS, one_host).map(|at| at.value),
            keep_alive: section.parsed(&KEEP_ALIVE, ping).map(|at| at.value),
            peers: peers(section),
            shard: section.integer(&SHARD, 0..=u32::from(shards) - 1).map(|at| narrow(at.value)),
            caller: caller(section),
            user: user.map(|at| at.value).unwrap_or_default(),
            domain: domain.unwrap_or_default(),
            register,
            expires,
            open,
        };
        section.finish();
        account.warn_of_path(section);
        if open {
            let hint = "leave `open` away and name the addresses that may call in `peers`";
            section.warning(section.span(), "anyone who can reach this line may ring it", hint);
        }
        (!account.user.is_empty() && !account.domain.is_empty()).then_some(account)
    }

    /// Tells of a resource that nobody is asked for.
    fn warn_of_path(&self, section: &Section<'_>) {
        let says_websocket = |proxy: &String| proxy.to_ascii_lowercase().contains(";transport=ws");
        let is_used = self.transport.is_some_and(Transport::is_websocket)
            || self.outbound_proxies.iter().any(says_websocket);
        if let Some(span) = section.span_of(&WEBSOCKET_PATH).filter(|_| !is_used) {
            let hint = "add `transport = \"ws\"` or `\"wss\"`, or leave it away";
            section.warning(
                span,
                "`websocket_path` says nothing to a line that does not go by WebSocket",
                hint,
            );
        }
    }
}

/// Returns the file that an account's password is in.
pub(super) fn password_file(section: &Section<'_>) -> Option<PathBuf> {
    Some(beside(section.path(), section.glance(&PASSWORD_FILE)?))
}

/// Reads the one password there is: inline, from a file or from the environment.
fn password(section: &Section<'_>, register: bool) -> Option<Secret> {
    let keys = [&PASSWORD, &PASSWORD_FILE, &PASSWORD_ENV];
    let given: Vec<_> = keys.iter().filter_map(|key| section.span_of(key).map(|span| (key, span))).collect();
    let inline = section.text(&PASSWORD).and_then(|at| password_inline(section, &at));
    let file = section.line(&PASSWORD_FILE).and_then(|at| password_of_file(section, &at));
    let variable = section.line(&PASSWORD_ENV).and_then(|at| password_of_env(section, &at));
    match given.as_slice() {
        [] if register && section.lacks(&PASSWORD) => {
            let message = "a line that registers needs a password: one of `password`, `password_file` and \
                           `password_env`";
            let hint = "set `register = false` for a PBX that sends its calls without a registration";
            section.error(section.span(), message, hint);
        }
        [] | [_] => {}
        [_, more @ ..] => {
            for (key, span) in more {
                let message = format!("expected one password, found `{}` as well", key.name);
                section.error(span.clone(), message, "keep the one that is right and remove the others");
            }
        }
    }
    inline.or(file).or(variable)
}

fn password_inline(section: &Section<'_>, password: &At<&str>) -> Option<Secret> {
    if password.value.is_empty() {
        let hint = "the password that the PBX knows for this line, or password_file, or password_env";
        section.error(password.span.clone(), "expected a password, found nothing", hint);
        return None;
    }
    let path = section.path();
    if is_readable_by_others(path) {
        let message = format!("{} holds a password and can be read by other users", path.display());
        section.warning(password.span.clone(), message, format!("chmod 600 {}", path.display()));
    }
    warn_of_breaks(section, password.span.clone(), password.value);
    Some(Secret::new(password.value))
}

/// Tells of a password that nobody can have typed into the PBX.
fn warn_of_breaks(section: &Section<'_>, span: Range<usize>, password: &str) {
    if password.contains(['\r', '\n']) {
        let hint = "write it on one line between two quotes: a line break behind it is a part of it";
        section.warning(span, "the password has a line break in it", hint);
    }
}

fn password_of_file(section: &Section<'_>, name: &At<String>) -> Option<Secret> {
    let path = beside(section.path(), &name.value);
    let text = match regular::read(&path, MOST_PASSWORD_FILE).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            let message = format!("expected UTF-8 text in the password file {}", path.display());
            section.error(name.span.clone(), message, "write the password, and nothing else, into the file");
            return None;
        }
        Err(error) => {
            let message = format!("cannot read the password file {}: {error}", path.display());
            let hint = error.hint().unwrap_or("a relative name is looked for beside the configuration file");
            section.error(name.span.clone(), message, hint);
            return None;
        }
    };
    if is_readable_by_others(&path) {
        let message = format!("the password file {} can be read by other users", path.display());
        section.warning(name.span.clone(), message, format!("chmod 600 {}", path.display()));
    }
    let password = text.lines().next().unwrap_or_default().trim_end();
    if password.is_empty() {
        let message = format!("expected the password on the first line of {}, found nothing", path.display());
        section.error(name.span.clone(), message, "write the password, and nothing else, into the file");
        return None;
    }
    Some(Secret::new(password))
}

/// Its first line is the password, in bytes.
const MOST_PASSWORD_FILE: u64 = 4096;

fn password_of_env(section: &Section<'_>, name: &At<String>) -> Option<Secret> {
    let variable = &name.value;
    match std::env::var(variable) {
        Ok(password) if !password.is_empty() => {
            warn_of_breaks(section, name.span.clone(), &password);
            Some(Secret::new(password))
        }
        given @ (Ok(_) | Err(_)) => {
            let why = match given {
                Ok(_) => "is empty",
                Err(std::env::VarError::NotUnicode(_)) => "is not UTF-8",
                Err(std::env::VarError::NotPresent) => "is not set",
            };
            let message = format!("expected a password in the environment variable {variable}, which {why}");
            // Only who registers needs it, and `run` says so.
            section.warning(name.span.clone(), message, format!("start with: {variable}=… ringfence run"));
            None
        }
    }
}

fn is_readable_by_others(path: &Path) -> bool {
    !is_credential(path)
        && fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// Whether systemd has handed it over (`LoadCredential=`): none but the service can enter its folder, and what looks like
/// the rights of its group is the mask of the list that lets the service read it.
fn is_credential(path: &Path) -> bool {
    path.starts_with("/run/credentials") && !path.components().any(|part| part == Component::ParentDir)
}

fn peers(section: &Section<'_>) -> Vec<IpAddr> {
    let mut peers = Vec::new();
    for text in section.texts(&PEERS) {
        match text.value.trim().trim_matches(['[', ']']).parse() {
            Ok(address) => peers.push(address),
            Err(_) => section.unfit(&PEERS, text.span, &format!("\"{}\"", text.value.escape_debug())),
        }
    }
    peers
}

fn caller(section: &Section<'_>) -> Vec<Identity> {
    let mut identities = Vec::new();
    for text in section.texts(&CALLER) {
        match text.value {
            // Also what the provider has verified of it.
            "asserted" => {
                identities.extend([Identity::Verstat, Identity::Asserted, Identity::RemoteParty]);
            }
            "from" => identities.push(Identity::From),
            other => section.unfit(&CALLER, text.span, &format!("\"{}\"", other.escape_debug())),
        }
    }
    identities.dedup();
    identities
}

/// Reads the domain, with the mistakes that people make told apart.
fn domain(section: &Section<'_>, text: At<&str>) -> Option<String> {
    let written = text.value.trim();
    if let Some(inner) = written.strip_prefix("sip:").or(written.strip_prefix("sips:")) {
        let host = inner.rsplit('@').next().unwrap_or(inner);
        let host = host.split([';', '?']).next().unwrap_or(host);
        let hint = match host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) {
            Some((host, port)) => format!("write domain = \"{}\" and port = {port}", host.escape_debug()),
            None => format!("write domain = \"{}\"", host.escape_debug()),
        };
        section.error(text.span, "expected a host name or an address, found a URI", hint);
        return None;
    }
    let bare = written.trim_start_matches('[').trim_end_matches(']');
    // What looks like an address and is none, such as 127.1, is neither.
    let is_taken = |host: &str| softphone::Account::of("somebody", host, None).is_ok();
    if bare.parse::<IpAddr>().is_ok() && !is_taken(bare) {
        let message = format!("expected {}, found {bare}, which is no address of a host", DOMAIN.expected);
        let hint = "write the PBX's own name or address: this one stands for none, for all, or for a group";
        section.error(text.span, message, hint);
        return None;
    }
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Some(format!("[{bare}]"));
    }
    if let Some((host, port)) = written.rsplit_once(':')
        && port.parse::<u16>().is_ok()
    {
        let hint = format!("write domain = \"{}\" and port = {port}", host.escape_debug());
        section.error(text.span, "expected a host without a port", hint);
        return None;
    }
    let is_host = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    if written.is_empty() || written.len() > 253 || !written.chars().all(is_host) || !is_taken(written) {
        section.unfit(&DOMAIN, text.span, &format!("\"{}\"", brief(written)));
        return None;
    }
    Some(written.to_owned())
}

fn user_part(text: &str) -> Option<String> {
    let is_plain =
        |letter: char| !letter.is_control() && !letter.is_whitespace() && !"@<>\"".contains(letter);
    (!text.is_empty() && text.chars().all(is_plain)).then(|| text.to_owned())
}

/// Reads the one proxy there is, or all of several.
fn proxies(section: &Section<'_>) -> Vec<String> {
    let one = section.parsed(&OUTBOUND_PROXY, proxy).map(|at| at.value);
    let span = section.span_of(&OUTBOUND_PROXIES);
    let several: Vec<String> =
        section.texts(&OUTBOUND_PROXIES).iter().map(|at| at.value.to_owned()).collect();
    let names: Vec<&str> = several.iter().map(String::as_str).collect();
    let is_usable = one.is_none() || several.is_empty();
    // As the softphone takes them.
    let fits = softphone::Account::new("sip:x@example.com")
        .is_ok_and(|it| it.outbound_proxies(&names).check().is_ok());
    if let Some(span) = span.clone().filter(|_| one.is_none() && several.is_empty()) {
        let hint = "name the proxies, or leave it away: without one requests go to `domain`";
        section.warning(span, "`outbound_proxies` names none", hint);
    }
    if let Some(span) = span.filter(|_| !is_usable || !fits) {
        section.unfit(&OUTBOUND_PROXIES, span, &format!("{names:?}"));
        return Vec::new();
    }
    one.into_iter().chain(several).collect()
}

/// Reads a proxy as the softphone will, which takes one where it takes the domain of an address.
fn proxy(text: &str) -> Option<String> {
    let (scheme, host) = match text.strip_prefix("sips:") {
        Some(host) => ("sips", host),
        None => ("sip", text.strip_prefix("sip:").unwrap_or(text)),
    };
    let is_host = !host.contains('@') && softphone::Account::new(&format!("{scheme}:x@{host}")).is_ok();
    is_host.then(|| text.to_owned())
}

/// Reads what stands behind the host of a `ws` address.
fn resource(text: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
    (text.starts_with('/') && text.len() <= 1_000 && text.bytes().all(is_plain)).then(|| text.to_owned())
}

fn transport(text: &str) -> Option<Transport> {
    let all = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
    all.into_iter().find(|transport| text.trim().eq_ignore_ascii_case(&transport.to_string()))
}

fn one_host(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.trim().trim_matches(['[', ']']).parse().ok()?;
    (!address.is_unspecified() && !address.is_multicast() && address != Ipv4Addr::BROADCAST)
        .then_some(address)
}

fn ping(text: &str) -> Option<Ping> {
    match text.trim() {
        "auto" => Some(Ping::Automatic),
        "crlf" => Some(Ping::Crlf),
        "stun" => Some(Ping::Stun),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    !text.is_empty() && text.chars().count() <= 40 && text.chars().all(is_plain)
}

fn narrow(port: u32) -> u16 {
    u16::try_from(port).expect("the range of the key ends at 65535")
}

/// Returns a path beside the configuration file, unless it is absolute.
pub(crate) fn beside(config: &Path, name: &str) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_hands_over_is_known_by_its_folder() {
        assert!(is_credential(Path::new("/run/credentials/ringfence.service/password_home")));
        for other in
            ["/etc/ringfence/password", "/run/credentials/../../tmp/password", "/run/credentials-of-others/x"]
        {
            assert!(!is_credential(Path::new(other)), "{other}");
        }
    }
}
