//! Several expressions in one automaton, over the spelling of a number.
//!
//! A whole deterministic automaton is made when the list is read, and its size is bounded then. A
//! look-up walks it: one table step a digit, no cache to fill, nothing to lock, nothing to
//! allocate, from any number of threads at once. A lazily built automaton would need a cache for
//! each thread, and could be made to rebuild it with every call; a simulated one takes a step for
//! each state at each digit. Neither is worth it for sixteen characters.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};

use crate::number::Number;

/// Expressions that are all looked for in one walk.
#[derive(Debug, Clone)]
pub(crate) struct Automaton(dense::DFA<Vec<u32>>);

/// The expressions need more memory than they may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Why one expression has no automaton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    Syntax(Box<str>),
    TooLarge,
}

impl Automaton {
    /// Makes the automaton of one expression.
    pub(super) fn single(expression: &str) -> Result<Self, Refused> {
        if let Err(error) = syntax::parse_with(expression, &syntax_rules()) {
            return Err(Refused::Syntax(last_line(&error.to_string())));
        }
        build(&[expression], LARGEST_SINGLE).map_err(|error| match error {
            None => Refused::TooLarge,
            Some(message) => Refused::Syntax(message),
        })
    }

    /// Makes the automaton of several expressions, each of which has one of its own.
    pub(crate) fn of(expressions: &[&str]) -> Result<Self, TooLarge> {
        let limit = if let [_] = expressions { LARGEST_SINGLE } else { LARGEST };
        build(expressions, limit).map_err(|_| TooLarge)
    }

    /// Returns the first of the expressions that is found in a number and may be.
    pub(crate) fn first_in(&self, number: Number, may_be: impl Fn(usize) -> bool) -> Option<usize> {
        let dfa = &self.0;
        let mut buffer = [0; Number::LONGEST];
        let spelling = number.spell(&mut buffer);
        let mut state = dfa.start_state_forward(&Input::new(spelling)).ok()?;
        let mut first = None;
        let mut note = |state| {
            if dfa.is_match_state(state) {
                let found = (0..dfa.match_len(state)).map(|index| dfa.match_pattern(state, index).as_usize());
                first = found.filter(|found| may_be(*found)).chain(first).min();
            }
        };
        for byte in spelling {
            state = dfa.next_state(state, *byte);
            note(state);
        }
        note(dfa.next_eoi_state(state));
        first
    }

    /// Returns how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        self.0.memory_usage()
    }
}

/// Without a message it is too large.
fn build(expressions: &[&str], limit: usize) -> Result<Automaton, Option<Box<str>>> {
    let thompson = thompson::Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(limit));
    let nfa = thompson::Compiler::new().syntax(syntax_rules()).configure(thompson).build_many(expressions);
    let nfa = nfa.map_err(|error| error.size_limit().is_none().then(|| error.to_string().into()))?;
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Unanchored)
        .accelerate(false)
        .dfa_size_limit(Some(limit))
        .determinize_size_limit(Some(limit));
    let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa);
    let too_large = |error: &dense::BuildError| error.is_size_limit_exceeded();
    dfa.map(Automaton).map_err(|error| (!too_large(&error)).then(|| error.to_string().into()))
}

/// Numbers are ASCII. The depth keeps the parser from exhausting the stack.
fn syntax_rules() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).nest_limit(DEEPEST)
}

fn last_line(message: &str) -> Box<str> {
    let last = message.trim_end().lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).into()
}

const DEEPEST: u32 = 20;

/// What people write takes some hundred bytes to a few thousand.
const LARGEST_SINGLE: usize = 128 << 10;

/// A cache holds it; what is larger is cut into several.
const LARGEST: usize = 256 << 10;
