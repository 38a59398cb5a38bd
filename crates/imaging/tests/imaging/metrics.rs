//! Metrics against scikit-image (tests/golden/make_metrics.py).

use burn::tensor::Device;
use tweedie_imaging::{ColorMode, psnr, read_image, snr, ssim};
use tweedie_testing::{Tolerance, assert_close, for_each_case};

use crate::support::golden;

#[test]
fn metrics_are_those_of_scikit_image() {
    let table = std::fs::read_to_string(golden("metrics.csv")).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("name,psnr_db,ssim,snr_db"));
    let cases = lines.map(|line| line.split_once(',').unwrap());
    for_each_case(
        cases.map(|(name, expected)| (name, (name, expected))),
        |(name, expected)| {
            let expected: Vec<f64> = expected.split(',').map(|value| value.parse().unwrap()).collect();
            let load = |part| {
                let path = golden(&format!("{name}_{part}.npy"));
                read_image(&path, ColorMode::AsStored)
                    .unwrap()
                    .image(&Device::default())
                    .unwrap()
            };
            let (estimate, clean) = (load("estimate"), load("clean"));
            let actual = [psnr, ssim, snr].map(|metric| metric(&estimate, &clean).unwrap()[0]);
            // Both sides compute in f64 from the same f32 values; SSIM's variances lose digits by cancellation.
            assert_close(
                "psnr, ssim, snr",
                &actual,
                &expected,
                Tolerance {
                    atol: 1e-12,
                    rtol: 1e-12,
                },
            );
        },
    );
}
