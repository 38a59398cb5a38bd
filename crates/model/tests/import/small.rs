//! Small files against the definitions of their networks.

use std::path::Path;

use burn::tensor::Device;
use tweedie_imaging::{Denoiser, Sigma, image_from_vec, vec_from_image};
use tweedie_model::{Family, Format, NoiseRange, Peer};

use super::definition::{Maps, batch_norm, convolve, maps, relu};
use super::hdf5::{Layer, matconvnet};
use super::made::{Array, State, array, flax, pytorch_legacy, pytorch_zip, safetensors};

const ROWS: usize = 6;
const COLUMNS: usize = 8;
/// In [0, 1] units: a power of two, which f32 has exactly.
const SIGMA: f64 = 0.125;

fn input(channels: usize) -> Maps {
    let (_, values) = array(&[channels, ROWS, COLUMNS], 99);
    maps([channels, ROWS, COLUMNS], |c, row, column| {
        f64::from(values[(c * ROWS + row) * COLUMNS + column])
    })
}

/// D(x, sigma) of the imported file.
fn denoised(file: &[u8], family: Family, format: Format, channels: usize) -> Maps {
    let device = Device::flex();
    let peer = Peer::from_bytes(Path::new("small"), file, None).unwrap();
    assert_eq!((peer.source().family, peer.source().format), (family, format));
    assert_eq!(peer.noise(), None);
    let noise = NoiseRange { min: 0.0, max: 100.0 };
    let denoiser = peer
        .into_checkpoint(noise, &device)
        .unwrap()
        .denoiser("small", &device)
        .unwrap();
    let values = input(channels)
        .concat()
        .concat()
        .into_iter()
        .map(|value| value as f32)
        .collect();
    let x = image_from_vec(values, [1, channels, ROWS, COLUMNS], &device).unwrap();
    let y = vec_from_image(&denoiser.denoise(x, Sigma::new(SIGMA).unwrap()).unwrap()).unwrap();
    maps([channels, ROWS, COLUMNS], |c, row, column| {
        f64::from(y[(c * ROWS + row) * COLUMNS + column])
    })
}

/// f32 rounds at 1e-7, and the Winograd transforms of the convolution at some 1e-6, of values up to 10.
fn assert_same(got: &Maps, expected: &Maps, what: &str) {
    for (got, expected) in got.iter().flatten().flatten().zip(expected.iter().flatten().flatten()) {
        assert!((got - expected).abs() < 2e-5, "{what}: {got} instead of {expected}");
    }
}

fn minus(x: &Maps, y: &Maps) -> Maps {
    maps([y.len(), ROWS, COLUMNS], |c, row, column| {
        x[c][row][column] - y[c][row][column]
    })
}

/// Small weights, so that values stay near 1.
fn filter(cout: usize, cin: usize, seed: usize) -> Array {
    let (dims, values) = array(&[cout, cin, 3, 3], seed);
    (dims, values.into_iter().map(|value| value / 4.0).collect())
}

fn vector(count: usize, seed: usize, offset: f32) -> Array {
    let (dims, values) = array(&[count], seed);
    (dims, values.into_iter().map(|value| value / 2.0 + offset).collect())
}

/// Weight, bias, mean, variance.
fn normalisation(count: usize, seed: usize) -> [Array; 4] {
    [1.0, 0.0, 0.0, 0.75].map(|offset| vector(count, seed + (10.0 * offset) as usize, offset))
}

/// conv, ReLU, conv, batch normalisation, ReLU, conv: PyTorch's names, counters and optimiser included.
pub fn normalised() -> (State, [Array; 3], [Array; 4]) {
    let filters = [filter(3, 1, 1), filter(3, 3, 2), filter(1, 3, 3)];
    let parts = normalisation(3, 4);
    let mut state = State::new();
    for (number, filter) in [0, 2, 5].iter().zip(&filters) {
        state.insert(format!("module.net.{number}.weight"), filter.clone());
    }
    for (name, part) in ["weight", "bias", "running_mean", "running_var"].iter().zip(&parts) {
        state.insert(format!("module.net.3.{name}"), part.clone());
    }
    state.insert("optimizer.state.0.exp_avg".to_owned(), filter(3, 1, 9));
    (state, filters, parts)
}

#[test]
fn batch_normalisation_is_folded_in_every_format_of_pytorch() {
    let (state, filters, parts) = normalised();
    let x = input(1);
    let y = relu(&convolve(&x, &filters[0], None, false));
    let y = convolve(&y, &filters[1], None, false);
    let y = relu(&batch_norm(&y, [&parts[0].1, &parts[1].1, &parts[2].1, &parts[3].1]));
    let expected = minus(&x, &convolve(&y, &filters[2], None, false));
    for (format, file) in [
        (Format::PytorchZip, pytorch_zip(&state)),
        (Format::PytorchLegacy, pytorch_legacy(&state)),
        (Format::Safetensors, safetensors(&state)),
    ] {
        assert_same(
            &denoised(&file, Family::Dncnn, format, 1),
            &expected,
            format.description(),
        );
    }
}

/// Two channels in and out: a noise map, and an output without use.
pub fn scico() -> (State, [Array; 3], [Array; 4]) {
    let filters = [filter(3, 2, 1), filter(3, 3, 2), filter(2, 3, 3)];
    let parts = normalisation(3, 4);
    let mut state = State::new();
    for (name, (dims, values)) in ["conv_start", "ConvBNBlock_0/Conv_0", "conv_end"].iter().zip(&filters) {
        // [row, column, in, out]
        let (cout, cin) = (dims[0], dims[1]);
        let turned = (0..values.len())
            .map(|i| values[(i % cout * cin + i / cout % cin) * 9 + i / (cin * cout)])
            .collect();
        state.insert(format!("params/{name}/kernel"), (vec![3, 3, cin, cout], turned));
    }
    for (name, part) in [
        "params/ConvBNBlock_0/BatchNorm_0/scale",
        "params/ConvBNBlock_0/BatchNorm_0/bias",
    ]
    .iter()
    .chain(&[
        "batch_stats/ConvBNBlock_0/BatchNorm_0/mean",
        "batch_stats/ConvBNBlock_0/BatchNorm_0/var",
    ])
    .zip(&parts)
    {
        state.insert((*name).to_owned(), part.clone());
    }
    (state, filters, parts)
}

#[test]
fn scico_pads_circularly_and_reads_a_map() {
    let (state, filters, parts) = scico();
    let image = input(1);
    let x = maps(
        [2, ROWS, COLUMNS],
        |c, row, column| if c == 0 { image[0][row][column] } else { SIGMA },
    );
    let y = relu(&convolve(&x, &filters[0], None, true));
    let y = convolve(&y, &filters[1], None, true);
    let y = relu(&batch_norm(&y, [&parts[0].1, &parts[1].1, &parts[2].1, &parts[3].1]));
    let y = convolve(&y, &filters[2], None, true);
    let expected = minus(&image, &vec![y[0].clone()]);
    assert_same(
        &denoised(&flax(&state), Family::ScicoDncnn, Format::Flax, 1),
        &expected,
        "scico",
    );
}

/// FFDNet for colour images: filters in MATLAB's order of channels, and biases.
pub fn ffdnet() -> (Vec<Layer>, [Array; 2], [Vec<f32>; 2]) {
    let filters = [filter(5, 13, 1), filter(12, 5, 2)];
    let biases = [vector(5, 3, 0.0).1, vector(12, 4, 0.0).1];
    let conv = |index: usize| Layer::Conv(filters[index].clone(), biases[index].clone());
    let layers = vec![
        Layer::Other("SubP"),
        Layer::Other("concat"),
        conv(0),
        Layer::Other("relu"),
        conv(1),
        Layer::Other("SubP"),
    ];
    (layers, filters, biases)
}

/// `order(c, row, column)` is the channel of a phase of image channel c.
fn ffdnet_by_definition(filters: &[Array; 2], biases: &[Vec<f32>; 2], order: fn(usize, usize, usize) -> usize) -> Maps {
    let x = input(3);
    let mut y = maps([13, ROWS / 2, COLUMNS / 2], |_, _, _| SIGMA);
    for (c, channel) in x.iter().enumerate() {
        for (row, values) in channel.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                y[order(c, row % 2, column % 2)][row / 2][column / 2] = *value;
            }
        }
    }
    let y = relu(&convolve(&y, &filters[0], Some(&biases[0]), false));
    let y = convolve(&y, &filters[1], Some(&biases[1]), false);
    maps([3, ROWS, COLUMNS], |c, row, column| {
        y[order(c, row % 2, column % 2)][row / 2][column / 2]
    })
}

#[test]
fn ffdnet_has_the_phases_of_its_file() {
    let (layers, filters, biases) = ffdnet();
    let matlab = ffdnet_by_definition(&filters, &biases, |c, row, column| 4 * c + 2 * column + row);
    let file = matconvnet(&layers);
    assert_same(
        &denoised(&file, Family::Ffdnet, Format::Matconvnet, 3),
        &matlab,
        "MATLAB",
    );
    let mut state = State::new();
    for (index, (filter, bias)) in filters.iter().zip(&biases).enumerate() {
        state.insert(format!("model.{}.weight", 2 * index), filter.clone());
        state.insert(format!("model.{}.bias", 2 * index), (vec![bias.len()], bias.clone()));
    }
    let pytorch = ffdnet_by_definition(&filters, &biases, |c, row, column| 4 * c + 2 * row + column);
    let file = pytorch_zip(&state);
    assert_same(
        &denoised(&file, Family::Ffdnet, Format::PytorchZip, 3),
        &pytorch,
        "PyTorch",
    );
}
