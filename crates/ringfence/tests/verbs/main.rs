//! The verbs that ask the journal and change what the rules remember, through the real binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod block;
mod calls;
mod dialed;
mod doctor;
mod entries;
mod exchange;
mod filters;
mod forget;
mod full_disk;
mod home;
mod replay;
mod sent_on;
mod shadow;
mod stats;
mod switch;
mod test;
mod turns;
mod was_wrong;
mod why;
mod withheld;
