//! `tweedie certify`

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use tweedie_imaging::classical::{Classical, TotalVariation};
use tweedie_imaging::{Image, image_from_vec, read_array};
use tweedie_model::NetworkDenoiser;
use tweedie_solver::certify::{
    self, CertifyOptions, Derivatives, Estimate, Known, LevelMeasures, Status, Subject, Theorem,
};

use crate::checkpoint::Kind;
use crate::degradation::single;
use crate::options::{Common, Denoising};
use crate::session::{Results, Session};
use crate::usage::usage;
use crate::{Outcome, checkpoint, for_file, inputs, noise_level, overrides, progress};

/// Check the conditions that the theory of RED and plug-and-play needs, per noise level
///
/// Whole Jacobians by automatic differentiation (central differences for median, haar, nlm and tv) on noisy patches of clean images, and inequalities on pairs of patches.
/// A measurement refutes a condition where it finds a counter-example, and never proves one: "holds on all samples" is
/// no more than it says.
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
        let [mut settings] = overrides::sections(&self.common.settings, ["denoiser"])?;
        let sigmas = noise_level::given(&self.sigma)?;
        if !(2..=64).contains(&self.patch) || !(1..=10_000).contains(&self.samples) {
            return Err(usage(
                "--patch and --samples: expected 2 to 64 pixels and 1 to 10000 patches".to_owned(),
            ));
        }
        if self.denoising.checkpoint == Classical::TotalVariation.name() && !settings.contains_key("tolerance") {
            // Difference quotients need far more digits than images.
            settings.insert("tolerance".to_owned(), TotalVariation::TIGHT_TOLERANCE.into());
        }
        let loaded = checkpoint::load(session, &self.denoising.checkpoint, settings)?;
        let channels = loaded.info().channels;
        let (subject, known) = match &loaded.kind {
            Kind::Network { denoiser, .. } => (Subject::Autodiff(denoiser.as_ref()), known_of_network(denoiser)?),
            Kind::Classical { method, denoiser } => (Subject::Differences(denoiser.as_ref()), self.known(*method)),
            Kind::Linear(denoiser) => (
                Subject::Autodiff(denoiser.as_ref()),
                Known {
                    gradient_step: true,
                    lipschitz: Some(1.0),
                    ..Known::default()
                },
            ),
        };
        let images = match &self.noisy {
            Some(path) => noisy(session, path).map_err(|error| for_file(error, path))?,
            None => self.clean(session, channels)?,
        };
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
            let measures = match self.noisy {
                Some(_) => certify::certify_patches(subject, &images, sigma)?,
                None => certify::certify(subject, &images, sigma, options)?,
            };
            bar.suspend(|| print_measures(session, level, &measures));
            let mut object = serde_json::to_value(&measures)?;
            object["sigma"] = level.into();
            let theorems = certify::verdict(std::slice::from_ref(&measures), known);
            results.push(Level {
                measures: object,
                theorems,
            })?;
            measured.push(measures);
            bar.inc(1);
        }
        bar.finish_and_clear();
        for theorem in certify::verdict(&measured, known) {
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

    /// What is proven of a classical denoiser on patches of this size.
    fn known(&self, method: Classical) -> Known {
        let proximal = match method {
            // Elsewhere the transform is one of the extended patch.
            Classical::Haar if self.noisy.is_none() && self.patch.is_multiple_of(4) => {
                Some("sigma times the l1 norm of its Haar coefficients")
            }
            Classical::TotalVariation => Some("0.8 sigma TV, up to the tolerance of its iterations"),
            _ => None,
        };
        let kinks = match method {
            Classical::Median => "almost everywhere only: where the median moves to another pixel",
            Classical::Haar => "almost everywhere only: at the threshold",
            Classical::NonLocalMeans => "almost everywhere only: where patches differ by the noise alone",
            Classical::TotalVariation => "almost everywhere only: where regions of equal value part",
        };
        Known {
            proximal,
            kinks: Some(kinks),
            ..Known::default()
        }
    }

    fn clean(&self, session: &Session, channels: usize) -> anyhow::Result<Vec<Image>> {
        let inputs = inputs::expand(&self.data)?;
        // More images than patches are not looked at.
        let first = inputs.iter().take(self.samples);
        first
            .map(|input| {
                let read = || {
                    let image = session.read_image(&input.path, self.denoising.reading.color.into())?;
                    single(image.dims)?;
                    if channels != 0 && image.dims[1] != channels {
                        anyhow::bail!("expected {channels} channel(s), got {}; see --color", image.dims[1]);
                    }
                    Ok(image.image(&session.device)?)
                };
                read().map_err(|error| for_file(error, &input.path))
            })
            .collect()
    }
}

/// What is proven of a network by how it is built, its weights included.
fn known_of_network(denoiser: &NetworkDenoiser) -> anyhow::Result<Known> {
    let proven = denoiser.network().proven()?;
    Ok(Known {
        gradient_step: proven.gradient_step,
        proximal: proven
            .proximal
            .then_some("a convex function: grad g is monotone and nonexpansive by its weights"),
        kinks: (!proven.smooth).then_some("almost everywhere only: ReLU or linear splines"),
        lipschitz: proven.lipschitz,
        residual_lipschitz: proven.residual_lipschitz,
        averaged: proven.averaged,
    })
}

/// The patches of an array in grey levels.
fn noisy(session: &Session, path: &Path) -> anyhow::Result<Vec<Image>> {
    session.hash_file(path)?;
    let array = read_array(path)?;
    let [_, h @ 2..=64, w @ 2..=64] = array.shape[..] else {
        anyhow::bail!(
            "expected an array [N, H, W] with H and W from 2 to 64, got shape {:?}",
            array.shape
        );
    };
    let patch = |values: &[f64]| {
        let values = values.iter().map(|v| (v / 255.0) as f32).collect();
        Ok(image_from_vec(values, [1, 1, h, w], &session.device)?)
    };
    array.values.chunks(h * w).map(patch).collect()
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
    if measures.derivatives == Derivatives::CentralDifferences {
        session.say("  (Jacobians by central differences)");
    }
    if !measures.converged {
        session.note(format_args!(
            "sigma {level}: a norm did not converge; it is a lower bound"
        ));
    }
}
