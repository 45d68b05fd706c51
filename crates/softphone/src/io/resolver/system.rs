//! The resolver that the system names: `/etc/hosts`, and the servers of `/etc/resolv.conf`.
//!
//! The system itself (`getaddrinfo`) is asked for addresses that neither knows: it may know more ways, such as multicast
//! DNS. NAPTR and SRV it cannot be asked for.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::owners::of_name;
use super::{Lookup, LookupError, Naptr, Records, Resolver, Srv};
use crate::io::locate::literal;

/// How long an address holds that comes without a lifetime, from a file or from the system.
const NO_TTL: Duration = Duration::from_secs(30);
/// Look-ups by the system at once: they occupy a thread each.
static LOOKUPS: Semaphore = Semaphore::const_new(16);

/// The system's resolver.
pub(crate) struct System {
    resolv_conf: PathBuf,
    hosts: PathBuf,
    known: Mutex<Option<(Stamp, Option<TokioResolver>)>>,
}

/// What tells that a file was not changed: when it was written last, and its length.
type Stamp = Option<(SystemTime, u64)>;

impl System {
    /// Creates a resolver that reads the system's files with the first look-up, and again when they have changed.
    pub(crate) fn new() -> Self {
        Self::of("/etc/resolv.conf".into(), "/etc/hosts".into())
    }

    fn of(resolv_conf: PathBuf, hosts: PathBuf) -> Self {
        Self { resolv_conf, hosts, known: Mutex::new(None) }
    }

    /// Returns who asks the servers. They are read again when the file has changed: a machine that comes into another
    /// network has others. Needs the runtime that look-ups run on.
    fn dns(&self) -> Option<TokioResolver> {
        let file = fs::metadata(&self.resolv_conf).ok();
        let stamp = file.and_then(|file| Some((file.modified().ok()?, file.len())));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((seen, dns)) if *seen == stamp => dns.clone(),
            Some(_) | None => {
                let dns = self.read_servers();
                *known = Some((stamp, dns.clone()));
                dns
            }
        }
    }

    fn hosts(&self, name: &str) -> Vec<IpAddr> {
        addresses_in(&String::from_utf8_lossy(&fs::read(&self.hosts).unwrap_or_default()), name)
    }

    fn read_servers(&self) -> Option<TokioResolver> {
        // A system without the file has a resolver of its own (resolv.conf(5)).
        let text = fs::read(&self.resolv_conf).unwrap_or_default();
        let (parsed, _) = resolv_conf::Config::parse_with_errors(&text);
        let mut servers: Vec<NameServerConfig> =
            parsed.nameservers.iter().map(|server| NameServerConfig::udp_and_tcp(server.into())).collect();
        if servers.is_empty() {
            servers.push(NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into()));
        }
        let search =
            parsed.get_last_search_or_domain().filter_map(|name| Name::from_utf8(name).ok()).collect();
        let config = ResolverConfig::from_parts(None, search, servers);
        let mut options = ResolverOpts::default();
        options.ndots = parsed.ndots as usize;
        options.timeout = Duration::from_secs(parsed.timeout.into());
        options.attempts = parsed.attempts as usize;
        options.edns0 = parsed.edns0;
        // What was found is kept above, for all lines.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        // They tell whose records those behind them are.
        options.preserve_intermediates = true;
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.with_options(options).build().map_err(|error| tracing::debug!(%error, "no DNS")).ok()
    }

    /// Looks up records of a service: they belong to the DNS, and a name that the machine itself knows has none.
    async fn of_service<R>(
        &self,
        owner: &str,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<R>,
    ) -> Result<Records<R>, LookupError> {
        if is_local(owner) || !self.hosts(owner).is_empty() {
            return Err(LookupError::Missing { ttl: Some(NO_TTL) });
        }
        self.look_up(name, kind, owner.contains('.'), read).await
    }

    async fn look_up<R>(
        &self,
        name: &str,
        kind: RecordType,
        is_absolute: bool,
        read: impl Fn(&RData) -> Option<R>,
    ) -> Result<Records<R>, LookupError> {
        let failed = |error: String| LookupError::Failed { error };
        let dns = self.dns().ok_or_else(|| failed("no DNS server can be asked".to_owned()))?;
        let mut name = Name::from_ascii(name).map_err(|error| failed(error.to_string()))?;
        name.set_fqdn(is_absolute);
        let found = dns.lookup(name.clone(), kind).await.map_err(|error| unfound(&error))?;
        // The name may have been completed, or be the last of its aliases.
        let asked = found.message().queries.first().map_or(&name, Query::name);
        let owned = of_name(asked, found.answers());
        let ttl = owned.iter().map(|record| Duration::from_secs(record.ttl.into())).min();
        let records: Vec<R> = owned.iter().filter_map(|record| read(&record.data)).collect();
        match ttl {
            Some(ttl) if !records.is_empty() => Ok(Records::new(records, ttl)),
            ttl => Err(LookupError::Missing { ttl }),
        }
    }
}

impl Resolver for System {
    fn naptr<'a>(&'a self, name: &'a str) -> Lookup<'a, Naptr> {
        Box::pin(self.of_service(name, name, RecordType::NAPTR, |data| {
            let RData::NAPTR(naptr) = data else { return None };
            Some(Naptr {
                order: naptr.order,
                preference: naptr.preference,
                flags: String::from_utf8_lossy(&naptr.flags).into_owned(),
                service: String::from_utf8_lossy(&naptr.services).into_owned(),
                regexp: String::from_utf8_lossy(&naptr.regexp).into_owned(),
                replacement: naptr.replacement.to_ascii(),
            })
        }))
    }

    fn srv<'a>(&'a self, name: &'a str) -> Lookup<'a, Srv> {
        let owner = name.splitn(3, '.').nth(2).filter(|_| name.starts_with('_')).unwrap_or(name);
        Box::pin(self.of_service(owner, name, RecordType::SRV, |data| {
            let RData::SRV(srv) = data else { return None };
            let (priority, weight, port) = (srv.priority, srv.weight, srv.port);
            Some(Srv { priority, weight, port, target: srv.target.to_ascii() })
        }))
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr> {
        Box::pin(async move {
            if let Some(address) = literal(host) {
                return Ok(Records::new(vec![address], NO_TTL));
            }
            let listed = self.hosts(host);
            if !listed.is_empty() {
                return Ok(Records::new(listed, NO_TTL));
            }
            if is_local(host) {
                return by_the_system(host).await;
            }
            let address = |data: &RData| data.ip_addr();
            let (v4, v6) = tokio::join!(
                self.look_up(host, RecordType::A, false, address),
                self.look_up(host, RecordType::AAAA, false, address),
            );
            match merged(v4, v6) {
                Ok(found) => Ok(found),
                Err(missing) => by_the_system(host).await.map_err(|error| match missing {
                    LookupError::Missing { .. } => missing,
                    LookupError::Failed { .. } => error,
                }),
            }
        })
    }
}

fn unfound(error: &NetError) -> LookupError {
    if let NetError::Dns(DnsError::NoRecordsFound(none)) = error
        && matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError)
    {
        return LookupError::Missing { ttl: none.negative_ttl.map(|ttl| Duration::from_secs(ttl.into())) };
    }
    LookupError::Failed { error: error.to_string() }
}

/// One family is enough: some servers fail for the other.
fn merged(
    v4: Result<Records<IpAddr>, LookupError>,
    v6: Result<Records<IpAddr>, LookupError>,
) -> Result<Records<IpAddr>, LookupError> {
    match (v4, v6) {
        (Ok(v4), Ok(v6)) => {
            let records = [v6.records(), v4.records()].concat();
            Ok(Records::new(records, v4.ttl().min(v6.ttl())))
        }
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (Err(LookupError::Missing { ttl: one }), Err(LookupError::Missing { ttl: other })) => {
            Err(LookupError::Missing { ttl: [one, other].into_iter().flatten().min() })
        }
        (Err(failed @ LookupError::Failed { .. }), Err(_)) | (Err(_), Err(failed)) => Err(failed),
    }
}

/// RFC 6761 section 6.3 and RFC 6762 section 3: these names are not asked of a DNS server.
fn is_local(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or(host);
    last.eq_ignore_ascii_case("local") || last.eq_ignore_ascii_case("localhost")
}

/// Asks the operating system.
async fn by_the_system(host: &str) -> Result<Records<IpAddr>, LookupError> {
    let host = host.to_owned();
    let look_up = move || (host.as_str(), 0).to_socket_addrs().map(|all| all.map(|at| at.ip()).collect());
    let found: Vec<IpAddr> = look_up_on(&LOOKUPS, look_up)
        .await
        .map_err(|error| LookupError::Failed { error: error.to_string() })?;
    Ok(Records::new(found, NO_TTL))
}

/// Looks up on a thread that keeps its place until the look-up is over: whoever does not wait for it any more
/// makes no room for another thread.
async fn look_up_on(
    places: &'static Semaphore,
    look_up: impl FnOnce() -> io::Result<Vec<IpAddr>> + Send + 'static,
) -> io::Result<Vec<IpAddr>> {
    let place = places.acquire().await.map_err(io::Error::other)?;
    let looking = spawn_blocking(move || {
        let found = look_up();
        drop(place);
        found
    });
    looking.await.map_err(io::Error::other)?
}

/// Returns the addresses that a hosts file gives a name (hosts(5)). It is read anew each time: what it says is used at
/// once, and some are too long to be kept.
fn addresses_in(hosts: &str, name: &str) -> Vec<IpAddr> {
    let name = lower(name);
    let mut addresses = Vec::new();
    for line in hosts.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next().and_then(|address| address.parse().ok()) else { continue };
        if !addresses.contains(&address) && words.any(|word| lower(word) == name) {
            addresses.push(address);
        }
    }
    addresses
}

fn lower(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_look_up_that_nobody_waits_for_keeps_its_place_until_it_is_over() {
        static PLACES: Semaphore = Semaphore::const_new(1);
        let (end, ended) = mpsc::channel::<()>();
        let abandoned = async {
            let mut first = pin!(look_up_on(&PLACES, move || {
                let _ = ended.recv();
                Ok(Vec::new())
            }));
            let _ = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        };
        abandoned.await;
        assert_eq!(PLACES.available_permits(), 0);
        drop(end);
        look_up_on(&PLACES, || Ok(Vec::new())).await.unwrap();
    }

    #[test]
    fn a_hosts_file_gives_a_name_all_its_addresses() {
        let file = "# comment\n192.0.2.1\tpbx.lan pbx # the old one\n\n2001:db8::1 PBX.lan\nfe80::1%eth0 pbx\nnonsense\n";
        let of = |name| addresses_in(file, name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of("pbx.lan."), ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(of("pbx"), ["192.0.2.1"]);
        assert!(of("the").is_empty() && of("192.0.2.1").is_empty() && of("").is_empty());
    }

    #[test]
    fn some_names_are_asked_of_no_server() {
        assert!(["localhost", "pbx.LOCAL", "a.localhost."].map(is_local).into_iter().all(|is| is));
        assert!(
            !["local.example.com", "pbx", "localhost.example.com"].map(is_local).into_iter().any(|is| is)
        );
    }

    #[test]
    fn one_family_that_fails_hides_not_the_other() {
        let records = |address: &str| Records::new(vec![address.parse().unwrap()], Duration::from_secs(9));
        let (v4, v6) = (records("192.0.2.1"), records("2001:db8::1"));
        let failed = || Err(LookupError::Failed { error: "SERVFAIL".to_owned() });
        let missing = |ttl| Err(LookupError::Missing { ttl: Some(Duration::from_secs(ttl)) });
        assert_eq!(merged(Ok(v4.clone()), failed()).unwrap(), v4);
        assert_eq!(merged(missing(5), Ok(v6.clone())).unwrap(), v6);
        assert_eq!(merged(Ok(v4), Ok(v6)).unwrap().records().len(), 2);
        assert_eq!(merged(failed(), missing(5)), failed());
        assert_eq!(merged(missing(5), missing(3)), missing(3));
    }
}
