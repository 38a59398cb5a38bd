//! The photographs that come with the program, degraded and restored.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use toml::Table;
use tweedie_imaging::{ColorMode, Depth, read_image, write_image};
use tweedie_operators::{Downsampling, Kernel};
use tweedie_solver::StopReason;

use crate::checkpoint::{self, Checkpoint};
use crate::degradation::{Border, Degradation, Pixels};
use crate::error::bail;
use crate::gallery::Gallery;
use crate::inputs::{self, Input};
use crate::measurement::Measurement;
use crate::provenance::Provenance;
use crate::scores::Scores;
use crate::solver::Solver;
use crate::solver_options::SolverOptions;
use crate::task::Task;
use crate::{Events, Result, locate, output, restore};

const SOLVER: &str = "pnp-hqs";
/// Lost pixels are filled in from the known ones step by step, for which the few steps of splitting do not suffice.
const INPAINTING_SOLVER: &str = "pnp-admm";

/// The files of a photograph: its name, a dot, one of these, `.png`.
const PARTS: [&str; 3] = ["truth", "measurement", "restored"];

/// The demonstration: photographs, and what is done to each.
pub struct Demo {
    /// The photographs with their tasks.
    pub shots: Vec<(Input, Task)>,
    gray: Checkpoint,
    color: Checkpoint,
    solver: Solver,
    inpainting_solver: Solver,
    gallery: Gallery,
}

impl Demo {
    /// Loads the checkpoints; `solver` and `denoiser` are the values of these sections.
    ///
    /// # Errors
    /// If the photographs or a checkpoint are not found, or a value does not fit.
    pub fn new(solver: Table, denoiser: Table, device: &Device, events: &dyn Events) -> Result<Self> {
        let folders = locate::folders("datasets")
            .into_iter()
            .map(|folder| folder.join("samples"));
        let Some(samples) = folders.into_iter().find(|folder| folder.is_dir()) else {
            bail!(
                "samples: expected the photographs in {}",
                locate::description("datasets")
            );
        };
        let load = |channels| checkpoint::load(checkpoint::default_for(channels), denoiser.clone(), device, events);
        let resolve = |name| Solver::resolve(SolverOptions::of(name), solver.clone(), None);
        let inputs = inputs::expand(&[samples], events)?;
        Ok(Self {
            shots: inputs.into_iter().zip(tasks()?.into_iter().cycle()).collect(),
            gray: load(1)?,
            color: load(3)?,
            solver: resolve(SOLVER)?,
            inpainting_solver: resolve(INPAINTING_SOLVER)?,
            gallery: Gallery::default(),
        })
    }

    /// The files that it reads.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let images = self.shots.iter().map(|(input, _)| input.path.clone());
        images.chain(self.gray.files()).chain(self.color.files()).collect()
    }

    /// The files that it writes into a folder.
    pub fn outputs(&self, out: &Path) -> Vec<PathBuf> {
        let parts = |(input, _): &(Input, Task)| {
            let stem = input.stem();
            PARTS.map(|part| out.join(format!("{stem}.{part}.png")))
        };
        self.shots.iter().flat_map(parts).chain([Self::page(out)]).collect()
    }

    /// The page in a folder.
    pub fn page(out: &Path) -> PathBuf {
        out.join("report.html")
    }

    /// Degrades and restores a photograph and writes its pictures; `None` if the listener cancelled.
    ///
    /// # Errors
    /// Names the photograph.
    pub fn one(
        &mut self,
        (input, task): &(Input, Task),
        out: &Path,
        device: &Device,
        events: &dyn Events,
    ) -> Result<Option<Scores>> {
        let loaded = read_image(&input.path, ColorMode::AsStored)?;
        events.file_read(&input.path, &loaded.sha256);
        let measurement = Measurement::simulate(&input.name, task.clone(), loaded.image(device)?)?;
        let channels = measurement.operator.domain()[0];
        let denoiser = if channels == 1 { &self.gray } else { &self.color };
        let solver = match task.degradation {
            Degradation::Holes(_) => &self.inpainting_solver,
            _ => &self.solver,
        };
        let restored = restore(solver, &measurement, denoiser.prior(channels)?, events)?;
        if events.is_cancelled() || restored.stop == StopReason::Interrupted {
            return Ok(None);
        }
        let images = [measurement.truth.as_ref(), Some(&measurement.y), Some(&restored.image)];
        for (part, image) in PARTS.into_iter().zip(images) {
            let Some(image) = image else { continue };
            let path = output::path_in(out, &input.stem(), &format!(".{part}.png"))?;
            write_image(&path, image, Depth::Eight)?;
        }
        let stem = input.stem();
        let files = PARTS.map(|part| format!("{stem}.{part}.png"));
        self.gallery.add(&measurement, &restored, &files)?;
        Ok(Some(restored.scores))
    }

    /// Writes the page.
    ///
    /// # Errors
    /// Names the page.
    pub fn write_page(self, out: &Path, provenance: &Provenance) -> Result<()> {
        let settings = [
            ("solver", format!("{SOLVER}; inpaint: {INPAINTING_SOLVER}")),
            ("checkpoint", format!("{}; {}", self.gray.origin(), self.color.origin())),
            (
                "deblur",
                "Gaussian kernel, 1.6 pixels, 15x15; noise 2.55 grey levels".to_owned(),
            ),
            ("inpaint", "30 % of the pixels known, no noise".to_owned()),
            (
                "sr",
                "factor 2 after a Gaussian kernel, 1.6 pixels, 7x7; no noise".to_owned(),
            ),
            ("denoise", "noise 25 grey levels".to_owned()),
        ];
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        let title = "Tweedie: photographs restored with a learned denoiser";
        self.gallery
            .write(&Self::page(out), title, settings.collect(), provenance)
    }
}

/// What is done to the photographs, in turn.
fn tasks() -> Result<[Task; 4]> {
    let border = Border::Circular;
    let blur = Degradation::Blur {
        kernel: Kernel::gaussian(1.6, Kernel::gaussian_size(1.6)?)?,
        border,
    };
    let small = Degradation::Decimation {
        factor: 2,
        kernel: Downsampling::default_kernel()?,
        border,
        phase: 0,
    };
    Ok([
        Task::new(blur, 2.55, 0)?,
        Task::new(Degradation::Holes(Pixels::Random { keep: 0.3 }), 0.0, 0)?,
        Task::new(small, 0.0, 0)?,
        Task::new(Degradation::Noise, 25.0, 0)?,
    ])
}
