//! `tweedie evaluate`

use std::path::PathBuf;

use clap::Args;
use tweedie::evaluate::{Evaluation, Level};
use tweedie::events::{Progress, Unit};
use tweedie::{Events as _, checkpoint, inputs, noise_level, settings};

use crate::Outcome;
use crate::options::{Common, Denoising};
use crate::session::{Results, Session};

/// Measure denoising on clean images: PSNR and SSIM per noise level
///
/// White Gaussian noise is added in floating point, neither clipped nor rounded. The noise of an image depends on --seed
/// and on its name below its folder, so a figure does not change with other images or other levels.
///
/// PSNR: range 1.0, estimate clipped to [0, 1], in f64, mean over the images. SSIM: Gaussian window of 11 pixels with
/// standard deviation 1.5, K 0.01 and 0.03.
///
/// Where the folder is called Set12, BSD68, CBSD68 or Kodak24 and holds as many images, at levels 15, 25 and 50: the PSNR
/// that papers print for the same set stands beside it (the noise is another draw).
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Evaluate {
    /// Folders of clean images, or images
    #[arg(long, value_name = "DIR", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Noise levels in 8-bit grey levels
    #[arg(long, value_name = "S,...", value_delimiter = ',', default_value = "15,25,50")]
    sigma: Vec<f64>,
    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    denoising: Denoising,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie evaluate --checkpoint gray --data Set12 --sigma 15,25,50
  tweedie evaluate --checkpoint gray --data CBSD68 --color gray --json result.json";

impl Evaluate {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("evaluate", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Level>) -> anyhow::Result<Outcome> {
        let [settings] = settings::sections(&self.common.settings, ["denoiser"])?;
        let sigmas = noise_level::given(&self.sigma)?;
        let inputs = inputs::expand(&self.data, session)?;
        let checkpoint = checkpoint::load(&self.denoising.checkpoint, settings, &session.device, session)?;
        let images = inputs.iter().map(|input| input.path.clone());
        session.claim([], images.chain(checkpoint.files()))?;
        let evaluation = Evaluation {
            data: self.data.clone(),
            color: self.denoising.reading.color,
            seed: self.seed,
        };
        session.progress(Progress::Begin {
            total: (inputs.len() * sigmas.len()) as u64,
            unit: Unit::Images,
        });
        let mut methods = None;
        for (&level, &sigma) in self.sigma.iter().zip(&sigmas) {
            let result = evaluation.level(&checkpoint, &inputs, (level, sigma), &session.device, session)?;
            let Some(result) = result else {
                return Ok(Outcome::Interrupted);
            };
            let methods = methods.get_or_insert_with(|| self.header(session, &evaluation, &result));
            session.say(result.row(methods));
            results.push(result)?;
        }
        session.progress(Progress::End);
        Ok(Outcome::Done)
    }

    /// Says the table's first line; the methods of its last columns.
    fn header(&self, session: &Session, evaluation: &Evaluation, first: &Level) -> Vec<&'static str> {
        let images = first.images.len();
        let mut published = self
            .sigma
            .iter()
            .map(|&level| evaluation.published(images, first.channels, level));
        let rows = published.find(|rows| !rows.is_empty()).unwrap_or_default();
        let methods: Vec<&str> = rows.iter().map(|row| row.method).collect();
        session.say(Level::header(&methods));
        methods
    }
}
