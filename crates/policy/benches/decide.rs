//! How long a decision takes with a list of a million entries, and how long such a list loads.

mod measured;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use measured::{list, now, number, policy, region};
use ringfence_policy::{Caller, Facts, List, decide, normalise};

const ENTRIES: u64 = 1_000_000;

fn decisions(criterion: &mut Criterion) {
    let policy = policy(ENTRIES);
    let callers: Vec<String> = (0..4096).map(|index| format!("+{}", number(index * 487))).collect();
    let mut next = 0;
    criterion.bench_function("decide/million/caller to decision", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % callers.len();
            let caller = Caller::from_header(&callers[next], "pbx.example");
            black_box(decide(&policy, &Facts::new(&caller, "home", region()), now()).rule_id())
        });
    });
    criterion.bench_function("decide/million/look-up", |bencher| {
        let numbers: Vec<_> = callers.iter().filter_map(|raw| normalise(raw, region()).ok()).collect();
        bencher.iter(|| {
            next = (next + 1) % numbers.len();
            black_box(policy.lists()[1].find_number(numbers[next], now()).is_some())
        });
    });
    criterion.bench_function("normalise/international", |bencher| {
        bencher.iter(|| normalise(black_box("+41791234567"), region()));
    });
    criterion.bench_function("normalise/national", |bencher| {
        bencher.iter(|| normalise(black_box("079 123 45 67"), region()));
    });
}

fn loading(criterion: &mut Criterion) {
    let text = list(ENTRIES);
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("million", |bencher| {
        bencher.iter(|| List::parse_text("reject", "million.txt", black_box(&text), region()).0.len());
    });
    group.finish();
}

criterion_group!(benches, decisions, loading);
criterion_main!(benches);
