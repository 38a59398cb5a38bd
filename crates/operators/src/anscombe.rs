//! The generalised Anscombe transform and its exact unbiased inverse.

use tweedie_imaging::{Image, VarianceLaw, image_from_vec, vec_from_image};

use crate::Error;
use crate::host::{parameter, require_finite, require_positive};

/// Counts up to which the inverse is tabulated; beyond, the asymptotic one is exact to 1e-4 of a count's noise.
const TABULATED: f64 = 400.0;

/// Entries of the table, quadratic in the count: 0, then denser where the transform bends.
const ENTRIES: usize = 600;

/// Nodes of the trapezoidal rule over the Gaussian, from -6 to 6 standard deviations.
const NODES: usize = 49;

/// Makes noise of var(x) = gain x + sigma^2 (signal-dependent) into noise of level 1, and back without bias.
///
/// In counts k = x / gain with s = sigma / gain the transform is f(k) = 2 sqrt(max(k + 3/8 + s^2, 0)).
/// A denoiser then estimates E\[f(k)\], and since f bends, f^-1 of that is not E\[k\]. The exact unbiased inverse maps
/// E\[f(k) | y\] to y. Here it is tabulated from its definition, k = Poisson(y) + N(0, s^2), by summation over the counts and the
/// trapezoidal rule over the Gaussian, so that no printed series has to be trusted; above 400 counts it is the asymptotically unbiased
/// inverse f^2/4 - 1/8 - s^2. (Makitalo and Foi's closed form, which approximates the exact one at all counts, is off by 0.007 at 400.)
/// Values below E\[f | 0\] become 0.
///
/// Makitalo and Foi, *Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian noise*, 2013.
#[derive(Clone, Debug)]
pub struct Anscombe {
    gain: f64,
    offset: f64,
    /// y in counts, increasing.
    counts: Vec<f64>,
    /// E\[f | y\], increasing.
    transformed: Vec<f64>,
}

impl Anscombe {
    /// The transform for a law with a positive gain.
    ///
    /// # Errors
    /// If the gain is zero, so that there is nothing to stabilise, or sigma exceeds the gain a thousand times: noise of one level.
    pub fn new(law: VarianceLaw) -> Result<Self, Error> {
        require_positive("Anscombe transform", "the gain", law.gain())?;
        let spread = law.sigma() / law.gain();
        if spread > 1e3 {
            return Err(parameter(
                "Anscombe transform",
                "sigma at most 1000 times the gain; noise of one level needs no transform".into(),
                law.to_string(),
            ));
        }
        let offset = 0.375 + spread * spread;
        // The noise bends f only near 0: from where y exceeds the spread by far, the asymptotic form holds.
        let last = TABULATED.max(20.0 * spread);
        let counts: Vec<f64> = (0..ENTRIES)
            .map(|n| last * (n as f64 / (ENTRIES - 1) as f64).powi(2))
            .collect();
        let transformed = counts.iter().map(|&y| expectation(y, spread, offset)).collect();
        Ok(Self {
            gain: law.gain(),
            offset,
            counts,
            transformed,
        })
    }

    /// f(x / gain), noise of level 1.
    ///
    /// # Errors
    /// If the image holds NaN or infinities.
    pub fn forward(&self, image: &Image) -> Result<Image, Error> {
        self.map("Anscombe transform", image, |x| self.transform(x))
    }

    /// y from E\[f | y\].
    ///
    /// # Errors
    /// If the image holds NaN or infinities.
    pub fn inverse(&self, image: &Image) -> Result<Image, Error> {
        self.map("inverse Anscombe transform", image, |f| self.untransform(f))
    }

    /// f at a brightness in `[0, 1]` units.
    pub fn transform(&self, x: f64) -> f64 {
        2.0 * (x / self.gain + self.offset).max(0.0).sqrt()
    }

    /// The brightness that has this expectation of f.
    pub fn untransform(&self, f: f64) -> f64 {
        let above = self.transformed.partition_point(|&entry| entry < f);
        if above == 0 {
            return 0.0;
        }
        let counts = match self.transformed.get(above) {
            Some(&right) => {
                let left = self.transformed[above - 1];
                let share = (f - left) / (right - left);
                self.counts[above - 1] + share * (self.counts[above] - self.counts[above - 1])
            }
            None => {
                // offset = 3/8 + s^2.
                f * f / 4.0 - 0.125 - (self.offset - 0.375)
            }
        };
        self.gain * counts
    }

    fn map(&self, operation: &'static str, image: &Image, f: impl Fn(f64) -> f64) -> Result<Image, Error> {
        let mut values = vec_from_image(image)?;
        require_finite(operation, &values)?;
        for value in &mut values {
            *value = f(f64::from(*value)) as f32;
        }
        Ok(image_from_vec(values, image.dims(), &image.device())?)
    }
}

/// E\[2 sqrt(max(k + e + offset, 0))\] for k ~ Poisson(y), e ~ N(0, spread^2).
fn expectation(y: f64, spread: f64, offset: f64) -> f64 {
    let smooth = |k: f64| -> f64 {
        if spread == 0.0 {
            return 2.0 * (k + offset).max(0.0).sqrt();
        }
        let (mut sum, mut total) = (0.0, 0.0);
        for node in 0..NODES {
            let e = 12.0 * node as f64 / (NODES - 1) as f64 - 6.0;
            let weight = (-e * e / 2.0).exp();
            sum += weight * 2.0 * (k + spread * e + offset).max(0.0).sqrt();
            total += weight;
        }
        sum / total
    };
    if y == 0.0 {
        return smooth(0.0);
    }
    let reach = 9.0 * y.sqrt() + 20.0;
    let (first, last) = ((y - reach).max(0.0).floor(), (y + reach).ceil());
    // From a large y's first count on, with weights in logarithms; the sum of the weights norms them.
    let mut log = first * y.ln() - y - libm::lgamma(first + 1.0);
    let (mut sum, mut total) = (0.0, 0.0);
    let mut k = first;
    while k <= last {
        let weight = log.exp();
        if weight > 0.0 {
            sum += weight * smooth(k);
            total += weight;
        }
        k += 1.0;
        log += y.ln() - k.ln();
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transform(gain: f64, sigma: f64) -> Anscombe {
        Anscombe::new(VarianceLaw::new(gain, sigma).unwrap()).unwrap()
    }

    /// Without Gaussian noise and at one count: E\[2 sqrt(k + 3/8)\] = 2 e^-1 sum sqrt(k + 3/8) / k!, summed here by hand to ten terms.
    #[test]
    fn the_expectation_is_its_definition() {
        let mut factorial = 1.0;
        let mut expected = 0.0;
        for k in 0..20 {
            if k > 0 {
                factorial *= f64::from(k);
            }
            expected += 2.0 * (f64::from(k) + 0.375).sqrt() / factorial;
        }
        expected /= std::f64::consts::E;
        assert!((expectation(1.0, 0.0, 0.375) - expected).abs() < 1e-12);
        assert!((transform(1.0, 0.0).untransform(expected) - 1.0).abs() < 2e-3);
    }

    /// The table goes over into the asymptotic form.
    #[test]
    fn the_table_meets_the_asymptotic_form() {
        for sigma in [0.0, 0.5, 3.0] {
            let t = transform(1.0, sigma);
            let last = *t.transformed.last().unwrap();
            let (below, above) = (t.untransform(last), t.untransform(last * (1.0 + 1e-12)));
            assert!((below - above).abs() < 2e-3, "sigma {sigma}: {below} {above}");
            assert!(t.transformed.windows(2).all(|pair| pair[0] < pair[1]), "sigma {sigma}");
        }
    }

    #[test]
    fn laws_without_gain_are_refused() {
        assert!(Anscombe::new(VarianceLaw::new(0.0, 0.1).unwrap()).is_err());
        assert!(Anscombe::new(VarianceLaw::new(1e-6, 0.1).unwrap()).is_err());
    }
}
