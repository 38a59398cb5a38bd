#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tweedie_fuzz::target("npz").expect("a target")(data));
