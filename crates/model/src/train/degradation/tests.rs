use rand_chacha::rand_core::SeedableRng;

use super::*;

const SIZE: [usize; 2] = [40, 32];

fn picture() -> Vec<f32> {
    (0..3 * SIZE[0] * SIZE[1])
        .map(|k| 0.5 + 0.4 * libm::sinf((k / SIZE[1] % SIZE[0] + 2 * (k % SIZE[1])) as f32 / 17.0))
        .collect()
}

/// Nothing happens.
fn nothing() -> DegradationConfig {
    DegradationConfig {
        camera: 0.0,
        gaussian: 0.0,
        mosaic: 0.0,
        smoothing: 0.0,
        resize: 0.0,
        jpeg: 0.0,
        ..DegradationConfig::default()
    }
}

fn degraded(config: &DegradationConfig, seed: u64, to: [usize; 2]) -> Degraded {
    let source = Source {
        rng: &mut ChaCha8Rng::seed_from_u64(seed),
        seed,
        stream: 1,
        sigma: 0.1,
    };
    config.degrade(picture(), SIZE, to, source)
}

fn error(a: &[f32], b: &[f32]) -> f32 {
    let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    (sum / a.len() as f32).sqrt()
}

#[test]
fn without_any_share_the_picture_stays() {
    for seed in 0..20 {
        let Degraded { clean, noisy } = degraded(&nothing(), seed, SIZE);
        assert_eq!(clean, picture());
        assert_eq!(noisy, picture());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        assert_eq!(nothing().window(16, SIZE, &mut rng), 16);
    }
}

#[test]
fn the_seed_decides() {
    let config = DegradationConfig::default();
    let all: Vec<Degraded> = (0..12).map(|seed| degraded(&config, seed, [16, 20])).collect();
    for (seed, first) in all.iter().enumerate() {
        assert_eq!(*first, degraded(&config, seed as u64, [16, 20]));
        assert_eq!(first.noisy.len(), 3 * 16 * 20);
        assert!(all[..seed].iter().all(|other| other.noisy != first.noisy));
    }
}

#[test]
fn gaussian_noise_has_its_level_and_is_not_clipped() {
    let config = DegradationConfig {
        gaussian: 1.0,
        ..nothing()
    };
    let Degraded { clean, noisy } = degraded(&config, 3, SIZE);
    assert_eq!(clean, picture());
    // The relative standard error of the level is 1 / sqrt(2 * 3840) = 1 %.
    assert!((error(&noisy, &clean) / 0.1 - 1.0).abs() < 0.06);
    assert!(noisy.iter().any(|value| *value > 1.0));
}

#[test]
fn what_a_camera_writes_has_8_bits_and_its_target_no_noise() {
    let config = DegradationConfig {
        camera: 1.0,
        mosaic: 1.0,
        ..nothing()
    };
    let (one, other) = (degraded(&config, 1, SIZE), degraded(&config, 2, SIZE));
    for value in &one.noisy {
        assert!((value * 255.0 - (value * 255.0).round()).abs() < 1e-4 && (0.0..=1.0).contains(value));
    }
    assert!(error(&one.noisy, &one.clean) > 0.002);
    // Other noise, the same demosaicking up to its pattern and curve.
    let between = error(&one.clean, &other.clean);
    assert!(between < 0.02, "{between}");
}

#[test]
fn the_target_of_a_compressed_picture_is_not_compressed() {
    let config = DegradationConfig {
        jpeg: 1.0,
        quality: [50, 60],
        ..nothing()
    };
    let Degraded { clean, noisy } = degraded(&config, 4, SIZE);
    assert_eq!(clean, picture());
    // 8 bits alone give 0.0011.
    assert!(error(&noisy, &clean) > 0.0014, "{}", error(&noisy, &clean));
}

#[test]
fn windows_are_what_the_scale_asks_for() {
    let config = DegradationConfig {
        resize: 1.0,
        scale: [0.5, 2.0],
        ..nothing()
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let windows: Vec<usize> = (0..200).map(|_| config.window(16, [100, 24], &mut rng)).collect();
    assert!(windows.iter().all(|side| (8..=24).contains(side)));
    assert!(windows.contains(&24) && windows.iter().any(|side| *side < 12));
    let small = degraded(&config, 5, [20, 16]);
    assert_eq!(small.clean.len(), 3 * 20 * 16);
}

#[test]
fn values_out_of_range_are_named() {
    for (config, named) in [
        (
            DegradationConfig {
                camera: 0.8,
                gaussian: 0.3,
                ..nothing()
            },
            "degradation.gaussian",
        ),
        (
            DegradationConfig {
                mosaic: f64::NAN,
                ..nothing()
            },
            "degradation.mosaic",
        ),
        (
            DegradationConfig {
                shot: [0.0, 0.01],
                ..nothing()
            },
            "degradation.shot",
        ),
        (
            DegradationConfig {
                scale: [1.5, 0.5],
                ..nothing()
            },
            "degradation.scale",
        ),
        (
            DegradationConfig {
                quality: [0, 90],
                ..nothing()
            },
            "degradation.quality",
        ),
    ] {
        let message = config.check().expect_err(named).to_string();
        assert!(message.contains(named), "{message}");
    }
    DegradationConfig::default().check().unwrap();
}
