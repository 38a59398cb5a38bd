//! The Jacobian of the shipped checkpoint against central differences of the same network in f64.

use std::path::Path;

use burn::tensor::Device;
use rayon::prelude::*;
use safetensors::SafeTensors;
use tweedie_imaging::{ColorMode, Sigma, noise, read_image, vec_from_image};
use tweedie_model::{Architecture, Checkpoint, WEIGHTS_FILE};
use tweedie_solver::certify::Jacobian;

/// Side of the patch, and of its four phases.
const SIDE: usize = 16;
const HALF: usize = SIDE / 2;

/// The step: f64 rounding is 1e-10 over it, and hardly any unit switches within it.
const STEP: f64 = 1e-6;

/// A layer: `weights[(3 ky + kx) cin + i][o]` and `bias[o]`.
struct Layer {
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

/// The layers of an FFDNet with biases, as the file has them.
fn layers(path: &Path) -> Vec<Layer> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |name: &str| -> Option<(Vec<usize>, Vec<f64>)> {
        let tensor = file.tensor(name).ok()?;
        let numbers = tensor.data().as_chunks::<4>().0.iter();
        Some((
            tensor.shape().to_vec(),
            numbers.map(|&b| f32::from_le_bytes(b).into()).collect(),
        ))
    };
    (0..)
        .map_while(|index| {
            let (shape, weight) = values(&format!("layers.{index}.weight"))?;
            let (cout, cin) = (shape[0], shape[1]);
            let row = |k: usize| (0..cout).map(|o| weight[(o * cin + k % cin) * 9 + k / cin]).collect();
            Some(Layer {
                weights: (0..9 * cin).map(row).collect(),
                bias: values(&format!("layers.{index}.bias"))?.1,
            })
        })
        .collect()
}

/// D(x, sigma) = x - N(phases of x, sigma), by the definition of a convolution with zero padding.
fn denoise(layers: &[Layer], x: &[f64], sigma: f64) -> Vec<f64> {
    let phase = |k: usize, y: usize, col: usize| (2 * y + k / 2) * SIDE + 2 * col + k % 2;
    let places = || (0..HALF).flat_map(|y| (0..HALF).map(move |col| (y, col)));
    let mut maps: Vec<Vec<f64>> = places()
        .map(|(y, col)| (0..4).map(|k| x[phase(k, y, col)]).chain([sigma]).collect())
        .collect();
    for (index, layer) in layers.iter().enumerate() {
        let outputs = places().map(|(y, col)| {
            let mut sums = layer.bias.clone();
            for tap in 0..9 {
                let (row, column) = ((y + tap / 3).wrapping_sub(1), (col + tap % 3).wrapping_sub(1));
                if row >= HALF || column >= HALF {
                    continue;
                }
                let inputs = &maps[row * HALF + column];
                for (value, weights) in inputs.iter().zip(&layer.weights[tap * inputs.len()..]) {
                    sums.iter_mut()
                        .zip(weights)
                        .for_each(|(sum, weight)| *sum += value * weight);
                }
            }
            if index + 1 < layers.len() {
                sums.iter_mut().for_each(|sum| *sum = sum.max(0.0));
            }
            sums
        });
        maps = outputs.collect();
    }
    let mut out = x.to_vec();
    for ((y, col), noise) in places().zip(&maps) {
        (0..4).for_each(|k| out[phase(k, y, col)] -= noise[k]);
    }
    out
}

#[test]
fn the_jacobian_of_the_shipped_network_is_that_of_central_differences() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("checkpoints/gray-small");
    let device = Device::flex();
    let checkpoint = Checkpoint::load(&folder, &device).unwrap();
    // The kind that `denoise` above is made for.
    let Architecture::Ffdnet(config) = &checkpoint.config.architecture else {
        panic!("expected an ffdnet")
    };
    assert!(config.residual && config.bias && config.channels == 1);
    let denoiser = checkpoint.denoiser("gray-small", &device).unwrap();
    let sigma = Sigma::from_grey_levels(25.0).unwrap();
    let image = read_image(&root.join("datasets/samples/camera.png"), ColorMode::Gray).unwrap();
    let clean = image.image(&device).unwrap().narrow(2, 120, SIDE).narrow(3, 120, SIDE);
    let x = clean + noise::gaussian([1, 1, SIDE, SIDE], sigma, 0, 0, &device).unwrap();
    let exact = Jacobian::by_autodiff(&denoiser, &x, sigma).unwrap();

    let layers = layers(&folder.join(WEIGHTS_FILE));
    let values: Vec<f64> = vec_from_image(&x).unwrap().into_iter().map(f64::from).collect();
    let (gap, size): (f64, f64) = (0..SIDE * SIDE)
        .into_par_iter()
        .map(|j| {
            let moved = |step: f64| {
                let mut moved = values.clone();
                moved[j] += step;
                denoise(&layers, &moved, sigma.value())
            };
            let (ahead, behind) = (moved(STEP), moved(-STEP));
            let column = ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2.0 * STEP));
            column.enumerate().fold((0.0, 0.0), |(gap, size), (i, value)| {
                (gap + (exact.at(i, j) - value).powi(2), size + value * value)
            })
        })
        .reduce(|| (0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let relative = (gap / size).sqrt();
    println!("||J - K||_F / ||K||_F = {relative:.3e}");
    assert!(relative < 1e-3, "{relative}");
}
