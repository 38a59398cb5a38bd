//! `tweedie denoise`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use tweedie_imaging::Sigma;

use crate::inputs::Input;
use crate::options::{Common, Denoising};
use crate::output::DepthOption;
use crate::session::{Results, Session};
use crate::solver_options::Auto;
use crate::usage::usage;
use crate::{Outcome, checkpoint, for_file, inputs, noise_level, output, overrides, progress};

/// Denoise images
///
/// --out is a file if there is one input and PATH has an ending (.png, .tif, .npy); else a folder, into which NAME.png
/// goes for each input. Results have the depth of their input, up to 16 bit; .npy keeps all digits.
///
/// A gray checkpoint treats the channels of colour images one by one; a colour checkpoint takes gray images, too.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Denoise {
    /// Images, or folders of images
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Noise level in 8-bit grey levels, or auto: estimated from each image
    #[arg(long, value_name = "S|auto", allow_hyphen_values = true)]
    sigma: Auto,
    /// File or folder of the results
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Precision of the results [default: that of the input, up to 16 bit]
    #[arg(long, value_name = "D")]
    depth: Option<DepthOption>,
    #[command(flatten)]
    denoising: Denoising,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie denoise noisy.png --sigma 25 --checkpoint gray --out denoised.png
  tweedie denoise scans/ --sigma 10 --checkpoint gray --depth 16 --out denoised
  tweedie denoise large.tif --sigma 5 --checkpoint gray --out large.npy -C denoiser.tile_pixels=262144";

/// One denoised image, as the JSON has it.
#[derive(Serialize)]
struct Denoised {
    name: String,
    out: String,
    sigma: f64,
    seconds: f64,
}

impl Denoise {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("denoise", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Denoised>) -> anyhow::Result<Outcome> {
        let [settings] = overrides::sections(&self.common.settings, ["denoiser"])?;
        let given = match self.sigma {
            Auto::Auto => None,
            Auto::Given(s) => Some(Sigma::from_grey_levels(s).map_err(|error| usage(format!("--sigma: {error}")))?),
        };
        let inputs = inputs::expand(&self.inputs)?;
        let to_file = inputs.len() == 1 && self.out.extension().is_some() && !self.out.is_dir();
        match (to_file, self.out.parent()) {
            (true, Some(parent)) if !parent.as_os_str().is_empty() => output::folder(parent)?,
            (true, _) => {}
            (false, _) => {
                inputs::require_different_stems(&inputs)?;
                output::folder(&self.out)?;
            }
        }
        let denoiser = checkpoint::load(session, &self.denoising.checkpoint, settings)?;
        let bar = progress::images(session, inputs.len());
        let mut said = false;
        for input in &inputs {
            if session.is_interrupted() {
                return Ok(Outcome::Interrupted);
            }
            bar.set_message(input.name.clone());
            let loaded = session.read_image(&input.path, self.denoising.reading.color.into())?;
            denoiser.note_channels(session, loaded.dims[1], &mut said);
            let out = self.out_path(input, to_file)?;
            output::require_other_file(&out, &inputs)?;
            let image = loaded.image(&session.device)?;
            let sigma = match given {
                Some(sigma) => sigma,
                None => noise_level::estimate(session, &input.name, &image, denoiser.info().sigma)
                    .map_err(|error| for_file(error, &input.path))?,
            };
            let started = Instant::now();
            let denoised = denoiser
                .for_channels(loaded.dims[1])
                .and_then(|denoiser| Ok(denoiser.denoise(image, sigma)?))
                .map_err(|error| for_file(error, &input.path))?;
            // Devices work in the background: the image is there when its values are.
            tweedie_imaging::vec_from_image(&denoised)?;
            let seconds = started.elapsed().as_secs_f64();
            output::write(&out, &denoised, self.depth, loaded.depth)?;
            bar.suspend(|| {
                session.say(format_args!(
                    "{} -> {} ({seconds:.2} s)",
                    input.path.display(),
                    out.display()
                ))
            });
            bar.inc(1);
            let out = out.display().to_string();
            results.push(Denoised {
                name: input.name.clone(),
                out,
                sigma: noise_level::grey_levels(sigma),
                seconds,
            })?;
        }
        bar.finish_and_clear();
        Ok(Outcome::Done)
    }

    fn out_path(&self, input: &Input, to_file: bool) -> anyhow::Result<PathBuf> {
        match to_file {
            true => Ok(self.out.clone()),
            false => output::path_in(
                &self.out,
                &input.stem(),
                &format!(".{}", DepthOption::ending_of(self.depth)),
            ),
        }
    }
}
