//! Vector-Jacobian products and whole Jacobians.

use tweedie_imaging::{Denoiser, DifferentiableDenoiser, HostDenoiser, Image, Sigma, image_from_vec, vec_from_image};

use crate::Error;

/// D(x) and J^T v, by one backward pass; J is the Jacobian of D at x, of each image of the batch by itself.
///
/// # Errors
/// What the denoiser says; [`Error::NotDifferentiable`] if its output is not connected to its input.
pub fn vjp(denoiser: &dyn DifferentiableDenoiser, x: &Image, sigma: Sigma, v: &Image) -> Result<(Image, Image), Error> {
    let tracked = x.clone().autodiff().require_grad();
    let output = denoiser.forward(tracked.clone(), sigma)?;
    let product = (output.clone() * v.clone().autodiff()).sum();
    let lost = || Error::NotDifferentiable {
        denoiser: denoiser.info().name.clone(),
    };
    if !product.is_tracked() {
        return Err(lost());
    }
    let gradients = product.backward();
    let gradient = tracked.grad(&gradients).ok_or_else(lost)?;
    Ok((output.without_autodiff(), gradient.without_autodiff()))
}

/// The Jacobian of a denoiser at one patch, J_ij = d D_i / d x_j, on the host in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Jacobian {
    n: usize,
    rows: Vec<f64>,
}

/// Rows that are computed by one backward pass, or images by one forward pass: the batch of a 16 x 16 gray patch is then as large as a 256 x 256 image.
const ROWS_AT_ONCE: usize = 256;

impl Jacobian {
    /// The Jacobian at x, `[1, C, H, W]`, from n = C H W vector-Jacobian products.
    ///
    /// # Errors
    /// As [`vjp`].
    pub fn by_autodiff(denoiser: &dyn DifferentiableDenoiser, x: &Image, sigma: Sigma) -> Result<Self, Error> {
        let [_, c, h, w] = x.dims();
        let n = c * h * w;
        let mut rows = Vec::with_capacity(n * n);
        for first in (0..n).step_by(ROWS_AT_ONCE) {
            let count = ROWS_AT_ONCE.min(n - first);
            let mut units = vec![0.0; count * n];
            (0..count).for_each(|i| units[i * n + first + i] = 1.0);
            let units = image_from_vec(units, [count, c, h, w], &x.device())?;
            let copies = x.clone().expand([count, c, h, w]);
            let (_, products) = vjp(denoiser, &copies, sigma, &units)?;
            rows.extend(vec_from_image(&products)?.into_iter().map(f64::from));
        }
        Ok(Self { n, rows })
    }

    /// The Jacobian at x by central differences with step `h`, of any denoiser; exact for piecewise linear ones away from
    /// their kinks, up to f32 rounding, 1e-7 / h.
    ///
    /// # Errors
    /// What the denoiser says.
    pub fn by_differences(denoiser: &dyn Denoiser, x: &Image, sigma: Sigma, h: f64) -> Result<Self, Error> {
        let [_, c, height, w] = x.dims();
        let n = c * height * w;
        let pixels = vec_from_image(x)?;
        let mut rows = vec![0.0; n * n];
        for first in (0..n).step_by(ROWS_AT_ONCE / 2) {
            let count = (ROWS_AT_ONCE / 2).min(n - first);
            // Pairs x + h e_j, x - h e_j.
            let mut inputs = pixels.repeat(2 * count);
            for k in 0..count {
                inputs[2 * k * n + first + k] += h as f32;
                inputs[(2 * k + 1) * n + first + k] -= h as f32;
            }
            let batch = image_from_vec(inputs.clone(), [2 * count, c, height, w], &x.device())?;
            let outputs = vec_from_image(&denoiser.denoise(batch, sigma)?)?;
            for k in 0..count {
                let (j, ahead, behind) = (first + k, 2 * k * n, (2 * k + 1) * n);
                // The step that f32 inputs really take.
                let width = f64::from(inputs[ahead + j]) - f64::from(inputs[behind + j]);
                for i in 0..n {
                    rows[i * n + j] = (f64::from(outputs[ahead + i]) - f64::from(outputs[behind + i])) / width;
                }
            }
        }
        Ok(Self { n, rows })
    }

    /// The Jacobian at x by central differences with step `h` in f64.
    ///
    /// # Errors
    /// What the denoiser says.
    pub fn by_host_differences(denoiser: &dyn HostDenoiser, x: &Image, sigma: Sigma, h: f64) -> Result<Self, Error> {
        let dims = x.dims();
        let mut pixels: Vec<f64> = vec_from_image(x)?.into_iter().map(f64::from).collect();
        let n = pixels.len();
        let mut rows = vec![0.0; n * n];
        for j in 0..n {
            let pixel = pixels[j];
            pixels[j] = pixel + h;
            let ahead = denoiser.denoise_values(&pixels, dims, sigma)?;
            pixels[j] = pixel - h;
            let behind = denoiser.denoise_values(&pixels, dims, sigma)?;
            pixels[j] = pixel;
            let width = (pixel + h) - (pixel - h);
            for i in 0..n {
                rows[i * n + j] = (ahead[i] - behind[i]) / width;
            }
        }
        Ok(Self { n, rows })
    }

    /// ||J - K||_F / ||J||_F.
    pub fn relative_distance(&self, other: &Self) -> f64 {
        let difference: f64 = self.rows.iter().zip(&other.rows).map(|(a, b)| (a - b).powi(2)).sum();
        (difference / self.frobenius_sq()).sqrt()
    }

    /// Number of pixels n; J is n x n.
    pub fn size(&self) -> usize {
        self.n
    }

    /// d D_i / d x_j.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.rows[i * self.n + j]
    }

    /// J v.
    pub fn apply(&self, v: &[f64]) -> Vec<f64> {
        self.rows
            .chunks(self.n)
            .map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
            .collect()
    }

    /// J^T v.
    pub fn apply_transposed(&self, v: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.n];
        for (row, &factor) in self.rows.chunks(self.n).zip(v) {
            sum.iter_mut().zip(row).for_each(|(s, a)| *s += factor * a);
        }
        sum
    }

    /// ||J||_F^2.
    pub fn frobenius_sq(&self) -> f64 {
        self.rows.iter().map(|v| v * v).sum()
    }

    /// ||J - J^T||_F^2 / ||J||_F^2: 0 for a symmetric J, 2 at most on average, 4 for an antisymmetric one.
    pub fn asymmetry(&self) -> f64 {
        let difference = |k: usize| (self.rows[k] - self.at(k % self.n, k / self.n)).powi(2);
        (0..self.n * self.n).map(difference).sum::<f64>() / self.frobenius_sq()
    }
}
