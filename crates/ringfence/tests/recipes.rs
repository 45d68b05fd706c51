//! The recipes of `docs/guides/recipes`: the configuration of each, checked, and run against a registrar with the known
//! habits of the system that it is for. The registrar is a script: what a real one does beyond it is not known here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod bench;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use bench::{Bench, PATIENCE};
use ringfence_testing::{Binding, CallPlan, Direction, Oddity, Outcome, PbxConfig};

/// A guide, and the system that it is for.
struct System {
    guide: &'static str,
    user: &'static str,
    auth_user: &'static str,
    habits: fn(&mut PbxConfig),
}

const ASTERISK: System = System {
    guide: include_str!("../../../docs/guides/recipes/asterisk.md"),
    user: "858",
    auth_user: "858",
    // chan_pjsip with rewrite_contact: bindings are where REGISTER came from.
    habits: |pbx| {
        "asterisk".clone_into(&mut pbx.realm);
        pbx.oddities.push(Oddity::RewritesContacts);
    },
};

const FREESWITCH: System = System {
    guide: include_str!("../../../docs/guides/recipes/freeswitch.md"),
    user: "858",
    auth_user: "858",
    // A wrong password is not challenged again.
    habits: |pbx| {
        "pbx.example".clone_into(&mut pbx.realm);
        pbx.wrong_password_status = 403;
    },
};

const THREE_CX: System = System {
    guide: include_str!("../../../docs/guides/recipes/3cx.md"),
    user: "858",
    auth_user: "aB3dE5fG7h",
    // It challenges as a proxy, by RFC 2069, and keeps names for authentication apart.
    habits: |pbx| {
        "3CXPhoneSystem".clone_into(&mut pbx.realm);
        (pbx.challenge_status, pbx.wrong_password_status) = (407, 407);
        pbx.qops.clear();
        pbx.max_expires = Duration::from_secs(600);
    },
};

const FRITZ_BOX: System = System {
    guide: include_str!("../../../docs/guides/recipes/fritzbox.md"),
    user: "ringfence",
    auth_user: "ringfence",
    // RFC 2069; a nonce that has been used is asked for again without a word that it is stale.
    habits: |pbx| {
        "fritz.box".clone_into(&mut pbx.realm);
        pbx.qops.clear();
        pbx.oddities.push(Oddity::HidesStaleness);
        pbx.max_expires = Duration::from_secs(300);
    },
};

const KAMAILIO: System = System {
    guide: include_str!("../../../docs/guides/recipes/kamailio.md"),
    user: "858",
    auth_user: "858",
    habits: |pbx| "sip.example".clone_into(&mut pbx.realm),
};

const TWILIO: System = System {
    guide: include_str!("../../../docs/guides/recipes/twilio.md"),
    user: "ringfence",
    auth_user: "ringfence",
    habits: |pbx| {
        "sip.twilio.com".clone_into(&mut pbx.realm);
        pbx.wrong_password_status = 403;
        pbx.max_expires = Duration::from_secs(600);
    },
};

const TELNYX: System = System {
    guide: include_str!("../../../docs/guides/recipes/telnyx.md"),
    user: "userexample1",
    auth_user: "userexample1",
    habits: |pbx| {
        "sip.telnyx.com".clone_into(&mut pbx.realm);
        pbx.max_expires = Duration::from_secs(300);
    },
};

const SIPGATE: System = System {
    guide: include_str!("../../../docs/guides/recipes/sipgate.md"),
    user: "1234567e0",
    auth_user: "1234567e0",
    habits: |pbx| {
        "sipgate.de".clone_into(&mut pbx.realm);
        pbx.oddities.push(Oddity::RewritesContacts);
        pbx.max_expires = Duration::from_secs(600);
    },
};

const SYSTEMS: [System; 8] = [ASTERISK, FREESWITCH, THREE_CX, FRITZ_BOX, KAMAILIO, TWILIO, TELNYX, SIPGATE];

#[test]
fn asterisk_hears_486_of_spam_and_404_of_what_is_to_ring() {
    let mut run = Run::of(&ASTERISK);
    assert_eq!(run.call("0791234567"), 486);
    assert_eq!(run.call("0441234567"), 404);
    run.ends();
}

#[test]
fn freeswitch_hears_486_of_spam_and_404_of_what_is_to_ring() {
    let mut run = Run::of(&FREESWITCH);
    assert_eq!(run.call("0791234567"), 486);
    assert_eq!(run.call("0441234567"), 404);
    run.ends();
}

#[test]
fn three_cx_hears_486_of_spam_and_180_of_what_is_to_ring() {
    let mut run = Run::of(&THREE_CX);
    assert_eq!(run.call("+12025550111"), 486);
    assert_eq!(run.call("+13125550199"), 180);
    run.ends();
}

#[test]
fn a_fritz_box_hears_603_of_spam_and_180_of_what_is_for_its_other_phones() {
    let mut run = Run::of(&FRITZ_BOX);
    assert_eq!(run.call("03012345678"), 603);
    assert_eq!(run.call("08912345678"), 180);
    run.ends();
}

#[test]
fn kamailio_hears_486_of_spam_and_404_of_what_is_to_ring() {
    let mut run = Run::of(&KAMAILIO);
    assert_eq!(run.call("0791234567"), 486);
    assert_eq!(run.call("0441234567"), 404);
    run.ends();
}

#[test]
fn a_sip_domain_of_twilio_hears_486_of_spam() {
    let mut run = Run::of(&TWILIO);
    assert_eq!(run.call("+12025550111"), 486);
    assert_eq!(run.call("+13125550199"), 180);
    run.ends();
}

#[test]
fn telnyx_hears_486_of_spam() {
    let mut run = Run::of(&TELNYX);
    assert_eq!(run.call("+12025550111"), 486);
    assert_eq!(run.call("+13125550199"), 180);
    run.ends();
}

#[test]
fn sipgate_hears_486_of_spam() {
    let mut run = Run::of(&SIPGATE);
    assert_eq!(run.call("03012345678"), 486);
    assert_eq!(run.call("08912345678"), 180);
    run.ends();
}

#[test]
fn a_trunk_of_twilio_calls_without_a_registration() {
    let bench = Bench::with(|_| {});
    let recipe = configurations(TWILIO.guide)[1].clone();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}\"\ncontrol = \"control/s");
    let there = recipe.replace("203.0.113.10", "127.0.0.1").replace("0.0.0.0:5060", &listen);
    let mut run = Run::start(bench, &recipe, &there, "+12025550100");
    run.bench.pbx.add_user("+12025550100", "");
    let binding = Binding {
        contact: format!("sip:+12025550100@127.0.0.1:{port}"),
        source: SocketAddr::from(([127, 0, 0, 1], port)),
        expires_at: Instant::now() + PATIENCE,
        call_id: String::new(),
        cseq: 1,
    };
    run.bench.pbx.add_binding("+12025550100", binding);
    run.waits_until("static");
    assert_eq!(run.call("+12025550111"), 486);
    assert_eq!(run.call("+13125550199"), 180);
}

#[test]
fn each_guide_tells_what_a_wrong_password_looks_like() {
    for system in &SYSTEMS {
        let mut run = Run::at(system, "another");
        let cause = run.waits_until("failed");
        assert!(system.guide.contains(&format!("| `{cause}` |")), "{}: {cause}", system.user);
    }
}

#[test]
fn every_recipe_that_is_shipped_is_tried_and_names_what_is_not_verified() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/recipes");
    let shipped = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(shipped, SYSTEMS.len() + 1, "the guides, and their table of contents");
    for System { guide, .. } in &SYSTEMS {
        assert!(guide.contains("## What is verified"), "{guide}");
    }
}

/// The program with a recipe's configuration, and the system beside it.
struct Run {
    bench: Bench,
    program: bench::Program,
    user: &'static str,
}

impl Run {
    /// One that has registered and answered an OPTIONS.
    fn of(system: &System) -> Self {
        let mut run = Self::at(system, "secret");
        assert!(run.bench.play(|pbx| pbx.is_registered(system.user)), "{}", run.bench.log());
        run.waits_until("registered");
        run.is_pinged();
        run
    }

    fn at(system: &System, password: &str) -> Self {
        let mut bench = Bench::with(system.habits);
        bench.pbx.add_user_with_auth_name(system.user, system.auth_user, password);
        let [recipe, ..] = &configurations(system.guide)[..] else { panic!("there is a configuration") };
        let port = bench.socket.local_addr().unwrap().port();
        let there = through(recipe, port);
        Self::start(bench, recipe, &there, system.user)
    }

    /// Checks a recipe as it stands in the guide, and runs it as it is here.
    fn start(bench: Bench, recipe: &str, here: &str, user: &'static str) -> Self {
        bench.write("password.txt", "secret\n");
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(bench.path("password.txt"), mode).unwrap();
        bench.write("ringfence.toml", recipe);
        let told = bench.told(&["check"]);
        assert!(told.starts_with("ok: ") && !told.contains("warning"), "{told}");
        bench.write("ringfence.toml", &format!("{here}\n[journal]\npath = \"off\"\n"));
        let program = bench.start();
        Self { bench, program, user }
    }

    /// What `status` says of the line once it is in a state.
    fn waits_until(&mut self, state: &str) -> String {
        let line = |bench: &Bench| {
            let output = bench.ask(&["status", "--json"]);
            serde_json::from_slice::<serde_json::Value>(&output.stdout)
                .ok()
                .map(|told| told["lines"][0].clone())
        };
        let is_there = |bench: &Bench| line(bench).is_some_and(|line| line["state"] == state);
        assert!(self.bench.play_until(PATIENCE, is_there), "{:?}", line(&self.bench));
        line(&self.bench).unwrap()["cause"].as_str().unwrap_or_default().to_owned()
    }

    /// Sends OPTIONS to the binding, as systems do that ask every minute whether a phone is there.
    fn is_pinged(&mut self) {
        let binding = self.bench.pbx.bindings(self.user).last().unwrap().clone();
        let us = self.bench.socket.local_addr().unwrap();
        let ping = format!(
            "OPTIONS {} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKping\r\nFrom: <sip:{us}>;tag=1\r\n\
             To: <{}>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            binding.contact, binding.contact
        );
        self.bench.send(binding.source, &ping);
        let answered = |pbx: &ringfence_testing::Pbx| {
            pbx.messages().any(|record| {
                let text = String::from_utf8_lossy(&record.message);
                let is_answer = text.starts_with("SIP/2.0 200 ") && text.contains("CSeq: 1 OPTIONS");
                record.direction == Direction::Received && is_answer
            })
        };
        assert!(self.bench.play(answered), "{}", self.bench.log());
    }

    /// Calls, and returns the final status, or 180 of a call that rings and is given up.
    fn call(&mut self, from: &str) -> u16 {
        let give_up = Some(Duration::from_millis(50));
        let plan = CallPlan { cancel_after: give_up, ..CallPlan::new(from, self.user) };
        let id = self.bench.pbx.call(Instant::now(), plan);
        assert!(self.bench.play(|pbx| pbx.get(id).outcome().is_some()), "{}", self.bench.log());
        assert_eq!(self.bench.pbx.get(id).faults(), [""; 0]);
        match self.bench.pbx.get(id).outcome().unwrap() {
            Outcome::Rejected { status, .. } => *status,
            Outcome::Cancelled if self.bench.pbx.get(id).statuses().contains(&180) => 180,
            Outcome::Answered
            | Outcome::Redirected { .. }
            | Outcome::Cancelled
            | Outcome::TimedOut
            | Outcome::NotRegistered => panic!("{:?}", self.bench.pbx.get(id).outcome()),
        }
    }

    /// Ends the program, which takes its binding away though the registrar has forgotten the nonce.
    fn ends(mut self) {
        self.bench.pbx.forget_nonces();
        self.program.signal("TERM");
        let user = self.user;
        assert!(self.bench.play(|pbx| !pbx.is_registered(user)), "{}", self.bench.log());
        assert!(self.program.0.wait().unwrap().success(), "{}", self.bench.log());
    }
}

/// The configurations that a guide prints.
fn configurations(guide: &str) -> Vec<String> {
    let after = guide.split("```toml file=ringfence.toml\n").skip(1);
    after.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A recipe that reaches its system at a port of this machine, by whatever name it knows it.
fn through(recipe: &str, port: u16) -> String {
    let here = "[softphone]\nlisten = \"127.0.0.1:0\"\ncontrol = \"control/s\"\n";
    let kept: Vec<&str> = recipe.lines().filter(|line| !line.starts_with("outbound_proxy")).collect();
    let text = kept.join("\n").replace("[defaults]", &format!("{here}\n[defaults]"));
    let proxy = format!("\noutbound_proxy = \"127.0.0.1:{port}\"\npassword_file");
    text.replacen("\npassword_file", &proxy, 1)
}

fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
