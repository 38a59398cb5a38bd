//! Convex ridge regularisers: gradient steps on a sum of learned convex functions of learned filters.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};
use tweedie_imaging::noise::gaussian_values;

use super::filters::{adjoint, convolve};
use super::kind::{Facts, NetworkKind, NoiseInput, require_range};
use crate::Error;
use crate::conv::init;
use crate::files::onnx::graph::Graph;

/// Configuration of [`Crr`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrrConfig {
    /// Filters of the first and of the second convolution.
    pub filters: [usize; 2],
    /// Side of their kernels; odd.
    pub kernel: usize,
    /// Knots of each spline, 2 or more.
    pub knots: usize,
    /// The knots lie evenly from -range to range.
    pub range: f64,
    /// Gradient steps T, 1 or more.
    pub steps: usize,
    /// Weight lambda of the regulariser.
    pub lambda: f64,
    /// Scale mu of its argument.
    pub mu: f64,
    /// Upper bound L on the Lipschitz constant of grad R.
    pub lipschitz: f64,
}

/// T gradient steps for min over x of 1/2 ||x - y||^2 + (lambda / mu) R(mu x), R(x) = sum over i of psi_i((W x)_i), from
/// x = y (Goujon et al. 2023, "A neural-network-based convex regularizer for inverse problems"). For gray images and one
/// noise level.
///
/// W are two convolutions with zero padding. The derivative of psi_i is a linear spline, the same for all pixels of a
/// channel, constant beyond its knots.
#[derive(Module, Debug)]
pub struct Crr {
    /// `[filters[0], 1, kernel, kernel]`
    first: Param<Tensor<4>>,
    /// `[filters[1], filters[0], kernel, kernel]`
    second: Param<Tensor<4>>,
    /// Values at the knots, `[filters[1], knots]`.
    splines: Param<Tensor<2>>,
    #[module(skip)]
    config: CrrConfig,
}

impl NetworkKind for Crr {
    type Config = CrrConfig;

    /// With seeded filters and splines that are zero.
    fn init(config: &CrrConfig, seed: u64, device: &Device) -> Result<Self, Error> {
        let [inner, outer] = config.filters;
        for count in config.filters {
            require_range("architecture.filters", count, 1, 1024)?;
        }
        require_range("architecture.kernel", config.kernel, 1, 31)?;
        require_range("architecture.kernel (odd)", config.kernel % 2, 1, 1)?;
        require_range("architecture.knots", config.knots, 2, 1024)?;
        require_range("architecture.steps", config.steps, 1, 1000)?;
        for (key, value) in [
            ("architecture.range", config.range),
            ("architecture.lambda", config.lambda),
            ("architecture.mu", config.mu),
            ("architecture.lipschitz", config.lipschitz),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::Config {
                    key,
                    expected: "a finite number > 0".to_owned(),
                    got: value.to_string(),
                });
            }
        }
        let side = config.kernel;
        let filter = |dims: [usize; 4], stream: u64| {
            let std = 1.0 / ((dims[1] * side * side) as f64).sqrt();
            init::param(
                gaussian_values(dims.iter().product(), std, seed, stream),
                dims,
                stream,
                device,
            )
        };
        Ok(Crr {
            first: filter([inner, 1, side, side], 0),
            second: filter([outer, inner, side, side], 1),
            splines: init::param(vec![0.0; outer * config.knots], [outer, config.knots], 2, device),
            config: config.clone(),
        })
    }

    fn facts(config: &CrrConfig) -> Facts {
        Facts {
            channels: 1,
            noise: NoiseInput::Blind,
            // Every step reaches through W and W^T.
            receptive_field: config
                .steps
                .saturating_mul(8)
                .saturating_mul(config.kernel / 2)
                .saturating_add(1),
            size_multiple: 1,
            quarters: None,
            periodic: false,
            theory: None,
            theory_needs_f32: false,
            // Training would have to keep its splines rising and its bound L true.
            trainable: false,
            stretchable: false,
        }
    }

    fn description(config: &CrrConfig) -> String {
        format!(
            "{} gradient steps on {} learned convex functions of two layers of {k}x{k} filters; does not read the noise level",
            config.steps,
            config.filters[1],
            k = config.kernel
        )
    }

    fn forward(&self, y: Tensor<4>, _sigma: Tensor<1>) -> Tensor<4> {
        let CrrConfig {
            steps,
            lambda,
            mu,
            lipschitz,
            ..
        } = self.config;
        // The first step is that of the regulariser alone.
        let mut x = y.clone() - self.gradient(y.clone() * mu) * (2.0 / (lipschitz * mu));
        // Below 2 over the Lipschitz constant of the whole gradient.
        let step = (2.0 - 1e-8) / (1.0 + lipschitz * lambda * mu);
        for _ in 1..steps {
            let gradient = x.clone() - y.clone() + self.gradient(x.clone() * mu) * lambda;
            x = x - gradient * step;
        }
        x
    }

    fn onnx(_config: &CrrConfig, _graph: &mut Graph) -> Result<(), &'static str> {
        Err("a ridge regulariser")
    }
}

impl Crr {
    /// grad R(x) = W^T phi(W x).
    fn gradient(&self, x: Tensor<4>) -> Tensor<4> {
        let [first, second] = [self.first.val(), self.second.val()];
        let z = convolve(convolve(x, first.clone()), second.clone());
        let z = self.activation(z);
        convolve(convolve(z, adjoint(second)), adjoint(first))
    }

    /// The splines of all channels.
    fn activation(&self, z: Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = z.dims();
        let CrrConfig { knots, range, .. } = self.config;
        let intervals = knots - 1;
        let last = intervals as f64;
        // In units of the knots' distance, from the first knot on.
        let place = ((z + range) * (last / (2.0 * range))).clamp(0.0, last);
        let interval = place.clone().clamp(0.0, last - 1.0).floor();
        let device = place.device();
        let channels: Vec<i32> = (0..c).map(|channel| (channel * intervals) as i32).collect();
        let channels = Tensor::<1, Int>::from_ints(channels.as_slice(), &device).reshape([1, c, 1, 1]);
        let index = (interval.clone().int() + channels).reshape([n * c * h * w]);
        let splines = self.splines.val();
        let left = splines.clone().narrow(1, 0, intervals);
        let rise = splines.narrow(1, 1, intervals) - left.clone();
        let at = |table: Tensor<2>| {
            table
                .reshape([c * intervals])
                .select(0, index.clone())
                .reshape([n, c, h, w])
        };
        at(left) + at(rise) * (place - interval)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::weights::{Values, network_with_weights, weights_from_network};

    fn config() -> CrrConfig {
        CrrConfig {
            filters: [3, 4],
            kernel: 5,
            knots: 5,
            range: 0.5,
            steps: 3,
            lambda: 2.0,
            mu: 1.5,
            lipschitz: 10.0,
        }
    }

    /// With splines of these values at the knots, for every channel.
    fn network(values: [f32; 5]) -> Crr {
        let network = Crr::init(&config(), 1, &Device::flex()).unwrap();
        let mut weights = weights_from_network(&network).unwrap();
        let dims = vec![4, 5];
        let values = values.repeat(4);
        weights.insert("splines".to_owned(), Values { dims, values });
        network_with_weights(network, &weights)
    }

    fn normal(dims: [usize; 4], std: f64, stream: u64) -> Tensor<4> {
        let values = gaussian_values(dims.iter().product(), std, 7, stream);
        Tensor::from_data(TensorData::new(values, dims), &Device::flex())
    }

    #[test]
    fn splines_are_linear_between_knots_and_constant_beyond() {
        let network = network([-2.0, -1.0, 0.0, 0.5, 3.0]);
        let z = [-9.0, -0.5, -0.375, 0.0, 0.125, 0.4, 0.5, 0.6];
        let expected = [-2.0, -2.0, -1.5, 0.0, 0.25, 2.0, 3.0, 3.0];
        let z = Tensor::<1>::from_floats(z, &Device::flex())
            .reshape([1, 1, 2, 4])
            .expand([1, 4, 2, 4]);
        let values: Vec<f32> = network.activation(z).into_data().try_into_vec().unwrap();
        for (index, value) in values.into_iter().enumerate() {
            assert!((value - expected[index % 8]).abs() < 1e-6, "{index}: {value}");
        }
    }

    /// <W x, z> = <x, W^T z>, up to the rounding of sums of some hundred terms.
    #[test]
    fn the_transposed_convolution_is_the_adjoint() {
        let network = network([0.0; 5]);
        let (x, z) = (normal([1, 1, 7, 6], 1.0, 1), normal([1, 4, 7, 6], 1.0, 2));
        let [first, second] = [network.first.val(), network.second.val()];
        let wx = convolve(convolve(x.clone(), first.clone()), second.clone());
        let wz = convolve(convolve(z.clone(), adjoint(second)), adjoint(first));
        let (a, b): (f32, f32) = ((wx * z).sum().into_scalar(), (x * wz).sum().into_scalar());
        assert!((a - b).abs() < 1e-4 * a.abs().max(1.0), "{a} and {b}");
    }

    #[test]
    fn without_a_regulariser_nothing_changes() {
        let network = network([0.0; 5]);
        let y = normal([2, 1, 5, 8], 1.0, 3);
        let sigma = Tensor::<1>::full([2], 0.1, &Device::flex());
        network
            .forward(y.clone(), sigma)
            .into_data()
            .assert_eq(&y.into_data(), true);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let device = Device::flex();
        for wrong in [
            CrrConfig { kernel: 4, ..config() },
            CrrConfig { knots: 1, ..config() },
            CrrConfig { steps: 0, ..config() },
            CrrConfig { mu: 0.0, ..config() },
            CrrConfig {
                lipschitz: f64::NAN,
                ..config()
            },
        ] {
            assert!(Crr::init(&wrong, 1, &device).is_err(), "{wrong:?}");
        }
    }
}
