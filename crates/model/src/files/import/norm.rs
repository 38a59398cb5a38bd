//! The norm of convolutions with zero padding one after the other.

use tweedie_imaging::noise::gaussian_values;

use crate::weights::Values;

/// Side of the grid; larger ones give norms that are larger by a percent.
const SIDE: usize = 24;

/// Steps of power iteration at the most, and the relative change at which it ends before.
const STEPS: usize = 100;
const TOLERANCE: f64 = 1e-5;

/// The norm of the convolutions `[cout, cin, k, k]`, k odd, from one channel on a grid of 24x24 pixels, by power iteration.
///
/// Zeros beyond the border behind every convolution make it larger than that without borders, which a transform would give.
pub(super) fn norm(filters: &[Values]) -> f64 {
    let mut x: Vec<f32> = gaussian_values(SIDE * SIDE, 1.0, 0, 0);
    let mut square = 0.0;
    for _ in 0..STEPS {
        let y = filters.iter().fold(x, |x, filter| convolve(filter, &x, false));
        let next = filters.iter().rev().fold(y, |y, filter| convolve(filter, &y, true));
        let length = next.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        if length.is_nan() || length == 0.0 || (length - square).abs() < TOLERANCE * length {
            return length.sqrt();
        }
        square = length;
        x = next.iter().map(|&v| (f64::from(v) / length) as f32).collect();
    }
    square.sqrt()
}

/// W * x, or W^T * x.
fn convolve(filter: &Values, x: &[f32], transposed: bool) -> Vec<f32> {
    let [cout, cin, k] = [0, 1, 2].map(|axis| filter.dims[axis]);
    let planes = if transposed { cin } else { cout };
    let mut y = vec![0.0_f32; planes * SIDE * SIDE];
    for (index, kernel) in filter.values.chunks(k * k).enumerate() {
        let (o, c) = (index / cin, index % cin);
        let (from, to) = if transposed { (o, c) } else { (c, o) };
        let (x, y) = (plane(x, from), &mut y[to * SIDE * SIDE..][..SIDE * SIDE]);
        for (tap, weight) in kernel.iter().enumerate() {
            let [down, right] = [tap / k, tap % k].map(|place| shift(place, k, transposed));
            // Rows and columns of the output whose input lies on the grid.
            let range = |shift: isize| (-shift).max(0) as usize..(SIDE as isize - shift.max(0)).max(0) as usize;
            let columns = range(right);
            for row in range(down) {
                let source = row.wrapping_add_signed(down) * SIDE;
                let first = columns.start.wrapping_add_signed(right);
                let inputs = &x[source + first..][..columns.len()];
                let outputs = &mut y[row * SIDE..][columns.clone()];
                outputs.iter_mut().zip(inputs).for_each(|(y, x)| *y += weight * x);
            }
        }
    }
    y
}

fn plane(x: &[f32], index: usize) -> &[f32] {
    &x[index * SIDE * SIDE..][..SIDE * SIDE]
}

/// Where the input of a tap lies relative to the output.
fn shift(place: usize, k: usize, transposed: bool) -> isize {
    let shift = place as isize - (k / 2) as isize;
    if transposed { -shift } else { shift }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(dims: [usize; 4], stream: u64) -> Values {
        Values {
            dims: dims.to_vec(),
            values: gaussian_values(dims.iter().product(), 0.3, 5, stream),
        }
    }

    /// <W x, u> = <x, W^T u>, up to the rounding of sums of some thousand terms.
    #[test]
    fn the_transposed_convolution_is_the_adjoint() {
        for k in [1, 3, 5, 31] {
            let filter = filter([3, 2, k, k], k as u64);
            let pixels = SIDE * SIDE;
            let (x, u) = (
                gaussian_values(2 * pixels, 1.0, 1, 0),
                gaussian_values(3 * pixels, 1.0, 2, 0),
            );
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let (a, b) = (
                dot(&convolve(&filter, &x, false), &u),
                dot(&x, &convolve(&filter, &u, true)),
            );
            assert!((a - b).abs() < 1e-4 * a.abs().max(1.0) * k as f64, "{k}: {a} and {b}");
        }
    }

    /// 1x1 kernels are matrices: 2 after a column of norm 5.
    #[test]
    fn the_norm_of_matrices() {
        let column = Values {
            dims: vec![2, 1, 1, 1],
            values: vec![3.0, 4.0],
        };
        let twice = Values {
            dims: vec![2, 2, 1, 1],
            values: vec![2.0, 0.0, 0.0, 2.0],
        };
        assert!((norm(&[column, twice]) - 10.0).abs() < 1e-4);
    }
}
