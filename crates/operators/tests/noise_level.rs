//! Noise estimation on known noise, and the shared kernels.

mod common;

use burn::tensor::Device;
use common::image;
use tweedie_imaging::{ColorMode, Image, Sigma, noise, read_image};
use tweedie_operators::{Kernel, rules::estimate_noise};
use tweedie_testing::shared_data;

/// The estimate for a clean image with seeded noise, relative to the truth.
fn ratio(clean: &Image, levels: f64, seed: u64) -> f64 {
    let sigma = Sigma::from_grey_levels(levels).unwrap();
    let noise = noise::gaussian(clean.dims(), sigma, seed, 0, &Device::flex()).unwrap();
    estimate_noise(&(clean.clone() + noise)).unwrap()[0].value() / sigma.value()
}

/// 65,536 samples give the standard deviation to 0.3 %; the smallest of 49 sample eigenvalues lies some 5 % in variance below.
#[test]
fn smooth_images_give_the_level() {
    let ramp = (0..256 * 256)
        .map(|n| 0.2 + 0.5 * ((n / 256) as f32 / 256.0) * ((n % 256) as f32 / 256.0))
        .collect();
    let clean = image(ramp, [1, 1, 256, 256]);
    for levels in [2.0, 10.0, 50.0] {
        let ratio = ratio(&clean, levels, 1);
        assert!((ratio - 1.0).abs() < 0.04, "{levels}: {ratio}");
    }
}

#[test]
fn channels_share_the_level_and_images_do_not() {
    let sigma = |n: f64| Sigma::from_grey_levels(n).unwrap();
    let noisy = |levels, seed| noise::gaussian([1, 3, 64, 64], sigma(levels), seed, 0, &Device::flex()).unwrap();
    let both = Image::cat(vec![noisy(10.0, 1), noisy(30.0, 2)], 0);
    // Images of 64x64 are estimated 15 % low.
    for (estimate, levels) in estimate_noise(&both).unwrap().iter().zip([10.0, 30.0]) {
        assert!((0.8..1.02).contains(&(estimate.grey_levels() / levels)), "{estimate}");
    }
}

#[test]
fn flat_images_have_none_and_small_ones_are_refused() {
    assert_eq!(
        estimate_noise(&image(vec![0.5; 100], [1, 1, 10, 10])).unwrap()[0].value(),
        0.0
    );
    assert!(estimate_noise(&image(vec![0.5; 60], [1, 1, 6, 10])).is_err());
    assert!(estimate_noise(&image(vec![f32::NAN; 100], [1, 1, 10, 10])).is_err());
}

/// Median error over Set12 with the photographs' own grain, the estimate of the clean image, taken off: variances add up.
#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn photographs_give_the_level() {
    let folder = shared_data("data/images/Set12");
    let clean: Vec<Image> = (1..=12)
        .map(|n| read_image(&folder.join(format!("{n:02}.png")), ColorMode::Gray).unwrap())
        .map(|image| image.image(&Device::flex()).unwrap())
        .collect();
    let grain: Vec<f64> = clean
        .iter()
        .map(|image| estimate_noise(image).unwrap()[0].grey_levels())
        .collect();
    for (levels, tolerance) in [(2.55, 0.08), (7.65, 0.05), (25.0, 0.03), (50.0, 0.03)] {
        let mut errors: Vec<f64> = clean
            .iter()
            .zip(&grain)
            .zip(1..)
            .map(|((clean, grain), seed)| {
                let total = levels * ratio(clean, levels, seed);
                (total * total - grain * grain).max(0.0).sqrt() / levels - 1.0
            })
            .collect();
        println!("sigma {levels}: relative errors {errors:.3?}");
        errors.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        assert!(errors[6].abs() <= tolerance, "sigma {levels}: {errors:.3?}");
    }
}

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn levin_kernels_read_as_they_are() {
    let folder = shared_data("data/kernels");
    for (number, size) in (1..=8).zip([19, 17, 15, 27, 13, 21, 23, 23]) {
        let kernel = Kernel::parse(&format!("levin:{number}"), &folder).unwrap();
        assert_eq!(kernel.dims(), [size, size]);
        assert!(kernel.values().iter().all(|&value| value >= 0.0));
    }
}
