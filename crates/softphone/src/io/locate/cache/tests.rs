//! The cache over a zone of a script, in virtual time.

use futures_util::future::join_all;
use tokio::time::{advance, sleep};

use super::*;
use crate::zone::Zone;

fn cached(zone: &Zone) -> Cache {
    Cache::new(Arc::new(zone.clone()))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn first(cache: &Cache, host: &str) -> Result<String, LookupError> {
    cache.addresses(host).await.map(|found| found.records()[0].to_string())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_as_long_as_it_says() {
    let zone = Zone::default().with("pbx.example 300 A 192.0.2.1");
    let cache = cached(&zone);
    assert_eq!(first(&cache, "pbx.example").await.unwrap(), "192.0.2.1");
    advance(seconds(299)).await;
    assert_eq!(cache.addresses("PBX.example.").await.unwrap().ttl(), seconds(1));
    assert_eq!(zone.asked().len(), 1);
    advance(seconds(1)).await;
    zone.without("pbx.example", "A");
    assert!(first(&cache, "pbx.example").await.is_err(), "it moved away");
    assert_eq!(zone.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn fifty_thousand_lines_of_one_registrar_ask_once() {
    let zone = Zone::default().with("pbx.example 0 A 192.0.2.1").with("_sip._udp.a 0 SRV 0 0 1 pbx.example");
    zone.delay(seconds(1));
    let cache = cached(&zone);
    let found = join_all((0..50_000).map(|_| first(&cache, "pbx.example"))).await;
    assert!(found.iter().all(|found| found.as_deref() == Ok("192.0.2.1")));
    assert!(cache.srv("_sip._udp.a").await.is_ok() && cache.naptr("a").await.is_err());
    advance(SHORTEST / 2).await;
    assert!(cache.srv("_sip._udp.a").await.is_ok() && first(&cache, "pbx.example").await.is_ok());
    assert_eq!(zone.asked(), ["A pbx.example", "SRV _sip._udp.a", "NAPTR a"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_asked_for_again_after_a_minute_and_what_failed_after_seconds() {
    let zone = Zone::default().with("down.example 9 A SERVFAIL");
    let cache = cached(&zone);
    for (host, again) in [("missing.example", 60), ("down.example", 5)] {
        assert!(first(&cache, host).await.is_err());
        advance(seconds(again - 1)).await;
        assert!(first(&cache, host).await.is_err());
        assert_eq!(zone.asked().len(), 1, "{host}");
        advance(seconds(1)).await;
        assert!(first(&cache, host).await.is_err());
        assert_eq!(zone.asked().len(), 1, "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_resolver_is_down_what_was_known_is_used_on_for_a_day() {
    let zone = Zone::default().with("pbx.example 60 A 192.0.2.1");
    let cache = cached(&zone);
    first(&cache, "pbx.example").await.unwrap();
    zone.set_down(true);
    for _ in 0..23 {
        advance(seconds(3600)).await;
        assert_eq!(first(&cache, "pbx.example").await.unwrap(), "192.0.2.1");
    }
    assert_eq!(cache.addresses("pbx.example").await.unwrap().ttl(), STALE_TTL);
    advance(seconds(2 * 3600)).await;
    assert!(first(&cache, "pbx.example").await.is_err(), "a day is over");
    zone.set_down(false);
    advance(FAILED).await;
    assert_eq!(first(&cache, "pbx.example").await.unwrap(), "192.0.2.1");
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_is_silent_is_given_up_and_services_before_hosts() {
    let zone = Zone::default();
    zone.delay(seconds(3600));
    let (cache, start) = (cached(&zone), Instant::now());
    assert_eq!(cache.naptr("a").await.unwrap_err().to_string(), "no answer within 5 s");
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(first(&cache, "a").await.unwrap_err().to_string(), "no answer within 12 s");
    assert_eq!(start.elapsed().as_secs(), 17);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_takes_the_answer_from_nobody_else() {
    let zone = Zone::default().with("pbx.example 60 A 192.0.2.1");
    zone.delay(seconds(2));
    let cache = cached(&zone);
    tokio::select! {
        _ = first(&cache, "pbx.example") => unreachable!("it takes 2 s"),
        () = sleep(seconds(1)) => {}
    }
    assert_eq!(first(&cache, "pbx.example").await.unwrap(), "192.0.2.1");
    assert_eq!(zone.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_names_are_kept_than_there_is_room_for() {
    let zone = Zone::default().with("pbx.example 86400 A 192.0.2.1");
    let cache = cached(&zone);
    first(&cache, "pbx.example").await.unwrap();
    for name in 0..=MOST_NAMES {
        assert!(first(&cache, &format!("{name}.example")).await.is_err());
    }
    assert_eq!(cache.addresses.locked().len(), MOST_NAMES);
    zone.asked();
    assert!(first(&cache, "pbx.example").await.is_ok());
    assert!(zone.asked().is_empty(), "what holds longest is kept longest");
}

/// A resolver whose code is wrong.
struct Panicking;

impl Resolver for Panicking {
    fn naptr<'a>(&'a self, _: &'a str) -> Lookup<'a, Naptr> {
        Box::pin(async { panic!("as it is meant to") })
    }

    fn srv<'a>(&'a self, _: &'a str) -> Lookup<'a, Srv> {
        panic!("as it is meant to")
    }

    fn addresses<'a>(&'a self, _: &'a str) -> Lookup<'a, IpAddr> {
        panic!("as it is meant to")
    }
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_panics_has_failed_and_no_more() {
    let cache = Cache::new(Arc::new(Panicking));
    for _ in 0..2 {
        assert_eq!(cache.naptr("a").await.unwrap_err().to_string(), "the resolver has panicked");
        assert_eq!(cache.srv("a").await.unwrap_err().to_string(), "the resolver has panicked");
        assert_eq!(first(&cache, "a").await.unwrap_err().to_string(), "the resolver has panicked");
        advance(FAILED).await;
    }
}
