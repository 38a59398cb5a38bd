//! Which theorems a denoiser may use, as far as measurements can say.

use serde::Serialize;

use super::LevelMeasures;

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
    /// Nothing was found out.
    Unknown(String),
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

/// A theorem with its conditions on the denoiser.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Theorem {
    /// What it says.
    pub name: &'static str,
    /// The paper.
    pub source: &'static str,
    /// Its conditions on the denoiser.
    pub conditions: Vec<Condition>,
}

/// What is known about a denoiser from how it is built.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// D = x - grad g by construction.
    pub gradient_step: bool,
    /// The convex function whose proximal operator D is: J is then symmetric, D nonexpansive and I - D monotone.
    pub proximal: Option<&'static str>,
    /// What gives D kinks, so that it is differentiable almost everywhere only.
    pub kinks: Option<&'static str>,
    /// A Lipschitz constant of D that follows from the weights.
    pub lipschitz: Option<f64>,
    /// A Lipschitz constant of D - I that follows from the weights.
    pub residual_lipschitz: Option<f64>,
    /// An alpha < 1 for which D = (1 - alpha) I + alpha N with a nonexpansive N, by its weights.
    pub averaged: Option<f64>,
}

/// Squared relative errors up to this are f32 rounding.
const ROUNDING_SQ: f64 = 1e-9;

/// Relative errors of a central difference up to this are its own: a kink within the step, f32 rounding.
const DIFFERENCE: f64 = 0.05;

/// The theorems of RED, RED-PRO and plug-and-play with what the measures of all levels say about their conditions.
pub fn verdict(levels: &[LevelMeasures], known: Known) -> Vec<Theorem> {
    let worst = |of: fn(&LevelMeasures) -> f64| {
        levels
            .iter()
            .map(|level| (of(level), level.sigma))
            .max_by(|a, b| a.0.total_cmp(&b.0))
    };
    // Measured against a limit; `counter` says what was found.
    let measured = |statement, of: fn(&LevelMeasures) -> f64, limit: f64, what: &str| {
        let status = match worst(of) {
            None => Status::Unknown("no level was measured".to_owned()),
            Some((value, sigma)) if value.is_nan() => Status::Unknown(format!("{what} is not a number at {sigma}")),
            Some((value, sigma)) if value > limit => Status::Fails(format!("{what} is {value:.3e} at {sigma}")),
            Some((value, sigma)) => Status::Measured(format!("{what} is at most {value:.3e}, at {sigma}")),
        };
        Condition { statement, status }
    };

    let by_prox = |statement| {
        known.proximal.map(|function| Condition {
            statement,
            status: Status::Proven(format!("D is the proximal operator of {function}")),
        })
    };
    // A nonexpansive D is demicontractive with d = 0 about its fixed points, and I - D is monotone.
    let by_weights = |statement| {
        known.lipschitz.filter(|&bound| bound <= 1.0).map(|bound| Condition {
            statement,
            status: Status::Proven(format!("its weights bound its Lipschitz constant by {bound}")),
        })
    };
    let statement = "D is averaged";
    let averaged = by_prox(statement).unwrap_or(Condition {
        statement,
        status: match known.averaged {
            Some(alpha) => Status::Proven(format!("its weights prove it with alpha = {alpha:.4}")),
            None => Status::Unknown("it is not measured".to_owned()),
        },
    });
    let symmetric = match (known.gradient_step, by_prox("the Jacobian is symmetric")) {
        (true, _) => Condition {
            statement: "the Jacobian is symmetric",
            status: Status::Proven("D = x - grad g by construction".to_owned()),
        },
        (false, Some(proven)) => proven,
        (false, None) => measured(
            "the Jacobian is symmetric",
            |m| m.jacobian_asymmetry.max,
            ROUNDING_SQ,
            "asymmetry",
        ),
    };
    let smooth = measured(
        "D is differentiable",
        |m| m.differentiability.max,
        DIFFERENCE,
        "the error of its derivative",
    );
    let differentiable = match known.kinks {
        None => smooth,
        Some(kinks) => Condition {
            statement: smooth.statement,
            status: Status::Fails(match worst(|m| m.differentiability.max) {
                None => kinks.to_owned(),
                Some((value, sigma)) => format!("{kinks}; the error of its derivative is {value:.3e} at {sigma}"),
            }),
        },
    };
    let homogeneous = measured(
        "D is locally homogeneous, J x = D(x)",
        |m| m.homogeneity_2.max,
        ROUNDING_SQ,
        "homogeneity_2",
    );
    let passive = measured(
        "D is passive, ||D(x)|| <= ||x||",
        |m| m.passivity.max,
        1.0 + 1e-6,
        "||D(x)|| / ||x||",
    );
    let statement = "D is nonexpansive";
    let nonexpansive = by_prox(statement).or(by_weights(statement)).unwrap_or_else(|| {
        measured(
            statement,
            |m| m.spectral_norm_j.max.max(m.expansion.max),
            1.0 + 1e-6,
            "||J|| or ||D(x) - D(z)|| / ||x - z||",
        )
    });
    let contractive_residual = match known.residual_lipschitz.filter(|&bound| bound < 1.0) {
        Some(bound) => Condition {
            statement: "D - I is a contraction",
            status: Status::Proven(format!("its weights bound its Lipschitz constant by {bound}")),
        },
        None => measured(
            "D - I is a contraction",
            |m| m.spectral_norm_residual.max,
            1.0 - 1e-6,
            "||J - I||",
        ),
    };
    let statement = "D is demicontractive with d < 1";
    let demicontractive = by_weights(statement)
        .unwrap_or_else(|| measured(statement, |m| m.demicontractivity.max, 1.0 - 1e-6, "the least d"));
    let statement = "I - D is monotone";
    let monotone = by_prox(statement).or(by_weights(statement)).unwrap_or_else(|| {
        measured(
            statement,
            |m| m.symmetric_part_max.max,
            1.0 + 1e-6,
            "the largest eigenvalue of (J + J^T)/2",
        )
    });
    let gradient = Condition {
        statement: "D = x - grad g with g known",
        status: match known.gradient_step {
            true => Status::Proven("by construction".to_owned()),
            false => Status::Fails("the denoiser has no potential".to_owned()),
        },
    };
    vec![
        Theorem {
            name: "RED: x - D(x) is the gradient of 1/2 x^T (x - D(x))",
            source: "Romano, Elad, Milanfar 2017; Reehorst, Schniter 2018",
            conditions: vec![differentiable, homogeneous, symmetric.clone(), passive],
        },
        Theorem {
            name: "RED as a monotone equation: RED-GD, RED-PG and RED-FP converge for convex l",
            source: "Reehorst, Schniter 2018 (nonexpansive D)",
            conditions: vec![nonexpansive.clone(), monotone],
        },
        Theorem {
            name: "RED-PRO: hybrid steepest descent converges to the minimiser of l over Fix(D)",
            source: "Cohen, Elad, Milanfar 2021",
            conditions: vec![demicontractive],
        },
        Theorem {
            name: "PnP-ADMM and PnP-FBS converge for strongly convex l",
            source: "Ryu, Liu, Wang, Chen, Wang, Yin 2019",
            conditions: vec![contractive_residual.clone()],
        },
        Theorem {
            name: "PnP-PGD, PnP-ADMM and PnP-DRS converge for convex l to a fixed point, if there is one",
            source: "Sun, Wohlberg, Kamilov 2019; Hertrich, Neumayer, Steidl 2021 (averaged D)",
            conditions: vec![averaged],
        },
        Theorem {
            name: "PnP-ADMM for convex l: D is a proximal operator",
            source: "Moreau 1965; Sreehari et al. 2016",
            conditions: vec![nonexpansive, symmetric],
        },
        Theorem {
            name: "GS-PnP: the energy l + alpha g falls to a stationary value",
            source: "Hurault, Leclaire, Papadakis 2022a",
            conditions: vec![gradient.clone()],
        },
        Theorem {
            name: "Prox-PnP: D is the proximal operator of a weakly convex function",
            source: "Hurault, Leclaire, Papadakis 2022b",
            conditions: vec![gradient, contractive_residual],
        },
    ]
}
