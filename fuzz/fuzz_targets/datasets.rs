#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tweedie_fuzz::target("datasets").expect("a target")(data));
