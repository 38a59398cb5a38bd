//! Measurements as a folder: `measurements.toml` names the task, its files and the measurements.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, bail};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tweedie_imaging::{
    Array, ColorMode, Depth, Image, MAX_TEXT_BYTES, image_from_vec, read_array, read_text, sha256_file, write_array,
    write_atomic, write_image, write_npz,
};
use tweedie_operators::{BayerPattern, CompressedSensing, Kernel, NoiseModel};

use crate::coils::Coils;
use crate::degradation::{Border, Degradation, Pixels};
use crate::mask::MaskMarks;
use crate::noise_level::Noise;
use crate::noise_option::NoiseOption;
use crate::output;
use crate::task::Task;
use crate::{Events, Result};

/// Name of the manifest in a folder of measurements.
pub const MANIFEST: &str = "measurements.toml";

/// Name of the kernel beside it.
const KERNEL: &str = "kernel.npy";

/// Ending of the file of signs and coefficients of compressed sensing. The seed gives both; the file is for other programs.
const SAMPLING: &str = ".sampling.npz";
/// Name of the map of noise levels in a folder of measurements.
const NOISE_MAP: &str = "noise-map.npy";

/// Name of the coils' sensitivities in a folder of measurements.
const COILS: &str = "coils.npy";

/// Version of the manifest; raised when an older program could misread it.
const FORMAT: u32 = 1;

/// The manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasurementSet {
    format: u32,
    /// Version of the program that wrote it.
    tweedie: String,
    /// Noise level of the measurements in 8-bit grey levels.
    noise_grey_levels: f64,
    /// The noise as `--noise` takes it, where it is not white noise of that level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    noise: Option<String>,
    /// Seed of masks, samplings and noise.
    seed: u64,
    task: Record,
    /// The measurements.
    #[serde(rename = "measurement")]
    pub measurements: Vec<Measured>,
}

/// The task, with its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Record {
    Denoise,
    Deblur {
        kernel: FileRecord,
        boundary: Border,
    },
    Inpaint,
    Sr {
        scale: usize,
        kernel: FileRecord,
        boundary: Border,
        /// First row and column that are kept.
        #[serde(default)]
        phase: usize,
    },
    Demosaic {
        pattern: String,
    },
    Csmri {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coils: Option<FileRecord>,
    },
    Radon {
        angles: usize,
    },
    Compressed {
        ratio: f64,
    },
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Name of the image.
    pub name: String,
    /// `[C, H, W]` of the image.
    size: [usize; 3],
    /// sha256 of the clean image's file.
    clean_sha256: String,
    /// y, in full precision.
    y: FileRecord,
    /// 1 where a pixel or frequency is measured, where the task has a mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<FileRecord>,
}

/// A file beside the manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRecord {
    file: String,
    sha256: String,
}

/// Writes measurements into a folder.
pub struct Writer {
    folder: PathBuf,
    manifest: MeasurementSet,
}

impl Writer {
    /// Begins a folder: writes the task's kernel.
    pub fn new(folder: &Path, task: &Task) -> Result<Self> {
        output::folder(folder)?;
        let kernel_file = |kernel: &Kernel| {
            let [rows, cols] = kernel.dims();
            let array = Array {
                shape: vec![rows, cols],
                values: kernel.values().to_vec(),
            };
            write_array(&folder.join(KERNEL), &array)?;
            hashed(folder, KERNEL)
        };
        let record = match &task.degradation {
            Degradation::Noise => Record::Denoise,
            Degradation::Blur { kernel, border } => Record::Deblur {
                kernel: kernel_file(kernel)?,
                boundary: *border,
            },
            Degradation::Holes(_) => Record::Inpaint,
            Degradation::Decimation {
                factor,
                kernel,
                border,
                phase,
            } => Record::Sr {
                scale: *factor,
                kernel: kernel_file(kernel)?,
                boundary: *border,
                phase: *phase,
            },
            Degradation::Bayer(pattern) => Record::Demosaic {
                pattern: pattern.to_string(),
            },
            Degradation::Fourier(_, None) => Record::Csmri { coils: None },
            Degradation::Fourier(_, Some(coils)) => {
                write_array(&folder.join(COILS), &coils.array())?;
                let coils = Some(hashed(folder, COILS)?);
                Record::Csmri { coils }
            }
            Degradation::Lines { angles } => Record::Radon { angles: *angles },
            Degradation::Coefficients { ratio } => Record::Compressed { ratio: *ratio },
            Degradation::Operator(_) => {
                bail!("a folder of measurements: expected a task of ours, got an operator of your own")
            }
        };
        let manifest = MeasurementSet {
            format: FORMAT,
            tweedie: env!("CARGO_PKG_VERSION").to_owned(),
            noise_grey_levels: task.noise_grey_levels,
            noise: noise_text(folder, task)?,
            seed: task.seed,
            task: record,
            measurements: Vec::new(),
        };
        Ok(Self {
            folder: folder.to_path_buf(),
            manifest,
        })
    }

    /// The files of a task's measurements with these stems in a folder.
    pub fn outputs<'a>(folder: &Path, task: &Task, stems: impl IntoIterator<Item = &'a str>) -> Vec<PathBuf> {
        let mut outputs = vec![folder.join(MANIFEST)];
        if matches!(
            task.degradation,
            Degradation::Blur { .. } | Degradation::Decimation { .. }
        ) {
            outputs.push(folder.join(KERNEL));
        }
        if matches!(task.noise_model.model, NoiseModel::Map(_)) {
            outputs.push(folder.join(NOISE_MAP));
        }
        if matches!(task.degradation, Degradation::Fourier(_, Some(_))) {
            outputs.push(folder.join(COILS));
        }
        let chosen = match task.degradation {
            Degradation::Holes(_) | Degradation::Fourier(..) => Some(".mask.png"),
            Degradation::Coefficients { .. } => Some(SAMPLING),
            _ => None,
        };
        for stem in stems {
            let endings = [".npy", ".png"].into_iter().chain(chosen);
            outputs.extend(endings.map(|ending| folder.join(format!("{stem}{ending}"))));
        }
        outputs
    }

    /// Writes a measurement, a picture of it and its mask, then the manifest so far. Returns the measurement's file.
    pub fn add(&mut self, task: &Task, image: Source<'_>, y: &Image, picture: &Image) -> Result<PathBuf> {
        let Source {
            name,
            stem,
            size,
            sha256,
        } = image;
        let path = output::path_in(&self.folder, stem, ".npy")?;
        write_image(&path, y, Depth::Float)?;
        write_image(&output::path_in(&self.folder, stem, ".png")?, picture, Depth::Eight)?;
        let mask = match &task.degradation {
            Degradation::Holes(pixels) | Degradation::Fourier(pixels, _) => {
                let [_, rows, cols] = size;
                let values = pixels.values([rows, cols], task.seed)?;
                let mask = image_from_vec(values, [1, 1, rows, cols], &y.device())?;
                let path = output::path_in(&self.folder, stem, ".mask.png")?;
                write_image(&path, &mask, Depth::Eight)?;
                Some(hashed(&self.folder, &format!("{stem}.mask.png"))?)
            }
            Degradation::Coefficients { ratio } => {
                let sampling = CompressedSensing::new(size, *ratio, task.seed)?;
                let signs = Array {
                    shape: size[1..].to_vec(),
                    values: sampling.signs().to_vec(),
                };
                let chosen = Array {
                    shape: vec![sampling.chosen().len()],
                    values: sampling.chosen().iter().map(|&index| index as f64).collect(),
                };
                let path = output::path_in(&self.folder, stem, SAMPLING)?;
                write_npz(&path, &[("signs", &signs), ("chosen", &chosen)])?;
                None
            }
            _ => None,
        };
        self.manifest.measurements.push(Measured {
            name: name.to_owned(),
            size,
            clean_sha256: sha256.to_owned(),
            y: hashed(&self.folder, &format!("{stem}.npy"))?,
            mask,
        });
        let text = toml::to_string(&self.manifest).context("writing the manifest")?;
        write_atomic(&self.folder.join(MANIFEST), |file| file.write_all(text.as_bytes()))?;
        Ok(path)
    }
}

/// The clean image behind a measurement.
pub struct Source<'a> {
    /// Its name.
    pub name: &'a str,
    /// What its files are called.
    pub stem: &'a str,
    /// `[C, H, W]`.
    pub size: [usize; 3],
    /// Of the clean image's file.
    pub sha256: &'a str,
}

/// The manifest that an input names: a folder with one, or the file itself.
pub fn manifest_path(input: &Path) -> Option<PathBuf> {
    let inside = input.join(MANIFEST);
    let is_manifest = || input.file_name().is_some_and(|name| name == MANIFEST);
    if inside.is_file() {
        Some(inside)
    } else {
        is_manifest().then(|| input.to_path_buf())
    }
}

impl MeasurementSet {
    /// The files that it names in its folder.
    pub fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let kernel = match &self.task {
            Record::Deblur { kernel, .. } | Record::Sr { kernel, .. } => Some(kernel),
            Record::Csmri { coils } => coils.as_ref(),
            _ => None,
        };
        let of_each = self.measurements.iter().flat_map(|measured| {
            let mask = measured.mask.as_ref();
            std::iter::once(&measured.y).chain(mask)
        });
        let records = kernel.into_iter().chain(of_each);
        records.map(|record| folder.join(&record.file)).collect()
    }

    /// Reads a manifest.
    pub fn read(path: &Path, events: &dyn Events) -> Result<Self> {
        let text = read_text(path, MAX_TEXT_BYTES)?;
        let manifest: Self = toml::from_str(&text)
            .with_context(|| format!("{}: expected a manifest of measurements", path.display()))?;
        if manifest.format != FORMAT {
            bail!("{}: expected format {FORMAT}, got {}", path.display(), manifest.format);
        }
        events.hash_file(path)?;
        Ok(manifest)
    }

    /// The task of one of its measurements, the measurement, and `[C, H, W]` of the image.
    pub fn open(
        &self,
        folder: &Path,
        measured: &Measured,
        device: &Device,
        events: &dyn Events,
    ) -> Result<(Task, Image, [usize; 3])> {
        let path = verified(events, folder, &measured.y)?;
        let y = events.read_image(&path, ColorMode::AsStored)?.image(device)?;
        let kernel = |record: &FileRecord| -> Result<Kernel> {
            let path = verified(events, folder, record)?;
            let array = read_array(&path)?;
            match array.shape[..] {
                [rows, cols] => Ok(Kernel::new(rows, cols, array.values)?),
                _ => bail!(
                    "{}: expected a kernel of two dimensions, got shape {:?}",
                    path.display(),
                    array.shape
                ),
            }
        };
        let mask = || -> Result<Pixels> {
            let record = measured
                .mask
                .as_ref()
                .with_context(|| format!("{}: expected a mask, got none", measured.name))?;
            let path = verified(events, folder, record)?;
            Pixels::read(events, &path, Some(MaskMarks::Known))
        };
        let degradation = match &self.task {
            Record::Denoise => Degradation::Noise,
            Record::Deblur {
                kernel: record,
                boundary,
            } => Degradation::Blur {
                kernel: kernel(record)?,
                border: *boundary,
            },
            Record::Inpaint => Degradation::Holes(mask()?),
            Record::Sr {
                scale,
                kernel: record,
                boundary,
                phase,
            } => Degradation::Decimation {
                factor: *scale,
                kernel: kernel(record)?,
                border: *boundary,
                phase: *phase,
            },
            Record::Demosaic { pattern } => Degradation::Bayer(pattern.parse::<BayerPattern>()?),
            Record::Csmri { coils } => {
                let path = coils
                    .as_ref()
                    .map(|record| verified(events, folder, record))
                    .transpose()?;
                let coils = path.map(|path| Coils::read(events, &path)).transpose()?;
                Degradation::Fourier(mask()?, coils)
            }
            Record::Radon { angles } => Degradation::Lines { angles: *angles },
            Record::Compressed { ratio } => Degradation::Coefficients { ratio: *ratio },
        };
        let noise = match self.noise.as_deref().map(str::parse::<NoiseOption>) {
            None => None,
            Some(Ok(NoiseOption::Map(file))) if file.as_path() == Path::new(NOISE_MAP) => {
                Noise::given(&NoiseOption::Map(folder.join(file)), events, device)?
            }
            Some(Ok(NoiseOption::Map(file))) => {
                bail!("{MANIFEST}: noise: expected {NOISE_MAP}, got {}", file.display())
            }
            Some(Ok(option)) => Noise::given(&option, events, device)?,
            Some(Err(error)) => bail!("{MANIFEST}: noise: {error}"),
        };
        let noise = match noise {
            Some(noise) => noise,
            None => Noise::white(self.noise_grey_levels)?,
        };
        Ok((Task::with_noise(degradation, noise, self.seed)?, y, measured.size))
    }
}

/// The noise as `--noise` takes it; a map is written beside the measurements. `None` for white noise.
fn noise_text(folder: &Path, task: &Task) -> Result<Option<String>> {
    Ok(match &task.noise_model.model {
        NoiseModel::White(_) | NoiseModel::Correlated { .. } => None,
        NoiseModel::PoissonGaussian(law) => {
            let [gain, sigma] = law.grey_levels();
            Some(NoiseOption::PoissonGaussian { gain, sigma }.to_string())
        }
        NoiseModel::Map(map) => {
            write_image(&folder.join(NOISE_MAP), map, Depth::Float)?;
            Some(NoiseOption::Map(NOISE_MAP.into()).to_string())
        }
    })
}

/// The record of a file that was just written.
fn hashed(folder: &Path, file: &str) -> Result<FileRecord> {
    Ok(FileRecord {
        file: file.to_owned(),
        sha256: sha256_file(&folder.join(file))?,
    })
}

/// The path of a recorded file, which must lie below the folder and have the recorded sha256.
fn verified(events: &dyn Events, folder: &Path, record: &FileRecord) -> Result<PathBuf> {
    use std::path::Component;
    let relative = Path::new(&record.file);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        bail!("{}: expected a path below {}", record.file, folder.display());
    }
    let path = folder.join(relative);
    let got = events.hash_file(&path)?;
    if got != record.sha256 {
        bail!(
            "{}: expected sha256 {} as in {MANIFEST}, got {got}",
            path.display(),
            record.sha256
        );
    }
    Ok(path)
}
