//! `tweedie denoise`

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use tweedie_imaging::{ColorMode, Sigma, depth_for, read_image, write_image};

use crate::options::{Common, FileHash};
use crate::{Outcome, checkpoint, output};

/// Denoises images
#[derive(Args)]
pub struct Denoise {
    /// Images, or folders of images
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Name under checkpoints/, or a folder
    #[arg(long)]
    checkpoint: String,
    /// Noise level in grey levels
    #[arg(long, value_name = "S")]
    sigma: f64,
    /// A file (one input) or a folder
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Result {
    name: String,
    out: String,
    sigma: f64,
    seconds: f64,
}

impl Denoise {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = self.common.start()?;
        let interrupted = crate::interrupt::flag()?;
        let sigma = Sigma::from_grey_levels(self.sigma)?;
        let inputs = output::inputs(&self.inputs)?;
        let to_file = inputs.len() == 1 && self.out.extension().is_some() && !self.out.is_dir();
        if !to_file {
            output::folder(&self.out)?;
        }
        let (mut results, mut files) = (Vec::new(), Vec::new());
        let mut known = None;
        for input in &inputs {
            if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
                session.finish("denoise", &results, &files)?;
                return Ok(Outcome::Interrupted);
            }
            let loaded = read_image(input, ColorMode::AsStored)?;
            let channels = loaded.dims[1];
            let denoiser = match known.take() {
                Some((count, denoiser)) if count == channels => denoiser,
                _ => checkpoint::for_channels(checkpoint::load(&self.checkpoint, &session.device)?, channels)
                    .with_context(|| input.display().to_string())?,
            };
            let started = std::time::Instant::now();
            let image = denoiser.denoise(loaded.image(&session.device)?, sigma)?;
            let seconds = started.elapsed().as_secs_f64();
            let out = if to_file { self.out.clone() } else { self.out.join(format!("{}.png", output::stem(input))) };
            if inputs.iter().any(|input| same(input, &out)) {
                bail!("{}: expected an output that is not an input, got the same file", out.display());
            }
            write_image(&out, &image, depth_for(&out, loaded.depth)?)?;
            if session.talk {
                println!("{} -> {} ({seconds:.2} s)", input.display(), out.display());
            }
            files.push(FileHash { path: input.display().to_string(), sha256: loaded.sha256 });
            results.push(Result {
                name: output::stem(input),
                out: out.display().to_string(),
                sigma: self.sigma,
                seconds,
            });
            known = Some((channels, denoiser));
        }
        session.finish("denoise", &results, &files)?;
        Ok(Outcome::Done)
    }
}

fn same(a: &std::path::Path, b: &std::path::Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
