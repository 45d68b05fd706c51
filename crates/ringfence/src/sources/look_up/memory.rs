//! Answers that are remembered for a while, also that nothing is known of a number.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::Question;
use super::answer::Answer;

/// The answers that were used last.
#[derive(Debug)]
pub(crate) struct Memory {
    lasts: Duration,
    answers: HashMap<Question, Remembered>,
    /// The questions in the order in which they were last asked.
    order: BTreeMap<u64, Question>,
    clock: u64,
}

#[derive(Debug)]
struct Remembered {
    answer: Answer,
    ends: Instant,
    used: u64,
}

/// The callers of weeks; who has not called for longest is forgotten.
const MOST_ANSWERS: usize = 10_000;

impl Memory {
    /// Makes a memory that lasts so long; zero remembers nothing.
    pub(crate) fn new(lasts: Duration) -> Self {
        Self { lasts, answers: HashMap::new(), order: BTreeMap::new(), clock: 0 }
    }

    pub(crate) fn recall(&mut self, question: &Question, now: Instant) -> Option<Answer> {
        let remembered = self.answers.get_mut(question)?;
        self.order.remove(&remembered.used);
        if remembered.ends <= now {
            self.answers.remove(question);
            return None;
        }
        self.clock += 1;
        remembered.used = self.clock;
        self.order.insert(self.clock, question.clone());
        Some(remembered.answer.clone())
    }

    pub(crate) fn remember(&mut self, question: &Question, answer: &Answer, now: Instant) {
        let Some(ends) = now.checked_add(self.lasts).filter(|_| !self.lasts.is_zero()) else { return };
        self.clock += 1;
        let remembered = Remembered { answer: answer.clone(), ends, used: self.clock };
        if let Some(before) = self.answers.insert(question.clone(), remembered) {
            self.order.remove(&before.used);
        }
        self.order.insert(self.clock, question.clone());
        if self.answers.len() > MOST_ANSWERS
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.answers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{E164, Number};

    use super::*;

    fn question(number: u64) -> Question {
        let number = Number::E164(E164::new(41_790_000_000 + number).unwrap());
        Question { number, line: String::new(), called: None }
    }

    fn answer(score: u32) -> Answer {
        Answer { score, is_listed: score > 0, name: None }
    }

    #[test]
    fn an_answer_is_remembered_so_long_and_no_longer() {
        let (mut memory, now) = (Memory::new(Duration::from_secs(60)), Instant::now());
        memory.remember(&question(1), &answer(0), now);
        assert_eq!(memory.recall(&question(1), now + Duration::from_secs(59)), Some(answer(0)));
        assert_eq!(memory.recall(&question(1), now + Duration::from_secs(60)), None);
        assert!(memory.answers.is_empty() && memory.order.is_empty());
    }

    #[test]
    fn whoever_was_not_asked_about_for_longest_is_forgotten_first() {
        let (mut memory, now) = (Memory::new(Duration::from_secs(60)), Instant::now());
        for number in 0..10_000 {
            memory.remember(&question(number), &answer(1), now);
        }
        assert!(memory.recall(&question(0), now).is_some());
        memory.remember(&question(1), &answer(2), now);
        memory.remember(&question(10_000), &answer(1), now);
        assert!(memory.recall(&question(2), now).is_none());
        assert!(memory.recall(&question(0), now).is_some());
        assert_eq!(memory.recall(&question(1), now), Some(answer(2)));
        assert_eq!((memory.answers.len(), memory.order.len()), (10_000, 10_000));
    }

    #[test]
    fn a_memory_of_no_time_remembers_nothing() {
        let (mut memory, now) = (Memory::new(Duration::ZERO), Instant::now());
        memory.remember(&question(1), &answer(1), now);
        assert_eq!(memory.recall(&question(1), now), None);
    }
}
