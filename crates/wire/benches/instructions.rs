//! How many instructions reading and answering one INVITE takes, whatever the machine is busy with:
//! `cargo bench -p ringfence-wire --bench instructions`.
#![allow(missing_docs, reason = "what gungraun's macros make has none")]

mod measured;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use measured::{INVITE, answer, invite, read};
use ringfence_wire::sip::Message;

#[library_benchmark]
fn parse() -> bool {
    Message::parse(black_box(INVITE)).is_ok()
}

#[library_benchmark]
#[bench::trace(invite())]
fn read_what_a_server_needs(invite: Message<'static>) -> bool {
    read(black_box(&invite))
}

#[library_benchmark]
#[bench::trace(invite(), Vec::with_capacity(2048))]
fn print_486(invite: Message<'static>, mut out: Vec<u8>) -> Vec<u8> {
    answer(black_box(&invite), &mut out);
    out
}

library_benchmark_group!(name = invite_benches; benchmarks = parse, read_what_a_server_needs, print_486);
main!(library_benchmark_groups = invite_benches);
