//! From a developed photograph back to what the sensor saw, noise, and development anew, after Brooks et al. 2019
//! ("Unprocessing images for learned raw denoising").

use rand_chacha::ChaCha8Rng;

use super::bayer::Bayer;
use super::draw::{between, coin, log_between};

/// Red and blue gains of the white balance against green (Brooks et al. 2019, section 3.3).
const RED: [f64; 2] = [1.9, 2.4];
const BLUE: [f64; 2] = [1.5, 1.9];

/// Entries of the curves' tables: interpolated linearly, they are exact to 1e-6 of full scale.
const ENTRIES: usize = 2048;

/// A camera at one exposure.
#[derive(Clone, Debug)]
pub(super) struct Camera {
    /// Variance of the noise at the sensor: shot x + read, with x and the noise in units of full scale.
    pub shot: f64,
    pub read: f64,
    gains: [f32; 3],
    /// Linear light from a value of the picture.
    decode: Curve,
    /// A value of the picture from the root of linear light, over which the curve has no steep part.
    encode: Curve,
    bayer: Option<Bayer>,
}

/// A function on [0, 1], tabulated.
#[derive(Clone, Debug)]
struct Curve(Vec<f32>);

impl Camera {
    /// A random camera: its shot noise log-uniform in a range, its read noise what cameras have at that ISO (Brooks et al.
    /// 2019, section 3.1: log read ~ N(2.18 log shot + 1.2, 0.26)).
    pub(super) fn draw(shot: [f64; 2], mosaic: f64, standard_normal: f64, rng: &mut ChaCha8Rng) -> Self {
        let shot = log_between(shot, rng);
        let read = libm::exp(2.18 * libm::log(shot) + 1.2 + 0.26 * standard_normal);
        let gains = [between(RED, rng) as f32, 1.0, between(BLUE, rng) as f32];
        // From none to all of the S-shaped curve 3 v^2 - 2 v^3 (Brooks et al. 2019, section 3.6).
        let tone = between([0.0, 1.0], rng);
        let bayer = coin(mosaic, rng).then(|| Bayer {
            red_row: usize::from(coin(0.5, rng)),
            red_col: usize::from(coin(0.5, rng)),
        });
        Self {
            shot,
            read,
            gains,
            decode: Curve::tabulated(|v| linear_from_srgb(without_tone(v, tone))),
            encode: Curve::tabulated(|root| with_tone(srgb_from_linear(root * root), tone)),
            bayer,
        }
    }

    /// The pictures that the camera makes of the scene of a photograph, without and with noise: `[3, H, W]` in [0, 1].
    /// `normal`: as many standard normal numbers.
    pub(super) fn expose(&self, photograph: &[f32], size: [usize; 2], normal: &[f32]) -> [Vec<f32>; 2] {
        let count = size[0] * size[1];
        let mut raw: Vec<f32> = photograph.iter().map(|value| self.decode.at(*value)).collect();
        for (plane, gain) in raw.chunks_exact_mut(count).zip(self.gains) {
            for value in plane {
                *value /= gain;
            }
        }
        if let Some(bayer) = self.bayer {
            raw = bayer.mosaic(&raw, size);
        }
        let noisy = self.sense(&raw, normal);
        // What no sensor and no curve changed need not be computed anew.
        let clean = match self.bayer {
            Some(_) => self.develop(raw, size),
            None => photograph.to_vec(),
        };
        [clean, self.develop(noisy, size)]
    }

    /// y = x + sqrt(shot x + read) n: photons are counted, in large numbers, and the electronics add noise.
    pub(super) fn sense(&self, raw: &[f32], normal: &[f32]) -> Vec<f32> {
        let (shot, read) = (self.shot as f32, self.read as f32);
        let pixel = |(x, n): (&f32, &f32)| x + (shot * x + read).sqrt() * n;
        raw.iter().zip(normal).map(pixel).collect()
    }

    /// Demosaicking, white balance, curves.
    fn develop(&self, raw: Vec<f32>, size: [usize; 2]) -> Vec<f32> {
        let mut rgb = match self.bayer {
            Some(bayer) => bayer.demosaic(&raw, size),
            None => raw,
        };
        for (plane, gain) in rgb.chunks_exact_mut(size[0] * size[1]).zip(self.gains) {
            for value in plane {
                *value = self.encode.at((*value * gain).max(0.0).sqrt());
            }
        }
        rgb
    }
}

impl Curve {
    fn tabulated(f: impl Fn(f64) -> f64) -> Self {
        Self((0..=ENTRIES).map(|k| f(k as f64 / ENTRIES as f64) as f32).collect())
    }

    /// Values outside [0, 1] are clipped.
    fn at(&self, x: f32) -> f32 {
        let position = x.clamp(0.0, 1.0) * ENTRIES as f32;
        let below = (position as usize).min(ENTRIES - 1);
        self.0[below] + (position - below as f32) * (self.0[below + 1] - self.0[below])
    }
}

/// IEC 61966-2-1.
fn linear_from_srgb(v: f64) -> f64 {
    if v <= 0.04045 {
        v / 12.92
    } else {
        libm::pow((v + 0.055) / 1.055, 2.4)
    }
}

fn srgb_from_linear(x: f64) -> f64 {
    if x <= 0.003_130_8 {
        12.92 * x
    } else {
        1.055 * libm::pow(x, 1.0 / 2.4) - 0.055
    }
}

fn with_tone(v: f64, tone: f64) -> f64 {
    v + tone * (3.0 * v * v - 2.0 * v * v * v - v)
}

/// The inverse of [`with_tone`], which rises: by bisection, to the precision of f32.
fn without_tone(v: f64, tone: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        if with_tone(middle, tone) < v {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    fn camera(seed: u64, mosaic: f64) -> Camera {
        Camera::draw([1e-4, 1.2e-2], mosaic, 0.0, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    /// The variance of n numbers has a relative standard error of sqrt(2 / n) = 0.3 %; five of them.
    #[test]
    fn the_variance_is_a_linear_function_of_the_light() {
        let count = 200_000;
        let normal = gaussian_values(count, 1.0, 3, 4);
        for seed in 0..3 {
            let camera = camera(seed, 0.0);
            for light in [0.0, 0.1, 0.8] {
                let noisy = camera.sense(&vec![light; count], &normal);
                let variance = noisy.iter().map(|y| f64::from(y - light).powi(2)).sum::<f64>() / count as f64;
                let expected = camera.shot * f64::from(light) + camera.read;
                assert!(
                    (variance / expected - 1.0).abs() < 0.016,
                    "{light}: {variance} and {expected}"
                );
            }
        }
    }

    #[test]
    fn shot_noise_is_log_uniform_and_read_noise_follows_it() {
        let cameras: Vec<Camera> = (0..400).map(|seed| camera(seed, 0.5)).collect();
        let below = |limit: f64| cameras.iter().filter(|camera| camera.shot < limit).count();
        // The geometric mean of the range halves it; the standard deviation of the count is 10.
        assert!((150..250).contains(&below((1e-4 * 1.2e-2f64).sqrt())));
        assert!(cameras.iter().all(|camera| (1e-4..1.2e-2).contains(&camera.shot)));
        for camera in &cameras {
            let expected = libm::exp(1.2) * camera.shot.powf(2.18);
            assert!((camera.read / expected - 1.0).abs() < 1e-9);
        }
        let mosaics = cameras.iter().filter(|camera| camera.bayer.is_some()).count();
        assert!((150..250).contains(&mosaics), "{mosaics}");
    }

    #[test]
    fn without_noise_the_development_undoes_the_exposure() {
        let size = [6, 8];
        let photograph: Vec<f32> = (0..3 * 48).map(|k| (k % 37) as f32 / 36.0).collect();
        for seed in 0..4 {
            let mut camera = camera(seed, 0.0);
            (camera.shot, camera.read) = (0.0, 0.0);
            let [clean, noisy] = camera.expose(&photograph, size, &vec![1.0; photograph.len()]);
            assert_eq!(clean, photograph);
            for (a, b) in noisy.iter().zip(&photograph) {
                assert!((a - b).abs() < 2e-4, "{a} and {b}");
            }
        }
    }

    #[test]
    fn neighbours_in_a_demosaicked_picture_have_related_noise() {
        let size = [64, 64];
        let photograph = vec![0.4; 3 * 64 * 64];
        let normal = gaussian_values(photograph.len(), 1.0, 5, 6);
        let correlation = |mosaic: f64| {
            let [clean, noisy] = camera(1, mosaic).expose(&photograph, size, &normal);
            let noise: Vec<f32> = noisy.iter().zip(&clean).map(|(a, b)| a - b).collect();
            let green = &noise[4096..8192];
            let variance: f32 = green.iter().map(|n| n * n).sum();
            green.windows(2).map(|pair| pair[0] * pair[1]).sum::<f32>() / variance
        };
        assert!(correlation(0.0).abs() < 0.08, "{}", correlation(0.0));
        assert!(correlation(1.0) > 0.2, "{}", correlation(1.0));
    }
}
