//! `tweedie noise`

use std::path::PathBuf;

use clap::Args;
use tweedie::events::Progress;
use tweedie::inputs::Input;
use tweedie::noise_report::{Found, PLOT, found};
use tweedie::{Events as _, inputs, output, settings};

use crate::Outcome;
use crate::options::{Common, Reading};
use crate::session::{Results, Session};

/// Estimate the noise of images
///
/// For each image: what the noise is like (white, correlated, or compressed by JPEG), its level, what the estimate rests on,
/// and the law of its variance, gain x + sigma^2 for a brightness x, both in 8-bit grey levels. The same estimates are
/// used by --noise auto and --noise poisson-gaussian:auto.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct NoiseCommand {
    /// Images, or folders of images
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Folder for NAME.noise.svg: the level over the brightness, measured and fitted
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie noise photo.jpg
  tweedie noise photos/ --out plots --json noise.json";

impl NoiseCommand {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("noise", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Found>) -> anyhow::Result<Outcome> {
        settings::sections(&self.common.settings, [])?;
        let mut inputs = inputs::expand(&self.inputs, session)?;
        inputs::set_apart(&mut inputs)?;
        let plot = |out: &PathBuf, input: &Input| out.join(format!("{}{PLOT}", input.stem()));
        let plots = self
            .out
            .iter()
            .flat_map(|out| inputs.iter().map(move |input| plot(out, input)));
        session.claim(plots, inputs.iter().map(|input| input.path.clone()))?;
        if let Some(out) = &self.out {
            output::folder(out)?;
        }
        results.each(
            &inputs,
            |input| input,
            |input| {
                session.progress(Progress::At(&input.name));
                let found = found(input, self.reading.color, self.out.as_deref(), &session.device, session)?;
                session.say(format_args!("{}: {}", found.name, found.report.lines()));
                Ok(Some(found))
            },
        )
    }
}
