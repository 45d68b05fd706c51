//! How long rejecting a call takes: `cargo bench -p ringfence-ua`.
#![allow(missing_docs, reason = "what criterion's macros make has none")]

mod measured;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use measured::Rejections;

fn reject(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("endpoint");
    group.throughput(Throughput::Elements(1));
    let mut rejections = Rejections::warm();
    group.bench_function("INVITE to 486 to ACK", |bencher| bencher.iter(|| rejections.call()));
    // What a call costs beside this is that its memory is in no cache any more.
    let mut rejections = Rejections::among(1_000_000);
    group.bench_function("the same among a million", |bencher| bencher.iter(|| rejections.call()));
    let mut rejections = Rejections::warm();
    group.throughput(Throughput::Elements(8));
    group.bench_function("eight together", |bencher| bencher.iter(|| rejections.eight_calls()));
    let mut rejections = Rejections::among(1_000_000);
    group.bench_function("eight together among a million", |bencher| {
        bencher.iter(|| rejections.eight_calls());
    });
    group.throughput(Throughput::Elements(1));
    let mut rejections = Rejections::warm();
    group.bench_function("a repeated ACK", |bencher| bencher.iter(|| rejections.acknowledge()));
    group.finish();
}

criterion_group!(benches, reject);
criterion_main!(benches);
