use burn::tensor::TensorData;
use burn::tensor::activation::relu;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use tweedie_imaging::noise::gaussian_values;

use super::*;

fn config(unshuffle: usize, widths: &[usize]) -> UnetConfig {
    UnetConfig {
        channels: 1,
        unshuffle,
        widths: widths.to_vec(),
        blocks: 1,
        bias: false,
        residual: true,
        resampling: Resampling::Phases,
        activation: BlockActivation::Relu,
        sizes: Sizes::Extend,
        told: None,
    }
}

fn strided(widths: &[usize]) -> UnetConfig {
    UnetConfig {
        resampling: Resampling::Strided,
        ..config(1, widths)
    }
}

fn normal(dims: [usize; 4], stream: u64, device: &Device) -> Tensor<4> {
    let values = gaussian_values(dims.iter().product(), 1.0, 7, stream);
    Tensor::from_data(TensorData::new(values, dims), device)
}

/// ||got - expected|| / ||expected||.
fn difference(got: Tensor<4>, expected: Tensor<4>) -> f32 {
    let norm: f32 = expected.clone().square().sum().sqrt().into_scalar();
    let error: f32 = (got - expected).square().sum().sqrt().into_scalar();
    error / norm
}

/// The same network in burn's own operations.
fn reference(network: &Unet, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
    let conv = |layer: &Conv3x3, x: Tensor<4>| {
        conv2d(x, layer.weight.val(), None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1))
    };
    let apply = |blocks: &[ResidualBlock], x: Tensor<4>| {
        blocks.iter().fold(x, |x, block| {
            x.clone() + conv(&block.second, relu(conv(&block.first, x)))
        })
    };
    // The phase is the outer index of a channel here, the inner one in `phases_from_image`.
    let reorder = |x: Tensor<4>, [outer, inner]: [usize; 2]| {
        let [n, c, h, w] = x.dims();
        x.reshape([n, outer, inner, h, w])
            .permute([0, 2, 1, 3, 4])
            .reshape([n, c, h, w])
    };
    let [n, _, h, w] = x.dims();
    let halve = network.config.unshuffle == 2;
    let pixels = if halve { phases_from_image(x.clone()) } else { x.clone() };
    let [_, _, hp, wp] = pixels.dims();
    let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, hp, wp]);
    let mut y = conv(&network.head, Tensor::cat(vec![pixels, map], 1));
    let mut skips = Vec::new();
    for down in &network.encoder {
        skips.push(y.clone());
        y = apply(&down.blocks, y);
        y = match &down.resample {
            Resample::Phases(layer) => {
                let phases = phases_from_image(y);
                let c = phases.dims()[1] / 4;
                conv(layer, reorder(phases, [c, 4]))
            }
            Resample::Strided(layer) => {
                conv2d(y, layer.weight.val(), None, ConvOptions::new([2, 2], [0, 0], [1, 1], 1))
            }
        };
    }
    y = apply(&network.body, y.clone()) + y;
    for (up, skip) in network.decoder.iter().zip(skips.into_iter().rev()) {
        let fine = match &up.resample {
            Resample::Phases(layer) => {
                let phases = conv(layer, y);
                let c = phases.dims()[1] / 4;
                image_from_phases(reorder(phases, [4, c]))
            }
            Resample::Strided(layer) => {
                let options = ConvTransposeOptions::new([2, 2], [0, 0], [0, 0], [1, 1], 1);
                conv_transpose2d(y, layer.weight.val(), None, options)
            }
        };
        y = apply(&up.blocks, fine) + skip;
    }
    let y = conv(&network.tail, y);
    let y = if halve { image_from_phases(y) } else { y };
    x - y.slice([0..n, 0..1, 0..h, 0..w])
}

/// Winograd transforms round ten times more than a direct sum, and a few of the many ReLUs whose input is nearly
/// zero open in one computation and not in the other, which shows in the gradients; a wrong phase, skip or shift
/// gives differences above 0.1.
#[test]
fn values_and_gradients_are_those_of_burns_convolution() {
    let device = Device::flex().autodiff();
    for (config, [h, w]) in [
        (config(2, &[16, 24, 32]), [16, 24]),
        (config(1, &[8, 20]), [12, 10]),
        (strided(&[8, 20, 24]), [12, 20]),
    ] {
        let widths = &config.widths;
        let network = Unet::init(&config, 3, &device).unwrap();
        let x = normal([2, 1, h, w], 1, &device).require_grad();
        let sigma = Tensor::<1>::from_floats([0.1, 0.3], &device);
        let dy = normal([2, 1, h, w], 2, &device);
        let gradients = |y: Tensor<4>| {
            let grads = (y * dy.clone()).sum().backward();
            let mut of = vec![x.grad(&grads).expect("tracked")];
            let weight = |resample: &Resample| match resample {
                Resample::Phases(layer) => layer.weight.val(),
                Resample::Strided(layer) => layer.weight.val(),
            };
            for weight in [
                network.head.weight.val(),
                weight(&network.encoder[0].resample),
                network.encoder[0].blocks[0].second.weight.val(),
                weight(&network.decoder[0].resample),
                network.tail.weight.val(),
            ] {
                of.push(weight.grad(&grads).expect("tracked"));
            }
            of
        };
        let got = network.forward(x.clone(), sigma.clone());
        let expected = reference(&network, x.clone(), sigma);
        let error = difference(got.clone() - x.clone(), expected.clone() - x.clone());
        assert!(error < 1e-5, "{widths:?}: {error}");
        for (index, (got, expected)) in gradients(got).into_iter().zip(gradients(expected)).enumerate() {
            let error = difference(got, expected);
            assert!(error < 1e-3, "{widths:?}, gradient {index}: {error}");
        }
    }
}

/// (f(x + t v) - f(x - t v)) / 2 t against <grad f, v>. The network is piecewise linear, so what differs is rounding
/// (1e-7 |f| / t) and the ReLUs that change side between the two points.
#[test]
fn gradients_are_central_differences() {
    let device = Device::flex().autodiff();
    let mut network = Unet::init(&config(2, &[16, 24]), 3, &device).unwrap();
    network.config.residual = false;
    let x = normal([1, 1, 16, 16], 1, &device).require_grad();
    let dy = normal(x.dims(), 3, &device);
    let sigma = Tensor::<1>::from_floats([0.2], &device);
    let f = |x: Tensor<4>| (network.forward(x, sigma.clone()) * dy.clone()).sum();
    let grad = x.grad(&f(x.clone()).backward()).expect("tracked");
    // Along the gradient itself, where the slope is large against rounding.
    let norm: f32 = grad.clone().square().sum().sqrt().into_scalar();
    let v = Tensor::from_inner(grad / norm) * 16.0;
    let slope = 16.0 * norm;
    let t = 1e-2;
    let value = |t: f64| -> f32 { f(x.clone() + v.clone() * t).into_scalar() };
    let central = (value(t) - value(-t)) / (2.0 * t as f32);
    assert!((slope - central).abs() < 1e-2 * slope.abs(), "{slope} and {central}");
}

#[test]
fn any_size_keeps_its_shape() {
    let device = Device::flex();
    let network = Unet::init(&config(2, &[8, 8, 8]), 1, &device).unwrap();
    for [h, w] in [[1, 1], [5, 7], [9, 16], [24, 3]] {
        let x = Tensor::<4>::ones([2, 1, h, w], &device);
        let y = network.forward(x, Tensor::<1>::ones([2], &device));
        assert_eq!(y.dims(), [2, 1, h, w]);
    }
}

#[test]
fn without_bias_the_network_is_homogeneous() {
    let device = Device::flex();
    let network = Unet::init(&config(2, &[16, 16]), 1, &device).unwrap();
    let x = normal([1, 1, 16, 12], 1, &device);
    let sigma = Tensor::<1>::from_floats([0.1], &device);
    let twice = network.forward(x.clone() * 2.0, sigma.clone() * 2.0);
    // A power of two changes exponents only, so not even rounding differs.
    assert_eq!(difference(twice, network.forward(x, sigma) * 2.0), 0.0);
}

/// The dependence of one output pixel on the input, as autodiff has it.
#[test]
fn the_receptive_field_bounds_what_a_pixel_sees() {
    let device = Device::flex().autodiff();
    for config in [config(2, &[8, 8]), config(1, &[4, 4, 4]), strided(&[4, 4, 4])] {
        let widths = &config.widths;
        let network = Unet::init(&config, 1, &device).unwrap();
        let radius = config.receptive_field() / 2;
        let size = (2 * radius + 9).next_multiple_of(config.cell());
        let x = normal([1, 1, size, size], 1, &device).require_grad();
        let sigma = Tensor::<1>::from_floats([0.1], &device);
        let mut farthest = 0;
        // All places of a pixel within a cell of the coarsest level, along the diagonal.
        for place in (size / 2..size / 2 + config.cell()).rev() {
            let pixel =
                network
                    .forward(x.clone(), sigma.clone())
                    .slice([0..1, 0..1, place..place + 1, place..place + 1]);
            let grad = x.grad(&pixel.sum().backward()).expect("tracked");
            let rows: Vec<f32> = grad.abs().sum_dim(3).into_data().try_into_vec().unwrap();
            let seen = rows.iter().enumerate().filter(|(_, value)| **value > 0.0);
            let reach = seen.map(|(row, _)| row.abs_diff(place)).max().unwrap();
            farthest = farthest.max(reach);
        }
        assert!(farthest <= radius, "{widths:?}: {farthest} > {radius}");
        // The bound leaves the place open, which costs less than a cell on either side.
        assert!(farthest + config.cell() >= radius, "{widths:?}: {farthest} << {radius}");
    }
}

#[test]
fn every_number_of_levels_has_names_and_shapes_of_its_own() {
    let device = Device::flex();
    for levels in 1..=5 {
        let widths: Vec<usize> = (1..=levels).map(|level| 4 * level).collect();
        for config in [config(2, &widths), strided(&widths)] {
            let network = Unet::init(&config, 1, &device).unwrap();
            let weights = crate::weights::weights_from_network(&network).unwrap();
            assert_eq!(weights.len(), 2 + 2 * (2 * levels - 1) + 2 * (levels - 1), "{config:?}");
            if levels > 1 {
                let down = &weights["encoder.0.resample.weight"].dims;
                let up = &weights[&format!("decoder.{}.resample.weight", levels - 2)].dims;
                match config.resampling {
                    Resampling::Phases => assert_eq!((&down[..], &up[..]), (&[8, 16, 3, 3][..], &[16, 8, 3, 3][..])),
                    Resampling::Strided => assert_eq!((&down[..], &up[..]), (&[8, 4, 2, 2][..], &[8, 4, 2, 2][..])),
                }
            }
            let x = normal([1, 1, 19, 33], 1, &device);
            let y = network.forward(x.clone(), Tensor::full([1], 0.1, &device));
            assert_eq!(y.dims(), x.dims());
        }
    }
}

/// deepinv's rules for DRUNet, whose cell is 8 pixels.
#[test]
fn sizes_are_extended_as_drunets() {
    let config = UnetConfig {
        sizes: Sizes::Quarters,
        ..strided(&[1, 1, 1, 1])
    };
    for (size, extended) in [
        ([61, 59], [64, 64]),
        ([24, 24], [32, 32]),
        ([32, 40], [32, 40]),
        ([40, 1000], [40, 1000]),
        ([24, 1000], [32, 1008]),
        ([192, 256], [192, 256]),
    ] {
        assert_eq!(config.extended(size), extended, "{size:?}");
    }
    assert_eq!(config.quarters(), Some(64));
}

/// A checkpoint from before there were strided levels: its names, shapes and function.
#[test]
fn the_shipped_network_loads_and_denoises() {
    use tweedie_imaging::{ColorMode, Denoiser as _, Sigma, noise, psnr, read_image};

    let device = Device::flex();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let checkpoint = crate::Checkpoint::load(&root.join("checkpoints/gray"), &device).unwrap();
    assert!(matches!(checkpoint.network, crate::Network::Unet(_)));
    let image = read_image(&root.join("datasets/samples/camera.png"), ColorMode::Gray).unwrap();
    let clean = image.image(&device).unwrap().narrow(2, 0, 96).narrow(3, 0, 97);
    let sigma = Sigma::from_grey_levels(25.0).unwrap();
    let noisy = clean.clone() + noise::gaussian(clean.dims(), sigma, 0, 0, &device).unwrap();
    let denoiser = checkpoint.denoiser("gray", &device).unwrap();
    let denoised = denoiser.denoise(noisy, sigma).unwrap();
    let psnr = psnr(&denoised, &clean).unwrap()[0];
    assert!(psnr > 27.0, "{psnr}");
}

#[test]
fn a_network_that_is_told_a_level_reads_no_other() {
    let device = Device::flex();
    let mut network = Unet::init(&config(2, &[8, 8]), 1, &device).unwrap();
    let x = normal([1, 1, 8, 8], 1, &device);
    let at = |network: &Unet, sigma: f32| network.forward(x.clone(), Tensor::<1>::from_floats([sigma], &device));
    let expected = at(&network, 51.0 / 255.0);
    network.config.told = Some(51.0);
    assert!(difference(at(&network, 0.0), expected.clone()) < 1e-6);
    assert!(difference(at(&network, 1.0), expected) < 1e-6);
    assert!(network.forward_map(x.clone(), x.clone()).is_none());
    let mut config = config(2, &[8, 8]);
    assert!(Unet::facts(&config).noise == NoiseInput::Map);
    config.told = Some(-1.0);
    assert!(Unet::facts(&config).noise == NoiseInput::Blind);
    let message = Unet::init(&config, 1, &device).unwrap_err().to_string();
    assert!(message.contains("architecture.told"), "{message}");
}

/// Facts are asked for before a configuration is checked.
#[test]
fn facts_of_impossible_configurations_do_not_overflow() {
    let largest = usize::MAX;
    for (unshuffle, widths, blocks) in [
        (0, vec![48, 96], 3),
        (largest, vec![48, 96], 3),
        (2, vec![], 3),
        (2, vec![1; 100], 3),
        (2, vec![48, 96], largest),
    ] {
        let config = UnetConfig {
            blocks,
            ..config(unshuffle, &widths)
        };
        let facts = Unet::facts(&config);
        let is_huge = unshuffle == largest || widths.len() == 100 || blocks == largest;
        assert_eq!(
            facts.receptive_field == largest,
            is_huge,
            "{unshuffle} {} {blocks}",
            widths.len()
        );
        assert!(Unet::init(&config, 0, &Device::flex()).is_err());
    }
}
