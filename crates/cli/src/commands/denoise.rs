//! `tweedie denoise`

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::{Deserialize, Serialize};
use tweedie::choice::Choice;
use tweedie::denoising::Denoising;
use tweedie::events::Progress;
use tweedie::finished::Finished;
use tweedie::imaging::read_image;
use tweedie::inputs::Input;
use tweedie::noise_level::NoiseUsed;
use tweedie::noise_option::NoiseOption;
use tweedie::output::Origin;
use tweedie::picture::note_range;
use tweedie::{Events as _, inputs, output, settings};

use crate::Outcome;
use crate::options::{Common, Reading};
use crate::output::Precision;
use crate::session::{Results, Session};
use crate::usage::usage;

/// Denoise images
///
/// --out is a file if there is one input and PATH has an ending (.png, .tif, .npy); else a folder, into which NAME.png
/// goes for each input, and for several results.jsonl, by which --skip-existing knows what is finished. Results have the depth of their input, up to 16 bit; .npy keeps all digits.
///
/// A gray checkpoint treats the channels of colour images one by one; a colour checkpoint takes gray images, too.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Denoise {
    /// Images, or folders of images
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Noise level in 8-bit grey levels, or auto: estimated from each image; any other model that --noise of restore takes
    #[arg(
        long,
        alias = "noise",
        value_name = "S|auto",
        default_value = "auto",
        allow_hyphen_values = true
    )]
    sigma: NoiseOption,
    /// File or folder of the results
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Leave out images whose results of the same settings are in --out already
    #[arg(long)]
    skip_existing: bool,
    #[command(flatten)]
    precision: Precision,
    /// Name of a checkpoint (see `tweedie checkpoints list`), or its folder; or median, haar, nlm, tv, gaussian:WIDTH, which have no
    /// weights [default: gray for gray images, color for others]
    #[arg(long, value_name = "C")]
    checkpoint: Option<String>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie denoise phone.jpg --out better.png
  tweedie denoise noisy.png --sigma 25 --checkpoint gray --out denoised.png
  tweedie denoise scans/ --sigma 10 --checkpoint gray --depth 16 --out denoised
  tweedie denoise large.tif --sigma 5 --checkpoint gray --out large.npy -C denoiser.tile_pixels=262144";

/// One denoised image, as the JSON has it.
#[derive(Serialize, Deserialize)]
struct Denoised {
    name: String,
    out: String,
    sigma: f64,
    noise: NoiseUsed,
    seconds: f64,
    warnings: Vec<String>,
}

impl Denoise {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("denoise", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Denoised>) -> anyhow::Result<Outcome> {
        let [settings] = settings::sections(&self.common.settings, ["denoiser"])?;
        let mut inputs = inputs::expand(&self.inputs, session)?;
        let to_file = inputs.len() == 1 && self.out.extension().is_some() && !self.out.is_dir();
        if to_file && self.skip_existing {
            return Err(usage("--skip-existing: expected a folder as --out"));
        }
        inputs::set_apart(&mut inputs)?;
        let denoiser = Choice::load(self.checkpoint.as_deref(), &settings, &session.device, session)?;
        if self.checkpoint.is_none() {
            session.note(Choice::DEFAULT);
        }
        let images = inputs.iter().map(|input| input.path.clone());
        let recorded = self.skip_existing || inputs.len() > 1;
        session.claim(
            inputs
                .iter()
                .map(|input| self.out_path(input, to_file))
                .chain(recorded.then(|| Finished::file(&self.out))),
            images.chain(denoiser.files()).chain(self.sigma.file().cloned()),
        )?;
        match (to_file, self.out.parent()) {
            (true, Some(parent)) if !parent.as_os_str().is_empty() => output::folder(parent)?,
            (true, _) => {}
            (false, _) => output::folder(&self.out)?,
        }
        let denoising = Denoising::new(&denoiser, &self.sigma, &session.device, session)?;
        let files: Vec<PathBuf> = self.sigma.file().into_iter().cloned().collect();
        let files = Finished::digest(&files, session)?;
        let settings = (&self.sigma, self.reading, self.precision, &self.common.settings);
        let finished = recorded
            .then(|| {
                Finished::open(
                    &self.out,
                    &format!("{settings:?} {files} {}", denoiser.identity()),
                    self.skip_existing,
                )
            })
            .transpose()?;
        results.each(
            &inputs,
            |input| input,
            |input| {
                session.progress(Progress::At(&input.name));
                let out = self.out_path(input, to_file);
                let name = inputs::relative_name(&self.out, &out);
                let files = std::slice::from_ref(&input.path);
                let work = || self.one(session, input, &out, &denoising).map(Some);
                Finished::or(finished.as_ref(), &name, files, session, work)
            },
        )
    }

    fn one(
        &self,
        session: &Session,
        input: &Input,
        out: &Path,
        denoising: &Denoising<'_>,
    ) -> tweedie::Result<Denoised> {
        let loaded = read_image(&input.path, self.reading.color)?;
        session.file_read(&input.path, &loaded.sha256);
        note_range(&input.name, &loaded.values, session);
        output::parent(out)?;
        let image = loaded.image(&session.device)?;
        let started = Instant::now();
        let denoised = denoising.denoise(&input.name, image, loaded.compression.as_ref())?;
        let seconds = started.elapsed().as_secs_f64();
        output::write(out, &denoised.image, self.precision.into(), &Origin::from(&loaded))?;
        for warning in &denoised.warnings {
            session.note(&format!("warning: {}: {warning}", input.name));
        }
        let (from, to) = (input.path.display(), out.display());
        session.say(format_args!("{from} -> {to} ({seconds:.2} s)"));
        Ok(Denoised {
            name: input.name.clone(),
            out: to.to_string(),
            sigma: denoised.noise.level_grey_levels,
            noise: denoised.noise,
            seconds,
            warnings: denoised.warnings,
        })
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
