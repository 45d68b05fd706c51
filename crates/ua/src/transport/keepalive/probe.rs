//! A STUN Binding request over a UDP flow (RFC 5626 section 8), repeated until it is answered or given up (RFC 8489
//! section 6.2.1).

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_wire::stun::{Answer, TransactionId};

use crate::id::Generator;

/// What a flow's server has answered so far, and the request that waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Probe {
    asked: Option<Asked>,
    /// Where the server saw us last.
    mapped: Option<SocketAddr>,
}

#[derive(Debug)]
struct Asked {
    id: TransactionId,
    times: u32,
}

/// What is next of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The request is to be sent, once more, and then waited for.
    Send(TransactionId, Duration),
    /// It was not answered.
    GiveUp,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// We are seen where we were.
    Alive,
    /// We are seen elsewhere than before: whoever calls us there reaches nobody.
    Moved(SocketAddr),
    /// The server cannot tell.
    Refused,
}

//= https://www.rfc-editor.org/rfc/rfc8489#section-6.2.1
//# Rc SHOULD be configurable and
//# SHOULD have a default of 7.
const RC: u32 = 7;
//= https://www.rfc-editor.org/rfc/rfc8489#section-6.2.1
//# In fixed-line
//# access links, a value of 500 ms is RECOMMENDED.
const RTO: Duration = Duration::from_millis(500);
//= https://www.rfc-editor.org/rfc/rfc8489#section-6.2.1
//# Rm SHOULD be configurable and SHOULD have a default of 16.
const RM: u32 = 16;

impl Probe {
    /// Returns what is to be done now that a keep-alive, or the answer to one, is due.
    pub(super) fn next(&mut self, generator: &mut Generator) -> Next {
        let asked = self.asked.get_or_insert_with(|| {
            let mut random = [0; 12];
            generator.fill(&mut random);
            Asked { id: TransactionId::new(random), times: 0 }
        });
        if asked.times == RC {
            self.asked = None;
            return Next::GiveUp;
        }
        asked.times += 1;
        let wait = if asked.times == RC { RTO * RM } else { RTO * (1 << (asked.times - 1)) };
        Next::Send(asked.id, wait)
    }

    /// Returns whether the server ever told where it sees us: from one that did so, silence is the end of the flow.
    pub(super) fn has_answered(&self) -> bool {
        self.mapped.is_some()
    }

    /// Takes an answer that came over the flow, and returns what it says where it is to the request that waits.
    pub(super) fn handle_answer(&mut self, answer: &Answer) -> Option<News> {
        self.asked.take_if(|asked| asked.id == answer.id)?;
        let Ok(mapped) = answer.mapped else { return Some(News::Refused) };
        let mapped = SocketAddr::new(mapped.ip().to_canonical(), mapped.port());
        match self.mapped.replace(mapped) {
            Some(before) if before != mapped => Some(News::Moved(mapped)),
            Some(_) | None => Some(News::Alive),
        }
    }
}
