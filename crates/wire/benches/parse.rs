//! How long reading and answering one INVITE takes: `cargo bench -p ringfence-wire`.
#![allow(missing_docs, reason = "what criterion's macros make has none")]

mod measured;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use measured::{INVITE, answer, invite, read};
use ringfence_wire::sip::Message;

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("invite");
    group.throughput(Throughput::Bytes(INVITE.len() as u64));
    group.bench_function("parse", |bencher| bencher.iter(|| Message::parse(black_box(INVITE)).is_ok()));
    group.bench_function("parse and read", |bencher| {
        bencher.iter(|| Message::parse(black_box(INVITE)).is_ok_and(|invite| read(&invite)));
    });
    group.finish();
}

fn print(criterion: &mut Criterion) {
    let invite = invite();
    let mut out = Vec::with_capacity(2048);
    criterion.bench_function("486 to the invite", |bencher| {
        bencher.iter(|| {
            out.clear();
            answer(black_box(&invite), &mut out);
            out.len()
        });
    });
}

criterion_group!(benches, parse, print);
criterion_main!(benches);
