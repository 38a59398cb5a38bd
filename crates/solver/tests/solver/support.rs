//! Small dense problems in f64: a linear fidelity and linear denoisers whose fixed points a linear solve gives.

use std::sync::{Arc, LazyLock, Mutex};

use burn::tensor::Device;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tweedie_imaging::{
    Denoiser, DenoiserInfo, Error as ImagingError, GradientDenoiser, Image, Sigma, SigmaSupport, image_from_vec,
    vec_from_image,
};
use tweedie_operators::{DataFidelity, Error as OperatorError, InnerSolve};
use tweedie_solver::{Algorithm, Prior, Problem, find};

/// Side of the test images.
pub const SIDE: usize = 8;
/// Pixels of the test images.
pub const N: usize = SIDE * SIDE;

/// A dense square matrix of `N` rows.
#[derive(Clone)]
pub struct Matrix(pub Vec<[f64; N]>);

impl Matrix {
    pub fn identity() -> Self {
        Self::from_fn(|i, j| f64::from(u8::from(i == j)))
    }

    pub fn from_fn(f: impl Fn(usize, usize) -> f64) -> Self {
        Self((0..N).map(|i| std::array::from_fn(|j| f(i, j))).collect())
    }

    pub fn transpose(&self) -> Self {
        Self::from_fn(|i, j| self.0[j][i])
    }

    pub fn scale(&self, factor: f64) -> Self {
        Self::from_fn(|i, j| factor * self.0[i][j])
    }

    pub fn add(&self, other: &Self) -> Self {
        Self::from_fn(|i, j| self.0[i][j] + other.0[i][j])
    }

    pub fn mul(&self, other: &Self) -> Self {
        Self::from_fn(|i, j| (0..N).map(|k| self.0[i][k] * other.0[k][j]).sum())
    }

    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        self.0
            .iter()
            .map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum())
            .collect()
    }

    /// Solves M x = b by Gaussian elimination with partial pivoting.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut m = self.0.clone();
        let mut x = b.to_vec();
        for column in 0..N {
            let pivot = (column..N)
                .max_by(|&i, &j| m[i][column].abs().total_cmp(&m[j][column].abs()))
                .unwrap();
            m.swap(column, pivot);
            x.swap(column, pivot);
            let top = m[column];
            for row in column + 1..N {
                let factor = m[row][column] / top[column];
                m[row].iter_mut().zip(&top).for_each(|(a, b)| *a -= factor * b);
                x[row] -= factor * x[column];
            }
        }
        for row in (0..N).rev() {
            let known: f64 = (row + 1..N).map(|j| m[row][j] * x[j]).sum();
            x[row] = (x[row] - known) / m[row][row];
        }
        x
    }

    /// The largest absolute eigenvalue, by power iteration; for matrices similar to symmetric ones.
    pub fn spectral_radius(&self) -> f64 {
        let mut v: Vec<f64> = (0..N).map(|i| 1.0 + (i as f64).sin()).collect();
        let mut radius = 0.0;
        for _ in 0..5_000 {
            let next = self.apply(&v);
            radius = norm(&next) / norm(&v);
            v = next.iter().map(|a| a / norm(&next)).collect();
        }
        radius
    }
}

pub fn norm(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// ||a - b|| / ||b||.
pub fn relative_distance(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(b)
}

pub fn image(values: &[f64]) -> Image {
    let values = values.iter().map(|&v| v as f32).collect();
    image_from_vec(values, [1, 1, SIDE, SIDE], &Device::default()).unwrap()
}

pub fn values(image: &Image) -> Vec<f64> {
    vec_from_image(image).unwrap().into_iter().map(f64::from).collect()
}

/// Uniform numbers in [-1, 1], seeded.
pub fn random(seed: u64, count: usize) -> Vec<f64> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    (0..count)
        .map(|_| f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0)
        .collect()
}

/// A piecewise smooth test image in [0, 1].
pub fn truth() -> Vec<f64> {
    (0..N)
        .map(|i| if (i / SIDE) > 3 { 0.8 } else { 0.2 } + 0.1 * ((i % SIDE) as f64).sin())
        .collect()
}

/// Circular separable smoothing with taps (side, 1 - 2 side, side): symmetric, doubly stochastic, eigenvalues in
/// [(1 - 4 side)^2, 1].
pub fn smoothing(side: f64) -> Matrix {
    let one = |i: usize, j: usize| match (i + SIDE - j) % SIDE {
        0 => 1.0 - 2.0 * side,
        1 | 7 => side,
        _ => 0.0,
    };
    Matrix::from_fn(|i, j| one(i / SIDE, j / SIDE) * one(i % SIDE, j % SIDE))
}

/// A forward matrix without symmetry, ||A|| <= 1, condition number about 10.
pub fn forward() -> Matrix {
    let perturbation = random(7, N * N);
    let a = smoothing(0.15).add(&Matrix::from_fn(|i, j| 0.02 * perturbation[i * N + j]));
    let norm_sq = a.transpose().mul(&a).spectral_radius();
    a.scale(1.0 / norm_sq.sqrt())
}

/// y = A truth + noise.
pub fn measurement(a: &Matrix) -> Vec<f64> {
    a.apply(&truth())
        .iter()
        .zip(random(11, N))
        .map(|(v, n)| v + 0.05 * n)
        .collect()
}

/// l(x, y) = 1/2 ||Ax - y||^2, with everything in f64 on the host.
pub struct DenseL2 {
    pub a: Matrix,
    pub y: Vec<f64>,
}

impl DenseL2 {
    pub fn normal(&self) -> Matrix {
        self.a.transpose().mul(&self.a)
    }

    pub fn adjoint_y(&self) -> Vec<f64> {
        self.a.transpose().apply(&self.y)
    }

    fn residual(&self, x: &[f64]) -> Vec<f64> {
        self.a.apply(x).iter().zip(&self.y).map(|(a, y)| a - y).collect()
    }
}

impl DataFidelity for DenseL2 {
    fn domain(&self) -> [usize; 3] {
        [1, SIDE, SIDE]
    }

    fn value(&self, x: Image) -> Result<Vec<f64>, OperatorError> {
        Ok(vec![0.5 * norm(&self.residual(&values(&x))).powi(2)])
    }

    fn grad(&self, x: Image) -> Result<Image, OperatorError> {
        Ok(image(&self.a.transpose().apply(&self.residual(&values(&x)))))
    }

    fn lipschitz(&self) -> Option<f64> {
        Some(1.0)
    }

    fn prox(&self, z: Image, gamma: f64) -> Result<(Image, InnerSolve), OperatorError> {
        let system = self.normal().add(&Matrix::identity().scale(1.0 / gamma));
        let right: Vec<f64> = values(&z)
            .iter()
            .zip(self.adjoint_y())
            .map(|(z, b)| z / gamma + b)
            .collect();
        Ok((image(&system.solve(&right)), InnerSolve::Exact))
    }
}

/// D(x, sigma) = W x, or W_sigma x with W_sigma = (I + 10 sigma W) / (1 + 10 sigma);
/// g(x) = 1/2 x^T (I - W) x if W is symmetric.
pub struct LinearDenoiser {
    w: Matrix,
    conditioned: bool,
    info: DenoiserInfo,
}

impl LinearDenoiser {
    pub fn blind(w: Matrix) -> Self {
        Self {
            w,
            conditioned: false,
            info: info(),
        }
    }

    pub fn conditioned(w: Matrix) -> Self {
        Self {
            w,
            conditioned: true,
            info: info(),
        }
    }

    fn apply(&self, x: &[f64], sigma: Sigma) -> Vec<f64> {
        let wx = self.w.apply(x);
        if !self.conditioned {
            return wx;
        }
        let share = 10.0 * sigma.value() / (1.0 + 10.0 * sigma.value());
        x.iter().zip(wx).map(|(x, wx)| (1.0 - share) * x + share * wx).collect()
    }
}

pub fn info() -> DenoiserInfo {
    let sigma = SigmaSupport::Blind;
    DenoiserInfo {
        name: "test".to_owned(),
        channels: 1,
        sigma,
        receptive_field: 0,
        weights_sha256: None,
    }
}

impl Denoiser for LinearDenoiser {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, ImagingError> {
        Ok(image(&self.apply(&values(&x), sigma)))
    }
}

impl GradientDenoiser for LinearDenoiser {
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), ImagingError> {
        let x = values(&x);
        let gradient: Vec<f64> = x.iter().zip(self.apply(&x, sigma)).map(|(x, d)| x - d).collect();
        let potential = 0.5 * x.iter().zip(&gradient).map(|(a, b)| a * b).sum::<f64>();
        Ok((vec![potential], image(&gradient)))
    }
}

/// What a [`CountingDenoiser`] does at its n-th call (from 1).
pub type Behaviour = Box<dyn Fn(u32, Image) -> Result<Image, ImagingError> + Send + Sync>;

/// A denoiser that misbehaves by plan.
pub struct CountingDenoiser {
    info: DenoiserInfo,
    calls: Mutex<u32>,
    behaviour: Behaviour,
}

impl Denoiser for CountingDenoiser {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, _: Sigma) -> Result<Image, ImagingError> {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        (self.behaviour)(*calls, x)
    }
}

pub fn counting(behaviour: Behaviour) -> Prior {
    Prior::Plain(Arc::new(CountingDenoiser {
        info: info(),
        calls: Mutex::new(0),
        behaviour,
    }))
}

/// The noise level of the test problems.
pub const NOISE: f64 = 0.05;

pub fn fidelity() -> Arc<DenseL2> {
    static FIDELITY: LazyLock<Arc<DenseL2>> = LazyLock::new(|| {
        let a = forward();
        let y = measurement(&a);
        Arc::new(DenseL2 { a, y })
    });
    FIDELITY.clone()
}

pub fn problem(prior: Prior) -> Problem {
    Problem {
        fidelity: fidelity(),
        prior,
        noise: Sigma::new(NOISE).unwrap(),
    }
}

pub fn linear(w: Matrix) -> Prior {
    Prior::Plain(Arc::new(LinearDenoiser::blind(w)))
}

pub fn linear_gradient(w: Matrix) -> Prior {
    Prior::Gradient(Arc::new(LinearDenoiser::blind(w)))
}

/// Builds an algorithm from parameters as users write them.
pub fn build(name: &str, parameters: &str, problem: Problem) -> Box<dyn Algorithm> {
    find(name)
        .unwrap()
        .build(toml::from_str(parameters).unwrap(), problem)
        .unwrap()
}
