//! `tweedie evaluate`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use tweedie_imaging::{ColorMode, Denoiser, Sigma, image_files, noise, psnr, read_image, ssim};

use crate::options::{Common, FileHash};
use crate::{Outcome, checkpoint, output};

/// Measures denoising: mean PSNR and SSIM on a folder of clean images with seeded noise
#[derive(Args)]
pub struct Evaluate {
    /// Name under checkpoints/, or a folder
    #[arg(long)]
    checkpoint: String,
    /// Folder of clean images; colour images are made gray for a gray checkpoint
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Noise levels in grey levels
    #[arg(long, value_delimiter = ',', default_value = "15,25,50")]
    sigma: Vec<f64>,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Level {
    sigma: f64,
    psnr_db: f64,
    ssim: f64,
    images: Vec<Score>,
}

#[derive(Serialize)]
struct Score {
    name: String,
    psnr_db: f64,
    ssim: f64,
    seconds: f64,
}

impl Evaluate {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = self.common.start()?;
        let denoiser = checkpoint::load(&self.checkpoint, &session.device)?;
        let mode = if denoiser.info().channels == 1 { ColorMode::Gray } else { ColorMode::Rgb };
        let paths = image_files(&self.data)?;
        let (mut levels, mut files) = (Vec::new(), Vec::new());
        for &level in &self.sigma {
            let sigma = Sigma::from_grey_levels(level)?;
            let mut images = Vec::new();
            for (index, path) in paths.iter().enumerate() {
                let loaded = read_image(path, mode)?;
                let clean = loaded.image(&session.device)?;
                let noise = noise::gaussian(loaded.dims, sigma, self.seed, index as u64, &session.device)?;
                let started = Instant::now();
                let estimate = denoiser.denoise(clean.clone() + noise, sigma)?;
                let seconds = started.elapsed().as_secs_f64();
                images.push(Score {
                    name: output::stem(path),
                    psnr_db: psnr(&estimate, &clean)?[0],
                    ssim: ssim(&estimate, &clean)?[0],
                    seconds,
                });
                if levels.is_empty() {
                    files.push(FileHash { path: path.display().to_string(), sha256: loaded.sha256 });
                }
            }
            let mean = |of: fn(&Score) -> f64| output::mean(images.iter().map(of)).unwrap_or(f64::NAN);
            let (psnr_db, ssim) = (mean(|score| score.psnr_db), mean(|score| score.ssim));
            if session.talk {
                println!("sigma {level}: PSNR {psnr_db:.2} dB, SSIM {ssim:.4} ({} images)", images.len());
            }
            levels.push(Level { sigma: level, psnr_db, ssim, images });
        }
        session.finish("evaluate", &levels, &files)?;
        Ok(Outcome::Done)
    }
}
