//! The linear symmetric denoiser.

use burn::tensor::Tensor;
use tweedie_imaging::{
    Denoiser, DenoiserInfo, DifferentiableDenoiser, Error, GradientDenoiser, Image, Sigma, SigmaSupport, vec_from_image,
};

/// Largest standard deviation in pixels; taps reach four of them to each side.
const MAX_STD: f64 = 64.0;

/// D(x, sigma) = W x: circular convolution with a sampled Gaussian, whatever sigma is.
///
/// W is symmetric with nonnegative entries and row sums 1, so ||W|| = 1, and it is the gradient step of
/// g(x) = 1/2 x^T (I - W) x. Every fixed-point iteration with it is affine, with a known rate. Channels are
/// smoothed one by one.
#[derive(Clone, Debug)]
pub struct GaussianSmoothing {
    /// Taps 0, 1, ... to one side; they sum to 1 over both sides.
    taps: Vec<f64>,
    info: DenoiserInfo,
}

impl GaussianSmoothing {
    /// A Gaussian of standard deviation `std` in pixels, 0 < `std` <= 64.
    ///
    /// # Errors
    /// [`Error::Shape`] outside this range.
    pub fn new(std: f64) -> Result<Self, Error> {
        let name = format!("gaussian:{std}");
        if !(std > 0.0 && std <= MAX_STD) {
            return Err(refused(format!("a standard deviation in (0, {MAX_STD}] pixels"), name));
        }
        // What lies outside four standard deviations is 6e-5 of the sum.
        let radius = (4.0 * std).ceil() as usize;
        let weight = |t: usize| (-0.5 * (t as f64 / std).powi(2)).exp();
        let sum = 1.0 + 2.0 * (1..=radius).map(weight).sum::<f64>();
        Ok(Self {
            taps: (0..=radius).map(|t| weight(t) / sum).collect(),
            info: DenoiserInfo {
                name,
                channels: 0,
                sigma: SigmaSupport::Blind,
                receptive_field: 2 * radius + 1,
                weights_sha256: None,
            },
        })
    }

    /// Reads `gaussian:STD`; `None` if `text` does not begin so.
    ///
    /// # Errors
    /// [`Error::Shape`] if what follows is no number in range.
    pub fn parse(text: &str) -> Option<Result<Self, Error>> {
        let std = text.strip_prefix("gaussian:")?;
        Some(match std.parse() {
            Ok(std) => Self::new(std),
            Err(_) => Err(refused(
                "gaussian:STD, STD a number of pixels".to_owned(),
                text.to_owned(),
            )),
        })
    }

    /// Convolution along one dimension.
    fn along(&self, x: &Image, dim: usize) -> Image {
        let size = x.dims()[dim];
        let mut sum = x.clone() * self.taps[0];
        for (t, &tap) in self.taps.iter().enumerate().skip(1) {
            let shift = t % size;
            sum = sum + (rolled(x, dim, shift) + rolled(x, dim, size - shift)) * tap;
        }
        sum
    }
}

fn refused(expected: String, got: String) -> Error {
    Error::Shape {
        operation: "Gaussian smoothing",
        expected,
        got,
    }
}

/// <a, b> in f64.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Entry i of the result is entry i + shift of `x`, circularly.
fn rolled(x: &Image, dim: usize, shift: usize) -> Image {
    let size = x.dims()[dim];
    if shift.is_multiple_of(size) {
        return x.clone();
    }
    let first = x.clone().narrow(dim, shift, size - shift);
    Tensor::cat(vec![first, x.clone().narrow(dim, 0, shift)], dim)
}

impl Denoiser for GaussianSmoothing {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, _: Sigma) -> Result<Image, Error> {
        if x.dims().contains(&0) {
            return Err(Error::Shape {
                operation: "smoothing",
                expected: "an image that is not empty".to_owned(),
                got: format!("{:?}", x.dims()),
            });
        }
        Ok(self.along(&self.along(&x, 2), 3))
    }
}

impl DifferentiableDenoiser for GaussianSmoothing {
    fn forward(&self, x: Tensor<4>, sigma: Sigma) -> Result<Tensor<4>, Error> {
        self.denoise(x, sigma)
    }
}

impl GradientDenoiser for GaussianSmoothing {
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error> {
        let gradient = x.clone() - self.denoise(x.clone(), sigma)?;
        let pixels: usize = x.dims()[1..].iter().product();
        let (x, penalty) = (vec_from_image(&x)?, vec_from_image(&gradient)?);
        let images = x.chunks(pixels).zip(penalty.chunks(pixels));
        Ok((images.map(|(x, penalty)| 0.5 * dot(x, penalty)).collect(), gradient))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::{image_from_vec, noise};

    use super::*;

    fn random(stream: u64) -> Image {
        image_from_vec(
            noise::gaussian_values(63, 1.0, 3, stream),
            [1, 1, 7, 9],
            &Device::default(),
        )
        .unwrap()
    }

    fn inner_product(a: &Image, b: &Image) -> f64 {
        dot(&vec_from_image(a).unwrap(), &vec_from_image(b).unwrap())
    }

    fn smoothed(x: Image) -> Image {
        let smoothing = GaussianSmoothing::new(1.3).unwrap();
        smoothing.denoise(x, Sigma::new(0.1).unwrap()).unwrap()
    }

    #[test]
    fn it_is_symmetric_and_keeps_constants() {
        let (x, z) = (random(0), random(1));
        let products = [
            inner_product(&smoothed(x.clone()), &z),
            inner_product(&x, &smoothed(z.clone())),
            inner_product(&x, &x),
        ];
        assert!((products[0] - products[1]).abs() < 1e-5 * products[2], "{products:?}");
        let ones = vec_from_image(&smoothed(x.clone() * 0.0 + 1.0)).unwrap();
        assert!(ones.iter().all(|v| (v - 1.0).abs() < 1e-6));
        assert!(inner_product(&smoothed(x.clone()), &smoothed(x)) < products[2]);
    }

    #[test]
    fn an_impulse_becomes_the_gaussian() {
        let mut values = vec![0.0; 15 * 15];
        values[7 * 15 + 7] = 1.0;
        let impulse = image_from_vec(values, [1, 1, 15, 15], &Device::default()).unwrap();
        let response = vec_from_image(&smoothed(impulse)).unwrap();
        let ratio = response[7 * 15 + 9] / response[7 * 15 + 7];
        let expected = (-0.5 * (2.0_f32 / 1.3).powi(2)).exp();
        assert!((ratio - expected).abs() < 1e-3, "{ratio} {expected}");
    }

    #[test]
    fn the_potential_has_the_gradient() {
        let smoothing = GaussianSmoothing::new(1.3).unwrap();
        let sigma = Sigma::new(0.1).unwrap();
        let (x, d) = (random(0), random(1));
        let value = |t: f64| smoothing.potential(x.clone() + d.clone() * t, sigma).unwrap().0[0];
        let gradient = smoothing.potential(x.clone(), sigma).unwrap().1;
        let expected = inner_product(&gradient, &d);
        // g is quadratic, so central differences are exact but for rounding.
        let difference = (value(0.5) - value(-0.5)) / 1.0;
        assert!(
            (difference - expected).abs() < 1e-3 * expected.abs(),
            "{difference} {expected}"
        );
    }

    #[test]
    fn other_widths_are_refused() {
        for bad in ["gaussian:0", "gaussian:x", "gaussian:nan", "gaussian:65"] {
            assert!(GaussianSmoothing::parse(bad).unwrap().is_err(), "{bad}");
        }
        assert!(GaussianSmoothing::parse("gray").is_none());
    }
}
