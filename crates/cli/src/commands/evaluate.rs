//! `tweedie evaluate`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use tweedie_imaging::{Image, Sigma, noise, psnr, ssim};

use crate::checkpoint::{self, Loaded};
use crate::degradation::single;
use crate::inputs::Input;
use crate::options::{Common, Denoising};
use crate::published::{self, Published};
use crate::session::{Results, Session};
use crate::{Outcome, for_file, inputs, noise_level, output, overrides, progress};

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

/// One level, as the JSON has it.
#[derive(Serialize)]
struct Level {
    sigma: f64,
    psnr_db: Option<f64>,
    ssim: Option<f64>,
    /// PSNR of the noisy images.
    psnr_input_db: Option<f64>,
    /// What papers print for this set and level.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    published: Vec<Published>,
    images: Vec<Score>,
}

#[derive(Serialize)]
struct Score {
    name: String,
    psnr_db: f64,
    ssim: f64,
    seconds: f64,
    psnr_input_db: f64,
}

impl Evaluate {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("evaluate", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Level>) -> anyhow::Result<Outcome> {
        let [settings] = overrides::sections(&self.common.settings, ["denoiser"])?;
        let sigmas = noise_level::given(&self.sigma)?;
        let inputs = inputs::expand(&self.data)?;
        let denoiser = checkpoint::load(session, &self.denoising.checkpoint, settings)?;
        let bar = progress::images(session, inputs.len() * sigmas.len());
        let mut said = false;
        let mut methods = None;
        for (&level, &sigma) in self.sigma.iter().zip(&sigmas) {
            let mut images = Vec::with_capacity(inputs.len());
            let mut channels = 0;
            for input in &inputs {
                if session.is_interrupted() {
                    return Ok(Outcome::Interrupted);
                }
                bar.set_message(format!("{} at {level}", input.name));
                let clean = self.clean(session, input)?;
                denoiser.note_channels(session, clean.dims()[1], &mut said);
                channels = clean.dims()[1];
                let score = self.score(session, &denoiser, &input.name, clean, sigma);
                images.push(score.map_err(|error| for_file(error, &input.path))?);
                bar.inc(1);
            }
            let mean = |of: fn(&Score) -> f64| output::mean(images.iter().map(of));
            let result = Level {
                sigma: level,
                psnr_db: mean(|score| score.psnr_db),
                ssim: mean(|score| score.ssim),
                psnr_input_db: mean(|score| score.psnr_input_db),
                published: self.published(images.len(), channels, level),
                images,
            };
            bar.suspend(|| {
                let methods = methods.get_or_insert_with(|| self.header(session, result.images.len(), channels));
                session.say(row(&result, methods));
            });
            results.push(result)?;
        }
        bar.finish_and_clear();
        Ok(Outcome::Done)
    }

    /// Says the table's first line; the methods of its last columns.
    fn header(&self, session: &Session, images: usize, channels: usize) -> Vec<&'static str> {
        let mut published = self.sigma.iter().map(|&level| self.published(images, channels, level));
        let rows = published.find(|rows| !rows.is_empty()).unwrap_or_default();
        let methods: Vec<&str> = rows.iter().map(|row| row.method).collect();
        let columns: String = methods.iter().map(|method| format!("  {method:>6}")).collect();
        session.say(format_args!(
            "{:>8}  {:>10}  {:>7}  {:>10}  {:>6}{columns}",
            "sigma", "PSNR (dB)", "SSIM", "noisy (dB)", "images"
        ));
        methods
    }

    fn published(&self, images: usize, channels: usize, level: f64) -> Vec<Published> {
        match self.data.as_slice() {
            [folder] => published::for_folder(folder, images, channels, level),
            _ => Vec::new(),
        }
    }

    fn clean(&self, session: &Session, input: &Input) -> anyhow::Result<Image> {
        let loaded = session.read_image(&input.path, self.denoising.reading.color.into())?;
        let image = loaded.image(&session.device)?;
        single(image.dims()).map_err(|error| for_file(error, &input.path))?;
        Ok(image)
    }

    fn score(
        &self,
        session: &Session,
        denoiser: &Loaded,
        name: &str,
        clean: Image,
        sigma: Sigma,
    ) -> anyhow::Result<Score> {
        let denoiser = denoiser.for_channels(clean.dims()[1])?;
        let stream = noise::stream_from_name(name);
        let noisy = clean.clone() + noise::gaussian(clean.dims(), sigma, self.seed, stream, &session.device)?;
        let started = Instant::now();
        let estimate = denoiser.denoise(noisy.clone(), sigma)?;
        // Devices work in the background: the image is there when its values are.
        tweedie_imaging::vec_from_image(&estimate)?;
        let seconds = started.elapsed().as_secs_f64();
        Ok(Score {
            name: name.to_owned(),
            psnr_db: psnr(&estimate, &clean)?[0],
            ssim: ssim(&estimate, &clean)?[0],
            seconds,
            psnr_input_db: psnr(&noisy, &clean)?[0],
        })
    }
}

fn row(level: &Level, methods: &[&str]) -> String {
    let number = |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
    let published: String = methods
        .iter()
        .map(|method| {
            let found = level.published.iter().find(|published| published.method == *method);
            format!("  {:>6}", number(found.map(|published| published.psnr_db), 2))
        })
        .collect();
    format!(
        "{:>8}  {:>10}  {:>7}  {:>10}  {:>6}{published}",
        level.sigma,
        number(level.psnr_db, 2),
        number(level.ssim, 4),
        number(level.psnr_input_db, 2),
        level.images.len()
    )
}
