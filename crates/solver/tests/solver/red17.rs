//! The check of the method: Tables 1 to 3 of Reehorst and Schniter 2018, recomputed elsewhere in f64 on the noisy patches
//! of `golden/red17_noisy.npy`; the figures are those of the data's README.

use burn::tensor::Device;
use tweedie_denoisers::Classical;
use tweedie_imaging::{Image, Sigma, image_from_vec, read_array};
use tweedie_solver::certify::{Derivatives, LevelMeasures, Subject, certify_patches};
use tweedie_testing::shared_data;

/// A row of the table.
struct Row {
    denoiser: Classical,
    asymmetry: f64,
    homogeneity_1: f64,
    homogeneity_2: f64,
    /// Mean and maximum.
    norm_j: [f64; 2],
    norm_residual: [f64; 2],
}

const TABLE: [Row; 2] = [
    Row {
        denoiser: Classical::Median,
        asymmetry: 1.496,
        homogeneity_1: 0.0,
        homogeneity_2: 2.267e-23,
        norm_j: [2.386, 2.646],
        norm_residual: [2.756, 2.938],
    },
    Row {
        denoiser: Classical::Haar,
        asymmetry: 8.553e-21,
        homogeneity_1: 1.854e-8,
        homogeneity_2: 1.858e-2,
        norm_j: [1.0, 1.0],
        norm_residual: [1.0, 1.0],
    },
];

/// The patches, in units where white is 1.
fn patches() -> Vec<Image> {
    let array = read_array(&shared_data("data/golden/red17_noisy.npy")).unwrap();
    assert_eq!(array.shape, [17, 16, 16]);
    let patch = |values: &[f64]| {
        let values = values.iter().map(|v| (v / 255.0) as f32).collect();
        image_from_vec(values, [1, 1, 16, 16], &Device::flex()).unwrap()
    };
    array.values.chunks(256).map(patch).collect()
}

/// Within 2 %, or both zero but for rounding: the squared relative errors of symmetric and of homogeneous denoisers are
/// rounding of f64 over the step of the differences, (1e-16 / 4e-6)^2 = 1e-21 and less, which no two programs share.
fn assert_agrees(what: &str, got: f64, expected: f64) {
    let rounding = 1e-18;
    assert!(
        (got - expected).abs() <= 0.02 * expected || got.max(expected) < rounding,
        "{what}: expected {expected:e}, got {got:e}"
    );
}

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn the_table_of_the_images_of_red_is_reproduced() {
    let patches = patches();
    let sigma = Sigma::from_grey_levels(25.0).unwrap();
    for row in TABLE {
        let name = row.denoiser.name();
        let denoiser = row.denoiser.denoiser();
        let level: LevelMeasures = certify_patches(Subject::Differences(denoiser.as_ref()), &patches, sigma).unwrap();
        assert_eq!(
            (level.samples, level.derivatives),
            (17, Derivatives::CentralDifferences)
        );
        assert!(level.converged, "{name}");
        println!(
            "{name}: {:.3e} {:.3e} {:.3e} {:.3}/{:.3} {:.3}/{:.3}",
            level.jacobian_asymmetry.mean,
            level.homogeneity_1.mean,
            level.homogeneity_2.mean,
            level.spectral_norm_j.mean,
            level.spectral_norm_j.max,
            level.spectral_norm_residual.mean,
            level.spectral_norm_residual.max
        );
        for (what, got, expected) in [
            ("asymmetry", level.jacobian_asymmetry.mean, row.asymmetry),
            ("homogeneity 1", level.homogeneity_1.mean, row.homogeneity_1),
            ("homogeneity 2", level.homogeneity_2.mean, row.homogeneity_2),
            ("mean ||J||", level.spectral_norm_j.mean, row.norm_j[0]),
            ("largest ||J||", level.spectral_norm_j.max, row.norm_j[1]),
            (
                "mean ||J - I||",
                level.spectral_norm_residual.mean,
                row.norm_residual[0],
            ),
            (
                "largest ||J - I||",
                level.spectral_norm_residual.max,
                row.norm_residual[1],
            ),
        ] {
            assert_agrees(&format!("{name}, {what}"), got, expected);
        }
    }
}
