//! What a checkpoint can do beyond denoising at one level: derivatives, and a level for each pixel.

use std::sync::Arc;

use tweedie_imaging::{DifferentiableDenoiser, Image, MapDenoiser, Sigma};
use tweedie_solver::certify::vjp;

use crate::checkpoint::{Checkpoint, Kind};
use crate::error::{bail, usage};
use crate::{Result, channels};

impl Checkpoint {
    /// The denoiser of its own channels with its derivatives, wrapped as it is.
    ///
    /// # Errors
    /// A usage error for denoisers without weights, and for flips and turns at random.
    pub fn differentiable(&self) -> Result<Arc<dyn DifferentiableDenoiser>> {
        let denoiser: Option<Arc<dyn DifferentiableDenoiser>> = match &self.kind {
            Kind::Network { denoiser, .. } => Some(Arc::clone(denoiser) as _),
            Kind::Classical { .. } => None,
            Kind::Linear(denoiser) => Some(Arc::clone(denoiser) as _),
        };
        let wrapped = denoiser.and_then(|denoiser| self.wrapping.differentiable(denoiser));
        wrapped.ok_or_else(|| {
            usage(format!(
                "derivatives: expected a network without denoiser.equivariant=random, got '{}'",
                self.name
            ))
        })
    }

    /// D(x, sigma) and the vector-Jacobian product J^T v, with J the Jacobian of D at each image of the batch by itself.
    ///
    /// x and v are `[N, C, H, W]`, with channels as in [`Self::denoise`]. The image is not cut into tiles, so that memory
    /// grows with it.
    ///
    /// # Errors
    /// As [`Self::differentiable`] and [`Self::denoise`], and for a v of another shape.
    pub fn vjp(&self, x: &Image, sigma: Sigma, v: &Image) -> Result<(Image, Image)> {
        let denoiser = self.differentiable()?;
        let [n, c, h, w] = x.dims();
        if v.dims() != x.dims() {
            bail!("v: expected the shape of x, {:?}, got {:?}", x.dims(), v.dims());
        }
        let of = |x: &Image, v: &Image| vjp(denoiser.as_ref(), x, sigma, v);
        Ok(match channels::way(denoiser.info(), c)? {
            channels::Way::Itself => of(x, v)?,
            channels::Way::PerChannel => {
                let planes = |image: &Image| image.clone().reshape([n * c, 1, h, w]);
                let (denoised, product) = of(&planes(x), &planes(v))?;
                (denoised.reshape([n, c, h, w]), product.reshape([n, c, h, w]))
            }
            // D'(x) = 1/C sum_c D(x, ..., x)_c.
            channels::Way::Averaged => {
                let copies = denoiser.info().channels;
                let v = v.clone() / copies as f64;
                let (denoised, product) = of(&x.clone().repeat_dim(1, copies), &v.repeat_dim(1, copies))?;
                (denoised.mean_dim(1), product.sum_dim(1))
            }
        })
    }

    /// Whether it takes a level for each pixel ([`Self::denoise_map`]).
    pub fn takes_maps(&self) -> bool {
        self.with_map().is_some()
    }

    fn with_map(&self) -> Option<&dyn MapDenoiser> {
        match &self.kind {
            Kind::Network { denoiser, .. } if self.wrapping.is_plain() => denoiser.with_map(),
            _ => None,
        }
    }

    /// D(x, map) with a level for each pixel: x `[N, C, H, W]`, with channels as in [`Self::denoise`], and the map
    /// `[N, 1, H, W]`, standard deviations in [0, 1] units.
    ///
    /// # Errors
    /// A usage error for denoisers that take no map; else as [`MapDenoiser::denoise_map`].
    pub fn denoise_map(&self, x: Image, map: Image) -> Result<Image> {
        let Some(denoiser) = self.with_map() else {
            return Err(usage(format!(
                "noise map: expected a dncnn, ffdnet or unet that takes the level, without wrapping, got '{}'",
                self.name
            )));
        };
        let [n, c, h, w] = x.dims();
        let got = map.dims();
        if got != [n, 1, h, w] {
            bail!("noise map: expected [{n}, 1, {h}, {w}], got {got:?}");
        }
        Ok(match channels::way(denoiser.info(), c)? {
            channels::Way::Itself => denoiser.denoise_map(x, map)?,
            channels::Way::PerChannel => {
                let maps = map.repeat_dim(1, c).reshape([n * c, 1, h, w]);
                let denoised = denoiser.denoise_map(x.reshape([n * c, 1, h, w]), maps)?;
                denoised.reshape([n, c, h, w])
            }
            channels::Way::Averaged => {
                let copies = x.repeat_dim(1, denoiser.info().channels);
                denoiser.denoise_map(copies, map)?.mean_dim(1)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};
    use tweedie_imaging::{image_from_vec, noise, vec_from_image};

    use super::*;

    fn shipped(name: &str) -> Checkpoint {
        let folder = format!("{}/../../checkpoints/{name}", env!("CARGO_MANIFEST_DIR"));
        Checkpoint::find(&folder).unwrap()
    }

    fn random(dims: [usize; 4], stream: u64) -> Image {
        let level = Sigma::new(0.3).unwrap();
        noise::gaussian(dims, level, 1, stream, &Device::flex()).unwrap() + 0.5
    }

    fn inner(a: &Image, b: &Image) -> f64 {
        let (a, b) = (vec_from_image(a).unwrap(), vec_from_image(b).unwrap());
        a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    /// <J u, v> by central differences is <u, J^T v>, for images with the channels of the checkpoint and others.
    #[test]
    fn products_are_those_of_differences() {
        let sigma = Sigma::new(0.1).unwrap();
        for (name, channels) in [("gray", 1), ("gray", 3), ("color", 3), ("color", 1)] {
            let checkpoint = shipped(name);
            let dims = [1, channels, 12, 14];
            let (x, u, v) = (random(dims, 1), random(dims, 2), random(dims, 3));
            let (denoised, product) = checkpoint.vjp(&x, sigma, &v).unwrap();
            let step = 1e-3;
            let ahead = checkpoint.denoise(&(x.clone() + u.clone() * step), sigma).unwrap();
            let behind = checkpoint.denoise(&(x.clone() - u.clone() * step), sigma).unwrap();
            let expected = inner(&(ahead - behind), &v) / (2.0 * step);
            let got = inner(&u, &product);
            let scale = (inner(&u, &u) * inner(&v, &v)).sqrt();
            assert!(
                (got - expected).abs() < 1e-3 * scale,
                "{name} on {channels}: {got} {expected}"
            );
            let plain = checkpoint.denoise(&x, sigma).unwrap();
            let difference: f32 = (denoised - plain).abs().max().into_scalar();
            assert!(difference < 1e-5, "{name} on {channels}: {difference}");
        }
    }

    #[test]
    fn a_map_of_one_level_is_that_level() {
        let sigma = Sigma::new(0.1).unwrap();
        for (name, channels) in [("gray", 1), ("gray", 3), ("color", 3), ("color", 1)] {
            let checkpoint = shipped(name);
            let x = random([2, channels, 12, 14], 1);
            let map = Tensor::full([2, 1, 12, 14], 0.1, &Device::flex());
            let got = checkpoint.denoise_map(x.clone(), map).unwrap();
            let difference: f32 = (got - checkpoint.denoise(&x, sigma).unwrap()).abs().max().into_scalar();
            assert!(difference < 1e-6, "{name} on {channels}: {difference}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let median = Checkpoint::find("median").unwrap();
        let x = random([1, 1, 8, 8], 1);
        let sigma = Sigma::new(0.1).unwrap();
        assert!(median.vjp(&x, sigma, &x).unwrap_err().to_string().contains("median"));
        assert!(median.denoise_map(x.clone(), x.clone()).unwrap_err().is_usage());
        let v = image_from_vec(vec![0.0; 72], [1, 1, 8, 9], &Device::flex()).unwrap();
        let error = shipped("gray").vjp(&x, sigma, &v).unwrap_err().to_string();
        assert!(error.starts_with("v: expected the shape of x"), "{error}");
    }
}
