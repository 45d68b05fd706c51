//! What a registration has to live through in months: each trouble is told, and over within the bound that
//! `docs/reliability.md` states.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod fleet;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ringfence_testing::{Conditions, Network, Node, PbxConfig, PbxEvent, Phone};
use ringfence_ua::{
    Account, Cause, Config, ConnectionId, Endpoint, Event, Flow, RegistrationState, Target, Transport,
};

use fleet::{DAY, Fleet, HOUR, NAME, account, pbx, pbx_address, peak, phone_address, seconds};

/// A lifetime of an hour is refreshed at nine tenths at the latest.
const REFRESH: u64 = HOUR * 9 / 10;
/// 64*T1, and a round trip more.
const UNANSWERED: u64 = 33;
/// The longest wait between two attempts.
const HALF_AN_HOUR: u64 = HOUR / 2;

/// The cause that the first line gives, where it is not registered.
fn cause(fleet: &Fleet) -> Option<Cause> {
    match fleet.state(fleet.lines[0])? {
        RegistrationState::Failed { cause, .. } => Some(cause.clone()),
        _ => None,
    }
}

fn elsewhere() -> SocketAddr {
    "192.0.2.2:5060".parse().unwrap()
}

/// Moves the PBX to another address: what it knew of bindings is lost, as with a new machine.
fn move_away(fleet: &mut Fleet, address: SocketAddr) {
    let config = PbxConfig { domain: NAME.to_owned(), ..PbxConfig::new(address) };
    fleet.pbx = fleet.network.add(address, pbx(config, fleet.lines.len(), 2));
    let phone = fleet.phone;
    fleet.network.with(phone, |phone, _| phone.set_host(NAME, &[address.ip()]));
}

mod registrar {
    use super::*;

    /// Cuts the PBX off for some time after that was noticed; returns how long the line takes to be back.
    fn time_to_return(fleet: &mut Fleet, outage: u64) -> Duration {
        fleet.network.cut_off(pbx_address());
        let told = fleet.time_until(seconds(REFRESH + UNANSWERED), |it| cause(it) == Some(Cause::TimedOut));
        assert!(told.is_some(), "{:?}", fleet.states());
        fleet.run(seconds(outage));
        fleet.with_pbx(ringfence_testing::Pbx::restart);
        fleet.network.reconnect(pbx_address());
        fleet.time_until(seconds(HOUR), Fleet::are_all_registered).unwrap()
    }

    #[test]
    fn one_that_dies_every_day_of_a_month_has_us_back_within_the_time_it_was_away_and_half_an_hour() {
        let mut fleet = Fleet::of(1, 1);
        for day in 0..30 {
            let outage = [5, 60, 600, 2 * HOUR, 20 * HOUR][day % 5];
            let back = time_to_return(&mut fleet, outage);
            // A request that is on its way is repeated every 4 s.
            let bound = seconds(outage.min(HALF_AN_HOUR)) + seconds(5);
            assert!(back <= bound.max(seconds(15)), "day {day}: away for {outage} s, back after {back:?}");
            fleet.run(seconds(DAY - outage));
        }
    }

    #[test]
    fn one_that_restarts_with_an_empty_table_has_us_back_with_the_next_refresh() {
        let mut fleet = Fleet::of(3, 2);
        for _ in 0..30 {
            fleet.run(seconds(DAY));
            fleet.with_pbx(ringfence_testing::Pbx::restart);
            let back = fleet.time_until(seconds(HOUR), Fleet::are_all_registered).unwrap();
            assert!(back <= seconds(REFRESH + 1), "{back:?}");
        }
        let failed = |state: &RegistrationState| matches!(state, RegistrationState::Failed { .. });
        let phone = fleet.network.node(fleet.phone);
        assert!(fleet.lines.iter().all(|&line| !phone.states(line).any(|(_, state)| failed(state))));
    }

    #[test]
    fn one_that_moves_has_us_at_its_new_address_after_the_next_refresh() {
        let mut fleet = Fleet::of(1, 3);
        for day in 0..30 {
            fleet.run(seconds(DAY));
            let (old, new) =
                if day % 2 == 0 { (pbx_address(), elsewhere()) } else { (elsewhere(), pbx_address()) };
            fleet.network.cut_off(old);
            fleet.network.reconnect(new);
            move_away(&mut fleet, new);
            let back = fleet.time_until(seconds(2 * HOUR), Fleet::are_all_registered).unwrap();
            assert!(back <= seconds(REFRESH + UNANSWERED + 5), "{back:?}");
        }
    }
}

mod name {
    use super::*;

    #[test]
    fn one_that_cannot_be_looked_up_costs_no_line_its_binding() {
        let mut fleet = Fleet::of(1, 4);
        let phone = fleet.phone;
        fleet.network.with(phone, |phone, _| phone.set_host(NAME, &[]));
        for _ in 0..24 * 7 {
            fleet.run(seconds(HOUR));
            assert!(fleet.are_all_registered(), "{:?}", fleet.states());
        }
    }

    #[test]
    fn one_that_is_lost_with_its_registrar_is_named_and_found_again_within_half_an_hour() {
        let mut fleet = Fleet::of(1, 5);
        let phone = fleet.phone;
        fleet.network.cut_off(pbx_address());
        fleet.network.with(phone, |phone, _| phone.set_host(NAME, &[]));
        let is_named = |cause: Cause| matches!(cause, Cause::Unresolved { host, .. } if host == NAME);
        let told = fleet.time_until(seconds(REFRESH + UNANSWERED + 5), |it| cause(it).is_some_and(is_named));
        assert!(told.is_some(), "{:?}", fleet.states());
        fleet.run(seconds(7 * DAY));
        fleet.network.reconnect(pbx_address());
        fleet.network.with(phone, |phone, _| phone.set_host(NAME, &[pbx_address().ip()]));
        let back = fleet.time_until(seconds(HOUR), Fleet::are_all_registered).unwrap();
        assert!(back <= seconds(HALF_AN_HOUR), "{back:?}");
    }
}

mod network {
    use super::*;

    /// How many bindings expired in a month of a network that loses this part of all packets.
    fn expired_in_a_month(loss: f64, seed: u64) -> usize {
        let mut fleet = Fleet::with(3, seed, Conditions { loss, ..Conditions::default() });
        fleet.run(seconds(30 * DAY));
        assert!(fleet.are_all_registered(), "{:?}", fleet.states());
        let events = fleet.with_pbx(|pbx| std::iter::from_fn(|| pbx.poll_event()).collect::<Vec<_>>());
        events.iter().filter(|event| matches!(event, PbxEvent::Expired { .. })).count()
    }

    #[test]
    fn a_month_of_every_tenth_packet_lost_costs_no_line_its_binding() {
        assert_eq!(expired_in_a_month(0.1, 13), 0);
    }

    #[test]
    fn a_month_of_three_packets_in_ten_lost_costs_no_line_its_binding() {
        assert_eq!(expired_in_a_month(0.3, 14), 0);
    }

    #[test]
    fn an_address_that_changes_every_day_is_known_to_the_registrar_with_the_next_refresh() {
        let mut fleet = Fleet::of(1, 6);
        for day in 0..30_u16 {
            fleet.run(seconds(DAY));
            let outside = SocketAddr::new("198.51.100.9".parse().unwrap(), 40_000 + day);
            fleet.network.translate(phone_address(), outside);
            let is_known = |it: &Fleet| {
                let bindings = it.pbx().bindings("1000");
                bindings.len() == 1 && bindings[0].contact.contains(&format!("@{outside};"))
            };
            let known = fleet.time_until(seconds(HOUR), is_known);
            assert!(
                known.is_some_and(|after| after <= seconds(REFRESH + 1)),
                "{:?}",
                fleet.pbx().bindings("1000")
            );
        }
    }
}

mod interface {
    use super::*;

    /// Tells the phone from where it reaches the PBX.
    fn tell(fleet: &mut Fleet, local: Result<IpAddr, &str>) {
        let pbx = pbx_address().ip();
        fleet.act(|endpoint, now| endpoint.handle_route(now, pbx, local));
        if local.is_ok() {
            fleet.act(|endpoint, now| endpoint.handle_network_back(now, pbx));
        }
    }

    #[test]
    fn one_that_has_another_address_every_day_is_told_and_the_line_back_within_3_s() {
        let mut fleet = Fleet::of(1, 16);
        for day in 0..30_u8 {
            fleet.run(seconds(DAY));
            let address = SocketAddr::new([192, 0, 2, 100 + day].into(), 5060);
            fleet.network.translate(phone_address(), address);
            let phone = fleet.phone;
            fleet.network.with(phone, |phone, _| phone.move_to(address));
            tell(&mut fleet, Ok(address.ip()));
            assert!(
                matches!(cause(&fleet), Some(Cause::Unconnected { error, .. }) if error.contains("our address is"))
            );
            let back = fleet.time_until(seconds(60), Fleet::are_all_registered).unwrap();
            assert!(back <= seconds(4), "{back:?}");
            let bindings = fleet.pbx().bindings("1000");
            assert!(
                bindings.len() == 1 && bindings[0].contact.contains(&format!("@{address};")),
                "{bindings:?}"
            );
            tell(&mut fleet, Ok(address.ip()));
            assert!(fleet.are_all_registered(), "it has not moved");
        }
    }

    #[test]
    fn one_that_goes_is_told_and_the_line_is_back_within_5_s_after_it() {
        let mut fleet = Fleet::of(1, 17);
        for outage in [1, 10, 60, HOUR, DAY] {
            fleet.network.cut_off(phone_address());
            tell(&mut fleet, Err("network is unreachable"));
            assert!(matches!(cause(&fleet), Some(Cause::Unconnected { .. })), "{:?}", fleet.states());
            fleet.run(seconds(outage));
            fleet.network.reconnect(phone_address());
            tell(&mut fleet, Ok(phone_address().ip()));
            // A REGISTER that is on its way is repeated every 4 s.
            let back = fleet.time_until(seconds(HOUR), Fleet::are_all_registered).unwrap();
            assert!(back <= seconds(5), "back {back:?} after {outage} s");
            fleet.run(seconds(600));
        }
    }
}

mod device {
    use super::*;

    #[test]
    fn a_second_one_on_the_account_keeps_its_binding_through_a_month_of_trouble_and_we_keep_ours() {
        let mut fleet = Fleet::of(1, 7);
        let address: SocketAddr = "192.0.2.8:5060".parse().unwrap();
        let mut other = Phone::new(address, 8);
        other.set_host(NAME, &[pbx_address().ip()]);
        let other = fleet.network.add(address, other);
        fleet
            .network
            .with(other, |phone, now| phone.act(now, |endpoint| endpoint.add_line(now, account(0))))
            .unwrap();
        for day in 0..30_u16 {
            fleet
                .network
                .translate(phone_address(), SocketAddr::new("198.51.100.9".parse().unwrap(), 40_000 + day));
            fleet.run(seconds(DAY));
            assert_eq!(fleet.pbx().bindings("1000").len(), 2, "day {day}");
            let (line, cut) = (fleet.lines[0], day % 3 == 0);
            fleet.act(|endpoint, now| endpoint.unregister(now, line));
            fleet.run(seconds(5));
            let left: Vec<_> = fleet.pbx().bindings("1000").iter().map(|it| it.source).collect();
            assert_eq!(left, [address], "day {day}");
            fleet.act(|endpoint, now| endpoint.register(now, line));
            if cut {
                fleet.with_pbx(ringfence_testing::Pbx::restart);
            }
        }
    }
}

mod crowd {
    use super::*;

    const LINES: usize = 1000;

    #[test]
    fn a_thousand_lines_of_a_registrar_that_was_dead_for_an_hour_do_not_return_as_a_storm() {
        let mut fleet = Fleet::of(LINES, 9);
        fleet.network.cut_off(pbx_address());
        fleet.run(seconds(2 * HOUR));
        fleet.with_pbx(ringfence_testing::Pbx::restart);
        fleet.network.reconnect(pbx_address());
        let start = fleet.network.clock().now();
        let back = fleet.time_until(seconds(HOUR), Fleet::has_pbx_all).unwrap();
        assert!(back <= seconds(HALF_AN_HOUR + UNANSWERED), "{back:?}");
        let peak = peak(&fleet.registers_since(start));
        // Each line asks twice: it is challenged.
        assert!(peak <= 50, "{peak} REGISTERs in a second");
    }

    #[test]
    fn a_thousand_lines_that_a_dead_registrar_never_had_spread_from_their_second_attempt_on() {
        let mut fleet = Fleet::of(0, 10);
        fleet.network.cut_off(pbx_address());
        for number in 0..LINES {
            fleet.act(|endpoint, now| endpoint.add_line(now, account(number))).unwrap();
        }
        let start = fleet.network.clock().now();
        fleet.run(seconds(HOUR));
        let attempts = fleet.attempts_since(start);
        let later: Vec<_> = attempts.into_iter().filter(|at| *at >= seconds(1)).collect();
        let peak = peak(&later);
        assert!(later.len() > 4 * LINES && peak <= 150, "{peak} of {} attempts in a second", later.len());
    }

    #[test]
    fn a_thousand_lines_that_slept_wake_within_10_s_and_not_at_once() {
        let mut fleet = Fleet::of(LINES, 11);
        fleet.run(seconds(600));
        let start = fleet.network.clock().now();
        fleet.act(Endpoint::handle_clock_jump);
        fleet.run(seconds(12));
        let registers = fleet.registers_since(start);
        assert_eq!(registers.len(), LINES, "with the nonce that each has");
        assert!(peak(&registers) <= 150 && registers.iter().all(|at| *at <= seconds(11)));
    }

    #[test]
    fn a_thousand_lines_of_a_connection_that_was_lost_ask_for_another_within_10_s_and_not_at_once() {
        let (mut endpoint, start) = connected(LINES);
        endpoint.handle_disconnected(start, ConnectionId::new(1), "reset");
        let told = std::iter::from_fn(|| endpoint.poll_event()).filter(is_lost).count();
        assert_eq!(told, LINES, "at once");
        let mut asked = Vec::new();
        while let Some(due) = endpoint.poll_timeout().filter(|due| *due <= start + seconds(11)) {
            endpoint.handle_timeout(due);
            let events = std::iter::from_fn(|| endpoint.poll_event());
            asked.extend(events.filter(|it| matches!(it, Event::Resolve { .. })).map(|_| due - start));
        }
        assert!(
            asked.len() == LINES && peak(&asked) <= 150,
            "{} of {} in a second",
            peak(&asked),
            asked.len()
        );
    }

    fn is_lost(event: &Event) -> bool {
        let Event::Registration { state: RegistrationState::Failed { cause, .. }, .. } = event else {
            return false;
        };
        matches!(cause, Cause::Unconnected { error, .. } if error == "reset")
    }

    /// An endpoint with so many lines that are registered over one connection.
    fn connected(lines: usize) -> (Endpoint, Instant) {
        let now = Instant::now();
        let mut endpoint = Endpoint::new(Config::new(phone_address()), [7; 32]);
        let flow = Flow::connection(ConnectionId::new(1), Transport::Tcp, pbx_address());
        for number in 0..lines {
            let account = Account { transport: Some(Transport::Tcp), ..account(number) };
            let line = endpoint.add_line(now, account).unwrap();
            endpoint.handle_resolved(now, line, Ok(vec![Target { flow, local: phone_address() }]));
            let register = endpoint.poll_write().unwrap().payload;
            let text = String::from_utf8(register).unwrap();
            let (_, headers) = text.split_once("\r\n").unwrap();
            endpoint.handle_stream_message(now, flow, format!("SIP/2.0 200 OK\r\n{headers}").as_bytes());
        }
        while endpoint.poll_event().is_some() {}
        (endpoint, now + seconds(600))
    }

    #[test]
    fn nothing_is_left_of_a_hundred_lines_that_are_gone() {
        let mut fleet = Fleet::of(100, 12);
        for _ in 0..3 {
            fleet.act(Endpoint::handle_clock_jump);
            fleet.run(seconds(6 * HOUR));
        }
        for line in fleet.lines.clone() {
            fleet.act(|endpoint, now| endpoint.remove_line(now, line));
        }
        fleet.run(seconds(2 * HOUR));
        let endpoint = fleet.network.node(fleet.phone).endpoint();
        let counters = endpoint.counters();
        assert_eq!((counters.lines, counters.transactions, endpoint.poll_timeout()), (0, 0, None));
    }
}

mod sleep {
    use super::*;

    /// How long after it has woken a phone takes to be registered again. Its clock may have stood still meanwhile.
    fn time_to_wake(stands_still: bool, nights: u32) -> Vec<Duration> {
        let mut network = Network::new(15);
        let config = PbxConfig { domain: NAME.to_owned(), ..PbxConfig::new(pbx_address()) };
        let pbx = network.add(pbx_address(), pbx(config, 1, 15));
        let mut phone = Phone::new(phone_address(), 15);
        phone.set_host(NAME, &[pbx_address().ip()]);
        let sleeper = Sleeper { phone, asleep: Duration::ZERO, is_asleep: false };
        let sleeper = network.add(phone_address(), sleeper);
        network
            .with(sleeper, |it, now| it.act(now, |endpoint, now| endpoint.add_line(now, account(0))))
            .unwrap();
        let mut taken = Vec::new();
        for _ in 0..nights {
            network.run_for(seconds(16 * HOUR));
            network.with(sleeper, |it, _| it.is_asleep = true);
            network.run_for(seconds(8 * HOUR));
            assert!(!network.node(pbx).is_registered("1000"), "asleep");
            network.with(sleeper, |it, now| {
                it.wake(now, if stands_still { seconds(8 * HOUR) } else { Duration::ZERO });
            });
            let woken = network.clock().now();
            assert!(network.run_until(seconds(HOUR), |it| it.node(pbx).is_registered("1000")));
            taken.push(network.clock().now() - woken);
        }
        taken
    }

    #[test]
    fn a_month_of_nights_ends_each_with_a_line_that_is_back_within_5_s_though_its_clock_stood_still() {
        let taken = time_to_wake(true, 30);
        assert!(taken.iter().all(|taken| *taken <= seconds(6)), "{taken:?}");
    }

    #[test]
    fn a_line_whose_clock_went_on_while_it_slept_is_back_at_once() {
        let taken = time_to_wake(false, 30);
        assert!(taken.iter().all(|taken| *taken <= seconds(1)), "{taken:?}");
    }

    /// A phone that neither hears nor does anything while it sleeps.
    struct Sleeper {
        phone: Phone,
        /// How long its clock has stood still.
        asleep: Duration,
        is_asleep: bool,
    }

    impl Sleeper {
        /// What its own clock says.
        fn own(&self, now: Instant) -> Instant {
            now.checked_sub(self.asleep).unwrap()
        }

        fn act<R>(&mut self, now: Instant, f: impl FnOnce(&mut Endpoint, Instant) -> R) -> R {
            let now = self.own(now);
            self.phone.act(now, |endpoint| f(endpoint, now))
        }

        fn wake(&mut self, now: Instant, stood_still: Duration) {
            self.is_asleep = false;
            self.asleep += stood_still;
            if stood_still > Duration::ZERO {
                self.act(now, Endpoint::handle_clock_jump);
            }
        }
    }

    impl Node for Sleeper {
        fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
            if !self.is_asleep {
                self.phone.handle_datagram(self.own(now), source, datagram);
            }
        }

        fn handle_timeout(&mut self, now: Instant) {
            self.phone.handle_timeout(self.own(now));
        }

        fn poll_timeout(&self) -> Option<Instant> {
            let due = self.phone.poll_timeout().filter(|_| !self.is_asleep)?;
            Some(due + self.asleep)
        }

        fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
            self.phone.poll_transmit()
        }
    }
}
