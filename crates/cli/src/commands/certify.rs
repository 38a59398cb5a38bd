//! `tweedie certify`

use std::path::PathBuf;

use clap::Args;
use tweedie::certificate::{self, Certifying, Level, Patches};
use tweedie::events::{Progress, Unit};
use tweedie::solvers::certify::CertifyOptions;
use tweedie::{Events as _, inputs, noise_level, settings};

use crate::Outcome;
use crate::options::{Common, Denoising};
use crate::session::{Results, Session};
use crate::usage::usage;

/// Check the conditions that the theory of RED and plug-and-play needs, per noise level
///
/// Whole Jacobians by automatic differentiation (central differences for median, haar, nlm and tv) on noisy patches of clean images, and inequalities on pairs of patches.
/// A measurement refutes a condition where it finds a counter-example, and never proves one: "holds on all samples" is
/// no more than it says, and "not decided" that a figure allows no judgement. What a theorem asks of the data and of the
/// solver's options is printed after its conditions.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Certify {
    /// Folders of clean images, or images
    #[arg(long, value_name = "DIR", required_unless_present = "noisy", num_args = 1..)]
    data: Vec<PathBuf>,
    /// Patches that hold their noise already: an array [N, H, W] in grey levels (.npy)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "patch", "samples", "seed", "color"])]
    noisy: Option<PathBuf>,
    /// Noise levels in 8-bit grey levels
    #[arg(long, value_name = "S,...", value_delimiter = ',', default_value = "15,25,50")]
    sigma: Vec<f64>,
    /// Side of the patches in pixels
    #[arg(long, value_name = "P", default_value_t = 16)]
    patch: usize,
    /// Patches per level
    #[arg(long, value_name = "N", default_value_t = 17)]
    samples: usize,
    /// Seed of places and noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    denoising: Denoising,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie certify --checkpoint gray --data datasets/samples --color gray --sigma 15,25,50
  tweedie certify --checkpoint gray --data Set12 --sigma 25 --json certificate.json
  tweedie certify --checkpoint median --noisy red17_noisy.npy --sigma 25";

impl Certify {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("certify", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Level>) -> anyhow::Result<Outcome> {
        let [settings] = settings::sections(&self.common.settings, ["denoiser"])?;
        let sigmas = noise_level::given(&self.sigma)?;
        if !(2..=64).contains(&self.patch) || !(1..=10_000).contains(&self.samples) {
            return Err(usage(
                "--patch and --samples: expected 2 to 64 pixels and 1 to 10000 patches".to_owned(),
            ));
        }
        let checkpoint = certificate::load(&self.denoising.checkpoint, settings, &session.device, session)?;
        let patches = match &self.noisy {
            Some(path) => Patches::read_noisy(path, &session.device, session)?,
            None => Patches::of_images(
                &self.data,
                self.denoising.reading.color,
                checkpoint.info().channels,
                CertifyOptions {
                    patch: self.patch,
                    samples: self.samples,
                    seed: self.seed,
                },
                &session.device,
                session,
            )?,
        };
        let images = inputs::expand(&self.data, &())?.into_iter().map(|input| input.path);
        let inputs = images.chain(self.noisy.clone()).chain(checkpoint.files());
        session.claim([], inputs)?;
        let certifying = Certifying::new(&checkpoint, &patches)?;
        session.progress(Progress::Begin {
            total: sigmas.len() as u64,
            unit: Unit::Levels,
        });
        let mut measured = Vec::with_capacity(sigmas.len());
        for (&level, &sigma) in self.sigma.iter().zip(&sigmas) {
            if session.is_interrupted() {
                return Ok(Outcome::Interrupted);
            }
            let measures = certifying.measure(sigma)?;
            session.say(&measures);
            if !measures.converged {
                session.note(&format!("sigma {level}: a norm did not converge; it is a lower bound"));
            }
            results.push(certifying.level(level, &measures)?)?;
            measured.push(measures);
            session.progress(Progress::Done(1));
        }
        session.progress(Progress::End);
        for theorem in certifying.theorems(&measured) {
            session.say(format_args!("\n{theorem}"));
        }
        Ok(Outcome::Done)
    }
}
