//! What a restoration works on: pictures of a user's own, clean images to degrade, and measurements of a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use tweedie_imaging::{ColorMode, Depth, read_image, read_image_and_alpha};

use crate::error::usage;
use crate::inputs::{self, Input};
use crate::measurement::Measurement;
use crate::measurement_folder::{MANIFEST, MeasurementSet, manifest_path};
use crate::output::{self, Origin};
use crate::picture::{self, Picture, Unknowns};
use crate::task::Task;
use crate::{Events, Result};

/// An image to restore, before it is read.
#[derive(Clone, Debug)]
pub struct Job {
    /// The file, and what its result is called.
    pub input: Input,
    /// What it is.
    pub source: Source,
}

/// Where a measurement comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A clean image, which is degraded first.
    Clean(Arc<Task>),
    /// A picture of a user's own, of which something may have to be found out.
    Picture(Arc<Task>, Unknowns),
    /// A measurement of a manifest.
    Measured {
        /// Where the manifest is.
        folder: PathBuf,
        /// The manifest.
        manifest: Arc<MeasurementSet>,
        /// Which of its measurements.
        index: usize,
    },
}

/// What the pictures among the inputs are; measurements of a folder bring their own task.
pub type Pictures = Option<(Arc<Task>, Option<Unknowns>)>;

/// The jobs of inputs: pictures, folders of pictures, or, where `pictures` is `None`, folders of measurements. Without unknowns the
/// pictures are clean.
///
/// # Errors
/// If an input is not there or of the other kind, or two results would have the same name.
pub fn list(inputs: &[PathBuf], pictures: Pictures, events: &dyn Events) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for path in inputs {
        match (manifest_path(path), &pictures) {
            (Some(path), None) => {
                let manifest = Arc::new(MeasurementSet::read(&path, events)?);
                let folder = path.parent().unwrap_or(Path::new(".")).to_path_buf();
                for (index, measured) in manifest.measurements.iter().enumerate() {
                    let (folder, manifest) = (folder.clone(), Arc::clone(&manifest));
                    jobs.push(Job {
                        input: Input::new(folder.join(&measured.name), measured.name.clone()),
                        source: Source::Measured {
                            folder,
                            manifest,
                            index,
                        },
                    });
                }
            }
            (Some(path), Some((_, unknowns))) => {
                let what = match unknowns {
                    None => "--simulate",
                    Some(_) => "--task and its options",
                };
                return Err(usage(format!(
                    "{}: measurements bring their own task; leave out {what}",
                    path.display()
                )));
            }
            (None, Some((task, unknowns))) => {
                for input in inputs::expand(std::slice::from_ref(path), events)? {
                    let task = Arc::clone(task);
                    let source = match unknowns {
                        None => Source::Clean(task),
                        Some(unknowns) => Source::Picture(task, unknowns.clone()),
                    };
                    jobs.push(Job { input, source });
                }
            }
            (None, None) => return Err(usage("--task: expected denoise, deblur, inpaint, sr, ..., got none")),
        }
    }
    inputs::set_apart(jobs.iter_mut().map(|job| &mut job.input))?;
    Ok(jobs)
}

impl Job {
    /// The task, where the measurement does not bring its own.
    pub fn task(&self) -> Option<&Task> {
        match &self.source {
            Source::Clean(task) | Source::Picture(task, _) => Some(task),
            Source::Measured { .. } => None,
        }
    }

    /// The files that it reads, but for those of the task.
    pub fn files(&self) -> Vec<PathBuf> {
        match &self.source {
            Source::Clean(_) | Source::Picture(..) => vec![self.input.path.clone()],
            Source::Measured { folder, manifest, .. } => {
                let mut files = manifest.files(folder);
                files.push(folder.join(MANIFEST));
                files
            }
        }
    }

    /// The files of its result in a folder: the picture, the trace and, where a strength is searched for, what was tried.
    pub fn outputs(&self, folder: &Path, depth: Option<Depth>, searches: bool) -> Vec<PathBuf> {
        let (stem, ending) = (self.input.stem(), output::ending_of(depth));
        let mut files = vec![format!("{stem}.{ending}"), format!("{stem}.trace.csv")];
        files.extend(searches.then(|| format!("{stem}.strengths.csv")));
        files.iter().map(|file| folder.join(file)).collect()
    }

    /// Reads the measurement, or makes it of a clean image, and tells what its result takes over from the file.
    ///
    /// # Errors
    /// If a file cannot be read, or does not fit the task.
    pub fn measurement(&self, color: ColorMode, device: &Device, events: &dyn Events) -> Result<(Measurement, Origin)> {
        let Input { path, name, .. } = &self.input;
        match &self.source {
            Source::Measured {
                folder,
                manifest,
                index,
            } => {
                let (task, y, size) = manifest.open(folder, &manifest.measurements[*index], device, events)?;
                let measurement = Measurement {
                    name: name.clone(),
                    operator: task.operator(size)?,
                    task,
                    y,
                    truth: None,
                };
                Ok((measurement, Origin::default()))
            }
            Source::Clean(task) => {
                let loaded = read_image(path, color)?;
                events.file_read(path, &loaded.sha256);
                let measurement = Measurement::simulate(name, Task::clone(task), loaded.image(device)?)?;
                Ok((measurement, Origin::from(&loaded)))
            }
            Source::Picture(task, unknowns) => {
                let (loaded, alpha) = read_image_and_alpha(path, color)?;
                events.file_read(path, &loaded.sha256);
                let picture = Picture {
                    path,
                    name,
                    image: loaded.image(device)?,
                    alpha,
                    compression: loaded.compression.as_ref(),
                };
                let measurement = picture::measurement(task, picture, unknowns, events)?;
                Ok((measurement, Origin::from(&loaded)))
            }
        }
    }
}
