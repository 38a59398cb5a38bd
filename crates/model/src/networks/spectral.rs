//! The norm of a convolution with zero padding: an estimate to train with, and a bound that holds for every size.
//!
//! A convolution with zero padding on a finite grid is one on the infinite grid between an embedding and a crop, so its
//! norm is at most the supremum, over all frequencies, of the norm of the symbol
//! `W(theta) = sum_k w_k exp(i <k, theta>)`, a matrix of output by input channels.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use tweedie_imaging::noise::gaussian_values;

use super::host::host;
use crate::{Activations, Conv3x3, Error};

/// Frequencies per axis at which the symbol is bounded, for each pixel that the kernel is wider than one.
const FREQUENCIES: usize = 16;

/// Frequencies per axis at which its norm is estimated first, likewise.
const ESTIMATES: usize = 4;

/// Rounding in f64 of all that a bound is computed from, with a wide margin.
const ROUNDING: f64 = 1e-9;

/// The norm that training holds layers to, over the norm that is allowed: estimates on a grid are a little low, and the
/// bound is a little high.
const TRAINING_MARGIN: f64 = 0.985;

/// Relative rounding of scaled weights: without this allowance they would have to be scaled again and again.
pub(crate) const F32_ROUNDING: f64 = 1e-6;

/// Side of the grid on which training estimates a norm.
const SIDE: usize = 24;

/// The weights of one convolution, `[cout, cin, side, side]`.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    pub values: Vec<f32>,
    pub cout: usize,
    pub cin: usize,
    pub side: usize,
}

/// The kernel of convolutions one after the other, the first one first.
pub(crate) fn composed(weights: Vec<Weight>) -> Weight {
    let compose = |first: Weight, second: Weight| {
        let side = first.side + second.side - 1;
        let mut sums = vec![0.0_f64; second.cout * first.cin * side * side];
        let taps = |weight: &Weight| {
            (0..weight.side * weight.side)
                .map(|tap| (tap / weight.side, tap % weight.side))
                .collect::<Vec<_>>()
        };
        let (first_taps, second_taps) = (taps(&first), taps(&second));
        for o in 0..second.cout {
            for k in 0..second.cin {
                for c in 0..first.cin {
                    let outer = &second.values[(o * second.cin + k) * second_taps.len()..][..second_taps.len()];
                    let inner = &first.values[(k * first.cin + c) * first_taps.len()..][..first_taps.len()];
                    let sums = &mut sums[(o * first.cin + c) * side * side..][..side * side];
                    for ((a, b), outer) in second_taps.iter().zip(outer) {
                        for ((d, e), inner) in first_taps.iter().zip(inner) {
                            sums[(a + d) * side + b + e] += f64::from(*outer) * f64::from(*inner);
                        }
                    }
                }
            }
        }
        Weight {
            values: sums.into_iter().map(|sum| sum as f32).collect(),
            cout: second.cout,
            cin: first.cin,
            side,
        }
    };
    let identity = Weight {
        values: Vec::new(),
        cout: 0,
        cin: 0,
        side: 1,
    };
    weights.into_iter().reduce(compose).unwrap_or(identity)
}

/// An upper bound on the norm of the convolution, for images of every size.
///
/// The largest eigenvalue of `G(theta) = W(theta)^* W(theta)` is bounded on a grid of N x N frequencies: `s I - G` has a
/// Cholesky factor at each of them. For a unit vector v, `v^* G(theta) v` is a nonnegative trigonometric polynomial of
/// degree d = side - 1 in each variable. Of one variable such a polynomial falls no faster than M cos(d h / 2)^2 at a
/// distance h from its own largest value M (M. Riesz), and no angle is farther than pi/N from the grid. First along the
/// rows: through the largest value of all, M, some row of the grid holds a value of at least M cos(d pi / 2 N)^2 (perhaps
/// between its points). Then along that row, from the largest value of the row: a point of the grid holds at least
/// M cos(d pi / 2 N)^4. With N = 16 d, `||W||^2 <= s / cos(pi/32)^4`. For d = 0 the symbol is the same everywhere.
pub(crate) fn norm_bound(weight: &Weight) -> f64 {
    let gram = Gram::new(weight);
    let degree = weight.side - 1;
    let largest_of = |frequencies: Vec<[f64; 2]>| {
        let values = frequencies
            .into_par_iter()
            .map(|theta| gram.at(theta).largest_eigenvalue());
        values.reduce(|| 0.0, f64::max)
    };
    let mut largest = largest_of(grid((ESTIMATES * degree).max(1)));
    if largest == 0.0 {
        // Only the symbol of zero weights vanishes on a grid as fine as this.
        return 0.0;
    }
    loop {
        largest *= 1.001;
        let above = grid((FREQUENCIES * degree).max(1))
            .into_par_iter()
            .filter(|&theta| !gram.at(theta).lies_below(largest))
            .collect::<Vec<_>>();
        if above.is_empty() {
            break;
        }
        largest = largest_of(above).max(largest);
    }
    let slack = match degree {
        0 => 1.0,
        _ => (std::f64::consts::PI / (2 * FREQUENCIES) as f64).cos().powi(2),
    };
    (largest * (1.0 + ROUNDING)).sqrt() / slack
}

/// Half of the N x N frequencies: the symbol of real weights at -theta is the conjugate of that at theta.
fn grid(n: usize) -> Vec<[f64; 2]> {
    let angle = |k: usize| std::f64::consts::TAU * k as f64 / n as f64;
    (0..=n / 2)
        .flat_map(|i| (0..n).map(move |j| [angle(i), angle(j)]))
        .collect()
}

/// `G(theta) = sum_d g_d exp(i <d, theta>)` with `g_d = sum_k w_k^T w_(k + d)`, for the smaller of W^* W and W W^*.
struct Gram {
    n: usize,
    /// Side of the kernel.
    side: usize,
    /// g_d for d in {1 - side..side - 1}^2, row by row.
    shifts: Vec<Vec<f64>>,
}

impl Gram {
    fn new(weight: &Weight) -> Self {
        let &Weight {
            ref values,
            cout,
            cin,
            side,
        } = weight;
        // The norm of the adjoint is the same.
        let (n, inner) = (cin.min(cout), cin.max(cout));
        let at = |k: usize, i: usize, tap: usize| {
            let (o, c) = if cin <= cout { (k, i) } else { (i, k) };
            f64::from(values[(o * cin + c) * side * side + tap])
        };
        // [tap][inner][n], so that sums over `inner` run along rows.
        let taps: Vec<Vec<f64>> = (0..side * side)
            .map(|tap| {
                (0..inner)
                    .flat_map(|k| (0..n).map(move |i| (k, i)))
                    .map(|(k, i)| at(k, i, tap))
                    .collect()
            })
            .collect();
        let span = 2 * side - 1;
        let shifts = (0..span * span)
            .into_par_iter()
            .map(|shift| {
                let mut g = vec![0.0; n * n];
                for (tap, first) in taps.iter().enumerate() {
                    // Row and column of the other tap, from side - 1.
                    let (row, col) = (tap / side + shift / span, tap % side + shift % span);
                    let inside = side - 1..2 * side - 1;
                    if !inside.contains(&row) || !inside.contains(&col) {
                        continue;
                    }
                    let second = &taps[(row + 1 - side) * side + col + 1 - side];
                    for (a, b) in first.chunks(n).zip(second.chunks(n)) {
                        for (g, a) in g.chunks_mut(n).zip(a) {
                            g.iter_mut().zip(b).for_each(|(g, b)| *g += a * b);
                        }
                    }
                }
                g
            })
            .collect();
        Self { n, side, shifts }
    }

    fn at(&self, theta: [f64; 2]) -> Hermitian {
        let mut matrix = Hermitian {
            n: self.n,
            re: vec![0.0; self.n * self.n],
            im: vec![0.0; self.n * self.n],
        };
        for (shift, g) in self.shifts.iter().enumerate() {
            let (span, middle) = (2 * self.side - 1, (self.side - 1) as f64);
            let [down, right] = [shift / span, shift % span].map(|index| index as f64 - middle);
            let (sin, cos) = (down * theta[0] + right * theta[1]).sin_cos();
            for ((re, im), g) in matrix.re.iter_mut().zip(&mut matrix.im).zip(g) {
                *re += cos * g;
                *im += sin * g;
            }
        }
        matrix
    }
}

/// A Hermitian matrix, row by row.
struct Hermitian {
    n: usize,
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Hermitian {
    /// The largest eigenvalue by power iteration: a lower bound.
    fn largest_eigenvalue(&self) -> f64 {
        let n = self.n;
        let start = gaussian_values(2 * n, 1.0, 0, 0);
        let mut re: Vec<f64> = start[..n].iter().map(|&v| v.into()).collect();
        let mut im: Vec<f64> = start[n..].iter().map(|&v| v.into()).collect();
        let mut value = 0.0;
        for _ in 0..30 {
            let norm = re.iter().chain(&im).map(|v| v * v).sum::<f64>().sqrt();
            if norm == 0.0 {
                return 0.0;
            }
            re.iter_mut().chain(&mut im).for_each(|v| *v /= norm);
            let rows = self.re.chunks(n).zip(self.im.chunks(n));
            let product: Vec<[f64; 2]> = rows
                .map(|(row_re, row_im)| {
                    let mut sum = [0.0; 2];
                    for i in 0..n {
                        sum[0] += row_re[i] * re[i] - row_im[i] * im[i];
                        sum[1] += row_re[i] * im[i] + row_im[i] * re[i];
                    }
                    sum
                })
                .collect();
            value = (0..n).map(|i| re[i] * product[i][0] + im[i] * product[i][1]).sum();
            (re, im) = product.into_iter().map(|[re, im]| (re, im)).unzip();
        }
        value
    }

    /// Whether s I - G is positive definite: whether Cholesky's factorisation of it succeeds.
    fn lies_below(mut self, s: f64) -> bool {
        let n = self.n;
        for (i, v) in self.re.iter_mut().enumerate() {
            *v = if i % (n + 1) == 0 { s - *v } else { -*v };
        }
        self.im.iter_mut().for_each(|v| *v = -*v);
        let (mut column_re, mut column_im) = (vec![0.0; n], vec![0.0; n]);
        for j in 0..n {
            let pivot = self.re[j * n + j];
            if pivot <= s * ROUNDING {
                return false;
            }
            for i in j + 1..n {
                column_re[i] = self.re[i * n + j] / pivot.sqrt();
                column_im[i] = self.im[i * n + j] / pivot.sqrt();
            }
            for i in j + 1..n {
                let (a, b) = (column_re[i], column_im[i]);
                let (first, last) = (i * n + j + 1, i * n + i + 1);
                let columns = column_re[j + 1..=i].iter().zip(&column_im[j + 1..=i]);
                let rows = self.re[first..last].iter_mut().zip(&mut self.im[first..last]);
                for ((re, im), (c, d)) in rows.zip(columns) {
                    *re -= a * c + b * d;
                    *im -= b * c - a * d;
                }
            }
        }
        true
    }
}

/// A power iteration for the norm of a convolution on a grid, to be continued while the weights move.
#[derive(Clone, Debug)]
pub(crate) struct PowerIteration {
    /// `[1, cin, SIDE, SIDE]`.
    vector: Vec<f32>,
    cin: usize,
}

impl PowerIteration {
    /// Steps from a random vector until the estimate is good to a percent or so.
    const FIRST_STEPS: usize = 30;

    /// From a seeded vector.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub(crate) fn new(layers: &[Weight], stream: u64, device: &Device) -> Result<Self, Error> {
        let cin = layers.first().map_or(0, |layer| layer.cin);
        let mut iteration = Self {
            vector: gaussian_values(cin * SIDE * SIDE, 1.0, 1, stream),
            cin,
        };
        for _ in 0..Self::FIRST_STEPS {
            iteration.step(layers, device)?;
        }
        Ok(iteration)
    }

    /// From a vector that [`PowerIteration::vector`] gave.
    pub(crate) fn from_vector(vector: Vec<f32>) -> Self {
        Self {
            cin: vector.len() / (SIDE * SIDE),
            vector,
        }
    }

    /// What another run goes on from.
    pub(crate) fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// One step v <- W^T W v / ||W^T W v|| for the layers W one after the other; returns ||W v||, a lower bound on ||W|| that
    /// nears it.
    ///
    /// # Errors
    /// [`Error::Imaging`] if the device fails: its norm would be none, and a limit that rests on it void.
    pub(crate) fn step(&mut self, layers: &[Weight], device: &Device) -> Result<f64, Error> {
        let conv = |weight: &Weight| {
            let data = TensorData::new(weight.values.clone(), [weight.cout, weight.cin, 3, 3]);
            Conv3x3::from_weight(Tensor::from_data(data, device))
        };
        let layers: Vec<Conv3x3> = layers.iter().map(conv).collect();
        let y = chain(&layers, self.unit(device));
        let next = layers.iter().rev().fold(y.clone(), |x, layer| layer.transposed(x));
        let (y, next) = (host(y.unpack())?, host(next.unpack())?);
        self.vector = next;
        Ok(norm(&y))
    }

    /// ||W v|| at the present v, `[1]`: its derivative with respect to W is that of ||W|| where v has arrived.
    pub(crate) fn norm(&self, layers: &[Conv3x3], device: &Device) -> Tensor<1> {
        chain(layers, self.unit(device)).unpack().square().sum().sqrt()
    }

    /// v, `[1, cin, SIDE, SIDE]`.
    fn unit(&self, device: &Device) -> Activations {
        let scale = norm(&self.vector).max(f64::MIN_POSITIVE);
        let unit = self.vector.iter().map(|v| (f64::from(*v) / scale) as f32).collect();
        let data = TensorData::new::<f32, _>(unit, [1, self.cin, SIDE, SIDE]);
        Activations::pack(Tensor::from_data(data, device))
    }
}

/// W / max(1, norm / target).
pub(crate) fn limited(weight: Tensor<4>, norm: Tensor<1>) -> Tensor<4> {
    weight / (norm / TRAINING_MARGIN).clamp_min(1.0).reshape([1, 1, 1, 1])
}

fn chain(layers: &[Conv3x3], x: Activations) -> Activations {
    layers.iter().fold(x, |x, layer| layer.linear(x))
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest frequency of a kernel with known symbol: 1/9 sum exp(i <k, theta>) has norm 1 at 0, and the
    /// difference [-1, 2, -1] / 4 has norm 1 at pi; the bound may exceed them by the slack of its grid, 1 percent.
    #[test]
    fn the_bound_of_known_kernels() {
        let mean = [1.0 / 9.0; 9];
        let difference = [0.0, 0.0, 0.0, -0.25, 0.5, -0.25, 0.0, 0.0, 0.0];
        for kernel in [mean, difference] {
            let weight = Weight {
                values: kernel.to_vec(),
                cout: 1,
                cin: 1,
                side: 3,
            };
            let bound = norm_bound(&weight);
            assert!((1.0..1.012).contains(&bound), "{bound}");
        }
    }

    /// A 1x1 kernel is a matrix at every frequency: diag(3, -4) with a row of zeros has norm 4.
    #[test]
    fn the_bound_of_a_matrix_is_its_norm() {
        let weight = Weight {
            values: vec![3.0, 0.0, 0.0, -4.0, 0.0, 0.0],
            cout: 3,
            cin: 2,
            side: 1,
        };
        let bound = norm_bound(&weight);
        // Power iteration and its factor of 1.001.
        assert!((4.0..4.005).contains(&bound), "{bound}");
    }

    /// A difference after a mean has a norm below the product of both norms, 1.
    #[test]
    fn the_composed_kernel_is_that_of_both() {
        let kernel = |values: [f32; 9]| Weight {
            values: values.to_vec(),
            cout: 1,
            cin: 1,
            side: 3,
        };
        let mean = kernel([0.0, 0.0, 0.0, 0.25, 0.5, 0.25, 0.0, 0.0, 0.0]);
        let difference = kernel([0.0, 0.0, 0.0, -0.25, 0.5, -0.25, 0.0, 0.0, 0.0]);
        let both = composed(vec![mean, difference]);
        let middle = [-1.0 / 16.0, 0.0, 1.0 / 8.0, 0.0, -1.0 / 16.0];
        assert_eq!(both.values[10..15], middle);
        // cos(theta/2)^2 sin(theta/2)^2 is at most 1/4.
        let bound = norm_bound(&both);
        assert!((0.25..0.253).contains(&bound), "{bound}");
    }

    /// Power iteration on a grid gives a lower bound; on 24 pixels it comes within a few percent of all sizes.
    #[test]
    fn the_bound_is_above_power_iteration_and_close_to_it() {
        let device = Device::flex();
        for [cout, cin] in [[12, 20], [20, 12], [16, 16]] {
            let weight = Weight {
                values: gaussian_values(cout * cin * 9, 0.1, 3, 0),
                cout,
                cin,
                side: 3,
            };
            let mut iteration = PowerIteration::new(std::slice::from_ref(&weight), 0, &device).unwrap();
            let estimate = (0..50)
                .map(|_| iteration.step(std::slice::from_ref(&weight), &device).unwrap())
                .fold(0.0, f64::max);
            let bound = norm_bound(&weight);
            assert!(
                bound > estimate && bound < 1.06 * estimate,
                "{cin} to {cout}: {estimate} and {bound}"
            );
        }
    }

    /// The norm of two layers: against that of the composed kernel, and its derivative against central differences.
    #[test]
    fn the_norm_of_layers_and_its_derivative() {
        let device = Device::flex();
        let weight = |cin: usize, cout: usize| Weight {
            values: gaussian_values(cout * cin * 9, 0.1, 4, cin as u64),
            cout,
            cin,
            side: 3,
        };
        let layers = [weight(2, 6), weight(6, 8)];
        let mut iteration = PowerIteration::new(&layers, 0, &device).unwrap();
        let estimate = (0..100)
            .map(|_| iteration.step(&layers, &device).unwrap())
            .fold(0.0, f64::max);
        let bound = norm_bound(&composed(layers.to_vec()));
        assert!((0.93 * bound..=bound).contains(&estimate), "{estimate} {bound}");

        let device = device.autodiff();
        let at = |tap: usize, step: f32| {
            let mut moved = layers.clone();
            moved[1].values[tap] += step;
            let conv = |weight: &Weight| {
                let data = TensorData::new(weight.values.clone(), [weight.cout, weight.cin, 3, 3]);
                Conv3x3::from_weight(Tensor::from_data(data, &device))
            };
            let layers = moved.each_ref().map(conv);
            let norm = iteration.norm(&layers, &device);
            (norm, layers)
        };
        let (norm, tracked) = at(0, 0.0);
        let gradients = norm.backward();
        let gradient: Vec<f32> = tracked[1]
            .weight
            .val()
            .grad(&gradients)
            .unwrap()
            .into_data()
            .try_into_vec()
            .unwrap();
        for tap in [0, 4, 100, 431] {
            let value = |step: f32| f64::from(at(tap, step).0.into_scalar::<f32>());
            let expected = (value(0.01) - value(-0.01)) / 0.02;
            assert!(
                (f64::from(gradient[tap]) - expected).abs() < 1e-3,
                "{} {expected}",
                gradient[tap]
            );
        }
    }
}
