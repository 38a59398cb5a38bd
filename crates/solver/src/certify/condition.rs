//! Conditions on a denoiser, with what measurements and construction say of them.

use std::cmp::Ordering;

use serde::Serialize;

use super::known::Known;
use super::level::LevelMeasures;

/// What is known about a condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status", content = "evidence")]
pub enum Status {
    /// It follows from how the denoiser is built.
    Proven(String),
    /// No sample violated it. This is no proof.
    Measured(String),
    /// A sample violated it.
    Fails(String),
    /// It was not measured, or the measurement allows no judgement: no finite number, no convergence, no fixed point.
    NotDecided(String),
}

impl Status {
    /// What is known where both must hold.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (fails @ Self::Fails(_), _) | (_, fails @ Self::Fails(_)) => fails,
            (open @ Self::NotDecided(_), _) | (_, open @ Self::NotDecided(_)) => open,
            (Self::Measured(a), Self::Measured(b)) => Self::Measured(format!("{a}; {b}")),
            (measured @ Self::Measured(_), Self::Proven(_)) | (Self::Proven(_), measured) => measured,
        }
    }
}

/// A condition of a theorem.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// The condition.
    pub statement: &'static str,
    /// What is known about it.
    #[serde(flatten)]
    pub status: Status,
}

/// Squared relative errors up to this are f32 rounding.
const ROUNDING_SQ: f64 = 1e-9;

/// Relative errors of a central difference up to this are its own: a kink within the step, f32 rounding.
const DIFFERENCE: f64 = 0.05;

/// Norms may be this much above their limit: f32 rounding of Jacobians.
const NORM_ROUNDING: f64 = 1e-6;

/// A point p counts as fixed where ||D(p) - p|| is at most this share of ||p||: at a level of 25 grey levels half a percent
/// of what a denoising removes.
const FIXED_POINT: f64 = 1e-3;

/// What a measure rests on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// Values of D alone.
    Values,
    /// Norms and eigenvalues by an iteration, lower bounds until it converges: enough to refute, not to confirm.
    Iteration,
    /// Points that D keeps: without them it says nothing.
    FixedPoints,
}

impl Basis {
    /// Why a level's measure of this kind cannot confirm a condition, if it cannot.
    fn objection(self, level: &LevelMeasures) -> Option<String> {
        let error = level.fixed_point_error.max;
        match self {
            Self::Iteration if !level.converged => Some(
                "the iteration for norms and eigenvalues did not converge, so that they are lower bounds".to_owned(),
            ),
            // Also for an error that is not a number.
            Self::FixedPoints if !matches!(error.partial_cmp(&FIXED_POINT), Some(Ordering::Less | Ordering::Equal)) => {
                Some(format!(
                    "no fixed point p was found to compare with, ||D(p) - p|| / ||p|| is {error:.1e}"
                ))
            }
            _ => None,
        }
    }

    /// Whether a level's measure of this kind can refute a condition.
    fn can_refute(self, level: &LevelMeasures) -> bool {
        self != Self::FixedPoints || self.objection(level).is_none()
    }
}

/// A measure with its limit.
struct Measure {
    of: fn(&LevelMeasures) -> f64,
    basis: Basis,
    limit: f64,
    what: &'static str,
}

impl Measure {
    /// What the levels say: a violation where one is found, else open where one of them allows no judgement.
    fn status(&self, levels: &[LevelMeasures]) -> Status {
        let Self { of, basis, limit, what } = self;
        let largest = |levels: &mut dyn Iterator<Item = &LevelMeasures>| {
            levels
                .map(|level| (of(level), level.sigma))
                .filter(|(value, _)| value.is_finite())
                .max_by(|a, b| a.0.total_cmp(&b.0))
        };
        let refuting = largest(&mut levels.iter().filter(|level| basis.can_refute(level)));
        if let Some((value, sigma)) = refuting.filter(|(value, _)| value > limit) {
            return Status::Fails(format!("{what} is {value:.3e} at {sigma}"));
        }
        for level in levels {
            if !of(level).is_finite() {
                return Status::NotDecided(format!("{what} is no finite number at {}", level.sigma));
            }
            if let Some(objection) = basis.objection(level) {
                return Status::NotDecided(format!("{objection} at {}", level.sigma));
            }
        }
        match largest(&mut levels.iter()) {
            None => Status::NotDecided("no level was measured".to_owned()),
            Some((value, sigma)) => Status::Measured(format!("{what} is at most {value:.3e}, at {sigma}")),
        }
    }
}

/// What is known about a denoiser: by construction, and by measures of some noise levels.
#[derive(Clone, Copy)]
pub(super) struct Evidence<'a> {
    pub(super) levels: &'a [LevelMeasures],
    pub(super) known: Known,
}

impl Evidence<'_> {
    fn measured(&self, of: fn(&LevelMeasures) -> f64, basis: Basis, limit: f64, what: &'static str) -> Status {
        let measure = Measure { of, basis, limit, what };
        measure.status(self.levels)
    }

    pub(super) fn differentiable(&self) -> Condition {
        let of = |level: &LevelMeasures| level.differentiability.max;
        let smooth = self.measured(of, Basis::Values, DIFFERENCE, "the error of its derivative");
        let status = match (self.known.kinks, smooth) {
            (None, smooth) => smooth,
            (Some(kinks), Status::Measured(figure) | Status::Fails(figure)) => {
                Status::Fails(format!("{kinks}; {figure}"))
            }
            (Some(kinks), _) => Status::Fails(kinks.to_owned()),
        };
        Condition {
            statement: "D is differentiable",
            status,
        }
    }

    pub(super) fn homogeneous(&self) -> Condition {
        let of = |level: &LevelMeasures| level.homogeneity_2.max;
        Condition {
            statement: "D is locally homogeneous, J x = D(x)",
            status: self.measured(of, Basis::Values, ROUNDING_SQ, "||J x - D(x)||^2 / ||D(x)||^2"),
        }
    }

    pub(super) fn symmetric(&self) -> Condition {
        let of = |level: &LevelMeasures| level.jacobian_asymmetry.max;
        Condition {
            statement: "the Jacobian is symmetric",
            status: match self.known.symmetric() {
                Some(why) => Status::Proven(why),
                None => self.measured(of, Basis::Values, ROUNDING_SQ, "||J - J^T||_F^2 / ||J||_F^2"),
            },
        }
    }

    pub(super) fn nonexpansive(&self) -> Condition {
        Condition {
            statement: "D is nonexpansive",
            status: match self.known.nonexpansive() {
                Some(why) => Status::Proven(why),
                None => self.measured_nonexpansive(),
            },
        }
    }

    fn measured_nonexpansive(&self) -> Status {
        let limit = 1.0 + NORM_ROUNDING;
        let pairs = self.measured(
            |level| level.expansion.max,
            Basis::Values,
            limit,
            "||D(x) - D(z)|| / ||x - z||",
        );
        self.measured(|level| level.spectral_norm_j.max, Basis::Iteration, limit, "||J||")
            .and(pairs)
    }

    /// No measure confirms it but that of a firmly nonexpansive D; a D that is not nonexpansive refutes it.
    pub(super) fn averaged(&self) -> Condition {
        let status = match (self.known.averaged(), self.firmly_nonexpansive().status) {
            (Some(why), _) => Status::Proven(why),
            (None, firm @ Status::Measured(_)) => firm,
            (None, _) => match self.measured_nonexpansive() {
                expansive @ Status::Fails(_) => expansive,
                _ => Status::NotDecided("no measure is taken of it".to_owned()),
            },
        };
        Condition {
            statement: "D is averaged, D = (1 - a) I + a N with a < 1 and N nonexpansive",
            status,
        }
    }

    pub(super) fn firmly_nonexpansive(&self) -> Condition {
        let of = |level: &LevelMeasures| level.spectral_norm_reflection.max;
        Condition {
            statement: "D is firmly nonexpansive, that is averaged with a = 1/2",
            status: match self.known.firmly_nonexpansive() {
                Some(why) => Status::Proven(why),
                None => self
                    .measured(of, Basis::Iteration, 1.0 + NORM_ROUNDING, "||2 J - I||")
                    .and(self.measured_nonexpansive()),
            },
        }
    }

    pub(super) fn contractive_residual(&self) -> Condition {
        let of = |level: &LevelMeasures| level.spectral_norm_residual.max;
        Condition {
            statement: "D - I is a contraction, with a Lipschitz constant e < 1",
            status: match self.known.contractive_residual() {
                Some(why) => Status::Proven(why),
                None => self.measured(of, Basis::Iteration, 1.0 - NORM_ROUNDING, "||J - I||"),
            },
        }
    }

    pub(super) fn demicontractive(&self) -> Condition {
        let of = |level: &LevelMeasures| level.demicontractivity.max;
        Condition {
            statement: "D is demicontractive with d < 1 about its fixed points",
            status: match self.known.nonexpansive() {
                Some(why) => Status::Proven(format!("with d = 0: {why}")),
                None => self.measured(of, Basis::FixedPoints, 1.0 - NORM_ROUNDING, "the least d"),
            },
        }
    }

    pub(super) fn potential(&self) -> Condition {
        Condition {
            statement: "D = x - grad g with g known",
            status: match self.known.gradient_step {
                true => Status::Proven("by construction".to_owned()),
                false => Status::Fails("the denoiser has no potential".to_owned()),
            },
        }
    }

    pub(super) fn regular_potential(&self) -> Condition {
        Condition {
            statement: "g is bounded below and its gradient locally Lipschitz continuous",
            status: match (self.known.gradient_step, self.known.regular_potential) {
                (true, true) => Status::Proven("by construction".to_owned()),
                (true, false) => Status::NotDecided("nothing is known of it".to_owned()),
                (false, _) => Status::Fails("the denoiser has no potential".to_owned()),
            },
        }
    }
}
