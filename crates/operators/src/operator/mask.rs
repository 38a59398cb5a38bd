//! Masks: inpainting.

use burn::tensor::Device;
use tweedie_imaging::random::{choose, generator};
use tweedie_imaging::{Image, image_from_vec, require_dims};

use crate::fill::fill_unknown;
use crate::host::{map_blocks, parameter, require_domain, require_positive};
use crate::{Error, LinearOperator, NormalSolve};

/// Keeps some pixels and sets the others to zero: y = m x with m in {0, 1}.
///
/// # Shapes
/// Domain and codomain are `[C, H, W]`; the mask is shared by the channels or has its own plane for each.
///
/// ||A||^2 = 1; A A^T = diag(m); closed form (A^T A + rho I)^-1 b = b / (m + rho). [`LinearOperator::start`] fills unknown pixels
/// from their neighbours.
#[derive(Clone, Debug)]
pub struct Mask {
    domain: [usize; 3],
    /// 0 or 1, `[C, H, W]`.
    mask: Vec<f32>,
}

impl Mask {
    /// A mask of 0 and 1: `H * W` values shared by the channels, or `C * H * W` values.
    ///
    /// # Errors
    /// If a value is neither 0 nor 1, none is 1, or their number fits neither.
    pub fn new(domain: [usize; 3], values: &[f32]) -> Result<Self, Error> {
        require_domain("mask", domain)?;
        let [channels, rows, cols] = domain;
        if let Some(value) = values.iter().find(|&&value| value != 0.0 && value != 1.0) {
            return Err(parameter("mask", "values 0 and 1".into(), value.to_string()));
        }
        if !values.contains(&1.0) {
            return Err(parameter(
                "mask",
                "at least one pixel that is kept".into(),
                "none".into(),
            ));
        }
        let mask = if values.len() == rows * cols {
            values.repeat(channels)
        } else if values.len() == channels * rows * cols {
            values.to_vec()
        } else {
            let expected = format!("{} or {} values for {domain:?}", rows * cols, channels * rows * cols);
            return Err(parameter("mask", expected, values.len().to_string()));
        };
        Ok(Self { domain, mask })
    }

    /// Keeps a random choice of round(`keep` H W) pixels, the same in all channels and on every machine for one `seed`.
    ///
    /// # Errors
    /// Unless 0 < `keep` <= 1 and at least one pixel is kept.
    pub fn random(domain: [usize; 3], keep: f64, seed: u64) -> Result<Self, Error> {
        require_domain("mask", domain)?;
        let pixels = domain[1] * domain[2];
        let kept = (keep * pixels as f64).round();
        if !(keep > 0.0 && keep <= 1.0 && kept >= 1.0) {
            let expected = format!("a share of the {pixels} pixels in (0, 1] that keeps at least one");
            return Err(parameter("mask", expected, keep.to_string()));
        }
        let mut mask = vec![0.0; pixels];
        for index in choose(kept as usize, pixels, &mut generator(seed)) {
            mask[index] = 1.0;
        }
        Self::new(domain, &mask)
    }

    /// The mask, 0 or 1, in `[C, H, W]` order.
    pub fn values(&self) -> &[f32] {
        &self.mask
    }

    fn tensor(&self, device: &Device) -> Result<Image, Error> {
        let [c, h, w] = self.domain;
        Ok(image_from_vec(self.mask.clone(), [1, c, h, w], device)?)
    }
}

impl LinearOperator for Mask {
    fn domain(&self) -> [usize; 3] {
        self.domain
    }

    fn codomain(&self) -> [usize; 3] {
        self.domain
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        require_dims("mask", &x, self.domain)?;
        let mask = self.tensor(&x.device())?;
        Ok(x * mask)
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        self.apply(y)
    }

    fn normal(&self, x: Image) -> Result<Image, Error> {
        self.apply(x)
    }

    fn norm_sq(&self) -> f64 {
        1.0
    }

    fn start(&self, y: Image) -> Result<Image, Error> {
        let [_, rows, cols] = self.domain;
        map_blocks("mask: start", [(&y, self.domain)], self.domain, 1, |[y], x| {
            x.copy_from_slice(y);
            for (plane, mask) in x.chunks_exact_mut(rows * cols).zip(self.mask.chunks_exact(rows * cols)) {
                fill_unknown(plane, rows, cols, |index| mask[index] == 1.0);
            }
        })
    }

    fn has_orthonormal_rows(&self) -> bool {
        true
    }

    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        Some(self)
    }
}

impl NormalSolve for Mask {
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error> {
        require_dims("mask: normal solve", &b, self.domain)?;
        require_positive("mask: normal solve", "rho", rho)?;
        let mask = self.tensor(&b.device())?;
        Ok(b / (mask + rho))
    }
}
