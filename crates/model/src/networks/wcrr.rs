//! Weakly convex ridge regularisers: proximal operators that are solved to a tolerance.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use tweedie_kernels::SEGMENT;

use super::filters::{adjoint, convolve};
use super::host::host;
use super::kind::{Facts, NetworkKind, NoiseInput, Proven, require_range};
use super::spectral::{Weight, norm_bound};
use super::splines::slope_range;
use crate::conv::init;
use crate::files::onnx::graph::Graph;
use crate::{Activations, Error};

/// The relative change of an image by an iteration at which it is solved.
const TOLERANCE: f64 = 3e-6;

/// Iterations at the most; some hundreds are usual.
const ITERATIONS: u32 = 5000;

/// Noise levels in grey levels are divided by themselves plus this.
const LEAST_LEVEL: f64 = 1e-5;

/// Configuration of [`Wcrr`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WcrrConfig {
    /// Filters of each convolution of W, the last ones with a potential each.
    pub filters: Vec<usize>,
    /// Side of their kernels; odd.
    pub kernel: usize,
    /// Segments of phi on either side of 0.
    pub segments: usize,
    /// phi is constant beyond this.
    pub range: f64,
    /// Knots of the scales over the noise level.
    pub levels: usize,
    /// The knots lie evenly from 0 to this level, in grey levels.
    pub largest_level: f64,
}

/// D(y, sigma) = argmin over x of 1/2 ||x - y||^2 + R(x, sigma) with R = sum_ip s_i^-2 psi(s_i (W x)_ip) (Goujon, Neumayer
/// and Unser 2024, "Learning weakly convex regularizers for convergent image-reconstruction algorithms"). For gray images.
///
/// W are convolutions with zero padding, s_i > 0 a linear spline of the noise level for each filter, to the exponential and
/// over the level, and phi = psi' one odd linear spline for all: with slopes of at least -1 and `||W|| <= 1` the problem is
/// convex. It is solved by accelerated gradient descent with step 1 / (1 + largest slope), restarted where a step goes
/// against the gradient, until an iteration changes an image by less than 3e-6 of its norm.
#[derive(Module, Debug)]
pub struct Wcrr {
    /// `[filters[i], filters[i - 1], kernel, kernel]`.
    filters: Vec<Param<Tensor<4>>>,
    /// Slopes of phi, `[1, segments]`.
    slopes: Param<Tensor<2>>,
    /// Logarithms of the scales at the knots, `[filters, levels]`.
    scales: Param<Tensor<2>>,
    #[module(skip)]
    config: WcrrConfig,
}

impl NetworkKind for Wcrr {
    type Config = WcrrConfig;

    /// With filters and slopes that are zero: D is the identity.
    fn init(config: &WcrrConfig, _seed: u64, device: &Device) -> Result<Self, Error> {
        require_range("architecture.filters (convolutions)", config.filters.len(), 1, 8)?;
        for &count in &config.filters {
            require_range("architecture.filters", count, 1, 1024)?;
        }
        require_range("architecture.kernel", config.kernel, 1, 31)?;
        require_range("architecture.kernel (odd)", config.kernel % 2, 1, 1)?;
        require_range("architecture.segments", config.segments, 1, 1024)?;
        require_range("architecture.levels", config.levels, 2, 1024)?;
        for (key, value) in [
            ("architecture.range", config.range),
            ("architecture.largest_level", config.largest_level),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::Config {
                    key,
                    expected: "a finite number > 0".to_owned(),
                    got: value.to_string(),
                });
            }
        }
        let mut inputs = 1;
        let mut filters = Vec::new();
        for (id, &outputs) in config.filters.iter().enumerate() {
            let dims = [outputs, inputs, config.kernel, config.kernel];
            filters.push(init::param(vec![0.0; dims.iter().product()], dims, id as u64, device));
            inputs = outputs;
        }
        let zeros = |dims: [usize; 2], id: usize| init::param(vec![0.0; dims[0] * dims[1]], dims, id as u64, device);
        Ok(Self {
            slopes: zeros([1, config.segments], filters.len()),
            scales: zeros([inputs, config.levels], filters.len() + 1),
            filters,
            config: config.clone(),
        })
    }

    fn facts(_config: &WcrrConfig) -> Facts {
        Facts {
            channels: 1,
            noise: NoiseInput::Level,
            // Every pixel depends on all of the image.
            receptive_field: 0,
            size_multiple: 1,
            quarters: None,
            periodic: false,
            theory: None,
            theory_needs_f32: true,
            // Training would have to differentiate a fixed point and keep its slopes within bounds.
            trainable: false,
            stretchable: false,
        }
    }

    fn description(config: &WcrrConfig) -> String {
        format!(
            "proximal operator, solved to a tolerance, of learned functions of {} filters of {} layers of {k}x{k}; reads the noise level",
            config.filters.last().copied().unwrap_or(0),
            config.filters.len(),
            k = config.kernel
        )
    }

    /// NaN for images that do not reach the tolerance; [`NetworkKind::solve`] says so.
    fn forward(&self, y: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        match self.descend(y.clone(), sigma) {
            Ok(Solution { x, converged: true, .. }) => x,
            _ => y * f32::NAN,
        }
    }

    fn solve(&self, y: Tensor<4>, sigma: Tensor<1>) -> Option<Result<Tensor<4>, tweedie_imaging::Error>> {
        Some(self.descend(y, sigma).and_then(|solution| match solution.converged {
            true => Ok(solution.x),
            false => Err(tweedie_imaging::Error::NotConverged {
                name: "weakly convex ridge regulariser".to_owned(),
                iterations: ITERATIONS,
                expected: TOLERANCE,
                got: solution.change,
            }),
        }))
    }

    /// With slopes of at least 0 the regulariser is convex whatever W is, so D is firmly nonexpansive (Moreau 1965). With
    /// slopes of at least -r and r ||W||^2 < 1 the problem is strongly convex, and D has the Lipschitz constant
    /// 1 / (1 - r ||W||^2). Zero padding behind every convolution leaves the product of their norms as bound on ||W||;
    /// that of the whole, for which the weights are scaled, holds without borders only.
    fn proven(&self) -> Result<Proven, Error> {
        let [least, _] = slope_range(&self.slopes)?;
        // Beyond the last segment phi is constant.
        let weak = (-least).max(0.0);
        if weak == 0.0 {
            return Ok(Proven {
                proximal: true,
                lipschitz: Some(1.0),
                residual_lipschitz: Some(1.0),
                averaged: Some(0.5),
                ..Proven::default()
            });
        }
        let mut square = 1.0;
        for filter in &self.filters {
            let [cout, cin, side, _] = filter.val().dims();
            let values = host(filter.val())?;
            square *= norm_bound(&Weight {
                values,
                cout,
                cin,
                side,
            })
            .powi(2);
        }
        let strong = 1.0 - weak * square;
        Ok(Proven {
            lipschitz: (strong > 0.0).then(|| 1.0 / strong),
            ..Proven::default()
        })
    }

    fn onnx(_config: &WcrrConfig, _graph: &mut Graph) -> Result<(), &'static str> {
        Err("a ridge regulariser that is solved to a tolerance")
    }
}

/// What an iteration ended with.
struct Solution {
    x: Tensor<4>,
    converged: bool,
    /// The last relative change, of the image that changed most.
    change: f64,
}

impl Wcrr {
    /// Solves for each image of a batch by itself, so that no image depends on the others.
    fn descend(&self, y: Tensor<4>, sigma: Tensor<1>) -> Result<Solution, tweedie_imaging::Error> {
        let (mut images, mut converged, mut change) = (Vec::new(), true, 0.0_f64);
        for (index, y) in y.split(1, 0).into_iter().enumerate() {
            let solution = self.descend_one(y, sigma.clone().narrow(0, index, 1))?;
            images.push(solution.x);
            converged &= solution.converged;
            change = change.max(solution.change);
        }
        Ok(Solution {
            x: Tensor::cat(images, 0),
            converged,
            change,
        })
    }

    fn descend_one(&self, y: Tensor<4>, sigma: Tensor<1>) -> Result<Solution, tweedie_imaging::Error> {
        let scales = self.scales_at(sigma);
        let slopes = self.slopes.val();
        let step = (slopes.clone().max().clamp_min(0.0) + 1.0)
            .recip()
            .reshape([1, 1, 1, 1]);
        let [filters, _] = self.scales.val().dims();
        let slopes = slopes.expand([filters, self.config.segments]);
        let slopes = self.with_flat_end(slopes);
        let gradient = |x: Tensor<4>| (x.clone() - y.clone() + self.gradient(x, &scales, &slopes)) * step.clone();
        let (mut x, mut z, mut t) = (y.clone(), y.clone(), 1.0_f64);
        let mut change = f64::INFINITY;
        for _ in 0..ITERATIONS {
            let direction = gradient(z.clone());
            let next = z - direction.clone();
            let moved = next.clone() - x;
            let [against, length, norm] = numbers([
                (direction * moved.clone()).sum(),
                moved.clone().square().sum(),
                next.clone().square().sum(),
            ])?;
            let faster = 0.5 * (1.0 + (1.0 + 4.0 * t * t).sqrt());
            // A step against the gradient: momentum is lost (O'Donoghue and Candes 2015).
            (z, t) = match against > 0.0 {
                true => (next.clone(), 1.0),
                false => (next.clone() + moved * ((t - 1.0) / faster), faster),
            };
            x = next;
            change = (length / norm.max(f64::MIN_POSITIVE)).sqrt();
            if change < TOLERANCE || length == 0.0 {
                return Ok(Solution {
                    x,
                    converged: true,
                    change,
                });
            }
            if change.is_nan() {
                break;
            }
        }
        Ok(Solution {
            x,
            converged: false,
            change,
        })
    }

    /// grad R(x) = W^T phi(s W x) / s.
    fn gradient(&self, x: Tensor<4>, scales: &Tensor<4>, slopes: &Tensor<2>) -> Tensor<4> {
        let z = self.filters.iter().fold(x, |x, filter| convolve(x, filter.val()));
        // The kernels' splines have segments of one length; phi(t) = r phi_r(t / r).
        let ratio = self.config.range / self.config.segments as f64 / f64::from(SEGMENT);
        let z = Activations::pack(z * scales.clone() / ratio)
            .spline(slopes.clone())
            .unpack();
        let z = z * ratio / scales.clone();
        self.filters
            .iter()
            .rev()
            .fold(z, |z, filter| convolve(z, adjoint(filter.val())))
    }

    /// The slopes, and one of 0 beyond the last segment.
    fn with_flat_end(&self, slopes: Tensor<2>) -> Tensor<2> {
        let [filters, _] = slopes.dims();
        let end = Tensor::zeros([filters, 1], &slopes.device());
        Tensor::cat(vec![slopes, end], 1)
    }

    /// s at a level `[1]`, `[1, filters, 1, 1]`.
    fn scales_at(&self, sigma: Tensor<1>) -> Tensor<4> {
        let WcrrConfig {
            levels, largest_level, ..
        } = self.config;
        let [filters, _] = self.scales.val().dims();
        let level = sigma * 255.0;
        let last = (levels - 1) as f64;
        let place = (level.clone() * (last / largest_level)).clamp(0.0, last);
        // Hat functions at the knots: what a linear spline takes of each.
        let knots: Vec<f32> = (0..levels).map(|knot| knot as f32).collect();
        let knots = Tensor::<1>::from_floats(knots.as_slice(), &place.device());
        let hats = (-(knots - place).abs() + 1.0).clamp_min(0.0);
        let logarithms = (self.scales.val() * hats.reshape([1, levels])).sum_dim(1);
        let scales = logarithms.exp() / (level + LEAST_LEVEL).reshape([1, 1]);
        scales.reshape([1, filters, 1, 1])
    }
}

/// Numbers that the host decides by.
fn numbers<const K: usize>(values: [Tensor<1>; K]) -> Result<[f64; K], tweedie_imaging::Error> {
    let values = values.map(|value| value.without_autodiff().reshape([1]));
    let values = host(Tensor::cat(values.to_vec(), 0))?;
    Ok(std::array::from_fn(|index| values[index].into()))
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;
    use crate::weights::{Values, network_with_weights, weights_from_network};

    /// One filter, the identity times 1/2, and phi with these slopes up to 0.2.
    fn network(slopes: [f32; 2]) -> Wcrr {
        let config = WcrrConfig {
            filters: vec![1],
            kernel: 3,
            segments: 2,
            range: 0.2,
            levels: 3,
            largest_level: 30.0,
        };
        let network = Wcrr::init(&config, 0, &Device::flex()).unwrap();
        let mut weights = weights_from_network(&network).unwrap();
        let mut set = |name: &str, values: Vec<f32>| {
            let dims = weights[name].dims.clone();
            weights.insert(name.to_owned(), Values { dims, values });
        };
        set("filters.0", vec![0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]);
        set("slopes", slopes.to_vec());
        // Scales of exactly 1 at level 15: ln 15.
        set("scales", vec![0.0, 15.0_f32.ln(), 2.0 * 15.0_f32.ln()]);
        network_with_weights(network, &weights)
    }

    fn solved(network: &Wcrr, y: f32) -> f32 {
        let y = Tensor::<4>::full([1, 1, 3, 3], y, &Device::flex());
        let sigma = Tensor::<1>::full([1], 15.0 / 255.0, &Device::flex());
        let x = network.solve(y, sigma).unwrap().unwrap();
        x.narrow(2, 1, 1).narrow(3, 1, 1).into_scalar()
    }

    /// x - y + 1/2 phi(x / 2) = 0. With slopes 4 and 0 up to 0.1 and beyond: 2 x = y while x / 2 <= 0.1, then
    /// x = y - 0.2.
    #[test]
    fn the_proximal_operator_of_known_functions() {
        let network = network([4.0, 0.0]);
        for (y, expected) in [(0.3, 0.15), (-0.3, -0.15), (0.4, 0.2), (1.0, 0.8), (0.0, 0.0)] {
            let x = solved(&network, y);
            assert!((x - expected).abs() < 1e-5, "{y}: {x}");
        }
        let proven = network.proven().unwrap();
        assert_eq!((proven.proximal, proven.averaged), (true, Some(0.5)));
    }

    /// With slopes 2 and -2 (up to 0.1, to 0.2 and beyond): x (1 + 1/2) = y up to x = 0.2; then
    /// x + 1/2 (0.2 - 2 (x/2 - 0.1)) = y, so x / 2 = y - 0.2 up to x = 0.4; then x = y. Expands distances by 2 in between,
    /// as proven: 1 / (1 - 2 / 4).
    #[test]
    fn a_weakly_convex_function_expands_as_far_as_proven() {
        let network = network([2.0, -2.0]);
        for (y, expected) in [(0.15, 0.1), (0.3, 0.2), (0.35, 0.3), (0.4, 0.4), (0.9, 0.9)] {
            let x = solved(&network, y);
            assert!((x - expected).abs() < 1e-4, "{y}: {x}");
        }
        let proven = network.proven().unwrap();
        let lipschitz = proven.lipschitz.unwrap();
        assert!(!proven.proximal && (2.0..2.1).contains(&lipschitz), "{proven:?}");
        // Slopes below -4 leave nothing to prove.
        assert_eq!(self::network([2.0, -4.5]).proven().unwrap(), Proven::default());
    }

    #[test]
    fn every_image_is_solved_by_itself() {
        let network = network([4.0, 0.0]);
        let device = Device::flex();
        let values = gaussian_values(2 * 48, 0.5, 3, 0);
        let y = Tensor::<4>::from_data(TensorData::new(values, [2, 1, 6, 8]), &device);
        let sigma = Tensor::<1>::from_floats([0.05, 0.1], &device);
        let both = network.forward(y.clone(), sigma.clone());
        let second = network.forward(y.narrow(0, 1, 1), sigma.narrow(0, 1, 1));
        both.narrow(0, 1, 1).into_data().assert_eq(&second.into_data(), true);
    }

    #[test]
    fn what_has_no_solution_is_an_error() {
        let network = network([4.0, 0.0]);
        let y = Tensor::<4>::full([1, 1, 3, 3], f32::NAN, &Device::flex());
        let sigma = Tensor::<1>::full([1], 0.1, &Device::flex());
        assert!(network.solve(y, sigma).unwrap().is_err());
    }
}
