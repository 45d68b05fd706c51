//! What a host has seen of the softphone, which is judged when the host goes.

use ringfence_testing::{Caller, Pbx, Witness};

/// Who writes down what goes in and out.
pub(crate) trait Witnessed {
    /// Has a witness hear of what was written down.
    fn tell(&self, witness: &mut Witness);
}

impl Witnessed for Pbx {
    fn tell(&self, witness: &mut Witness) {
        witness.hear(self.messages(), self.forgotten());
    }
}

impl Witnessed for Caller {
    fn tell(&self, witness: &mut Witness) {
        witness.hear(self.messages(), self.forgotten());
    }
}
