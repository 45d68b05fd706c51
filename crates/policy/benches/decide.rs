//! How long a decision takes with a list of a million entries, and how long such a list loads.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ringfence_policy::{Caller, Facts, List, Policy, Region, decide, normalise};

const ENTRIES: u64 = 1_000_000;

fn region() -> Region {
    Region::parse("CH").expect("CH is a region")
}

/// Numbers spread over the plan by a multiplication that never repeats: every second one is listed.
fn number(index: u64) -> u64 {
    41_200_000_000 + index * 7_919 % 799_999_999
}

fn list() -> String {
    let mut text = String::new();
    for index in 0..ENTRIES {
        let _ = writeln!(text, "+{}", number(2 * index));
    }
    text.push_str("+4180*\n+41900*\n+44*\nanonymous\n");
    text
}

fn decisions(criterion: &mut Criterion) {
    let (reject, errors) = List::parse_text("reject", "million.txt", &list(), region());
    assert!(errors.is_empty(), "the numbers are well formed");
    let policy = Policy::builder(region()).reject(Arc::new(reject)).build().expect("no emergency number");

    let callers: Vec<String> = (0..4096).map(|index| format!("+{}", number(index * 487))).collect();
    let mut next = 0;
    criterion.bench_function("decide/million/caller to decision", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % callers.len();
            let caller = Caller::from_header(&callers[next], "pbx.example");
            black_box(decide(&policy, &Facts::new(&caller, "home", region())).rule())
        });
    });
    criterion.bench_function("decide/million/look-up", |bencher| {
        let numbers: Vec<_> = callers.iter().filter_map(|raw| normalise(raw, region()).ok()).collect();
        bencher.iter(|| {
            next = (next + 1) % numbers.len();
            black_box(policy.reject().find_number(numbers[next]).is_some())
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
    let text = list();
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("million", |bencher| {
        bencher.iter(|| List::parse_text("reject", "million.txt", black_box(&text), region()).0.len());
    });
    group.finish();
}

criterion_group!(benches, decisions, loading);
criterion_main!(benches);
