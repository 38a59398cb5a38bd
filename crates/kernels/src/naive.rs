//! The oracle: direct loops over plain `[n, c, h, w]` images, accumulated in f64.
//!
//! Everything else in this crate is tested against these functions. They are slow on purpose.

use crate::error::check_len;
use crate::{Activation, Error};

/// The shape of a `3x3` convolution with stride 1 and zero padding 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Batch size.
    pub n: usize,
    /// Input channels.
    pub cin: usize,
    /// Output channels.
    pub cout: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
}

impl Shape {
    fn input_len(&self) -> usize {
        self.n * self.cin * self.h * self.w
    }

    fn output_len(&self) -> usize {
        self.n * self.cout * self.h * self.w
    }

    fn weight_len(&self) -> usize {
        self.cout * self.cin * 9
    }

    /// Calls `f(output, input, weight)` with the indices of every product that the convolution sums.
    fn for_each_product(&self, mut f: impl FnMut(usize, usize, usize)) {
        let Self { n, cin, cout, h, w } = *self;
        for ni in 0..n {
            for co in 0..cout {
                for ci in 0..cin {
                    for (ky, kx) in (0..9).map(|k| (k / 3, k % 3)) {
                        // Input row y + ky - 1 must lie within 0..h, and likewise for columns.
                        for y in 1_usize.saturating_sub(ky)..h.min((h + 1).saturating_sub(ky)) {
                            for x in 1_usize.saturating_sub(kx)..w.min((w + 1).saturating_sub(kx)) {
                                let output = ((ni * cout + co) * h + y) * w + x;
                                let input = ((ni * cin + ci) * h + y + ky - 1) * w + x + kx - 1;
                                f(output, input, (co * cin + ci) * 9 + ky * 3 + kx);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `y[n,o,i,j] = f(b[o] + sum_{c,p,q} w[o,c,p,q] x[n,c,i+p-1,j+q-1])`, returned as `[n, cout, h, w]`.
///
/// # Errors
/// [`Error::Length`] unless `x` is `[n, cin, h, w]`, `weight` is `[cout, cin, 3, 3]` and `bias` is `[cout]`.
pub fn forward(
    shape: Shape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
) -> Result<Vec<f64>, Error> {
    check_len("naive::forward", "x", shape.input_len(), x.len())?;
    check_len("naive::forward", "weight", shape.weight_len(), weight.len())?;
    let mut y = vec![0.0; shape.output_len()];
    if let Some(bias) = bias {
        check_len("naive::forward", "bias", shape.cout, bias.len())?;
        for (plane, i) in y.chunks_exact_mut(shape.h * shape.w).zip(0..) {
            plane.fill(f64::from(bias[i % shape.cout]));
        }
    }
    shape.for_each_product(|o, i, k| y[o] += f64::from(weight[k]) * f64::from(x[i]));
    y.iter_mut().for_each(|v| *v = activation.apply(*v));
    Ok(y)
}

/// `dy * f'(v)`, the gradient with respect to a layer's value before its activation, from its output `y = f(v)`.
///
/// # Errors
/// [`Error::Length`] unless `y` is as long as `dy`.
pub fn gated(dy: &[f32], gate: Option<(&[f32], Activation)>) -> Result<Vec<f32>, Error> {
    let Some((y, activation)) = gate else {
        return Ok(dy.to_vec());
    };
    check_len("naive::gated", "y", dy.len(), y.len())?;
    Ok(dy
        .iter()
        .zip(y)
        .map(|(dy, &y)| dy * activation.derivative_from_output(f64::from(y)) as f32)
        .collect())
}

/// The gradient with respect to the input, from the gradient with respect to the value before the activation:
/// `dx[n,c,i+p-1,j+q-1] += w[o,c,p,q] dv[n,o,i,j]`, returned as `[n, cin, h, w]`.
///
/// # Errors
/// [`Error::Length`] unless `dv` is `[n, cout, h, w]` and `weight` is `[cout, cin, 3, 3]`.
pub fn input_grad(shape: Shape, dv: &[f32], weight: &[f32]) -> Result<Vec<f64>, Error> {
    check_len("naive::input_grad", "dv", shape.output_len(), dv.len())?;
    check_len("naive::input_grad", "weight", shape.weight_len(), weight.len())?;
    let mut dx = vec![0.0; shape.input_len()];
    shape.for_each_product(|o, i, k| dx[i] += f64::from(weight[k]) * f64::from(dv[o]));
    Ok(dx)
}

/// The gradients with respect to weights and bias, from the gradient with respect to the value before the activation:
/// `dw[o,c,p,q] = sum_{n,i,j} dv[n,o,i,j] x[n,c,i+p-1,j+q-1]` and `db[o] = sum_{n,i,j} dv[n,o,i,j]`.
///
/// # Errors
/// [`Error::Length`] unless `x` is `[n, cin, h, w]` and `dv` is `[n, cout, h, w]`.
pub fn weight_grad(shape: Shape, x: &[f32], dv: &[f32]) -> Result<(Vec<f64>, Vec<f64>), Error> {
    check_len("naive::weight_grad", "x", shape.input_len(), x.len())?;
    check_len("naive::weight_grad", "dv", shape.output_len(), dv.len())?;
    let mut dw = vec![0.0; shape.weight_len()];
    shape.for_each_product(|o, i, k| dw[k] += f64::from(dv[o]) * f64::from(x[i]));
    let mut db = vec![0.0; shape.cout];
    for (plane, i) in dv.chunks_exact(shape.h * shape.w).zip(0..) {
        db[i % shape.cout] += plane.iter().map(|&v| f64::from(v)).sum::<f64>();
    }
    Ok((dw, db))
}

/// The shape of a `2x2` convolution with stride 2 and no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownShape {
    /// Batch size.
    pub n: usize,
    /// Channels at full resolution.
    pub fine: usize,
    /// Channels at half the resolution.
    pub coarse: usize,
    /// Rows at half the resolution.
    pub h: usize,
    /// Columns at half the resolution.
    pub w: usize,
}

impl DownShape {
    fn fine_len(&self) -> usize {
        self.n * self.fine * 4 * self.h * self.w
    }

    fn coarse_len(&self) -> usize {
        self.n * self.coarse * self.h * self.w
    }

    fn weight_len(&self) -> usize {
        4 * self.coarse * self.fine
    }

    /// Calls `f(coarse, fine, weight)` with the indices of every product that the convolution sums.
    fn for_each_product(&self, mut f: impl FnMut(usize, usize, usize)) {
        let Self { n, fine, coarse, h, w } = *self;
        for (at, weight) in (0..n * coarse * h * w).flat_map(|at| (0..4 * fine).map(move |weight| (at, weight))) {
            let (image, k, i, j) = (at / (coarse * h * w), at / (h * w) % coarse, at / w % h, at % w);
            let (c, p, q) = (weight / 4, weight / 2 % 2, weight % 2);
            let pixel = ((image * fine + c) * 2 * h + 2 * i + p) * 2 * w + 2 * j + q;
            f(at, pixel, 4 * k * fine + weight);
        }
    }
}

/// `u[n,k,i,j] = sum_{c,p,q} w[k,c,p,q] x[n,c,2i+p,2j+q]`.
///
/// # Errors
/// [`Error::Length`] for a wrong length.
pub fn down(shape: DownShape, x: &[f32], weight: &[f32]) -> Result<Vec<f32>, Error> {
    check_len("naive::down", "x", shape.fine_len(), x.len())?;
    check_len("naive::down", "weight", shape.weight_len(), weight.len())?;
    let mut u = vec![0.0_f64; shape.coarse_len()];
    shape.for_each_product(|at, pixel, w| u[at] += f64::from(x[pixel]) * f64::from(weight[w]));
    Ok(u.into_iter().map(|v| v as f32).collect())
}

/// `x[n,c,2i+p,2j+q] = sum_k w[k,c,p,q] u[n,k,i,j]`, the adjoint of [`down`].
///
/// # Errors
/// [`Error::Length`] for a wrong length.
pub fn up(shape: DownShape, u: &[f32], weight: &[f32]) -> Result<Vec<f32>, Error> {
    check_len("naive::up", "u", shape.coarse_len(), u.len())?;
    check_len("naive::up", "weight", shape.weight_len(), weight.len())?;
    let mut x = vec![0.0_f64; shape.fine_len()];
    shape.for_each_product(|at, pixel, w| x[pixel] += f64::from(u[at]) * f64::from(weight[w]));
    Ok(x.into_iter().map(|v| v as f32).collect())
}

/// The gradient of `<down(x), u>` with respect to the weights.
///
/// # Errors
/// [`Error::Length`] for a wrong length.
pub fn down_weight_grad(shape: DownShape, x: &[f32], u: &[f32]) -> Result<Vec<f32>, Error> {
    check_len("naive::down_weight_grad", "x", shape.fine_len(), x.len())?;
    check_len("naive::down_weight_grad", "u", shape.coarse_len(), u.len())?;
    let mut gradient = vec![0.0_f64; shape.weight_len()];
    shape.for_each_product(|at, pixel, w| gradient[w] += f64::from(u[at]) * f64::from(x[pixel]));
    Ok(gradient.into_iter().map(|v| v as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_worked_by_hand() {
        // A 2x2 image: the centre tap is 10, the tap to the right of it 1.
        let shape = Shape {
            n: 1,
            cin: 1,
            cout: 1,
            h: 2,
            w: 2,
        };
        let weight = [0.0, 0.0, 0.0, 0.0, 10.0, 1.0, 0.0, 0.0, 0.0];
        let x = [1.0, 2.0, 3.0, 4.0];
        let y = forward(shape, &x, &weight, Some(&[-22.0]), Activation::Relu).unwrap();
        assert_eq!(y, [0.0, 0.0, 12.0, 18.0]);
        assert_eq!(input_grad(shape, &x, &weight).unwrap(), [10.0, 21.0, 30.0, 43.0]);
        let (dw, db) = weight_grad(shape, &x, &[1.0, 0.0, 0.0, 0.0]).unwrap();
        assert_eq!(dw, [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 3.0, 4.0]);
        assert_eq!(db, [1.0]);
        assert_eq!(
            gated(&[5.0, 6.0], Some((&[0.0, 0.1], Activation::Relu))).unwrap(),
            [0.0, 6.0]
        );
    }
}
