//! The RED energy of a gradient-step denoiser, and descent on it with backtracking.

use std::sync::Arc;

use tweedie_imaging::{GradientDenoiser, Image};

use crate::measure::{entries, norms_sq};
use crate::weighted::Weighted;
use crate::{Error, StepStats, Work};

/// Backtracking gives up after this many trials: 0.9^400 of a step moves no f32 image.
const MAX_TRIALS: u32 = 400;

/// A step that had to become this much shorter in one iteration, and then does no more than move the energy by less than
/// can be seen, lowers nothing: steps of a direction of descent show their decrease before.
const VANISHING: f64 = 1e-3;

/// When a trial step is taken, and how it is shortened otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backtracking {
    /// F(x) - F(x_next) must be at least decrease/step ||x_next - x||^2.
    pub(crate) decrease: f64,
    /// The next trial's step is this times the last one's.
    pub(crate) shrink: f64,
}

/// F and grad g at a point.
struct EnergyPoint {
    value: f64,
    penalty: Image,
}

/// Descent on F(x) = l(x, y) + alpha_k g(x, sigma_k), D = x - grad g.
pub(crate) struct Descent<'a> {
    weighted: &'a Weighted,
    denoiser: &'a Arc<dyn GradientDenoiser>,
    rule: Backtracking,
    x: Image,
    /// F and grad g at x, with the iteration whose level they belong to.
    current: Option<(u32, EnergyPoint)>,
    /// The accepted step in units of the algorithm's own; it never grows again.
    factor: f64,
}

impl<'a> Descent<'a> {
    pub(crate) fn new(
        weighted: &'a Weighted,
        denoiser: &'a Arc<dyn GradientDenoiser>,
        rule: Backtracking,
        x0: Image,
    ) -> Self {
        Self {
            weighted,
            denoiser,
            rule,
            x: x0,
            current: None,
            factor: 1.0,
        }
    }

    /// The iterate.
    pub(crate) fn x(&self) -> &Image {
        &self.x
    }

    /// Takes a step from x, the longest that the rule accepts, starting at `step`; `trial` maps x, grad g(x) and a step to
    /// a candidate. Where no step lowers the energy, x stays and the statistics say so.
    pub(crate) fn step(
        &mut self,
        k: u32,
        step: f64,
        trial: impl Fn(&Image, &Image, f64) -> Result<(Image, Work), Error>,
    ) -> Result<StepStats, Error> {
        let mut work = Work::default();
        let sigma = self.weighted.sigma(k)?;
        let kept = self
            .current
            .take()
            .filter(|(at, _)| self.weighted.sigma(*at).is_ok_and(|s| s == sigma));
        let point = match kept {
            Some((_, point)) => point,
            None => {
                work += Work::DENOISER_CALL;
                self.evaluate(&self.x, k)?
            }
        };
        let first = self.factor;
        let mut trials = 0;
        loop {
            trials += 1;
            let step = step * self.factor;
            let (next, cost) = trial(&self.x, &point.penalty, step)?;
            let candidate = self.evaluate(&next, k)?;
            work += cost + Work::DENOISER_CALL;
            let moved = next.clone() - self.x.clone();
            let norms = norms_sq(&[&moved, &self.x, &next])?;
            let limit = point.value - self.rule.decrease / step * norms[0];
            // F sums f32 numbers and is known to 1e-6 of itself: a decrease below that cannot be seen, nor asked for.
            let visible = 1e-6 * point.value.abs();
            let lowered = candidate.value <= limit;
            // An energy that is no number is for the rule of divergence to find.
            let accepted = candidate.value <= limit + visible || !point.value.is_finite();
            let stalled = !lowered && (trials == MAX_TRIALS || accepted && self.factor < VANISHING * first);
            if !accepted && !stalled {
                self.factor *= self.rule.shrink;
                continue;
            }
            let stats = StepStats {
                fixed_point_residual: (norms[0] / entries(&moved)).sqrt(),
                rel_change: (norms[1] > 0.0).then(|| (norms[0] / norms[1]).sqrt()),
                estimate_rms: (norms[2] / entries(&moved)).sqrt(),
                objective: Some(if stalled { point.value } else { candidate.value }),
                stalled,
                sigma,
                work,
            };
            if stalled {
                self.current = Some((k, point));
            } else {
                self.x = next;
                self.current = Some((k, candidate));
            }
            return Ok(stats);
        }
    }

    fn evaluate(&self, x: &Image, k: u32) -> Result<EnergyPoint, Error> {
        let (potential, penalty) = self.denoiser.potential(x.clone(), self.weighted.sigma(k)?)?;
        let data = self.weighted.problem.fidelity.value(x.clone())?;
        let value = data.iter().sum::<f64>() + self.weighted.weight(k) * potential.iter().sum::<f64>();
        Ok(EnergyPoint { value, penalty })
    }
}
