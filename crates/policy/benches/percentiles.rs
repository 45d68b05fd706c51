//! How long decisions take, in the median and at worst, with a hundred rules and a compiled list of
//! ten million numbers: `cargo bench -p ringfence-policy --bench percentiles`.
//!
//! Each call is timed by itself, reading the clock included; the callers come in an order that no cache
//! foresees. `decide` is timed alone, and together with reading the caller's and the called number. The list
//! is mapped, as the program maps it.
#![allow(unsafe_code, reason = "a file is not mapped without")]
#![allow(clippy::disallowed_methods, reason = "a clock is what this is about")]

mod hundred_rules;
mod ten_million;

use std::fs::{self, File};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hundred_rules::{facts, now, policy};
use memmap2::Mmap;
use ringfence_policy::{E164, Policy, Set, decide};
use ten_million::{callers, compiled, numbers};

fn main() {
    // `cargo test --benches` runs it to see that it does; there is nothing to see then.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let numbers = numbers();
    let (listed, others) = callers(&numbers);
    let bytes = compiled(&numbers);
    drop(numbers);
    let path = std::env::temp_dir().join(format!("ringfence-percentiles-{}.set", std::process::id()));
    fs::write(&path, &bytes).expect("there is room for 55 MB");
    drop(bytes);

    let before = Instant::now();
    let set = mapped(&path);
    let opened = before.elapsed();
    println!("{} numbers, {} bytes, mapped and opened in {opened:.1?}", set.len(), set.size());
    let policy = policy(set);
    fs::remove_file(&path).expect("it was written a moment ago");

    println!("{:32} {:>9} {:>9} {:>9} {:>9}", "", "median", "99 %", "99.9 %", "longest");
    told("the clock alone", listed.iter().map(|_| timed(|| true)));
    told("listed, pages not mapped yet", listed.iter().take(20_000).map(|caller| call(&policy, *caller)));
    told("listed", listed.iter().map(|caller| call(&policy, *caller)));
    told("on no list", others.iter().map(|caller| call(&policy, *caller)));
    told("decide alone, listed", listed.iter().map(|caller| decision(&policy, *caller)));
    told("decide alone, on no list", others.iter().map(|caller| decision(&policy, *caller)));
}

fn mapped(path: &std::path::Path) -> Set {
    let file = File::open(path).expect("it was written a moment ago");
    // SAFETY: the file is this process's own, and is not written to again.
    let mapping = unsafe { Mmap::map(&file) }.expect("a file can be mapped");
    Set::open(Arc::new(mapping)).expect("it was compiled")
}

fn call(policy: &Policy, caller: E164) -> Duration {
    let user = caller.to_string();
    let (region, now) = (policy.region(), now());
    timed(|| decide(policy, &facts(black_box(&user), region), now).rule().is_some())
}

fn decision(policy: &Policy, caller: E164) -> Duration {
    let user = caller.to_string();
    let (facts, now) = (facts(&user, policy.region()), now());
    timed(|| decide(policy, black_box(&facts), now).rule().is_some())
}

fn timed(work: impl FnOnce() -> bool) -> Duration {
    let before = Instant::now();
    black_box(work());
    before.elapsed()
}

fn told(what: &str, times: impl Iterator<Item = Duration>) {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    let at = |thousandths: usize| times.get(times.len() * thousandths / 1000).copied().unwrap_or_default();
    let longest = times.last().copied().unwrap_or_default();
    let shown = [at(500), at(990), at(999), longest].map(|time| format!("{} ns", time.as_nanos()));
    println!("{what:32} {:>9} {:>9} {:>9} {:>9}", shown[0], shown[1], shown[2], shown[3]);
}
