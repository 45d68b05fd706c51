//! How long it takes to look a caller up among ten million numbers, beside the other structures
//! tried, and what each takes of memory: `cargo bench -p ringfence-policy --bench set`.

mod ten_million;

use std::collections::{BTreeSet, HashSet};
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ringfence_policy::{E164, Set};
use roaring::RoaringTreemap;
use ten_million::{ENTRIES, callers, compiled, numbers};

fn look_ups(criterion: &mut Criterion) {
    let numbers = numbers();
    let callers = callers(&numbers);
    {
        let set = Set::open(Arc::new(compiled(&numbers))).expect("it was compiled");
        told("compiled", set.size());
        measure(criterion, "compiled", &callers, |number| set.contains(number));
        let near = |number: E164| {
            set.any_between(number.as_u64() / 1000 * 1000, number.as_u64() / 1000 * 1000 + 999)
        };
        measure(criterion, "compiled, near", &callers, near);
    }
    measure(criterion, "sorted array", &callers, |number| numbers.binary_search(&number.as_u64()).is_ok());
    told("sorted array", 8 * numbers.len());
    {
        let table: HashSet<u64> = numbers.iter().copied().collect();
        // The standard library's table: a word and a byte of control for each of its places.
        told("hash table", 9 * (table.capacity() * 8 / 7).next_power_of_two());
        measure(criterion, "hash table", &callers, |number| table.contains(&number.as_u64()));
    }
    {
        let tree: BTreeSet<u64> = numbers.iter().copied().collect();
        measure(criterion, "tree", &callers, |number| tree.contains(&number.as_u64()));
    }
    {
        let bitmap = RoaringTreemap::from_sorted_iter(numbers.iter().copied()).expect("they are sorted");
        told("roaring bitmap", bitmap.serialized_size());
        measure(criterion, "roaring bitmap", &callers, |number| bitmap.contains(number.as_u64()));
    }
    {
        let keys = numbers.iter().map(|number| number.to_be_bytes());
        let automaton = fst::Set::from_iter(keys).expect("they are sorted");
        told("automaton", automaton.as_fst().as_bytes().len());
        measure(criterion, "automaton", &callers, |number| automaton.contains(number.as_u64().to_be_bytes()));
    }
}

fn measure(
    criterion: &mut Criterion,
    structure: &str,
    (listed, others): &(Vec<E164>, Vec<E164>),
    contains: impl Fn(E164) -> bool,
) {
    for (whose, callers) in [("listed", listed), ("others", others)] {
        let mut next = 0;
        criterion.bench_function(&format!("ten million/{structure}/{whose}"), |bencher| {
            bencher.iter(|| {
                next = (next + 1) % callers.len();
                black_box(contains(callers[next]))
            });
        });
    }
}

fn opening(criterion: &mut Criterion) {
    let numbers = numbers();
    let bytes = Arc::new(compiled(&numbers));
    criterion.bench_function("ten million/open", |bencher| {
        bencher.iter(|| Set::open(bytes.clone()).map(|set| set.len()));
    });
    let set = Set::open(bytes).expect("it was compiled");
    let mut group = criterion.benchmark_group("ten million");
    group.sample_size(10);
    group.bench_function("verify", |bencher| bencher.iter(|| set.verify()));
    group.bench_function("compile", |bencher| bencher.iter(|| compiled(black_box(&numbers)).len()));
    group.finish();
}

fn told(structure: &str, bytes: usize) {
    let thousandths = bytes * 1000 / ENTRIES;
    eprintln!("{structure}: {}.{:03} bytes a number", thousandths / 1000, thousandths % 1000);
}

criterion_group!(benches, look_ups, opening);
criterion_main!(benches);
