//! `tweedie compare`

use std::path::PathBuf;

use clap::Args;
use tweedie::compare::{Combined, Compared, Study};
use tweedie::{inputs, output};

use crate::Outcome;
use crate::options::{Common, Reading};
use crate::session::{Results, Session};
use crate::solver_options::SolverArgs;
use crate::task_options::TaskArgs;
use crate::usage::usage;

/// Compare checkpoints, solvers and settings on the same measurements
///
/// Degrades every image of --data once and restores it by each checkpoint with each solver (--solver takes several, separated by commas)
/// and each value of --vary. Into --out go
/// table.csv, table.md and table.tex (means), images.csv (PSNR of each image), psnr.svg (a box plot) and report.html (all of it with
/// pictures side by side).
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Compare {
    /// Folders of clean images, or images
    #[arg(long, value_name = "DIR", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Checkpoints: names or folders
    #[arg(long, value_name = "C,...", required = true, value_delimiter = ',')]
    checkpoint: Vec<String>,
    /// Several values of one key, such as solver.strength=0.1,0.2 (can be repeated: every combination)
    #[arg(long, value_name = "KEY=V,...")]
    vary: Vec<String>,
    /// Folder of the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seed of masks, noise and random solvers
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    solver: SolverArgs,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie compare --data Set12 --task deblur --kernel levin:1 --noise 7.65 --checkpoint gray,gray-gs --solver pnp-hqs,red-pg --out trial
  tweedie compare --data photos/ --task sr --scale 2 --checkpoint color --vary solver.strength=0.1,0.2,0.4 --out trial";

impl Compare {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("compare", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Compared>) -> anyhow::Result<Outcome> {
        if let Some(noise) = self.task.estimated_noise() {
            return Err(usage(format!(
                "--noise {noise}: expected a number or a model, the images are clean"
            )));
        }
        let task = self.task.resolve(session, self.seed, true)?;
        let combined = Combined {
            checkpoints: self.checkpoint.clone(),
            solvers: self.solver.solver.split(',').map(str::to_owned).collect(),
            varied: self.vary.clone(),
            options: self.solver.options(),
            settings: self.common.settings.clone(),
            seed: Some(self.seed),
        };
        let inputs = inputs::expand(&self.data, session)?;
        let mut study = Study::new(combined.methods(&session.device, session)?, task, self.reading.color);
        session.claim(Study::outputs(&self.out), {
            let images = inputs.iter().map(|input| input.path.clone());
            let checkpoints = study.methods.iter().flat_map(tweedie::compare::Method::files);
            images.chain(self.task.files()).chain(checkpoints).collect::<Vec<_>>()
        })?;
        output::folder(&self.out)?;
        let outcome = results.each_of_several(
            &inputs,
            |input| input,
            |input| study.one(input, &session.device, session),
        )?;
        if let Outcome::Interrupted = outcome {
            return Ok(outcome);
        }
        session.say(study.table().plain().trim_end());
        study.write(&self.out, &session.provenance())?;
        session.say(format_args!("report: {}", self.out.join("report.html").display()));
        Ok(Outcome::Done)
    }
}
