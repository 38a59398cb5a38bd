//! `tweedie certify`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use tweedie_imaging::{Denoiser, Image, Sigma};
use tweedie_solver::certify::{self, CertifyOptions, Estimate, Known, LevelMeasures, Status, Subject, Theorem};

use crate::degradation::single;
use crate::options::{Common, Denoising};
use crate::session::{Results, Session};
use crate::usage::usage;
use crate::{Outcome, checkpoint, for_file, inputs, overrides, progress};

/// Check the conditions that the theory of RED and plug-and-play needs, per noise level
///
/// Whole Jacobians by automatic differentiation on noisy patches of clean images, and inequalities on pairs of patches.
/// A measurement refutes a condition where it finds a counter-example, and never proves one: "holds on all samples" is
/// no more than it says.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Certify {
    /// Folders of clean images, or images
    #[arg(long, value_name = "DIR", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
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
  tweedie certify --checkpoint gray --data Set12 --sigma 25 --json certificate.json";

/// One level, as the JSON has it: the measures, with the level in grey levels, and what they say of each theorem.
#[derive(Serialize)]
struct Level {
    #[serde(flatten)]
    measures: Value,
    theorems: Vec<Theorem>,
}

impl Certify {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("certify", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Level>) -> anyhow::Result<Outcome> {
        let [settings] = overrides::sections(&self.common.settings, ["denoiser"])?;
        let sigmas: Vec<Sigma> = self
            .sigma
            .iter()
            .map(|&level| Sigma::from_grey_levels(level).map_err(|error| usage(format!("--sigma: {error}"))))
            .collect::<Result<_, _>>()?;
        if !(2..=64).contains(&self.patch) || !(1..=10_000).contains(&self.samples) {
            return Err(usage(
                "--patch and --samples: expected 2 to 64 pixels and 1 to 10000 patches".to_owned(),
            ));
        }
        let inputs = inputs::expand(&self.data)?;
        let loaded = checkpoint::load(session, &self.denoising.checkpoint, settings)?;
        let channels = loaded.denoiser.info().channels;
        let images: Vec<Image> = inputs
            .iter()
            // More images than patches are not looked at.
            .take(self.samples)
            .map(|input| {
                let read = || {
                    let image = session.read_image(&input.path, self.denoising.reading.color.into())?;
                    single(image.dims)?;
                    if image.dims[1] != channels {
                        anyhow::bail!("expected {channels} channel(s), got {}; see --color", image.dims[1]);
                    }
                    Ok(image.image(&session.device)?)
                };
                read().map_err(|error| for_file(error, &input.path))
            })
            .collect::<anyhow::Result<_>>()?;
        let options = CertifyOptions {
            patch: self.patch,
            samples: self.samples,
            seed: self.seed,
        };
        let bar = progress::bar(session, sigmas.len() as u64, "{bar:30} {pos}/{len} levels ETA {eta}");
        let mut measured = Vec::with_capacity(sigmas.len());
        for (&level, &sigma) in self.sigma.iter().zip(&sigmas) {
            if session.is_interrupted() {
                return Ok(Outcome::Interrupted);
            }
            let measures = certify::certify(Subject::Autodiff(loaded.denoiser.as_ref()), &images, sigma, options)?;
            bar.suspend(|| print_measures(session, level, &measures));
            let mut object = serde_json::to_value(&measures)?;
            object["sigma"] = level.into();
            let theorems = certify::verdict(std::slice::from_ref(&measures), Known::default());
            results.push(Level {
                measures: object,
                theorems,
            })?;
            measured.push(measures);
            bar.inc(1);
        }
        bar.finish_and_clear();
        for theorem in certify::verdict(&measured, Known::default()) {
            session.say(format_args!("\n{}\n  ({})", theorem.name, theorem.source));
            for condition in theorem.conditions {
                let (word, evidence) = match condition.status {
                    Status::Proven(evidence) => ("proven", evidence),
                    Status::Measured(evidence) => ("holds on all samples", evidence),
                    Status::Fails(evidence) => ("FAILS", evidence),
                    Status::Unknown(evidence) => ("unknown", evidence),
                };
                session.say(format_args!("  {}: {word} ({evidence})", condition.statement));
            }
        }
        Ok(Outcome::Done)
    }
}

fn print_measures(session: &Session, level: f64, measures: &LevelMeasures) {
    session.say(format_args!(
        "sigma {level}, {} patches{:>24}  {:>10}  {:>10}",
        measures.samples, "mean", "max", "stderr"
    ));
    let rows: [(&str, &Estimate); 11] = [
        ("||J - J^T||_F^2 / ||J||_F^2", &measures.jacobian_asymmetry),
        ("homogeneity 1", &measures.homogeneity_1),
        ("homogeneity 2", &measures.homogeneity_2),
        ("||J||", &measures.spectral_norm_j),
        ("||J - I||", &measures.spectral_norm_residual),
        ("largest eigenvalue of (J + J^T)/2", &measures.symmetric_part_max),
        ("||D(x)|| / ||x||", &measures.passivity),
        ("error of the derivative", &measures.differentiability),
        ("||D(x) - D(z)|| / ||x - z||", &measures.expansion),
        ("demicontractivity", &measures.demicontractivity),
        ("fixed-point error of its p", &measures.fixed_point_error),
    ];
    for (name, estimate) in rows {
        let stderr = estimate.stderr.map_or(String::new(), |stderr| format!("{stderr:.2e}"));
        session.say(format_args!(
            "  {name:<34}  {:>10.3e}  {:>10.3e}  {stderr:>10}",
            estimate.mean, estimate.max
        ));
    }
    if !measures.converged {
        session.note(format_args!(
            "sigma {level}: a norm did not converge; it is a lower bound"
        ));
    }
}
