//! Checkpoints, solvers and settings against one another on the same measurements.

use std::path::Path;

use burn::tensor::Device;
use serde::Serialize;
use toml::Table;
use tweedie_imaging::{ColorMode, Image, write_atomic};
use tweedie_report::{BoxPlot, Comparison, Picture, Report, Section, Table as Cells};
use tweedie_solver::StopReason;

use crate::checkpoint::{self, Checkpoint};
use crate::error::{Context as _, usage};
use crate::inputs::Input;
use crate::measurement::Measurement;
use crate::provenance::Provenance;
use crate::scores::Scores;
use crate::settings::Setting;
use crate::solver::Solver;
use crate::solver_options::SolverOptions;
use crate::task::Task;
use crate::{Events, Result, output, restore, settings};

/// Pictures of so many images are in the page.
const PICTURES: usize = 8;

/// One way to restore.
pub struct Method {
    /// Checkpoint, solver and what is varied, as one text.
    pub name: String,
    /// The checkpoint.
    pub checkpoint: String,
    /// The values that are varied, as typed.
    pub settings: Vec<String>,
    denoiser: Checkpoint,
    solver: Solver,
}

/// What is combined: every checkpoint with every solver and every value.
#[derive(Clone, Debug)]
pub struct Combined {
    /// Names or folders.
    pub checkpoints: Vec<String>,
    /// Names of solvers; the options are the same for all.
    pub solvers: Vec<String>,
    /// `KEY=A,B`: keys of the sections `solver` and `denoiser`, each with several values.
    pub varied: Vec<String>,
    /// Options that all solvers share.
    pub options: SolverOptions,
    /// Values that are the same for all.
    pub settings: Vec<Setting>,
    /// Seed of solvers that draw.
    pub seed: Option<u64>,
}

/// A method on an image, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// [`Method::name`].
    pub method: String,
    /// The checkpoint.
    pub checkpoint: String,
    /// The values that are varied.
    pub settings: Vec<String>,
    /// The result.
    #[serde(flatten)]
    pub scores: Scores,
}

impl Combined {
    /// The methods, checkpoints first.
    ///
    /// # Errors
    /// If a checkpoint is not found, or a solver does not take a value.
    pub fn methods(&self, device: &Device, events: &dyn Events) -> Result<Vec<Method>> {
        let mut choices: Vec<Vec<String>> = vec![Vec::new()];
        for varied in &self.varied {
            let (key, values) = varied
                .split_once('=')
                .ok_or_else(|| usage(format!("--vary {varied}: expected KEY=VALUE,VALUE")))?;
            let values: Vec<&str> = values.split(',').collect();
            let with = |choice: &Vec<String>| -> Vec<Vec<String>> {
                let each = values.iter().map(|value| format!("{key}={value}"));
                each.map(|setting| choice.iter().cloned().chain([setting]).collect())
                    .collect()
            };
            choices = choices.iter().flat_map(with).collect();
        }
        let mut methods = Vec::new();
        for checkpoint in &self.checkpoints {
            for solver in &self.solvers {
                for choice in &choices {
                    methods.push(self.method(checkpoint, solver, choice, device, events)?);
                }
            }
        }
        Ok(methods)
    }

    fn method(
        &self,
        checkpoint: &str,
        solver: &str,
        choice: &[String],
        device: &Device,
        events: &dyn Events,
    ) -> Result<Method> {
        let mut all = self.settings.clone();
        for text in choice {
            all.push(text.parse().map_err(|error| usage(format!("--vary {text}: {error}")))?);
        }
        let [of_solver, of_denoiser]: [Table; 2] = settings::sections(&all, ["solver", "denoiser"])?;
        let options = SolverOptions {
            solver: solver.to_owned(),
            ..self.options.clone()
        };
        let name = std::iter::once(format!("{checkpoint}, {solver}")).chain(choice.iter().cloned());
        Ok(Method {
            name: name.collect::<Vec<_>>().join(", "),
            checkpoint: checkpoint.to_owned(),
            settings: choice.to_vec(),
            denoiser: checkpoint::load(checkpoint, of_denoiser, device, events)?,
            solver: Solver::resolve(options, of_solver, self.seed)?,
        })
    }
}

impl Method {
    /// The files that it reads.
    pub fn files(&self) -> Vec<std::path::PathBuf> {
        self.denoiser.files()
    }
}

/// Methods on images, with what is shown of them.
pub struct Study {
    /// What is compared.
    pub methods: Vec<Method>,
    task: Task,
    color: ColorMode,
    results: Vec<Compared>,
    pictures: Vec<Comparison>,
    images: usize,
}

impl Study {
    /// A comparison on images that are degraded by `task`.
    pub fn new(methods: Vec<Method>, task: Task, color: ColorMode) -> Self {
        Self {
            methods,
            task,
            color,
            results: Vec::new(),
            pictures: Vec::new(),
            images: 0,
        }
    }

    /// Degrades an image and restores it by each method; `None` if the listener cancelled.
    ///
    /// # Errors
    /// If the image cannot be read, or a method fails on it.
    pub fn one(&mut self, input: &Input, device: &Device, events: &dyn Events) -> Result<Option<Vec<Compared>>> {
        let clean = events.read_image(&input.path, self.color)?.image(device)?;
        let measurement = Measurement::simulate(&input.name, self.task.clone(), clean)?;
        let channels = measurement.operator.domain()[0];
        let mut pictures = Vec::new();
        let mut found = Vec::new();
        for method in &self.methods {
            method.denoiser.note_channels(channels, events);
            let restored = restore(&method.solver, &measurement, method.denoiser.prior(channels)?, events)
                .with_context(|| method.name.clone())?;
            if events.is_cancelled() || restored.stop == StopReason::Interrupted {
                return Ok(None);
            }
            pictures.push((method.name.clone(), restored.scores.psnr_db, restored.image));
            found.push(Compared {
                method: method.name.clone(),
                checkpoint: method.checkpoint.clone(),
                settings: method.settings.clone(),
                scores: restored.scores,
            });
        }
        self.images += 1;
        if self.pictures.len() < PICTURES {
            self.pictures.push(side_by_side(&measurement, pictures)?);
        }
        self.results.extend(found.iter().cloned());
        Ok(Some(found))
    }

    /// Means over the images, a row for each method.
    pub fn table(&self) -> Cells {
        let mut table = Cells::new([
            "method",
            "PSNR (dB)",
            "SSIM",
            "worst (dB)",
            "seconds",
            "diverged",
            "images",
        ]);
        for method in &self.methods {
            let of_method: Vec<&Scores> = self.of(method).collect();
            let mean = |of: fn(&Scores) -> Option<f64>| output::mean(of_method.iter().filter_map(|scores| of(scores)));
            let number = |value: Option<f64>, digits| value.map_or(String::new(), |value| format!("{value:.digits$}"));
            let worst = of_method.iter().filter_map(|scores| scores.psnr_db).reduce(f64::min);
            let diverged = of_method.iter().filter(|scores| scores.stop == StopReason::Diverged);
            table.row([
                method.name.clone(),
                number(mean(|scores| scores.psnr_db), 2),
                number(mean(|scores| scores.ssim), 4),
                number(worst, 2),
                number(mean(|scores| Some(scores.seconds)), 2),
                diverged.count().to_string(),
                of_method.len().to_string(),
            ]);
        }
        table
    }

    fn of<'a>(&'a self, method: &'a Method) -> impl Iterator<Item = &'a Scores> {
        let same = move |compared: &&Compared| compared.method == method.name;
        self.results.iter().filter(same).map(|compared| &compared.scores)
    }

    /// PSNR of each image, a row for each.
    fn each(&self) -> Cells {
        let methods = self.methods.iter().map(|method| method.name.as_str());
        let mut table = Cells::new(["image", "before (dB)"].into_iter().chain(methods));
        let decibels = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
        for of_image in self.results.chunks(self.methods.len().max(1)) {
            let Some(first) = of_image.first() else { continue };
            let head = [first.scores.name.clone(), decibels(first.scores.psnr_input_db)];
            let cells = of_image.iter().map(|compared| decibels(compared.scores.psnr_db));
            table.row(head.into_iter().chain(cells));
        }
        table
    }

    fn box_plot(&self) -> BoxPlot {
        let values = |method: &Method| self.of(method).filter_map(|scores| scores.psnr_db).collect();
        BoxPlot {
            title: format!("{} images, {}", self.images, self.task.degradation.kind().name()),
            label: "PSNR (dB)".to_owned(),
            rows: self
                .methods
                .iter()
                .map(|method| (method.name.clone(), values(method)))
                .collect(),
        }
    }

    /// The files that [`Self::write`] writes.
    pub fn outputs(folder: &Path) -> [std::path::PathBuf; 6] {
        [
            "table.csv",
            "table.md",
            "table.tex",
            "images.csv",
            "psnr.svg",
            "report.html",
        ]
        .map(|name| folder.join(name))
    }

    /// Writes the table as CSV, Markdown and LaTeX, the images' figures, the box plot and the page.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn write(self, folder: &Path, provenance: &Provenance) -> Result<()> {
        let [csv, markdown, latex, images, plot, page] = Self::outputs(folder);
        let (table, each, box_plot) = (self.table(), self.each(), self.box_plot());
        for (path, text) in [
            (csv, table.csv()),
            (markdown, table.markdown()),
            (latex, table.latex()),
            (images, each.csv()),
        ] {
            write_atomic(&path, |file| std::io::Write::write_all(file, text.as_bytes()))?;
        }
        box_plot.write(&plot)?;
        let task = &self.task;
        let mut report = Report::new(format!("Comparison: {}", task.degradation.kind().name()));
        report.summary = format!("{} methods on {} images", self.methods.len(), self.images);
        let results = Section::new("Results").table(table).box_plot(box_plot).text(
            "PSNR for the range [0, 1], the estimate clipped, in f64; SSIM with a Gaussian window of 11 pixels. Every method sees the \
             same measurements.",
        );
        let mut pictures = Section::new("Pictures");
        if self.images > self.pictures.len() {
            pictures = pictures.text(format!("The first {} of {} images.", self.pictures.len(), self.images));
        }
        for comparison in self.pictures {
            pictures = pictures.comparison(comparison);
        }
        report.sections = vec![results, pictures, Section::new("Images").table(each)];
        let noise = task.noise_grey_levels.to_string();
        let settings = [
            ("task", task.degradation.kind().name().to_owned()),
            ("noise (grey levels)", noise),
            ("seed", task.seed.to_string()),
        ];
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        report.sections.extend(provenance.sections(settings.collect()));
        Ok(report.write(&page)?)
    }
}

/// Measurement, what each method made of it, and the truth.
fn side_by_side(measurement: &Measurement, restored: Vec<(String, Option<f64>, Image)>) -> Result<Comparison> {
    let Measurement {
        name,
        task,
        operator,
        y,
        truth,
    } = measurement;
    let shown = measurement.in_window(task.start(operator.as_ref(), y.clone())?);
    let mut pictures = vec![Picture::new("first estimate", "", &shown)?];
    for (method, psnr, image) in restored {
        let note = psnr.map_or(String::new(), |psnr| format!("{psnr:.2} dB"));
        pictures.push(Picture::new(method, note, &image)?);
    }
    if let Some(truth) = truth {
        pictures.push(Picture::new("truth", "", truth)?);
    }
    Ok(Comparison::new(name, pictures))
}
