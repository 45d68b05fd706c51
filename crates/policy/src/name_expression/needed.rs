//! Which letters a text must have in which an expression is found.
//!
//! Each way through the automaton to its end reads some letters; those of all ways are needed. Only ways of ASCII
//! letters count: nothing is asked of a text that has others.

use std::collections::HashMap;

use regex_automata::Input;
use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;

use crate::wildcard::Letters;

/// Returns what every ASCII text has in which the expression is found; of a large automaton it is not worked out.
pub(super) fn needed_letters(automaton: &dense::DFA<Vec<u32>>) -> Letters {
    let start = automaton.start_state_forward(&Input::new(""));
    let (Ok(start), true) = (start, automaton.memory_usage() <= WORTHWHILE) else { return Letters::NONE };
    let steps = steps(automaton);
    // What was read on every way to a state. It only grows less, so this ends.
    let mut read = HashMap::from([(start, Letters::NONE)]);
    let mut waiting = vec![start];
    let mut needed = Letters::ALL;
    while let Some(state) = waiting.pop() {
        let so_far = read.get(&state).copied().unwrap_or(Letters::NONE);
        if automaton.is_match_state(state) {
            needed = needed.shared_with(so_far);
            continue;
        }
        let mut reach = |next: StateID, letters: Letters| {
            let known = read.get(&next).copied();
            let shared = known.map_or(letters, |known| known.shared_with(letters));
            if !automaton.is_dead_state(next) && known != Some(shared) {
                read.insert(next, shared);
                waiting.push(next);
            }
        };
        for (byte, letter) in &steps {
            reach(automaton.next_state(state, *byte), so_far.with(*letter));
        }
        reach(automaton.next_eoi_state(state), so_far);
    }
    needed
}

/// Returns one byte of each class that the automaton does not tell apart, with the letter all of the class are.
fn steps(automaton: &dense::DFA<Vec<u32>>) -> Vec<(u8, Letters)> {
    let classes = automaton.byte_classes();
    let mut steps: Vec<(u8, Letters)> = Vec::new();
    for byte in 0..=0x7f {
        let letter = Letters::of_one(byte);
        match steps.iter_mut().find(|(known, _)| classes.get(*known) == classes.get(byte)) {
            Some((_, shared)) => *shared = shared.shared_with(letter),
            None => steps.push((byte, letter)),
        }
    }
    steps
}

/// In bytes: what a person writes takes less, and is looked through in a millisecond.
const WORTHWHILE: usize = 64 * 1024;
