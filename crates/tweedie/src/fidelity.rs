//! What `--fidelity` takes: the data term.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tweedie_operators::{DataFidelity, L1, L2, L2Ball, NoiseModel, Poisson, Scaled};

use crate::Result;
use crate::error::usage;
use crate::measurement::{Measurement, Weighted};

/// A data term l(x, y).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// 1/2 ||A x - y||^2, weighted where the noise varies: for Gaussian noise.
    #[default]
    L2,
    /// The likelihood of photon counts; needs `--noise poisson-gaussian:...` with a gain.
    Poisson,
    /// ||A x - y||_1: for impulses and other outliers.
    L1,
    /// The constraint ||A x - y|| <= s sqrt(m): for Gaussian noise whose level is known.
    Ball,
}

impl Fidelity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::L2, Self::Poisson, Self::L1, Self::Ball];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::Poisson => "poisson",
            Self::L1 => "l1",
            Self::Ball => "ball",
        }
    }

    /// The data term of a measurement, on the scale of 1/2 ||A x - y||^2: s^2 times the negative logarithm of the likelihood, s the noise
    /// level.
    ///
    /// * `poisson`: the electronic noise counts as further photons, y + sigma^2/gain ~ Poisson (Snyder, Helstrom, Lanterman, Faisal
    ///   and White 1995), so that sigma^2/gain is the background; values below 0 then count as 0.
    /// * `l1`: Laplace noise of standard deviation s, sqrt(2) s ||A x - y||_1.
    /// * `ball`: the radius is s sqrt(m) for m measured values.
    ///
    /// # Errors
    /// A usage error where the noise does not suit the term.
    pub fn build(self, measurement: &Measurement, weighted: &Weighted) -> Result<Arc<dyn DataFidelity>> {
        let level = weighted.level.value();
        let (operator, y) = (Arc::clone(&measurement.operator), measurement.y.clone());
        let needs_noise = |what: &str| usage(format!("--fidelity {self}: expected --noise {what}"));
        Ok(match self {
            Self::L2 => Arc::new(L2::new(Arc::clone(&weighted.operator), weighted.y.clone())?),
            Self::Ball if level == 0.0 => return Err(needs_noise("above 0")),
            Self::Ball => {
                let radius = level * (measurement.measured_values() as f64).sqrt();
                Arc::new(L2Ball::new(Arc::clone(&weighted.operator), weighted.y.clone(), radius)?)
            }
            Self::L1 if level == 0.0 => {
                return Err(needs_noise("above 0, the standard deviation of what is not an outlier"));
            }
            Self::L1 => {
                let l1 = L1::new(Arc::clone(&weighted.operator), weighted.y.clone())?;
                Arc::new(Scaled::new(Arc::new(l1), 2f64.sqrt() * level)?)
            }
            Self::Poisson => {
                let NoiseModel::PoissonGaussian(law) = &measurement.task.noise_model.model else {
                    return Err(needs_noise("poisson-gaussian:GAIN,SIGMA or poisson-gaussian:auto"));
                };
                if law.gain() == 0.0 {
                    return Err(needs_noise("poisson-gaussian with a gain above 0"));
                }
                let background = law.sigma().powi(2) / law.gain();
                // Where nothing is measured there is no background either, and its term is a constant.
                let counts = (y + background as f32).clamp_min(0.0);
                let poisson = Poisson::new(operator, counts, 1.0 / law.gain(), background)?;
                Arc::new(Scaled::new(Arc::new(poisson), level * level)?)
            }
        })
    }
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fidelity {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|fidelity| fidelity.name() == name);
        found.ok_or_else(|| format!("expected one of {}, got '{name}'", known()))
    }
}
