#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tweedie_fuzz::target("tiff").expect("a target")(data));
