//! The rows of DnCNN of the table of Reehorst and Schniter 2018, recomputed elsewhere in f64 with the published weights on
//! the noisy patches of `golden/red17_noisy.npy`.

use burn::tensor::Device;
use tweedie_imaging::{Image, Sigma, image_from_vec, read_array};
use tweedie_model::{NoiseRange, Peer};
use tweedie_solver::certify::{Subject, certify_patches};
use tweedie_testing::shared_data;

struct Row {
    /// The level of the weights; that of the patches is 25.
    level: f64,
    asymmetry: f64,
    homogeneity_2: f64,
    /// Mean and maximum.
    norm_j: [f64; 2],
    norm_residual: [f64; 2],
}

const TABLE: [Row; 2] = [
    Row {
        level: 10.0,
        asymmetry: 1.184e-2,
        homogeneity_2: 1.412e-2,
        norm_j: [1.259, 1.312],
        norm_residual: [0.727, 1.160],
    },
    Row {
        level: 25.0,
        asymmetry: 1.172e-1,
        homogeneity_2: 2.941e-2,
        norm_j: [1.549, 1.945],
        norm_residual: [1.099, 1.168],
    },
];

/// Two per cent: the reference differentiates in f64, and a few units switch within its step.
#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn published_weights_reproduce_the_table_of_the_images_of_red() {
    let (noisy, weights) = (
        shared_data("data/golden/red17_noisy.npy"),
        shared_data("data/weights/DnCNN"),
    );
    let device = Device::flex();
    let array = read_array(&noisy).unwrap();
    let patch = |values: &[f64]| {
        let values = values.iter().map(|v| (v / 255.0) as f32).collect();
        image_from_vec(values, [1, 1, 16, 16], &device).unwrap()
    };
    let patches: Vec<Image> = array.values.chunks(256).map(patch).collect();
    for row in TABLE {
        let level = row.level;
        let peer = Peer::read(&weights.join(format!("sigma={level}.mat")), None).unwrap();
        let noise = NoiseRange { min: level, max: level };
        assert_eq!(peer.noise(), Some(noise));
        let denoiser = peer
            .into_checkpoint(noise, &device)
            .unwrap()
            .denoiser("dncnn", &device)
            .unwrap();
        let sigma = Sigma::from_grey_levels(level).unwrap();
        let measures = certify_patches(Subject::Autodiff(&denoiser), &patches, sigma).unwrap();
        assert_eq!(measures.samples, 17);
        let (j, residual) = (&measures.spectral_norm_j, &measures.spectral_norm_residual);
        for (what, got, expected) in [
            ("asymmetry", measures.jacobian_asymmetry.mean, row.asymmetry),
            ("homogeneity 2", measures.homogeneity_2.mean, row.homogeneity_2),
            ("mean ||J||", j.mean, row.norm_j[0]),
            ("largest ||J||", j.max, row.norm_j[1]),
            ("mean ||J - I||", residual.mean, row.norm_residual[0]),
            ("largest ||J - I||", residual.max, row.norm_residual[1]),
        ] {
            println!("dncnn {level}, {what}: {got:.4e}, expected {expected:.4e}");
            assert!(
                (got - expected).abs() < 0.02 * expected,
                "{level}, {what}: {got} and {expected}"
            );
        }
    }
}
