//! The Jacobian of the shipped checkpoint against central differences.

use burn::tensor::Device;
use tweedie_imaging::{ColorMode, Sigma, noise, read_image};
use tweedie_model::Checkpoint;
use tweedie_solver::certify::Jacobian;

#[test]
fn the_jacobian_of_the_shipped_network_is_that_of_differences_but_for_switching_units() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let device = Device::flex();
    let checkpoint = Checkpoint::load(&root.join("checkpoints/gray"), &device).unwrap();
    let denoiser = checkpoint.denoiser("gray", &device).unwrap();
    let sigma = Sigma::from_grey_levels(25.0).unwrap();
    let image = read_image(&root.join("datasets/samples/camera.png"), ColorMode::Gray).unwrap();
    let clean = image.image(&device).unwrap().narrow(2, 120, 16).narrow(3, 120, 16);
    let x = clean + noise::gaussian([1, 1, 16, 16], sigma, 0, 0, &device).unwrap();
    let exact = Jacobian::by_autodiff(&denoiser, &x, sigma).unwrap();
    // Shorter steps drown in f32 rounding, longer ones meet more units that switch: at 1e-3 both are least.
    let differences = Jacobian::by_differences(&denoiser, &x, sigma, 1e-3).unwrap();
    let mut gaps: Vec<f64> = (0..256 * 256)
        .map(|k| (k / 256, k % 256))
        .map(|(i, j)| (exact.at(i, j) - differences.at(i, j)).abs())
        .collect();
    gaps.sort_by(f64::total_cmp);
    // Entries are up to about 1. Those above 1e-3 are columns in whose step a unit switches.
    assert!(gaps[65_536 * 99 / 100] < 1e-3, "{}", gaps[65_536 * 99 / 100]);
    assert!(gaps[65_535] < 1e-2, "{}", gaps[65_535]);
}
