//! `tweedie bench`

use clap::Args;
use serde::Serialize;
use tweedie::bench::Case;
use tweedie::settings;

use crate::Outcome;
use crate::options::{Common, choice};
use crate::session::Session;

/// Time a network's forward pass or training step
///
/// The networks have random weights and the inputs are constant: neither changes the time. scripts/bench_pytorch
/// compares the same cases with PyTorch.
#[derive(Args)]
pub struct Bench {
    /// What to time
    #[arg(long, value_name = "CASE", value_parser = choice(Case::ALL.to_vec()))]
    case: Case,
    /// Counted runs
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Timing {
    case: String,
    seconds: Vec<f64>,
}

impl Bench {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("bench", &self.common)?;
        settings::sections(&self.common.settings, [])?;
        let repeats = self.repeats as usize;
        session.run(|results| {
            session.claim([], [])?;
            let seconds = self.case.seconds(repeats, &session.device)?;
            let case = self.case.name().to_owned();
            let best = seconds.iter().copied().fold(f64::INFINITY, f64::min);
            session.say(format_args!("{case}: {:.1} ms at best of {repeats}", 1e3 * best));
            results.push(Timing { case, seconds })?;
            Ok(Outcome::Done)
        })
    }
}
