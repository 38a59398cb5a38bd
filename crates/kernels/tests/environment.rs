//! `TWEEDIE_KERNEL` in a process of its own, since it is read once.

use std::process::Command;

use tweedie_kernels::{Conv3x3, Error, Kernel, Layout, active_kernel};

/// Runs the ignored test below with the variable set.
fn child(value: &str, expected: &str) {
    let executable = std::env::current_exe().unwrap();
    let status = Command::new(executable)
        .args(["child_process", "--ignored", "--exact", "--quiet"])
        .env("TWEEDIE_KERNEL", value)
        .env("EXPECTED", expected)
        .status()
        .unwrap();
    assert!(status.success(), "TWEEDIE_KERNEL={value}");
}

#[test]
fn the_variable_chooses_the_kernel() {
    for name in Kernel::NAMES {
        match Kernel::from_name(name) {
            Ok(kernel) => child(name, kernel.name()),
            Err(error) => child(name, &error.to_string()),
        }
    }
    child("", Kernel::fastest().name());
    let unknown = Error::UnknownKernel {
        name: "neon".to_owned(),
    };
    child("neon", &unknown.to_string());
}

#[test]
#[ignore = "run by the_variable_chooses_the_kernel"]
fn child_process() {
    let expected = std::env::var("EXPECTED").unwrap();
    let got = active_kernel().map_or_else(|error| error.to_string(), |kernel| kernel.name().to_owned());
    assert_eq!(got, expected);
    let plan = Conv3x3::new(Layout::new(1, 16, 8, 8).unwrap(), 16);
    assert_eq!(plan.map(|plan| plan.kernel()), active_kernel());
}
