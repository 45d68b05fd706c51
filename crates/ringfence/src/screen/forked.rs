//! What the first copy of a call adds to lists decides no other copy of it.

use std::time::Instant;

use super::program::{Program, invite};

/// A line of its own for the second branch, and who calls again within the hour rings.
const GREYLIST: &str = r#"
[account.859]
user = "859"
domain = "192.0.2.1"
password = "secret"

[[rule]]
id = "tried"
when = { caller_in = "tried" }
then = "ring"
add_to = { list = "tried", ttl = "2h" }

[[rule]]
id = "first-try"
then = "busy"
add_to = { list = "tried", ttl = "1h" }
"#;
const CALLER: u64 = 2_079_460_123;

fn rules(program: &mut Program) -> Vec<String> {
    program.calls().iter().map(|call| call.rule.clone()).collect()
}

#[test]
fn both_branches_of_a_fork_are_decided_by_the_entries_that_there_were_before_it() {
    let now = Instant::now();
    let mut program = Program::start(now, GREYLIST);
    program.take(now, &[0, 1].map(|line| invite(1, CALLER, line)));
    assert_eq!(rules(&mut program), ["first-try", "first-try"]);
    program.take(now, &[0, 1].map(|line| invite(2, CALLER, line)));
    assert_eq!(rules(&mut program)[2..], ["tried", "tried"], "the first branch only made the entry longer");
}
