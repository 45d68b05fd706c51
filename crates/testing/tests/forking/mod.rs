//! One account with several phones at a forking proxy, and who calls it.

#![allow(dead_code, reason = "each test that shares it uses a part of it")]

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_testing::{
    Binding, Call, CallId, CallPlan, Callee, CalleePlan, Caller, Network, NodeId, Phone, Proxy, ProxyConfig,
};
use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, EndedBy, Event, Screen};

pub(crate) fn proxy_address() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

pub(crate) fn caller_address() -> SocketAddr {
    "192.0.2.2:5060".parse().unwrap()
}

pub(crate) fn phone_address(index: usize) -> SocketAddr {
    format!("192.0.2.{}:5060", 10 + index).parse().unwrap()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) struct House {
    pub(crate) network: Network,
    pub(crate) proxy: NodeId<Proxy>,
    pub(crate) caller: NodeId<Caller>,
    pub(crate) phones: Vec<NodeId<Phone>>,
}

impl House {
    /// Phones that are registered as 858, the first one first, each with its screen.
    pub(crate) fn new(config: ProxyConfig, screens: Vec<Screen>) -> Self {
        Self::with_seed(1, config, screens)
    }

    pub(crate) fn with_seed(seed: u64, config: ProxyConfig, screens: Vec<Screen>) -> Self {
        let mut network = Network::new(seed);
        let mut proxy = Proxy::new(config, seed);
        proxy.add_user("858", "secret");
        let proxy = network.add(proxy_address(), proxy);
        let caller = network.add(caller_address(), Caller::new(caller_address(), seed));
        let mut house = Self { network, proxy, caller, phones: Vec::new() };
        for (index, screen) in screens.into_iter().enumerate() {
            house.switch_on(index, index as u64, screen);
            house.network.run_for(seconds(1));
        }
        assert_eq!(house.network.node(house.proxy).bindings("858").len(), house.phones.len());
        house
    }

    /// Switches a phone on, which knows nothing of the one that was there.
    pub(crate) fn switch_on(&mut self, index: usize, seed: u64, screen: Screen) {
        let address = phone_address(index);
        let phone = self.network.add(address, Phone::new(address, seed).with_screen(screen));
        let mut account = Account::new("858", "192.0.2.1", 5060);
        account.credentials = Some(Credentials::new("858", "secret"));
        let added = |phone: &mut Phone, now| phone.act(now, |endpoint| endpoint.add_line(now, account));
        self.network.with(phone, added).unwrap();
        if index == self.phones.len() {
            self.phones.push(phone);
        } else {
            self.phones[index] = phone;
        }
    }

    /// Adds a phone that does as its plan says.
    pub(crate) fn add_callee(&mut self, number: u8, plan: CalleePlan) -> NodeId<Callee> {
        let address = SocketAddr::from(([192, 0, 2, number], 5060));
        let callee = self.network.add(address, Callee::new(address, plan, number.into()));
        self.bind_callee(number);
        callee
    }

    /// Has the proxy know of it.
    pub(crate) fn bind_callee(&mut self, number: u8) {
        let source = SocketAddr::from(([192, 0, 2, number], 5060));
        let expires_at = self.network.clock().now() + seconds(100_000);
        let contact = format!("sip:858@{source}");
        let binding = Binding { contact, source, expires_at, call_id: number.to_string(), cseq: 1 };
        self.network.with(self.proxy, |proxy, _| proxy.add_binding("858", binding));
    }

    pub(crate) fn call(&mut self) -> CallId {
        self.call_by(CallPlan { may_fork: true, ..CallPlan::new("1002", "sip:858@192.0.2.1") })
    }

    pub(crate) fn call_by(&mut self, plan: CallPlan) -> CallId {
        self.network.with(self.caller, |caller, now| caller.call(now, proxy_address(), plan))
    }

    pub(crate) fn get(&self, id: CallId) -> &Call {
        self.network.node(self.caller).get(id)
    }

    /// Returns the final responses that the caller got, each once.
    pub(crate) fn finals(&self, id: CallId) -> Vec<u16> {
        self.get(id).statuses().into_iter().filter(|status| *status >= 200).collect()
    }

    /// Returns how the calls of a phone ended.
    pub(crate) fn ends(&self, phone: usize) -> Vec<(Option<u16>, EndedBy)> {
        let end = |event: &Event| {
            if let Event::Ended { status, by, .. } = event { Some((*status, *by)) } else { None }
        };
        self.network.node(self.phones[phone]).events().iter().filter_map(|(_, event)| end(event)).collect()
    }

    /// Asserts that nothing is left of any call.
    pub(crate) fn assert_quiet(&mut self) {
        self.network.run_for(seconds(120));
        assert_eq!(self.network.node(self.proxy).requests(), 0);
        for phone in &self.phones {
            let counters = self.network.node(*phone).endpoint().counters();
            assert_eq!((counters.transactions, counters.undecided_calls), (0, 0));
        }
    }
}
