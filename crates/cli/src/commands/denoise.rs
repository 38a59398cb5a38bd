//! `tweedie denoise`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use tweedie::auto::Auto;
use tweedie::events::{Progress, Unit};
use tweedie::imaging::{Sigma, read_image, vec_from_image};
use tweedie::inputs::Input;
use tweedie::output::Origin;
use tweedie::{Events as _, checkpoint, inputs, noise_level, output, settings};

use crate::Outcome;
use crate::options::{Common, Denoising};
use crate::output::Precision;
use crate::session::{Results, Session};
use crate::usage::usage;

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
    #[command(flatten)]
    precision: Precision,
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
        let [settings] = settings::sections(&self.common.settings, ["denoiser"])?;
        let given = match self.sigma {
            Auto::Auto => None,
            Auto::Given(s) => Some(Sigma::from_grey_levels(s).map_err(|error| usage(format!("--sigma: {error}")))?),
        };
        let inputs = inputs::expand(&self.inputs, session)?;
        let to_file = inputs.len() == 1 && self.out.extension().is_some() && !self.out.is_dir();
        let denoiser = checkpoint::load(&self.denoising.checkpoint, settings, &session.device, session)?;
        let images = inputs.iter().map(|input| input.path.clone());
        session.claim(
            inputs.iter().map(|input| self.out_path(input, to_file)),
            images.chain(denoiser.files()),
        )?;
        match (to_file, self.out.parent()) {
            (true, Some(parent)) if !parent.as_os_str().is_empty() => output::folder(parent)?,
            (true, _) => {}
            (false, _) => {
                inputs::require_different_stems(&inputs)?;
                output::folder(&self.out)?;
            }
        }
        session.progress(Progress::Begin {
            total: inputs.len() as u64,
            unit: Unit::Images,
        });
        for input in &inputs {
            if session.is_interrupted() {
                return Ok(Outcome::Interrupted);
            }
            session.progress(Progress::At(&input.name));
            let loaded = read_image(&input.path, self.denoising.reading.color)?;
            session.file_read(&input.path, &loaded.sha256);
            denoiser.note_channels(loaded.dims[1], session);
            let out = self.out_path(input, to_file);
            output::parent(&out)?;
            let image = loaded.image(&session.device)?;
            let sigma = match given {
                Some(sigma) => sigma,
                None => noise_level::estimate(&input.name, &image, denoiser.info().sigma, session)
                    .map_err(|error| error.in_file(&input.path))?,
            };
            let started = Instant::now();
            let denoised = denoiser
                .for_channels(loaded.dims[1])
                .and_then(|denoiser| Ok(denoiser.denoise(image, sigma)?))
                .map_err(|error| error.in_file(&input.path))?;
            // Devices work in the background: the image is there when its values are.
            vec_from_image(&denoised)?;
            let seconds = started.elapsed().as_secs_f64();
            output::write(&out, &denoised, self.precision.into(), &Origin::from(&loaded))?;
            session.say(format_args!(
                "{} -> {} ({seconds:.2} s)",
                input.path.display(),
                out.display()
            ));
            session.progress(Progress::Done(1));
            let out = out.display().to_string();
            results.push(Denoised {
                name: input.name.clone(),
                out,
                sigma: noise_level::grey_levels(sigma),
                seconds,
            })?;
        }
        session.progress(Progress::End);
        Ok(Outcome::Done)
    }

    fn out_path(&self, input: &Input, to_file: bool) -> PathBuf {
        match to_file {
            true => self.out.clone(),
            false => self
                .out
                .join(format!("{}.{}", input.stem(), output::ending_of(self.precision.depth))),
        }
    }
}
