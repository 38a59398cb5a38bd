//! Certificates of denoisers whose Jacobians are known.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use tweedie_imaging::{Denoiser, DenoiserInfo, DifferentiableDenoiser, Error, Image, Sigma, SigmaSupport, noise};
use tweedie_solver::certify::{
    CertifyOptions, Jacobian, Known, LevelMeasures, Status, Subject, certify as certify_subject, measure_whole, verdict,
};

/// D(x) = k * x + bend x^3 with a 3x3 kernel and zero padding.
struct Filter {
    kernel: [f32; 9],
    bend: f64,
    info: DenoiserInfo,
}

impl Filter {
    fn new(kernel: [f32; 9], bend: f64) -> Self {
        let info = DenoiserInfo {
            name: "filter".to_owned(),
            channels: 1,
            sigma: SigmaSupport::Blind,
            receptive_field: 3,
            weights_sha256: None,
        };
        Self { kernel, bend, info }
    }
}

impl Denoiser for Filter {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        self.forward(x, sigma)
    }
}

impl DifferentiableDenoiser for Filter {
    fn forward(&self, x: Tensor<4>, _: Sigma) -> Result<Tensor<4>, Error> {
        let kernel = TensorData::new(self.kernel.to_vec(), [1, 1, 3, 3]);
        let kernel = Tensor::<4>::from_data(kernel, &x.device());
        let filtered = conv2d(x.clone(), kernel, None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
        Ok(filtered + x.powi_scalar(3) * self.bend)
    }
}

const SYMMETRIC: [f32; 9] = [0.05, 0.1, 0.05, 0.1, 0.4, 0.1, 0.05, 0.1, 0.05];
/// A shift by one pixel: J^T is the opposite shift, so ||J - J^T||_F^2 = 2 ||J||_F^2.
const SHIFT: [f32; 9] = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];

fn sigma() -> Sigma {
    Sigma::from_grey_levels(25.0).unwrap()
}

fn images() -> Vec<Image> {
    let device = Device::flex();
    (0..2)
        .map(|stream| noise::gaussian([1, 1, 20, 20], sigma(), 3, stream, &device).unwrap() + 0.5)
        .collect()
}

fn certify(
    filter: &Filter,
    images: &[Image],
    sigma: Sigma,
    options: CertifyOptions,
) -> Result<LevelMeasures, tweedie_solver::Error> {
    certify_subject(Subject::Autodiff(filter), images, sigma, options)
}

fn options() -> CertifyOptions {
    CertifyOptions {
        patch: 8,
        samples: 3,
        seed: 1,
    }
}

#[test]
fn autodiff_and_central_differences_give_the_same_jacobian() {
    let filter = Filter::new([0.1, 0.2, -0.1, 0.3, 0.2, 0.0, 0.1, 0.0, 0.1], -0.2);
    let x = images()[0].clone().narrow(2, 0, 6).narrow(3, 0, 7);
    let exact = Jacobian::by_autodiff(&filter, &x, sigma()).unwrap();
    let differences = Jacobian::by_differences(&filter, &x, sigma(), 1e-2).unwrap();
    for i in 0..exact.size() {
        for j in 0..exact.size() {
            let error = (exact.at(i, j) - differences.at(i, j)).abs();
            assert!(error < 1e-4, "{i}, {j}: {error}");
        }
    }
}

#[test]
fn a_symmetric_averaging_filter_has_a_clean_certificate() {
    let level = certify(&Filter::new(SYMMETRIC, 0.0), &images(), sigma(), options()).unwrap();
    assert_eq!(level.samples, 3);
    assert!(level.converged);
    assert!(level.jacobian_asymmetry.max < 1e-12, "{:?}", level.jacobian_asymmetry);
    assert!(level.homogeneity_1.max < 1e-10 && level.homogeneity_2.max < 1e-10);
    assert!(level.spectral_norm_j.max < 1.0 && level.spectral_norm_j.max > 0.9);
    assert!(level.expansion.max < 1.0 && level.passivity.max < 1.0);
    // A linear map is its own derivative, up to f32 rounding over the step.
    assert!(level.differentiability.max < 1e-3);
    let fails = |known| {
        let theorems = verdict(std::slice::from_ref(&level), known);
        let conditions = theorems.into_iter().flat_map(|theorem| theorem.conditions);
        conditions
            .filter(|condition| matches!(condition.status, Status::Fails(_)))
            .count()
    };
    // Only the conditions that ask for a known potential and its bounds fail, in two theorems.
    assert_eq!(fails(Known::default()), 4);
    assert_eq!(
        fails(Known {
            gradient_step: true,
            ..Known::default()
        }),
        0
    );
}

#[test]
fn weights_prove_what_follows_from_a_lipschitz_constant() {
    // No level is measured, so nothing can hold but what is proven.
    let proven = |known| {
        let theorems = verdict(&[], known);
        let conditions = theorems.into_iter().flat_map(|theorem| theorem.conditions);
        let proven = conditions.filter(|condition| matches!(condition.status, Status::Proven(_)));
        proven
            .map(|condition| condition.statement)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let nonexpansive = Known {
        lipschitz: Some(1.0),
        averaged: Some(0.75),
        ..Known::default()
    };
    let expected = [
        "D is averaged, D = (1 - a) I + a N with a < 1 and N nonexpansive",
        "D is demicontractive with d < 1 about its fixed points",
        "D is nonexpansive",
    ];
    assert_eq!(proven(nonexpansive), expected.into_iter().collect());
    let expansive = Known {
        lipschitz: Some(1.001),
        residual_lipschitz: Some(1.0),
        ..Known::default()
    };
    assert_eq!(proven(expansive), [].into_iter().collect());
}

#[test]
fn a_shift_is_asymmetric_and_an_isometry_almost() {
    let level = certify(&Filter::new(SHIFT, 0.0), &images(), sigma(), options()).unwrap();
    assert!(
        (level.jacobian_asymmetry.mean - 2.0).abs() < 1e-9,
        "{:?}",
        level.jacobian_asymmetry
    );
    assert!((level.spectral_norm_j.mean - 1.0).abs() < 1e-6);
    // J - I for a shift of 8 pixels with a lost one: the norm of a bidiagonal Toeplitz matrix, 2 cos(pi / 17).
    let expected = 2.0 * (std::f64::consts::PI / 17.0).cos();
    assert!(
        (level.spectral_norm_residual.mean - expected).abs() < 1e-4,
        "{:?}",
        level.spectral_norm_residual
    );
}

#[test]
fn an_expansive_map_is_refuted_with_its_figure() {
    let stretched = SYMMETRIC.map(|value| 1.5 * value);
    let level = certify(&Filter::new(stretched, 0.0), &images(), sigma(), options()).unwrap();
    let theorems = verdict(&[level], Known::default());
    let evidence = theorems
        .iter()
        .flat_map(|theorem| &theorem.conditions)
        .find_map(|condition| match &condition.status {
            Status::Fails(evidence) if condition.statement == "D is nonexpansive" => Some(evidence.clone()),
            _ => None,
        })
        .expect("nonexpansiveness is refuted");
    assert!(evidence.contains("e0 at 25/255"), "{evidence}");
}

#[test]
fn measures_never_count_as_proof() {
    let level = certify(&Filter::new(SYMMETRIC, 0.0), &images(), sigma(), options()).unwrap();
    for theorem in verdict(&[level], Known::default()) {
        for condition in theorem.conditions {
            assert!(
                !matches!(condition.status, Status::Proven(_)),
                "{}",
                condition.statement
            );
        }
    }
}

/// A level at which nothing is violated.
fn clean_level() -> LevelMeasures {
    let mut level = certify(&Filter::new(SYMMETRIC, 0.0), &images(), sigma(), options()).unwrap();
    // The filter draws to its fixed point, 0, by 5 % a denoising, which leaves a twelfth after 50.
    level.fixed_point_error.max = 1e-6;
    level
}

fn statuses(level: &LevelMeasures) -> Vec<(&'static str, Status)> {
    let theorems = verdict(std::slice::from_ref(level), Known::default());
    let conditions = theorems.into_iter().flat_map(|theorem| theorem.conditions);
    conditions
        .map(|condition| (condition.statement, condition.status))
        .collect()
}

#[test]
fn what_allows_no_judgement_is_not_decided() {
    let open = |level: &LevelMeasures| -> Vec<&'static str> {
        let mut open: Vec<_> = statuses(level)
            .into_iter()
            .filter(|(_, status)| matches!(status, Status::NotDecided(_)))
            .map(|(statement, _)| statement)
            .collect();
        open.sort_unstable();
        open.dedup();
        open
    };
    assert_eq!(open(&clean_level()), [""; 0]);
    // Lower bounds below a limit confirm nothing.
    let mut level = clean_level();
    level.converged = false;
    let spectral = [
        "D - I is a contraction, with a Lipschitz constant e < 1",
        "D is averaged, D = (1 - a) I + a N with a < 1 and N nonexpansive",
        "D is firmly nonexpansive, that is averaged with a = 1/2",
        "D is nonexpansive",
    ];
    assert_eq!(open(&level), spectral);
    // Above it they refute all the same.
    level.spectral_norm_j.max = 1.5;
    let refuted = statuses(&level);
    let fails = |statement: &str| {
        let found = refuted.iter().find(|(s, _)| s.starts_with(statement));
        found.is_some_and(|(_, status)| matches!(status, Status::Fails(_)))
    };
    assert!(fails("D is nonexpansive") && fails("D is averaged") && fails("D is firmly"));
    // A comparison with a point that is not fixed says nothing, whatever comes out.
    for demicontractivity in [0.5, 7.0] {
        let mut level = clean_level();
        level.fixed_point_error.max = 0.1;
        level.demicontractivity.max = demicontractivity;
        assert_eq!(open(&level), ["D is demicontractive with d < 1 about its fixed points"]);
    }
    for value in [f64::NAN, -f64::NAN, f64::INFINITY] {
        let mut level = clean_level();
        level.jacobian_asymmetry.max = value;
        level.demicontractivity.max = value;
        level.expansion.max = value;
        assert_eq!(open(&level).len(), 5, "{value}: {:?}", open(&level));
    }
}

#[test]
fn a_level_that_refutes_is_not_covered_by_one_that_is_no_number() {
    let (mut bad, mut unknown) = (clean_level(), clean_level());
    bad.spectral_norm_j.max = 1.2;
    unknown.spectral_norm_j.max = f64::NAN;
    for levels in [[bad.clone(), unknown.clone()], [unknown, bad]] {
        let theorems = verdict(&levels, Known::default());
        let mut conditions = theorems.iter().flat_map(|theorem| &theorem.conditions);
        assert!(conditions.any(|c| c.statement == "D is nonexpansive" && matches!(c.status, Status::Fails(_))));
    }
}

#[test]
fn whole_images_agree_with_the_full_jacobian() {
    let filter = Filter::new([0.1, 0.2, -0.1, 0.3, 0.2, 0.0, 0.1, 0.0, 0.1], 0.0);
    let x = images()[0].clone().narrow(2, 0, 12).narrow(3, 0, 12);
    let full = Jacobian::by_autodiff(&filter, &x, sigma()).unwrap();
    let whole = measure_whole(&filter, &x, sigma(), 40, 200, 5).unwrap();
    let gap = (whole.jacobian_asymmetry - full.asymmetry()).abs();
    assert!(
        gap < 5.0 * whole.jacobian_asymmetry_stderr,
        "{gap} against {}",
        whole.jacobian_asymmetry_stderr
    );
    assert!(whole.converged);
    let power = (0..300).fold(vec![1.0; full.size()], |v, _| {
        let next = full.apply_transposed(&full.apply(&v));
        let norm = next.iter().map(|a| a * a).sum::<f64>().sqrt();
        next.into_iter().map(|a| a / norm).collect()
    });
    let norm = full.apply(&power).iter().map(|a| a * a).sum::<f64>().sqrt();
    assert!(
        (whole.spectral_norm_j / norm - 1.0).abs() < 0.02,
        "{} and {norm}",
        whole.spectral_norm_j
    );
}

#[test]
fn images_that_are_too_small_are_refused() {
    let filter = Filter::new(SYMMETRIC, 0.0);
    let large = CertifyOptions { patch: 30, ..options() };
    assert!(
        certify(&filter, &images(), sigma(), large)
            .unwrap_err()
            .to_string()
            .contains("certify")
    );
    assert!(certify(&filter, &[], sigma(), options()).is_err());
}
