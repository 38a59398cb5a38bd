//! Seeded photon noise, drawn on the host.

use tweedie_imaging::random::{Rng, generator};
use tweedie_imaging::{Image, image_from_vec, vec_from_image};

use crate::Error;
use crate::host::{parameter, require_finite, require_positive};

/// Largest mean that is drawn at once: the product of uniforms is compared with exp(-mean), and exp(-16) is far from underflow. The sum of
/// independent Poisson variables is one, so larger means are drawn in parts.
const PART: f64 = 16.0;

/// Most expected counts of one pixel: the time is proportional to them, and beyond 10^5 photon noise is Gaussian to three digits.
const MAX_MEAN: f64 = 1e5;

/// y = k / gain with k ~ Poisson(gain clean), independent for each pixel: the measurement for which [`crate::Poisson`] is the likelihood.
///
/// `gain` is the expected count for a brightness of 1. The same seed and stream give the same counts on every machine; `stream` separates
/// the images of one experiment. Knuth, *The art of computer programming*, volume 2, section 3.4.1.
///
/// # Errors
/// If `clean` holds negative values, NaN or infinities, `gain` is not positive, or a pixel expects more than 10^5 counts.
pub fn poisson_noise(clean: &Image, gain: f64, seed: u64, stream: u64) -> Result<Image, Error> {
    require_positive("Poisson noise", "gain", gain)?;
    let values = vec_from_image(clean)?;
    require_finite("Poisson noise", &values)?;
    let allowed = 0.0..=MAX_MEAN / gain;
    if let Some(value) = values.iter().find(|&&value| !allowed.contains(&f64::from(value))) {
        let expected = format!("values from 0 to {} for a gain of {gain}", MAX_MEAN / gain);
        return Err(parameter("Poisson noise", expected, value.to_string()));
    }
    let mut rng = generator(seed);
    rng.set_stream(stream);
    let noisy = values
        .iter()
        .map(|&value| (counts(gain * f64::from(value), &mut rng) / gain) as f32)
        .collect();
    Ok(image_from_vec(noisy, clean.dims(), &clean.device())?)
}

fn counts(mut mean: f64, rng: &mut impl Rng) -> f64 {
    let mut total = 0.0;
    while mean > 0.0 {
        let part = mean.min(PART);
        mean -= part;
        let limit = libm::exp(-part);
        let mut product = uniform(rng);
        while product > limit {
            total += 1.0;
            product *= uniform(rng);
        }
    }
    total
}

/// Uniform in (0, 1] with 53 random bits.
fn uniform(rng: &mut impl Rng) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn flat(value: f32, pixels: usize) -> Image {
        image_from_vec(vec![value; pixels], [1, 1, 1, pixels], &Device::flex()).unwrap()
    }

    /// Mean and variance are the mean; over 20,000 draws they vary by 0.7 % and 1 % of sqrt(mean) and mean, of which five are allowed.
    #[test]
    fn mean_and_variance_are_the_mean() {
        for mean in [0.3, 5.0, 16.0, 100.0] {
            let gain = 200.0;
            let n = 20_000;
            let noisy = vec_from_image(&poisson_noise(&flat((mean / gain) as f32, n), gain, 1, 0).unwrap()).unwrap();
            let counts: Vec<f64> = noisy.iter().map(|&y| f64::from(y) * gain).collect();
            assert!(
                counts.iter().all(|k| (k - k.round()).abs() < 1e-3),
                "counts are whole numbers"
            );
            let m = counts.iter().sum::<f64>() / n as f64;
            let v = counts.iter().map(|k| (k - m).powi(2)).sum::<f64>() / n as f64;
            let spread = (1.0 / n as f64).sqrt();
            assert!((m - mean).abs() < 5.0 * spread * mean.sqrt(), "mean {mean}: {m}");
            assert!(
                (v - mean).abs() < 5.0 * spread * (2.0 * mean * mean + mean).sqrt(),
                "mean {mean}: variance {v}"
            );
        }
    }

    #[test]
    fn seeds_and_streams_count_and_darkness_stays_dark() {
        let draw = |seed, stream| vec_from_image(&poisson_noise(&flat(0.5, 50), 20.0, seed, stream).unwrap()).unwrap();
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(2, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
        assert_eq!(
            vec_from_image(&poisson_noise(&flat(0.0, 9), 20.0, 1, 0).unwrap()).unwrap(),
            [0.0; 9]
        );
        for (value, gain) in [(-0.1, 1.0), (f32::NAN, 1.0), (1.0, 0.0), (1.0, 1e9)] {
            assert!(poisson_noise(&flat(value, 2), gain, 1, 0).is_err(), "{value} {gain}");
        }
    }
}
