#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tweedie_fuzz::target("hdf5").expect("a target")(data));
