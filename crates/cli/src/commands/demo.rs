//! `tweedie demo`

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use tweedie_imaging::{ColorMode, Depth, image_files, psnr, read_image, write_image};

use super::restore::SolverOptions;
use crate::options::Common;
use crate::task::{TaskKind, TaskOptions};
use crate::{Outcome, checkpoint, interrupt, output};

/// Simulates and restores the bundled photographs with the bundled checkpoint
#[derive(Args)]
pub struct Demo {
    /// Folder of the pictures
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

impl Demo {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = self.common.start()?;
        let interrupted = interrupt::flag()?;
        let Some(samples) = checkpoint::folders("datasets").into_iter().map(|f| f.join("samples")).find(|f| f.is_dir())
        else {
            bail!("datasets/samples: expected the bundled photographs, found no such folder");
        };
        output::folder(&self.out)?;
        let paths = image_files(&samples)?;
        let tasks = [TaskKind::Deblur, TaskKind::Inpaint, TaskKind::Sr, TaskKind::Denoise];
        for (index, path) in paths.iter().enumerate() {
            if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(Outcome::Interrupted);
            }
            let task = options(tasks[index % tasks.len()]);
            let name = output::stem(path);
            let clean = read_image(path, ColorMode::AsStored)?.image(&session.device)?;
            let [_, c, h, w] = clean.dims();
            let operator = task.operator([c, h, w])?;
            let y = task.measure(operator.as_ref(), clean.clone(), index)?;
            let denoiser = checkpoint::for_channels(checkpoint::load("gray", &session.device)?, c)?;
            let solver = SolverOptions {
                solver: "pnp-hqs".to_owned(),
                help_solver: None,
                strength: None,
                sigma: None,
                iterations: None,
                tolerance: None,
                config: Vec::new(),
            };
            let before = operator.start(y.clone())?;
            let run = solver
                .run(operator, y.clone(), task.sigma()?, Arc::from(denoiser), Some(&clean), Arc::clone(&interrupted))
                .with_context(|| path.display().to_string())?;
            for (part, image) in [("1_clean", &clean), ("2_measurement", &y), ("3_restored", &run.image)] {
                write_image(&self.out.join(format!("{name}_{part}.png")), image, Depth::Eight)?;
            }
            if session.talk {
                println!(
                    "{name} ({}): {:.2} -> {:.2} dB",
                    task.task.name(),
                    psnr(&before, &clean)?[0],
                    psnr(&run.image, &clean)?[0]
                );
            }
        }
        if session.talk {
            println!("pictures are in {}", self.out.display());
        }
        Ok(Outcome::Done)
    }
}

fn options(task: TaskKind) -> TaskOptions {
    TaskOptions {
        task,
        kernel: (task == TaskKind::Deblur).then(|| "gaussian:1.6".to_owned()),
        kernels: None,
        keep: (task == TaskKind::Inpaint).then_some(0.3),
        mask: None,
        scale: (task == TaskKind::Sr).then_some(2),
        noise: match task {
            TaskKind::Denoise => 25.0,
            TaskKind::Deblur => 7.65,
            TaskKind::Inpaint | TaskKind::Sr => 0.0,
        },
        seed: 0,
    }
}
