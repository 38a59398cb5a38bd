//! Small U-Nets, deepinv's DnCNN and regularisers that are solved: against their definitions, and in hostile forms.

use std::path::Path;

use burn::tensor::Device;
use tweedie_imaging::{Denoiser, Sigma, image_from_vec, vec_from_image};
use tweedie_model::{Family, NoiseRange, Peer};

use super::definition::{Maps, convolve, map, maps, relu};
use super::hostile::assert_refused;
use super::made::{Array, State, array, pytorch_zip, safetensors};

/// In [0, 1] units: a power of two, which f32 has exactly.
const SIGMA: f64 = 0.125;

/// Small weights, so that values stay near 1.
fn scaled(dims: &[usize], seed: usize) -> Array {
    let (dims, values) = array(dims, seed);
    (dims, values.into_iter().map(|value| value / 4.0).collect())
}

/// Two levels of 3 and 4 channels with one block each, below a prefix; names as KAIR and deepinv have them.
pub fn drunet(prefix: &str) -> State {
    let mut state = State::new();
    let mut add = |name: &str, dims: [usize; 4]| {
        let seed = state.len() + 1;
        state.insert(format!("{prefix}{name}.weight"), scaled(&dims, seed));
    };
    add("m_head", [3, 2, 3, 3]);
    for (level, width) in [("m_down1.0", 3), ("m_body.0", 4), ("m_up1.1", 3)] {
        add(&format!("{level}.res.0"), [width, width, 3, 3]);
        add(&format!("{level}.res.2"), [width, width, 3, 3]);
    }
    add("m_down1.1", [4, 3, 2, 2]);
    add("m_up1.0", [4, 3, 2, 2]);
    add("m_tail", [1, 3, 3, 3]);
    state
}

fn image(rows: usize, columns: usize) -> Maps {
    let (_, values) = array(&[1, rows, columns], 99);
    maps([1, rows, columns], |_, row, column| {
        f64::from(values[row * columns + column])
    })
}

fn denoised(file: &[u8], family: Family, x: &Maps) -> Maps {
    let device = Device::flex();
    let peer = Peer::from_bytes(Path::new("small"), file, None).unwrap();
    assert_eq!(peer.source().family, family);
    let noise = NoiseRange { min: 0.0, max: 100.0 };
    let checkpoint = peer.into_checkpoint(noise, &device).unwrap();
    let denoiser = checkpoint.denoiser("small", &device).unwrap();
    let (rows, columns) = (x[0].len(), x[0][0].len());
    let values = x.concat().concat().into_iter().map(|value| value as f32).collect();
    let x = image_from_vec(values, [1, x.len(), rows, columns], &device).unwrap();
    let y = vec_from_image(&denoiser.denoise(x, Sigma::new(SIGMA).unwrap()).unwrap()).unwrap();
    maps([y.len() / (rows * columns), rows, columns], |c, row, column| {
        f64::from(y[(c * rows + row) * columns + column])
    })
}

/// As in the tests of small stacks: f32, and Winograd's transforms.
fn assert_same(got: &Maps, expected: &Maps, what: &str) {
    for (got, expected) in got.iter().flatten().flatten().zip(expected.iter().flatten().flatten()) {
        assert!((got - expected).abs() < 2e-5, "{what}: {got} instead of {expected}");
    }
}

fn plus(x: &Maps, y: &Maps) -> Maps {
    maps([x.len(), x[0].len(), x[0][0].len()], |c, row, column| {
        x[c][row][column] + y[c][row][column]
    })
}

/// u[k][i][j] = sum over c, p, q of w[k][c][p][q] x[c][2 i + p][2 j + q].
fn down(x: &Maps, (dims, weight): &Array) -> Maps {
    maps([dims[0], x[0].len() / 2, x[0][0].len() / 2], |k, i, j| {
        (0..dims[1] * 4)
            .map(|tap| f64::from(weight[k * dims[1] * 4 + tap]) * x[tap / 4][2 * i + tap / 2 % 2][2 * j + tap % 2])
            .sum()
    })
}

/// x[c][2 i + p][2 j + q] = sum over k of w[k][c][p][q] u[k][i][j].
fn up(u: &Maps, (dims, weight): &Array) -> Maps {
    maps([dims[1], 2 * u[0].len(), 2 * u[0][0].len()], |c, row, column| {
        (0..dims[0])
            .map(|k| {
                let tap = row % 2 * 2 + column % 2;
                f64::from(weight[(k * dims[1] + c) * 4 + tap]) * u[k][row / 2][column / 2]
            })
            .sum()
    })
}

/// N(x, sigma) of [`drunet`] by its definition, on an image of a size that it divides.
fn by_definition(state: &State, x: &Maps, f: fn(&Maps) -> Maps) -> Maps {
    let weight = |name: &str| &state[&format!("{name}.weight")];
    let conv = |x: &Maps, name: &str| convolve(x, weight(name), None, false);
    let block = |x: &Maps, name: &str| {
        let y = f(&conv(x, &format!("{name}.res.0")));
        plus(x, &conv(&y, &format!("{name}.res.2")))
    };
    let (rows, columns) = (x[0].len(), x[0][0].len());
    let input = vec![x[0].clone(), vec![vec![SIGMA; columns]; rows]];
    let first = conv(&input, "m_head");
    let second = down(&block(&first, "m_down1.0"), weight("m_down1.1"));
    let y = plus(&block(&second, "m_body.0"), &second);
    let y = plus(&block(&up(&y, weight("m_up1.0")), "m_up1.1"), &first);
    conv(&y, "m_tail")
}

/// The image with its last row and column repeated.
fn extended(x: &Maps, rows: usize, columns: usize) -> Maps {
    let (h, w) = (x[0].len() - 1, x[0][0].len() - 1);
    maps([1, rows, columns], |c, row, column| x[c][row.min(h)][column.min(w)])
}

fn cropped(x: &Maps, rows: usize, columns: usize) -> Maps {
    maps([x.len(), rows, columns], |c, row, column| x[c][row][column])
}

/// With a cell of 2 pixels: 8x10 is as it is, 7x9 is extended to multiples of 4, 17x19 is cut into quarters of 16x16.
#[test]
fn drunet_is_that_of_its_definition() {
    let state = drunet("");
    let file = pytorch_zip(&state);
    let x = image(8, 10);
    assert_same(
        &denoised(&file, Family::Drunet, &x),
        &by_definition(&state, &x, relu),
        "8x10",
    );
    let x = image(7, 9);
    let expected = cropped(&by_definition(&state, &extended(&x, 8, 12), relu), 7, 9);
    assert_same(&denoised(&file, Family::Drunet, &x), &expected, "7x9");
    let x = image(17, 19);
    let quarter = |top: usize, left: usize| {
        let part = maps([1, 16, 16], |c, row, column| x[c][top + row][left + column]);
        by_definition(&state, &part, relu)
    };
    let quarters = [[quarter(0, 0), quarter(0, 3)], [quarter(1, 0), quarter(1, 3)]];
    let expected = maps([1, 17, 19], |c, row, column| {
        let (below, right) = (usize::from(row >= 8), usize::from(column >= 9));
        quarters[below][right][c][row - below][column - 3 * right]
    });
    assert_same(&denoised(&file, Family::Drunet, &x), &expected, "17x19");
}

#[test]
fn names_may_have_a_prefix_and_widths_may_differ() {
    let x = image(8, 10);
    let expected = by_definition(&drunet(""), &x, relu);
    let file = safetensors(&drunet("params.module."));
    assert_same(&denoised(&file, Family::Drunet, &x), &expected, "prefix");
}

/// D = N + J_N^T (x - N), the Jacobian by central differences of the definition in f64.
#[test]
fn gsdrunet_is_a_gradient_step() {
    let elu: fn(&Maps) -> Maps = |x| map(x, |_, value| if value > 0.0 { value } else { value.exp_m1() });
    let state = drunet("");
    let x = image(8, 8);
    let n = by_definition(&state, &x, elu);
    let residual = maps([1, 8, 8], |c, row, column| x[c][row][column] - n[c][row][column]);
    let step = 1e-5;
    let expected = maps([1, 8, 8], |_, row, column| {
        let moved = |step: f64| {
            let mut x = x.clone();
            x[0][row][column] += step;
            by_definition(&state, &x, elu)
        };
        let (above, below) = (moved(step), moved(-step));
        let product: f64 = (0..64)
            .map(|at| {
                (above[0][at / 8][at % 8] - below[0][at / 8][at % 8]) / (2.0 * step) * residual[0][at / 8][at % 8]
            })
            .sum();
        n[0][row][column] + product
    });
    let file = pytorch_zip(&drunet("student_grad.model."));
    assert_same(&denoised(&file, Family::Gsdrunet, &x), &expected, "gsdrunet");
}

#[test]
fn deepinvs_dncnn_adds_what_it_predicts() {
    let filters = [
        scaled(&[3, 1, 3, 3], 1),
        scaled(&[3, 3, 3, 3], 2),
        scaled(&[1, 3, 3, 3], 3),
    ];
    let biases = [scaled(&[3], 4), scaled(&[3], 5), scaled(&[1], 6)];
    let mut state = State::new();
    for ((name, filter), bias) in ["in_conv", "conv_list.0", "out_conv"].iter().zip(&filters).zip(&biases) {
        state.insert(format!("{name}.weight"), filter.clone());
        state.insert(format!("{name}.bias"), bias.clone());
    }
    let x = image(6, 8);
    let y = relu(&convolve(&x, &filters[0], Some(&biases[0].1), false));
    let y = relu(&convolve(&y, &filters[1], Some(&biases[1].1), false));
    let expected = plus(&x, &convolve(&y, &filters[2], Some(&biases[2].1), false));
    assert_same(
        &denoised(&pytorch_zip(&state), Family::DeepinvDncnn, &x),
        &expected,
        "deepinv",
    );
}

/// Two convolutions of 3x3, 2 and 3 filters.
pub fn wcrr() -> State {
    let knots: Vec<f32> = (0..11).map(|knot| knot as f32 * 0.02 - 0.1).collect();
    State::from([
        (
            "state_dict.conv_layer.conv_layers.0.parametrizations.weight.original".to_owned(),
            scaled(&[2, 1, 3, 3], 1),
        ),
        (
            "state_dict.conv_layer.conv_layers.1.weight".to_owned(),
            scaled(&[3, 2, 3, 3], 2),
        ),
        (
            "state_dict.activation_cvx.coefficients".to_owned(),
            (vec![1, 11], knots.iter().map(|knot| knot.clamp(-0.04, 0.04)).collect()),
        ),
        (
            "state_dict.activation_ccv.coefficients".to_owned(),
            (vec![1, 11], knots),
        ),
        (
            "state_dict.spline_scaling.coefficients".to_owned(),
            (vec![3, 4], vec![2.0; 12]),
        ),
        ("state_dict.mu_".to_owned(), (vec![], vec![1.0])),
    ])
}

/// The solution satisfies x - y + W^T phi(s W x) / s = 0, all of it in f64 by definition. phi = e times the clipped spline:
/// the concave part is the identity, so that of a convex regulariser.
#[test]
fn a_regulariser_is_solved() {
    let state = wcrr();
    let (rows, columns) = (10, 9);
    let y = image(rows, columns);
    let x = denoised(&pytorch_zip(&state), Family::Wcrr, &y);
    let (_, mut first) = state["state_dict.conv_layer.conv_layers.0.parametrizations.weight.original"].clone();
    for filter in first.chunks_mut(9) {
        let mean = filter.iter().sum::<f32>() / 9.0;
        filter.iter_mut().for_each(|value| *value -= mean);
    }
    let first = (vec![2, 1, 3, 3], first);
    let second = &state["state_dict.conv_layer.conv_layers.1.weight"];
    let turned = |(dims, weight): &Array| -> Array {
        let (cout, cin) = (dims[0], dims[1]);
        let value = |i: usize| weight[(i / 9 % cout * cin + i / (9 * cout)) * 9 + 8 - i % 9];
        (vec![cin, cout, 3, 3], (0..9 * cin * cout).map(value).collect())
    };
    let apply = |x: &Maps| convolve(&convolve(x, &first, None, false), second, None, false);
    let back = |z: &Maps| convolve(&convolve(z, &turned(second), None, false), &turned(&first), None, false);
    // ||W|| on 24x24 pixels.
    let mut u = image(24, 24);
    let mut square = 0.0_f64;
    for _ in 0..300 {
        let next = back(&apply(&u));
        square = next
            .iter()
            .flatten()
            .flatten()
            .map(|value| value * value)
            .sum::<f64>()
            .sqrt();
        u = map(&next, |_, value| value / square);
    }
    let norm = square.sqrt();
    let scale = 2.0_f64.exp() / (SIGMA * 255.0 + 1e-5);
    let z = apply(&x);
    // The slopes of the first and the last segment are 0; those inside 0.04 are 1.
    let z = map(&z, |_, value| {
        1.0_f64.exp() * (scale * value / norm).clamp(-0.04, 0.04) / scale / norm
    });
    let gradient = convolve(
        &convolve(&z, &turned(second), None, false),
        &turned(&first),
        None,
        false,
    );
    for row in 0..rows {
        for column in 0..columns {
            let rest = x[0][row][column] - y[0][row][column] + gradient[0][row][column];
            assert!(rest.abs() < 1e-4, "{row} {column}: {rest}");
        }
    }
    // Something is solved at all.
    let moved =
        (0..rows * columns).map(|at| (x[0][at / columns][at % columns] - y[0][at / columns][at % columns]).abs());
    assert!(moved.fold(0.0, f64::max) > 1e-3);
}

fn changed(state: State, change: impl FnOnce(&mut State)) -> Vec<u8> {
    let mut state = state;
    change(&mut state);
    safetensors(&state)
}

#[test]
fn what_is_no_whole_network_is_refused() {
    let unet = |change: fn(&mut State)| changed(drunet(""), change);
    let ridge = |change: fn(&mut State)| changed(wcrr(), change);
    for (what, bytes, reason) in [
        (
            "a missing block",
            unet(|state| drop(state.remove("m_up1.1.res.2.weight"))),
            "a tensor m_up1.1.res.2.weight",
        ),
        (
            "no body",
            unet(|state| state.retain(|name, _| !name.starts_with("m_body"))),
            "residual blocks",
        ),
        (
            "a block too many",
            unet(|state| drop(state.insert("m_down1.2.res.0.weight".into(), array(&[3, 3, 3, 3], 1)))),
            "no further parameters",
        ),
        (
            "a bias",
            unet(|state| drop(state.insert("m_head.bias".into(), array(&[3], 1)))),
            "no further parameters",
        ),
        (
            "a width that does not fit",
            unet(|state| drop(state.insert("m_down1.1.weight".into(), array(&[5, 3, 2, 2], 1)))),
            "m_down1.1.weight as [4, 3, 2, 2]",
        ),
        (
            "3x3 kernels between the levels",
            unet(|state| drop(state.insert("m_up1.0.weight".into(), array(&[4, 3, 3, 3], 1)))),
            "m_up1.0.weight as [4, 3, 2, 2]",
        ),
        (
            "no noise map",
            unet(|state| drop(state.insert("m_head.weight".into(), array(&[3, 1, 3, 3], 1)))),
            "m_head.weight as [3, 2, 3, 3]",
        ),
        (
            "an infinite weight",
            unet(|state| drop(state.insert("m_tail.weight".into(), (vec![1, 3, 3, 3], vec![f32::NAN; 27])))),
            "finite",
        ),
        (
            "empty blocks",
            unet(|state| drop(state.insert("m_body.0.res.0.weight".into(), (vec![0, 4, 3, 3], vec![])))),
            "residual blocks",
        ),
        (
            "one spline",
            ridge(|state| drop(state.remove("state_dict.activation_ccv.coefficients"))),
            "a network of a known kind",
        ),
        (
            "splines that differ",
            ridge(|state| {
                let spline = array(&[1, 13], 1);
                state.insert("state_dict.activation_ccv.coefficients".into(), spline);
            }),
            "two splines",
        ),
        (
            "an even number of knots",
            ridge(|state| {
                let spline = array(&[1, 12], 1);
                state.insert("state_dict.activation_cvx.coefficients".into(), spline);
            }),
            "odd number of knots",
        ),
        (
            "filters of zeros",
            ridge(|state| {
                let zeros = (vec![3, 2, 3, 3], vec![0.0; 54]);
                state.insert("state_dict.conv_layer.conv_layers.1.weight".into(), zeros);
            }),
            "a finite norm",
        ),
        (
            "large kernels",
            ridge(|state| {
                let name = "state_dict.conv_layer.conv_layers.0.parametrizations.weight.original";
                state.insert(name.into(), array(&[2, 1, 33, 33], 1));
            }),
            "one odd side",
        ),
        (
            "scales of other filters",
            ridge(|state| {
                let scales = array(&[4, 4], 1);
                state.insert("state_dict.spline_scaling.coefficients".into(), scales);
            }),
            "[3, levels]",
        ),
        (
            "an infinite scale",
            ridge(|state| {
                let scales = (vec![3, 4], vec![f32::INFINITY; 12]);
                state.insert("state_dict.spline_scaling.coefficients".into(), scales);
            }),
            "finite",
        ),
        (
            "a mu beyond f32",
            ridge(|state| drop(state.insert("state_dict.mu_".into(), (vec![], vec![1e9])))),
            "finite",
        ),
    ] {
        assert_refused(what, &bytes, reason);
    }
}
