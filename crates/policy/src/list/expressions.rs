//! The expressions of a list, all looked for at once.

use crate::number::Number;
use crate::pattern::{Automaton, Expression, TooLarge};

/// Expressions in the order in which they were written, in as few automata as are small enough.
#[derive(Debug, Clone, Default)]
pub(super) struct Expressions {
    all: Vec<Expression>,
    /// Each with how many expressions come before it.
    automata: Vec<(usize, Automaton)>,
}

impl Expressions {
    pub(super) fn new(all: Vec<Expression>) -> Self {
        let expressions: Vec<&str> = all.iter().map(Expression::as_str).collect();
        let mut automata = Vec::new();
        if let Ok(all) = Automaton::of(&expressions) {
            automata.push((0, all));
        } else {
            let mut before = 0;
            for some in expressions.chunks(TOGETHER) {
                add(some, before, &mut automata);
                before += some.len();
            }
        }
        Self { all, automata }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn all(&self) -> &[Expression] {
        &self.all
    }

    /// Returns which of them has this text.
    pub(super) fn position(&self, text: &str) -> Option<usize> {
        self.all.iter().position(|known| known.as_str() == text)
    }

    /// Returns the first that is found in a number and may be.
    pub(super) fn first_in(&self, number: Number, may_be: impl Fn(usize) -> bool) -> Option<usize> {
        self.automata.iter().find_map(|(before, automaton)| {
            automaton.first_in(number, |index| may_be(before + index)).map(|index| before + index)
        })
    }
}

/// Adds one automaton for some expressions, or one for each half of them when that is too large.
fn add(expressions: &[&str], before: usize, automata: &mut Vec<(usize, Automaton)>) {
    match Automaton::of(expressions) {
        Ok(automaton) => automata.push((before, automaton)),
        Err(TooLarge) if expressions.len() > 1 => {
            let (first, second) = expressions.split_at(expressions.len() / 2);
            add(first, before, automata);
            add(second, before + first.len(), automata);
        }
        // An expression alone has had its automaton when it was read.
        Err(TooLarge) => {}
    }
}

/// How many are tried together, when all are too many: a list that defies it is read all the same soon.
const TOGETHER: usize = 16;
