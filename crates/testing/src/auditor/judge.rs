//! An auditor that nobody has to ask.

use std::ops::{Deref, DerefMut};
use std::thread::panicking;

use super::{Auditor, Fault};

/// An [`Auditor`] that panics when it is dropped and something was wrong: a test keeps it beside what it tests.
///
/// ```should_panic
/// use std::time::Instant;
/// use ringfence_testing::Judge;
/// use ringfence_ua::Transport;
///
/// let mut judge = Judge::default();
/// judge.sent(Instant::now(), Transport::Udp, "192.0.2.1:5060".parse().unwrap(), b"hello");
/// ```
#[derive(Debug, Default)]
pub struct Judge(Auditor);

impl Judge {
    /// One of an [`Auditor::demanding`].
    #[must_use]
    pub fn demanding() -> Self {
        Self(Auditor::demanding())
    }

    /// One of an [`Auditor::timeless`].
    #[must_use]
    pub fn timeless() -> Self {
        Self(Auditor::timeless())
    }
}

impl Deref for Judge {
    type Target = Auditor;

    fn deref(&self) -> &Auditor {
        &self.0
    }
}

impl DerefMut for Judge {
    fn deref_mut(&mut self) -> &mut Auditor {
        &mut self.0
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let faults: Vec<String> = self.0.faults().iter().map(Fault::to_string).collect();
        assert!(panicking() || faults.is_empty(), "wrong on the wire:\n{}", faults.join("\n"));
    }
}
