//! Answers that are remembered for a while, also that nothing is known of a number.

use std::collections::{BTreeMap, HashMap};
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Question;
use super::answer::Answer;

/// The answers that were used last.
#[derive(Debug)]
pub(crate) struct Memory {
    lasts: Duration,
    answers: HashMap<Arc<Question>, Remembered>,
    /// The questions in the order in which they were last asked.
    order: BTreeMap<u64, Arc<Question>>,
    clock: u64,
    /// What all of them weigh.
    bytes: usize,
}

#[derive(Debug)]
struct Remembered {
    answer: Answer,
    ends: Instant,
    used: u64,
}

/// The callers of weeks; who has not called for longest is forgotten.
const MOST_ANSWERS: usize = 10_000;
/// As many answers of questions of the usual length; whoever calls chooses how long the called party is.
const MOST_BYTES: usize = 4 << 20;

impl Memory {
    /// Makes a memory that lasts so long; zero remembers nothing.
    pub(crate) fn new(lasts: Duration) -> Self {
        Self { lasts, answers: HashMap::new(), order: BTreeMap::new(), clock: 0, bytes: 0 }
    }

    pub(crate) fn recall(&mut self, question: &Question, now: Instant) -> Option<Answer> {
        let remembered = self.answers.get_mut(question)?;
        if remembered.ends <= now {
            self.forget(question);
            return None;
        }
        self.clock += 1;
        let used = std::mem::replace(&mut remembered.used, self.clock);
        let answer = remembered.answer.clone();
        if let Some(question) = self.order.remove(&used) {
            self.order.insert(self.clock, question);
        }
        Some(answer)
    }

    pub(crate) fn remember(&mut self, question: &Question, answer: &Answer, now: Instant) {
        let Some(ends) = now.checked_add(self.lasts).filter(|_| !self.lasts.is_zero()) else { return };
        self.forget(question);
        self.clock += 1;
        let question = Arc::new(question.clone());
        self.bytes += weight(&question, answer);
        let remembered = Remembered { answer: answer.clone(), ends, used: self.clock };
        self.order.insert(self.clock, Arc::clone(&question));
        self.answers.insert(question, remembered);
        while self.answers.len() > MOST_ANSWERS || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            self.forget(&oldest);
        }
    }

    /// Forgets all answers about a caller, as the journal knows it. Returns how many.
    pub(crate) fn forget_caller(&mut self, identity: &str) -> usize {
        let meant: Vec<_> = self.answers.keys().filter(|asked| asked.is_about(identity)).cloned().collect();
        for question in &meant {
            self.forget(question);
        }
        meant.len()
    }

    fn forget(&mut self, question: &Question) {
        if let Some(before) = self.answers.remove(question) {
            self.order.remove(&before.used);
            self.bytes -= weight(question, &before.answer);
        }
    }
}

/// Returns how much memory an answer takes, about.
fn weight(question: &Question, answer: &Answer) -> usize {
    let called = question.called.as_ref().map_or(0, String::len);
    let name = answer.name.as_ref().map_or(0, |name| name.len());
    // In both maps, which are never quite full.
    let fixed = size_of::<Question>() + 2 * (size_of::<Remembered>() + 2 * size_of::<Arc<Question>>());
    fixed + question.line.len() + called + name
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
    fn long_questions_make_others_forgotten_before_there_are_many() {
        let (mut memory, now) = (Memory::new(Duration::from_secs(60)), Instant::now());
        let long = |number| Question { called: Some("9".repeat(60_000)), ..question(number) };
        for number in 0..1_000 {
            memory.remember(&long(number), &answer(1), now);
            memory.remember(&long(number), &answer(2), now);
        }
        let kept: usize =
            memory.answers.keys().filter_map(|asked| asked.called.as_ref()).map(String::len).sum();
        assert!((3 << 20..=4 << 20).contains(&kept), "{kept}");
        assert_eq!(memory.answers.len(), memory.order.len());
        assert_eq!(memory.recall(&long(999), now), Some(answer(2)));
    }

    #[test]
    fn a_memory_of_no_time_remembers_nothing() {
        let (mut memory, now) = (Memory::new(Duration::ZERO), Instant::now());
        memory.remember(&question(1), &answer(1), now);
        assert_eq!(memory.recall(&question(1), now), None);
    }
}
