//! Which theorems a denoiser may use, as far as construction and measurements can say.

use serde::Serialize;

use super::condition::{Condition, Evidence};
use super::known::Known;
use super::level::LevelMeasures;

/// A theorem with its conditions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Theorem {
    /// What it says. l is the data fidelity, L a Lipschitz constant of its gradient.
    pub name: &'static str,
    /// The paper.
    pub source: &'static str,
    /// Its conditions on the denoiser.
    pub conditions: Vec<Condition>,
    /// What it asks besides of the data fidelity and the run, which a certificate of a denoiser knows nothing of.
    pub asks: &'static str,
}

/// The theorems of RED, RED-PRO and plug-and-play, with what is known of their conditions on the denoiser: by construction,
/// and by the measures of all levels.
pub fn verdict(levels: &[LevelMeasures], known: Known) -> Vec<Theorem> {
    let d = Evidence { levels, known };
    vec![
        // grad [x^T x - x^T D(x)] / 2 = x - [D(x) + J^T x] / 2, and J^T x = J x = D(x).
        Theorem {
            name: "RED: the gradient of 1/2 x^T (x - D(x)) is x - D(x)",
            source: "Romano, Elad, Milanfar 2017; Reehorst, Schniter 2018",
            conditions: vec![d.differentiable(), d.homogeneous(), d.symmetric()],
            asks: "nothing; the conditions at x give the gradient at x",
        },
        // grad l is 1/L-cocoercive and I - D 1/2-cocoercive, so that one step is averaged.
        Theorem {
            name: "RED-GD, RED-PG and RED-DPG converge to a solution of grad l(x) + alpha (x - D(x)) = 0, if there is one",
            source: "Reehorst, Schniter 2018; Bauschke, Combettes 2017 (forward-backward splitting)",
            conditions: vec![d.nonexpansive()],
            asks: "l convex; a constant level; RED-GD: grad l Lipschitz, step below 2/(L + 2 alpha); RED-PG: step below 1; \
                   RED-DPG: step_start and step_end below 1",
        },
        Theorem {
            name: "PnP-PGD, PnP-HQS and RED-FP converge to a fixed point, if there is one",
            source: "Sun, Wohlberg, Kamilov 2019; Hertrich, Neumayer, Steidl 2021; compositions of averaged maps: \
                     Combettes, Yamada 2015",
            conditions: vec![d.averaged()],
            asks: "l convex; a constant level; PnP-PGD: grad l Lipschitz, step below 2/L",
        },
        // One step is the mean of I and of (2 D - I)(2 prox - I), or of both in the other order.
        Theorem {
            name: "PnP-ADMM and PnP-DRS converge to a fixed point, if there is one",
            source: "Lions, Mercier 1979; Eckstein, Bertsekas 1992, with D in place of a resolvent",
            conditions: vec![d.firmly_nonexpansive()],
            asks: "l convex; a constant level; PnP-DRS: relaxation between 0 and 2",
        },
        Theorem {
            name: "D is the proximal operator of a convex function phi: PnP-ADMM and PnP-DRS minimise l + rho phi, PnP-PGD and \
                   PnP-FISTA l + phi/step, if there is a minimiser",
            source: "Moreau 1965; Sreehari et al. 2016; Beck, Teboulle 2009",
            conditions: vec![d.firmly_nonexpansive(), d.symmetric()],
            asks: "l convex; a constant level; PnP-DRS: relaxation between 0 and 2; PnP-PGD: grad l Lipschitz, step below 2/L; \
                   PnP-FISTA: step at most 1/L, then the objective converges",
        },
        Theorem {
            name: "PnP-ADMM, PnP-DRS and PnP-PGD converge geometrically to their only fixed point, for strongly convex l",
            source: "Ryu, Liu, Wang, Chen, Wang, Yin 2019, theorems 1 and 2 and corollary 3",
            conditions: vec![d.contractive_residual()],
            asks: "l - m/2 ||x||^2 convex with m > 0 (for l = 1/2 ||Ax - y||^2: the least eigenvalue of A^T A, which is 0 where \
                   pixels or frequencies are missing); a constant level; PnP-ADMM and PnP-DRS: rho below \
                   m (1 + e - 2 e^2)/e, relaxation at most 1; PnP-PGD: e below 2 m/(L - m), step between e/((1 + e) m) and \
                   (2 + e)/((1 + e) L)",
        },
        Theorem {
            name: "RED-PRO: bounded iterates approach the set of minimisers of l over the fixed points of D",
            source: "Cohen, Elad, Milanfar 2021; Yamada, Ogura 2004",
            conditions: vec![d.demicontractive()],
            asks: "l convex with a Lipschitz gradient; D continuous, with a fixed point; a constant level; relaxation below 1 - d; \
                   0 < decay <= 1; step such that the iterates stay bounded",
        },
        Theorem {
            name: "GS-PnP: the energy l + alpha g falls in every iteration, and limit points of bounded iterates are stationary",
            source: "Hurault, Leclaire, Papadakis 2022a",
            conditions: vec![d.potential(), d.regular_potential()],
            asks: "l convex and bounded below; a constant level",
        },
        Theorem {
            name: "Prox-PnP: D is the proximal operator of a weakly convex function phi, l + phi/step falls in every iteration, \
                   and limit points of bounded iterates are stationary",
            source: "Hurault, Leclaire, Papadakis 2022b",
            conditions: vec![d.potential(), d.regular_potential(), d.contractive_residual()],
            asks: "l bounded below, grad l Lipschitz; a constant level; step at most 1/L; with a relaxation w in place of D - I \
                   only w (D - I) has to be a contraction, and phi is that of (1 - w) I + w D",
        },
    ]
}
