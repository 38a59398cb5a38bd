//! Noise models: sampling, the Anscombe transform by simulation, denoising with levels that vary.

mod common;

use std::sync::Mutex;

use burn::tensor::Device;
use common::image;
use tweedie_imaging::{Denoiser, DenoiserInfo, Error, Image, Sigma, SigmaSupport, VarianceLaw, vec_from_image};
use tweedie_operators::{Anscombe, NoiseModel, denoise_scales, denoise_with_map};

/// Records what it is asked for, and returns an image of its level, or the image itself.
struct Fake {
    info: DenoiserInfo,
    returns_level: bool,
    calls: Mutex<Vec<([usize; 4], f64)>>,
}

fn fake(returns_level: bool) -> Fake {
    Fake {
        info: DenoiserInfo {
            name: "fake".to_owned(),
            channels: 0,
            sigma: SigmaSupport::Range {
                min: Sigma::new(0.01).unwrap(),
                max: Sigma::new(0.2).unwrap(),
            },
            receptive_field: 1,
            weights_sha256: None,
        },
        returns_level,
        calls: Mutex::default(),
    }
}

impl Denoiser for Fake {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        self.calls.lock().unwrap().push((x.dims(), sigma.value()));
        Ok(if self.returns_level {
            x.full_like(sigma.value())
        } else {
            x
        })
    }
}

fn flat(value: f32, pixels: usize) -> Image {
    image(vec![value; pixels], [1, 1, 1, pixels])
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64
}

/// Mean and variance over 40,000 draws, to five standard errors of each.
#[test]
fn samples_follow_the_law() {
    let count = 40_000;
    for (gain, sigma, x) in [
        (0.01, 0.02, 0.5),
        (0.002, 0.0, 0.1),
        (0.0, 0.05, 0.7),
        (0.02, 0.01, 0.0),
    ] {
        let law = VarianceLaw::new(gain, sigma).unwrap();
        let noisy = NoiseModel::PoissonGaussian(law).sample(&flat(x, count), 1, 2).unwrap();
        let values = vec_from_image(&noisy).unwrap();
        let (m, x) = (mean(&values), f64::from(x));
        let variance = values.iter().map(|&y| (f64::from(y) - x).powi(2)).sum::<f64>() / count as f64;
        let expected = law.variance(x);
        assert!(
            (m - x).abs() < 5.0 * (expected / count as f64).sqrt(),
            "{law}: mean {m}"
        );
        // The fourth moment of a Poisson variable of mean n is n + 3 n^2, and the relative error at most sqrt((2 + 1/n) / count).
        let counts = if gain > 0.0 && x > 0.0 { x / gain } else { f64::INFINITY };
        let error = ((2.0 + 1.0 / counts) / count as f64).sqrt();
        assert!(
            (variance / expected - 1.0).abs() < 5.0 * error,
            "{law}: variance {variance} for {expected}"
        );
    }
    let law = VarianceLaw::new(0.01, 0.02).unwrap();
    let draw = |seed, stream| {
        let model = NoiseModel::PoissonGaussian(law);
        vec_from_image(&model.sample(&flat(0.5, 20), seed, stream).unwrap()).unwrap()
    };
    assert_eq!(draw(1, 2), draw(1, 2));
    assert_ne!(draw(1, 2), draw(2, 2));
    assert_ne!(draw(1, 2), draw(1, 3));
}

/// The inverse of the mean of many transformed draws is the brightness that they were drawn from, from less than a count on; the
/// algebraic inverse is not. The transformed noise has the level 1 from a few counts on.
#[test]
fn the_inverse_is_unbiased() {
    let count = 200_000;
    for (gain, sigma) in [(1.0, 0.0), (0.05, 0.02), (0.01, 0.03)] {
        let law = VarianceLaw::new(gain, sigma).unwrap();
        let transform = Anscombe::new(law).unwrap();
        for counts in [0.5, 1.0, 3.0, 10.0, 60.0, 1000.0] {
            let x = counts * gain;
            let noisy = NoiseModel::PoissonGaussian(law)
                .sample(&flat(x as f32, count), 3, 4)
                .unwrap();
            let stable = vec_from_image(&transform.forward(&noisy).unwrap()).unwrap();
            let m = mean(&stable);
            let back = transform.untransform(m);
            let error = (law.variance(x) / count as f64).sqrt();
            assert!(
                (back - x).abs() < 6.0 * error + 1e-3 * gain,
                "{law} at {x}: {back}, error {error}"
            );
            let variance = stable.iter().map(|&f| (f64::from(f) - m).powi(2)).sum::<f64>() / count as f64;
            if counts >= 10.0 {
                assert!((variance - 1.0).abs() < 0.03, "{law} at {x}: variance {variance}");
            }
            if counts == 3.0 && sigma == 0.0 {
                let algebraic = gain * (m * m / 4.0 - 0.375);
                assert!((algebraic - x).abs() > 20.0 * error, "{algebraic}");
            }
        }
    }
}

/// A denoiser that answers with its level gives the map itself, to the error of linear interpolation over a ratio of 1.5: 2 %.
#[test]
fn each_pixel_is_denoised_at_its_level() {
    let levels: Vec<f32> = (0..256).map(|n| 0.02 * 8f32.powf(n as f32 / 255.0)).collect();
    let map = image(levels.clone(), [1, 1, 16, 16]);
    let denoiser = fake(true);
    let result = denoise_with_map(&denoiser, map.zeros_like(), &map).unwrap();
    for (got, level) in vec_from_image(&result).unwrap().iter().zip(&levels) {
        assert!((got / level - 1.0).abs() < 0.021, "{got} {level}");
    }
    assert_eq!(denoiser.calls.lock().unwrap().len(), 7);
    // Beyond the range of the denoiser: its ends.
    let wide = image(vec![0.001, 0.9], [1, 1, 1, 2]);
    let result = vec_from_image(&denoise_with_map(&fake(true), wide.zeros_like(), &wide).unwrap()).unwrap();
    assert!(
        (result[0] - 0.01).abs() < 1e-6 && (result[1] - 0.2).abs() < 1e-6,
        "{result:?}"
    );
    // One level: one call.
    let denoiser = fake(true);
    denoise_with_map(&denoiser, flat(0.5, 4), &flat(0.1, 4)).unwrap();
    assert_eq!(denoiser.calls.lock().unwrap().len(), 1);
    for bad in [0.0, -1.0, f32::INFINITY] {
        assert!(
            denoise_with_map(&fake(true), flat(0.5, 4), &flat(bad, 4)).is_err(),
            "{bad}"
        );
    }
    let model = NoiseModel::Map(flat(0.1, 5));
    assert!(model.denoise(&fake(true), flat(0.5, 4)).is_err());
}

/// Coarse scales come first, each with its level; a denoiser that changes nothing leaves the image.
#[test]
fn scales_are_denoised_from_coarse_to_fine() {
    let levels = [0.05, 0.08, 0.1].map(|level| Sigma::new(level).unwrap());
    let values: Vec<f32> = (0..65 * 70).map(|n| (n % 97) as f32 / 97.0).collect();
    let y = image(values.clone(), [1, 1, 65, 70]);
    let denoiser = fake(false);
    let same = vec_from_image(&denoise_scales(&denoiser, y, levels).unwrap()).unwrap();
    assert!(same.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-6));
    let calls = denoiser.calls.lock().unwrap().clone();
    assert_eq!(
        calls,
        [([1, 1, 16, 17], 0.1), ([1, 1, 32, 35], 0.08), ([1, 1, 65, 70], 0.05)]
    );
}

#[test]
fn levels_and_weights_of_each_model() {
    let expected = image(vec![0.0, 1.0], [1, 1, 1, 2]);
    let law = NoiseModel::PoissonGaussian(VarianceLaw::new(0.03, 0.1).unwrap());
    let levels = vec_from_image(&law.levels(&expected).unwrap().unwrap()).unwrap();
    // A black pixel is taken to expect a count in 28.
    let dark = 0.03_f64.powi(2) / 28.0 + 0.01;
    assert!(
        (f64::from(levels[0]) - dark.sqrt()).abs() < 1e-6 && (levels[1] - 0.2).abs() < 1e-6,
        "{levels:?}"
    );
    assert!((law.level(&expected).unwrap().value() - 0.025f64.sqrt()).abs() < 1e-7);
    let map = NoiseModel::Map(image(vec![0.1, 0.2], [1, 1, 1, 2]));
    assert!((map.level(&expected).unwrap().value() - 0.025f64.sqrt()).abs() < 1e-7);
    assert!(map.is_varying() && law.is_varying());
    let white = NoiseModel::White(Sigma::new(0.3).unwrap());
    assert!(white.levels(&expected).unwrap().is_none() && !white.is_varying());
    let identity = std::sync::Arc::new(tweedie_operators::Identity::new([1, 1, 2]).unwrap());
    let (operator, y, level) = map.whitened(identity, expected.clone(), &expected).unwrap();
    assert!((level.value() - 0.025f64.sqrt()).abs() < 1e-7);
    let y = vec_from_image(&y).unwrap();
    assert!((f64::from(y[1]) - level.value() / 0.2).abs() < 1e-6, "{y:?}");
    assert_eq!(operator.codomain(), [1, 1, 2]);
    let device = Device::flex();
    let scales = [Sigma::new(0.1).unwrap(); 3];
    let correlated = NoiseModel::Correlated {
        level: scales[0],
        scales,
    };
    assert!(correlated.sample(&Image::zeros([1, 1, 2, 2], &device), 0, 0).is_err());
}

/// Where nothing is counted the level is that of one count in a window, not zero.
#[test]
fn dark_places_have_a_level() {
    let law = VarianceLaw::new(0.1, 0.0).unwrap();
    let levels = NoiseModel::PoissonGaussian(law).levels(&flat(0.0, 4)).unwrap().unwrap();
    for level in vec_from_image(&levels).unwrap() {
        assert!((f64::from(level) - 0.1 / 28f64.sqrt()).abs() < 1e-6, "{level}");
    }
}
