//! `tweedie demo`

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use tweedie::degradation::{Border, Degradation, Pixels};
use tweedie::events::{Progress, Unit};
use tweedie::gallery::Gallery;
use tweedie::imaging::{ColorMode, Depth, read_image, write_image};
use tweedie::inputs::Input;
use tweedie::measurement::Measurement;
use tweedie::operators::{Downsampling, Kernel};
use tweedie::scores::Scores;
use tweedie::solver::Solver;
use tweedie::solver_options::SolverOptions;
use tweedie::solvers::StopReason;
use tweedie::task::Task;
use tweedie::{Events as _, checkpoint, inputs, locate, output, restore, settings};

use crate::Outcome;
use crate::options::Common;
use crate::session::{Results, Session};

/// The checkpoints that come with the program, for gray and for colour photographs.
const CHECKPOINTS: [&str; 2] = ["gray", "color"];
const SOLVER: &str = "pnp-hqs";
/// Lost pixels are filled in from the known ones step by step, for which the few steps of splitting do not suffice.
const INPAINTING_SOLVER: &str = "pnp-admm";

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
        let [solver_settings, denoiser_settings] = settings::sections(&self.common.settings, ["solver", "denoiser"])?;
        let folders = locate::folders("datasets")
            .into_iter()
            .map(|folder| folder.join("samples"));
        let Some(samples) = folders.into_iter().find(|folder| folder.is_dir()) else {
            bail!(
                "samples: expected the photographs in {}",
                locate::description("datasets")
            );
        };
        let inputs = inputs::expand(&[samples])?;
        let [gray, colour] =
            CHECKPOINTS.map(|name| checkpoint::load(name, denoiser_settings.clone(), &session.device, session));
        let (gray, colour) = (gray?, colour?);
        let solver = Solver::resolve(SolverOptions::of(SOLVER), solver_settings.clone(), None)?;
        let inpainting_solver = Solver::resolve(SolverOptions::of(INPAINTING_SOLVER), solver_settings, None)?;
        let parts = |input: &Input| {
            let stem = input.stem();
            ["truth", "measurement", "restored"].map(|part| self.out.join(format!("{stem}.{part}.png")))
        };
        let outputs = inputs.iter().flat_map(parts).chain([self.out.join("report.html")]);
        let images = inputs.iter().map(|input| input.path.clone());
        session.claim(outputs, images.chain(gray.files()).chain(colour.files()))?;
        output::folder(&self.out)?;
        let tasks = tasks()?;
        session.progress(Progress::Begin {
            total: inputs.len() as u64,
            unit: Unit::Images,
        });
        let mut gallery = Gallery::default();
        for (input, task) in inputs.iter().zip(tasks.iter().cycle()) {
            let loaded = read_image(&input.path, ColorMode::AsStored)?;
            session.file_read(&input.path, &loaded.sha256);
            let clean = loaded.image(&session.device)?;
            let measurement = Measurement::simulate(&input.name, task.clone(), clean)?;
            let channels = measurement.operator.domain()[0];
            let denoiser = if channels == 1 { &gray } else { &colour };
            let fills_in = matches!(task.degradation, Degradation::Holes(_));
            let solver = if fills_in { &inpainting_solver } else { &solver };
            let restored = restore(solver, &measurement, denoiser.prior(channels)?, session)
                .map_err(|error| error.in_file(&input.path))?;
            if session.is_interrupted() || restored.stop == StopReason::Interrupted {
                return Ok(Outcome::Interrupted);
            }
            let parts = [
                ("truth", measurement.truth.as_ref()),
                ("measurement", Some(&measurement.y)),
                ("restored", Some(&restored.image)),
            ];
            for (part, image) in parts {
                let Some(image) = image else { continue };
                write_image(
                    &output::path_in(&self.out, &input.stem(), &format!(".{part}.png"))?,
                    image,
                    Depth::Eight,
                )?;
            }
            let Scores {
                name,
                task,
                psnr_db,
                psnr_input_db,
                ..
            } = &restored.scores;
            if let (Some(before), Some(after)) = (psnr_input_db, psnr_db) {
                session.say(format_args!("{name:14}  {task:8}  {before:5.2} -> {after:5.2} dB"));
            }
            gallery.add(&measurement, &restored)?;
            results.push(restored.scores)?;
            session.progress(Progress::Done(1));
        }
        session.progress(Progress::End);
        let page = self.out.join("report.html");
        let settings = [
            ("solver", format!("{SOLVER}; inpaint: {INPAINTING_SOLVER}")),
            ("checkpoint", format!("{}; {}", gray.origin(), colour.origin())),
            (
                "deblur",
                "Gaussian kernel, 1.6 pixels, 15x15; noise 2.55 grey levels".to_owned(),
            ),
            ("inpaint", "30 % of the pixels known, no noise".to_owned()),
            (
                "sr",
                "factor 2 after a Gaussian kernel, 1.6 pixels, 7x7; no noise".to_owned(),
            ),
            ("denoise", "noise 25 grey levels".to_owned()),
        ];
        let settings = settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        gallery.write(
            &page,
            "Tweedie: photographs restored with a learned denoiser",
            settings,
            &session.provenance(),
        )?;
        session.say(format_args!("pictures and {} are ready", page.display()));
        Ok(Outcome::Done)
    }
}

/// What is done to the photographs, in turn.
fn tasks() -> anyhow::Result<[Task; 4]> {
    let border = Border::Circular;
    let blur = Degradation::Blur {
        kernel: Kernel::gaussian(1.6, Kernel::gaussian_size(1.6)?)?,
        border,
    };
    let small = Degradation::Decimation {
        factor: 2,
        kernel: Downsampling::default_kernel()?,
        border,
        phase: 0,
    };
    Ok([
        Task::new(blur, 2.55, 0)?,
        Task::new(Degradation::Holes(Pixels::Random { keep: 0.3 }), 0.0, 0)?,
        Task::new(small, 0.0, 0)?,
        Task::new(Degradation::Noise, 25.0, 0)?,
    ])
}
