//! A PBX that the program registers with, and that calls it.

use std::net::UdpSocket;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ringfence_testing::{CallPlan, Node as _, Outcome, Pbx, PbxConfig, Witness};

use crate::home::{Home, Program};

/// A PBX that the program registers with, and that calls it.
pub(crate) struct Exchange {
    pub(crate) home: Home,
    pbx: Pbx,
    socket: UdpSocket,
    /// Judges what comes to the PBX, and panics when the exchange goes where something was wrong.
    witness: Witness,
}

impl Exchange {
    /// Starts the program with a policy, and waits until it is registered.
    pub(crate) fn new(configuration: &str) -> (Self, Program) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let address = socket.local_addr().unwrap();
        let mut pbx = Pbx::new(PbxConfig::new(address), 1);
        pbx.add_user("858", "hunter2");
        let line = format!("domain = \"127.0.0.1\"\nport = {}", address.port());
        let home = Home::new();
        let configuration =
            configuration.replace("domain = \"192.0.2.1\"", &line).replace("register = false\n", "");
        home.write("ringfence.toml", &configuration);
        let program = home.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut exchange = Self { home, pbx, socket, witness: Witness::new(address) };
        exchange.play(|pbx| pbx.is_registered("858"));
        (exchange, Program(program))
    }

    fn play(&mut self, holds: impl Fn(&Pbx) -> bool) {
        let start = Instant::now();
        let mut datagram = vec![0; 65_535];
        loop {
            while let Some((destination, bytes)) = self.pbx.poll_transmit() {
                self.socket.send_to(&bytes, destination).unwrap();
            }
            self.witness.hear(self.pbx.messages(), self.pbx.forgotten());
            if holds(&self.pbx) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it does not come");
            match self.socket.recv_from(&mut datagram) {
                Ok((length, source)) => self.pbx.handle_datagram(Instant::now(), source, &datagram[..length]),
                Err(_) => self.pbx.handle_timeout(Instant::now()),
            }
        }
    }

    /// Calls, gives up a call that rings, and returns how it ended when that is in the journal.
    pub(crate) fn call(&mut self, from: &str) -> Outcome {
        let recorded = |home: &Home| home.json(&["calls", "--json"]).len();
        let before = recorded(&self.home);
        let plan = CallPlan { cancel_after: Some(Duration::from_millis(50)), ..CallPlan::new(from, "858") };
        let id = self.pbx.call(Instant::now(), plan);
        self.play(|pbx| pbx.get(id).outcome().is_some());
        let start = Instant::now();
        while recorded(&self.home) == before {
            assert!(start.elapsed() < Duration::from_secs(20), "it is not recorded");
        }
        self.pbx.get(id).outcome().unwrap().clone()
    }
}
