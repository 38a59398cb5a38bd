//! Photographs for training and validation.

use std::path::{Path, PathBuf};

use tweedie_imaging::{ColorMode, downscaled, list_images, sha256_bytes};
use tweedie_model::train::{Supervision, TrainConfig, TrainingSet};

use crate::error::bail;
use crate::events::{Progress, Unit};
use crate::{Error, Events, Result};

/// Without validation folders, one image in so many is kept apart from training.
const HELD_OUT: usize = 20;

/// The photographs of a run.
pub struct TrainingData {
    /// To train on.
    pub training: TrainingSet,
    /// To measure on.
    pub validation: TrainingSet,
    /// sha256 of the list of the training images' own sha256, one a line, in the order in which they are read.
    pub sha256: String,
}

/// A file with its images.
struct Photographs {
    path: PathBuf,
    sha256: String,
    images: Vec<([usize; 3], Vec<f32>)>,
    /// Second noisy versions of the images; none, or as many.
    second: Vec<Vec<f32>>,
}

impl TrainingData {
    /// Reads the folders of a configuration.
    pub fn load(config: &TrainConfig, events: &dyn Events) -> Result<Self> {
        let mode = if config.architecture.channels() == 1 {
            ColorMode::Gray
        } else {
            ColorMode::Rgb
        };
        let mut training = read(&config.data.folders, mode, events)?;
        if let Supervision::Noise2noise { second } = &config.supervision
            && !second.is_empty()
        {
            pair(&mut training, read(second, mode, events)?)?;
        }
        let mut held = match config.validation.folders.is_empty() {
            false => read(&config.validation.folders, mode, events)?,
            // Noisy pictures can be no reference.
            true if config.supervision.takes_noisy_pictures() => Vec::new(),
            true => hold_out(&mut training),
        };
        held.truncate(config.validation.images);
        leave_out_small(&mut training, config.data.patch, events)?;
        // After the validation pictures are set apart, so that none of them is trained on at another scale.
        add_scales(&mut training, &config.data.scales, config.data.patch);
        let hashes: String = training.iter().map(|file| format!("{}\n", file.sha256)).collect();
        Ok(Self {
            sha256: sha256_bytes(hashes.as_bytes()),
            training: set(training)?,
            validation: set(held)?,
        })
    }
}

fn read(folders: &[PathBuf], mode: ColorMode, events: &dyn Events) -> Result<Vec<Photographs>> {
    let mut paths = Vec::new();
    for folder in folders {
        let listing = list_images(folder)?;
        for error in listing.skipped {
            events.note(&format!("left out: {}", Error::from(error).one_line()));
        }
        paths.extend(listing.images);
    }
    events.begin(paths.len(), Unit::Images);
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let loaded = events.read_image(&path, mode)?;
        let [n, c, h, w] = loaded.dims;
        let images = match n {
            1 => vec![([c, h, w], loaded.values)],
            _ => loaded
                .values
                .chunks_exact(c * h * w)
                .map(|values| ([c, h, w], values.to_vec()))
                .collect(),
        };
        files.push(Photographs {
            path,
            sha256: loaded.sha256,
            images,
            second: Vec::new(),
        });
        events.progress(Progress::Done(1));
    }
    events.progress(Progress::End);
    Ok(files)
}

/// Gives every file its second version, by order and name.
fn pair(files: &mut [Photographs], second: Vec<Photographs>) -> Result<()> {
    if files.len() != second.len() {
        bail!(
            "supervision.second: expected {} images as in data.folders, got {}",
            files.len(),
            second.len()
        );
    }
    for (file, other) in files.iter_mut().zip(second) {
        let dims = |file: &Photographs| file.images.iter().map(|(dims, _)| *dims).collect::<Vec<_>>();
        if file.path.file_name() != other.path.file_name() || dims(file) != dims(&other) {
            bail!(
                "{}: expected the second version of {}, with its name and size",
                other.path.display(),
                file.path.display()
            );
        }
        file.second = other.images.into_iter().map(|(_, values)| values).collect();
        // Both files are the data.
        file.sha256 = sha256_bytes(format!("{}\n{}\n", file.sha256, other.sha256).as_bytes());
    }
    Ok(())
}

/// Takes every 20th file out; of fewer than 20 files the last one.
fn hold_out(files: &mut Vec<Photographs>) -> Vec<Photographs> {
    let (mut held, mut kept) = (Vec::new(), Vec::new());
    let last = files.len();
    for (index, file) in std::mem::take(files).into_iter().enumerate() {
        let number = index + 1;
        let out = number % HELD_OUT == 0 || (last < HELD_OUT && number == last && last > 1);
        if out { held.push(file) } else { kept.push(file) }
    }
    *files = kept;
    held
}

/// Adds downscaled versions of every file's images, but for those from which no crop can be taken at a scale.
fn add_scales(files: &mut [Photographs], scales: &[f64], patch: usize) {
    for file in files {
        let whole = file.images.len();
        for scale in scales {
            for index in 0..whole {
                let (dims, values) = &file.images[index];
                let small = downscaled(*dims, values, *scale);
                if small.0[1].min(small.0[2]) >= patch {
                    file.images.push(small);
                }
            }
        }
    }
}

/// Leaves out images from which no crop can be taken, and says so.
fn leave_out_small(files: &mut Vec<Photographs>, patch: usize, events: &dyn Events) -> Result<()> {
    let is_small = |file: &Photographs| file.images.iter().any(|([_, h, w], _)| *h.min(w) < patch);
    let small: Vec<PathBuf> = files
        .iter()
        .filter(|file| is_small(file))
        .map(|file| file.path.clone())
        .collect();
    let Some(first) = small.first() else { return Ok(()) };
    if small.len() == files.len() {
        bail!(
            "{}: expected images of at least {patch}x{patch} pixels (data.patch), all are smaller",
            Path::display(first)
        );
    }
    files.retain(|file| !is_small(file));
    events.note(&format!(
        "left out {} of {} images that are smaller than {patch}x{patch} pixels, the first is {}",
        small.len(),
        small.len() + files.len(),
        first.display()
    ));
    Ok(())
}

fn set(files: Vec<Photographs>) -> Result<TrainingSet> {
    let mut set = TrainingSet::default();
    for file in files {
        let mut second = file.second.into_iter();
        for (dims, values) in file.images {
            match second.next() {
                None => set.push(dims, values)?,
                Some(other) => set.push_pair(dims, values, other)?,
            }
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_out(count: usize) -> (usize, Vec<String>) {
        let file = |n| Photographs {
            path: PathBuf::from(format!("{n}")),
            sha256: String::new(),
            images: Vec::new(),
            second: Vec::new(),
        };
        let mut files: Vec<Photographs> = (1..=count).map(file).collect();
        let held = hold_out(&mut files);
        (
            files.len(),
            held.into_iter().map(|file| file.path.display().to_string()).collect(),
        )
    }

    #[test]
    fn scales_add_the_pictures_that_are_large_enough() {
        let picture = |h: usize, w: usize| ([1, h, w], vec![0.5; h * w]);
        let mut files = [Photographs {
            path: PathBuf::new(),
            sha256: String::new(),
            images: vec![picture(40, 20), picture(30, 60)],
            second: Vec::new(),
        }];
        add_scales(&mut files, &[0.8, 0.5], 16);
        let dims: Vec<_> = files[0].images.iter().map(|(dims, _)| *dims).collect();
        assert_eq!(dims, [[1, 40, 20], [1, 30, 60], [1, 32, 16], [1, 24, 48]]);
        assert!(files[0].images.iter().all(|([_, h, w], values)| values.len() == h * w));
    }

    #[test]
    fn every_twentieth_or_the_last_of_few() {
        assert_eq!(held_out(41), (39, vec!["20".to_owned(), "40".to_owned()]));
        assert_eq!(held_out(7), (6, vec!["7".to_owned()]));
        assert_eq!(held_out(1), (1, vec![]));
    }
}
