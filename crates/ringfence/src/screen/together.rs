//! Calls that come together are decided as one after another would be.

use std::time::Instant;

use ringfence_testing::Random;

use super::program::{Program, invite};
use super::*;

const RULES: &str = r#"
[[rule]]
id = "often"
when = { rate = { per = "caller", more_than = 2, within = "1m" } }
then = { reject = { code = 603 } }

[[rule]]
id = "listed"
when = { caller_in = "reject" }
then = "busy"

[[rule]]
id = "otherwise"
then = "ring"
"#;

impl Program {
    /// Returns the Call-ID, the rule and the rate of each call in the journal.
    fn decided(&mut self) -> Vec<(String, String, String)> {
        let calls = self.calls();
        // What is read of a journal tells them from copies of one call by that.
        let times: Vec<i64> = calls.iter().map(|call| call.at.as_microsecond()).collect();
        assert!(times.windows(2).all(|two| two[0] < two[1]), "{times:?}");
        let rate =
            |call: &Call| call.evidence.facts.split(r#""rate":"#).nth(1).unwrap_or_default().to_owned();
        calls.iter().map(|call| (call.call_id.clone(), call.rule.clone(), rate(call))).collect()
    }
}

#[test]
fn rates_and_copies_are_those_of_calls_that_come_one_by_one() {
    let callers = [7_700_900_123, 2_079_460_123, 2_079_460_124];
    let (mut rates, mut copies) = (0, 0);
    for seed in 0..40 {
        let (now, mut random) = (Instant::now(), Random::new(seed));
        let [mut single, mut together] = [0; 2].map(|_| Program::start(now, RULES));
        for _ in 0..4 {
            let datagrams: Vec<Vec<u8>> = (0..=random.next_u64() % 12)
                .map(|_| {
                    let call = random.next_u64() % 20;
                    invite(call, callers[usize::try_from(call % 3).unwrap()], random.next_u64() % 2)
                })
                .collect();
            single.take(now, &datagrams);
            together.take_together(now, &datagrams);
        }
        let decided = single.decided();
        assert_eq!(together.decided(), decided, "seed {seed}");
        assert_eq!(together.phone.endpoint().counters(), single.phone.endpoint().counters(), "seed {seed}");
        rates += decided.iter().filter(|(_, rule, _)| rule == "often").count();
        let tally = single.journal.tally();
        assert_eq!(together.journal.tally().copies, tally.copies, "seed {seed}");
        copies += tally.copies;
    }
    assert!(rates > 20 && copies > 20, "else it says little: {rates} {copies}");
}

#[test]
fn those_that_cannot_be_read_with_the_others_are_read_when_their_turn_comes() {
    let now = Instant::now();
    let [listed, other] = [7_700_900_123, 2_079_460_123];
    for unreadable in 0..6 {
        let calls = (0..6).map(|call| {
            let id = if call == unreadable || call == 4 { 10_000 + call } else { call };
            (id, if call % 2 == 0 { listed } else { other })
        });
        let calls: Vec<(u64, u64)> = calls.collect();
        let datagrams: Vec<Vec<u8>> = calls.iter().map(|(call, caller)| invite(*call, *caller, 0)).collect();
        let mut program = Program::start(now, RULES);
        program.take_together(now, &datagrams);
        let decided = program.decided().into_iter().map(|(call, rule, _)| (call, rule));
        let rules = ["listed", "otherwise", "listed", "otherwise", "often", "often"];
        let expected =
            calls.iter().zip(rules).map(|((call, _), rule)| (format!("call-{call}"), rule.to_owned()));
        assert_eq!(decided.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{unreadable}");
    }
}
