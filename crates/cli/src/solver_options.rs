//! Solver options on the command line.

use clap::Args;
use toml::Table;
use tweedie::auto::Auto;
use tweedie::fidelity::Fidelity;
use tweedie::solver::Solver;
use tweedie::solver_options::SolverOptions;
use tweedie::strength::Strength;

/// The solver and its parameters.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Solver")]
pub struct SolverArgs {
    /// Algorithm: pnp-hqs, pnp-admm, red-gd, ...; --help-solver with a wrong name lists them all
    #[arg(long, value_name = "A", default_value = "pnp-hqs")]
    pub solver: String,
    /// Weight of the prior, or auto or auto:RULE: found for each image by discrepancy, quasi-optimality, balancing, l-curve, sure
    /// or (with --simulate, for comparison) oracle [default: the solver's own]
    #[arg(long, value_name = "L|auto[:RULE]")]
    pub strength: Option<Strength>,
    /// The denoiser's noise level in grey levels, or the first one of solvers that lower it, or auto: the solver's own
    #[arg(long, value_name = "S|auto", default_value = "auto")]
    pub sigma: Auto,
    /// Iterations [default: the solver's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: Option<u32>,
    /// Stop once the fixed-point residual (root mean square change, 1 = white) is at most T
    #[arg(long, value_name = "T")]
    pub tolerance: Option<f64>,
    /// Stop once the data are fitted to TAU times the noise (discrepancy principle, TAU >= 1)
    #[arg(long, value_name = "TAU")]
    pub discrepancy: Option<f64>,
    /// Data term: l2 (weighted where the noise varies), poisson (photon counts, with --noise poisson-gaussian), l1 (impulses and other
    /// outliers), ball (residual at most the noise) [default: l2]
    #[arg(long, value_name = "F")]
    pub fidelity: Option<Fidelity>,
    /// Stop after the iteration in which an image has taken this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub budget: Option<f64>,
}

impl SolverArgs {
    /// Finds the solver and collects its parameters; `settings` is the section `solver` of -C.
    pub fn resolve(&self, settings: Table, seed: Option<u64>) -> tweedie::Result<Solver> {
        Solver::resolve(self.options(), settings, seed)
    }

    /// The options that solvers share.
    pub fn options(&self) -> SolverOptions {
        SolverOptions {
            solver: self.solver.clone(),
            strength: self.strength,
            sigma: self.sigma,
            iterations: self.iterations,
            tolerance: self.tolerance,
            discrepancy: self.discrepancy,
            fidelity: self.fidelity,
            budget: self.budget,
        }
    }
}
