//! Networks whose theory holds by construction: the potential of the gradient step, the bound of the Lipschitz network.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use tweedie_imaging::noise::gaussian_values;
use tweedie_imaging::{Denoiser, DifferentiableDenoiser, GradientDenoiser, Sigma, SigmaSupport};
use tweedie_model::train::{TrainConfig, Trainer, TrainingSet};
use tweedie_model::{
    Architecture, Checkpoint, GradientStepConfig, LipschitzConfig, NetworkDenoiser, PotentialDenoiser, RidgeConfig,
};

fn normal(dims: [usize; 4], std: f64, stream: u64) -> Tensor<4> {
    let values = gaussian_values(dims.iter().product(), std, 7, stream);
    Tensor::from_data(TensorData::new(values, dims), &Device::flex())
}

fn gradient_step(channels: usize) -> (Arc<NetworkDenoiser>, PotentialDenoiser) {
    with_potential(Architecture::GradientStep(GradientStepConfig {
        channels,
        depth: 4,
        width: 24,
        bias: true,
    }))
}

fn ridge(channels: usize) -> (Arc<NetworkDenoiser>, PotentialDenoiser) {
    with_potential(Architecture::Ridge(RidgeConfig {
        channels,
        between: 6,
        filters: 20,
        depth: 2,
        segments: 9,
    }))
}

fn with_potential(architecture: Architecture) -> (Arc<NetworkDenoiser>, PotentialDenoiser) {
    let device = Device::flex();
    let network = architecture.init(3, &device).unwrap();
    let denoiser = NetworkDenoiser::new("gs", network, &architecture, SigmaSupport::Blind, None, &device);
    let denoiser = Arc::new(denoiser);
    let potential = PotentialDenoiser::new(Arc::clone(&denoiser)).unwrap();
    (denoiser, potential)
}

fn sigma() -> Sigma {
    Sigma::from_grey_levels(25.0).unwrap()
}

fn scalar(x: Tensor<4>) -> f64 {
    x.into_data().iter::<f32>().map(f64::from).sum()
}

/// (g(x + t v) - g(x - t v)) / 2 t against <grad g, v> along the gradient and along noise. f32 rounding of g is 1e-6 of it
/// or less, and g / (t slope) is below 100.
#[test]
fn g_is_the_potential_of_the_step() {
    let gray = ([16, 18], 1);
    let color = ([13, 9], 3);
    for (([h, w], channels), (denoiser, potential)) in [
        (gray, gradient_step(1)),
        (color, gradient_step(3)),
        (gray, ridge(1)),
        (color, ridge(3)),
    ] {
        let x = normal([1, channels, h, w], 0.3, 1) + 0.5;
        let (_, gradient) = potential.potential(x.clone(), sigma()).unwrap();
        let step = denoiser.denoise(x.clone(), sigma()).unwrap() - (x.clone() - gradient.clone());
        assert!(scalar(step.abs()) < 1e-4, "D is not x - grad g");
        let along = gradient.clone() / scalar(gradient.clone().square()).sqrt();
        for (name, v) in [("gradient", along * 4.0), ("noise", normal(x.dims(), 0.3, 2))] {
            let slope = scalar(gradient.clone() * v.clone());
            let t = 1e-2;
            let g = |t: f64| potential.potential(x.clone() + v.clone() * t, sigma()).unwrap().0[0];
            let central = (g(t) - g(-t)) / (2.0 * t);
            let norm = (scalar(gradient.clone().square()) * scalar(v.square())).sqrt();
            assert!(
                (slope - central).abs() < 1e-3 * norm,
                "{h}x{w}, {name}: {slope} and {central}"
            );
        }
    }
}

/// <u, J v> = <v, J u> for the Jacobian of D that automatic differentiation finds through the transposed convolutions:
/// both are products of the same symmetric matrix, but for rounding.
#[test]
fn the_jacobian_is_symmetric_and_that_of_central_differences() {
    let (denoiser, _) = gradient_step(1);
    let (v, hv) = assert_symmetric(&denoiser);
    let t = 1e-3;
    let x = point();
    let ahead = denoiser.denoise(x.clone() + v.clone() * t, sigma()).unwrap();
    let behind = denoiser.denoise(x - v.clone() * t, sigma()).unwrap();
    let central = v - (ahead - behind) / (2.0 * t);
    let error = (scalar((central - hv.clone()).square()) / scalar(hv.square())).sqrt();
    // f32 rounding over the step, 1e-7 / 1e-3, and curvature. The ridge's splines have kinks, where this would be off.
    assert!(error < 5e-3, "{error}");
    assert_symmetric(&ridge(1).0);
}

fn point() -> Tensor<4> {
    normal([1, 1, 12, 10], 0.3, 1) + 0.5
}

/// Returns a random v and H v, J = I - H.
fn assert_symmetric(denoiser: &NetworkDenoiser) -> (Tensor<4>, Tensor<4>) {
    let x = point();
    let (u, v) = (normal(x.dims(), 1.0, 2), normal(x.dims(), 1.0, 3));
    // J^T v, as D = forward(x) is tracked.
    let product = |v: &Tensor<4>| {
        let tracked = x.clone().autodiff().require_grad();
        let y = denoiser.forward(tracked.clone(), sigma()).unwrap();
        let grads = (y * v.clone().autodiff()).sum().backward();
        tracked.grad(&grads).unwrap().without_autodiff()
    };
    // J v = v - H v: compare what the network does, the Hessian.
    let (hu, hv) = (u.clone() - product(&u), v.clone() - product(&v));
    let scale = (scalar(hu.clone().square()) * scalar(v.clone().square())).sqrt();
    let (a, b) = (scalar(hu * v.clone()), scalar(hv.clone() * u));
    assert!((a - b).abs() < 1e-5 * scale, "{a} and {b}, of {scale}");
    (v, hv)
}

/// Without its last section.
const CONFIG: &str = r#"
[data]
folders = ["unused"]
patch = 16
[noise]
min = 5.0
max = 50.0
[training]
steps = 12
batch = 4
loss = "l2"
[optimizer]
learning_rate = 1e-2
warmup_steps = 2
[validation]
every = 100
[architecture]
"#;

const LIPSCHITZ: &str = "kind = \"lipschitz\"\nblocks = 2\nwidth = 16\nsegments = 8";
const RIDGE: &str = "kind = \"ridge\"\nbetween = 4\nfilters = 8\ndepth = 2\nsegments = 8";

fn trainer(folder: &Path, architecture: &str) -> Trainer {
    let file = folder.join("train.toml");
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(&file, format!("{CONFIG}{architecture}")).unwrap();
    let mut set = TrainingSet::default();
    let values = gaussian_values(24 * 20, 0.2, 9, 0).into_iter().map(|value| value + 0.5);
    set.push([1, 24, 20], values.collect()).unwrap();
    Trainer::new(
        TrainConfig::load(&file).unwrap(),
        folder,
        set,
        TrainingSet::default(),
        "hash".to_owned(),
        &Device::flex(),
    )
    .unwrap()
}

fn trained(folder: &Path, architecture: &str) -> NetworkDenoiser {
    let mut run = trainer(folder, architecture);
    while !run.is_finished() {
        run.step().unwrap();
    }
    let device = Device::flex();
    Checkpoint::load(folder, &device)
        .unwrap()
        .denoiser("trained", &device)
        .unwrap()
}

/// ||Dx - Dz||^2 + (1 - alpha)/alpha ||(x - Dx) - (z - Dz)||^2 <= ||x - z||^2 at pairs near and far, of odd sizes; the
/// rounding of D, 1e-6, shows relative to the distance of the pair.
fn assert_averaged(denoiser: &NetworkDenoiser, alpha: f64) {
    for (index, distance) in [1e-2, 0.1, 1.0].into_iter().enumerate() {
        let x = normal([1, 1, 13, 17], 0.3, 1) + 0.5;
        let z = x.clone() + normal(x.dims(), distance, 2 + index as u64);
        let image = denoiser.denoise(x.clone(), sigma()).unwrap() - denoiser.denoise(z.clone(), sigma()).unwrap();
        let change = denoiser.denoise(x.clone(), sigma()).unwrap() - x.clone();
        assert!(
            scalar(change.square()) > 1e-6 * scalar(x.clone().square()),
            "D is the identity"
        );
        let pair = x - z;
        let residual = scalar((pair.clone() - image.clone()).square());
        let (norm, before) = (scalar(image.square()), scalar(pair.square()));
        assert!(
            norm + (1.0 - alpha) / alpha * residual <= before * (1.0 + 1e-4),
            "{norm} {residual} {before}"
        );
    }
}

#[test]
fn a_trained_lipschitz_network_is_proven_averaged() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let denoiser = trained(&whole, LIPSCHITZ);
    let proven = denoiser.network().proven().unwrap();
    // Two firmly nonexpansive layers are 2/3-averaged.
    let alpha = proven.averaged.unwrap();
    assert!(proven.lipschitz.unwrap() <= 1.0 && alpha <= 2.0 / 3.0, "{proven:?}");
    assert_averaged(&denoiser, alpha);
    // Its power iterations go on where they were.
    let mut first = trainer(&cut, LIPSCHITZ);
    for _ in 0..5 {
        first.step().unwrap();
    }
    first.save().unwrap();
    drop(first);
    let mut second = trainer(&cut, LIPSCHITZ).resume().unwrap();
    while !second.is_finished() {
        second.step().unwrap();
    }
    let weights = |folder: &Path| std::fs::read(folder.join("model.safetensors")).unwrap();
    assert_eq!(weights(&whole), weights(&cut));
}

#[test]
fn a_trained_ridge_is_a_proximal_operator() {
    let folder = tempfile::tempdir().unwrap();
    let denoiser = trained(folder.path(), RIDGE);
    let proven = denoiser.network().proven().unwrap();
    let alpha = proven.averaged.unwrap();
    assert!(proven.proximal && alpha <= 0.5, "{proven:?}");
    assert!(proven.residual_lipschitz.unwrap() <= 1.0, "{proven:?}");
    assert_averaged(&denoiser, alpha);
    // Constants are no structure: filters of zero mean leave them alone, but at the borders.
    let flat = Tensor::<4>::full([1, 1, 15, 15], 0.7, &Device::flex());
    let change = denoiser.denoise(flat.clone(), sigma()).unwrap() - flat;
    assert!(scalar(change.clone().narrow(2, 7, 1).narrow(3, 7, 1).abs()) < 1e-5);
}

#[test]
fn a_lipschitz_network_as_initialised_meets_no_bound() {
    let config = LipschitzConfig {
        channels: 1,
        blocks: 1,
        width: 16,
        segments: 8,
    };
    let network = Architecture::Lipschitz(config).init(0, &Device::flex()).unwrap();
    let proven = network.proven().unwrap();
    assert!(
        proven.lipschitz.unwrap() > 1.0 && proven.averaged.is_none(),
        "{proven:?}"
    );
}
