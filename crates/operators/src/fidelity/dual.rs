//! Proximal steps through an operator, by their dual problem.

use tweedie_imaging::Image;

use crate::host::{dot_per_image, norm_sq_per_image};
use crate::{Error, InnerSolve, LinearOperator};

/// Most iterations of one proximal step.
const ITERATIONS: u32 = 500;

/// The step ends when [`IN_A_ROW`] iterations change no image of the batch by more than this share of its norm. Single small steps occur
/// at restarts.
const TOLERANCE: f64 = 1e-6;

/// So many small steps in a row end it.
const IN_A_ROW: u32 = 3;

/// argmin_x f(A x) + 1/(2 gamma) ||x - z||^2, where `prox(v, weight)` = argmin_u weight f(u) + 1/2 ||u - v||^2.
///
/// With x(p) = z - gamma A^T p the dual problem is min_p f*(p) - <p, A z> + gamma/2 ||A^T p||^2, whose smooth part has the
/// gradient -A x(p), of Lipschitz constant gamma ||A||^2. It is solved by FISTA with restarts; the prox of f* comes from that of f
/// by Moreau's identity, prox_{t f*}(v) = v - t prox_{f/t}(v / t).
///
/// Beck and Teboulle, *A fast dual proximal gradient algorithm for convex minimization and applications*, 2014; restarts: O'Donoghue
/// and Candes, *Adaptive restart for accelerated gradient schemes*, 2015.
pub(super) fn prox_by_dual(
    operator: &dyn LinearOperator,
    z: Image,
    gamma: f64,
    prox: impl Fn(Image, f64) -> Result<Image, Error>,
) -> Result<(Image, InnerSolve), Error> {
    let step = 1.0 / (gamma * operator.norm_sq());
    let primal = |p: &Image| -> Result<Image, Error> { Ok(z.clone() - operator.adjoint(p.clone())? * gamma as f32) };
    let mut p = operator.apply(z.clone())?.zeros_like();
    let mut ahead = p.clone();
    let mut x = z.clone();
    let (mut t, mut change, mut small) = (1.0f64, f64::INFINITY, 0);
    for iteration in 1..=ITERATIONS {
        let v = ahead.clone() + operator.apply(primal(&ahead)?)? * step as f32;
        let inner = prox(v.clone() / step as f32, 1.0 / step)?;
        let next = v - inner * step as f32;
        let moved = next.clone() - p.clone();
        // The momentum points uphill: begin again.
        let uphill: f64 = dot_per_image(&(ahead.clone() - next.clone()), &moved)?.iter().sum();
        if uphill > 0.0 {
            t = 1.0;
        }
        let following = (1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0;
        ahead = next.clone() + moved * ((t - 1.0) / following) as f32;
        t = following;
        p = next;
        let last = std::mem::replace(&mut x, primal(&p)?);
        let (steps, norms) = (norm_sq_per_image(&(x.clone() - last))?, norm_sq_per_image(&x)?);
        change = steps
            .iter()
            .zip(&norms)
            .map(|(step, norm)| (step / norm.max(f64::MIN_POSITIVE)).sqrt())
            .fold(0.0, f64::max);
        small = if change <= TOLERANCE { small + 1 } else { 0 };
        if small == IN_A_ROW {
            let solve = InnerSolve::Iterative {
                iterations: iteration,
                relative_residual: change,
                converged: true,
            };
            return Ok((x, solve));
        }
    }
    let solve = InnerSolve::Iterative {
        iterations: ITERATIONS,
        relative_residual: change,
        converged: false,
    };
    Ok((x, solve))
}
