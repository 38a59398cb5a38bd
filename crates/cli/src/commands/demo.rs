//! `tweedie demo`

use std::path::PathBuf;

use clap::Args;
use tweedie::scores::Scores;
use tweedie::{demo, output, settings};

use crate::Outcome;
use crate::options::Common;
use crate::session::{Results, Session};

/// Degrade and restore the photographs that come with the program
///
/// Takes the photographs of datasets/samples and the checkpoints `gray` and `color`, and deblurs, fills in, enlarges and denoises
/// them by half-quadratic splitting (filling in: ADMM). Into --out go for each photograph the truth, the measurement and the restoration,
/// and report.html, a page to look at them.
#[derive(Args)]
pub struct Demo {
    /// Folder of the pictures and the page
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

impl Demo {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("demo", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Scores>) -> anyhow::Result<Outcome> {
        let [solver, denoiser] = settings::sections(&self.common.settings, ["solver", "denoiser"])?;
        let mut demo = demo::Demo::new(solver, denoiser, &session.device, session)?;
        session.claim(demo.outputs(&self.out), demo.inputs())?;
        output::folder(&self.out)?;
        let shots = std::mem::take(&mut demo.shots);
        let outcome = results.each(
            &shots,
            |(input, _)| input,
            |shot| {
                let scores = demo.one(shot, &self.out, &session.device, session)?;
                if let Some(scores) = &scores
                    && let (Some(before), Some(after)) = (scores.psnr_input_db, scores.psnr_db)
                {
                    let (name, task) = (&scores.name, &scores.task);
                    session.say(format_args!("{name:14}  {task:8}  {before:5.2} -> {after:5.2} dB"));
                }
                Ok(scores)
            },
        )?;
        if let Outcome::Done = outcome {
            demo.write_page(&self.out, &session.provenance())?;
            let page = demo::Demo::page(&self.out);
            session.say(format_args!("pictures and {} are ready", page.display()));
        }
        Ok(outcome)
    }
}
