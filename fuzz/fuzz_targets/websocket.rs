#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| softphone::fuzzed::ALL[1].1(bytes));
