#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tweedie_fuzz::target("png").expect("a target")(data));
