//! Pictures of a user's own as measurements: what is not known of them is estimated.

use std::path::Path;

use tweedie_imaging::{Image, JpegCompression, luma_from_rgb, vec_from_image};
use tweedie_operators::{KernelShape, estimate_kernel};

use crate::degradation::{Degradation, Pixels};
use crate::error::{bail, usage};
use crate::measured_noise::estimate_noise;
use crate::measurement::Measurement;
use crate::noise_level::Noise;
use crate::noise_option::NoiseOption;
use crate::task::{Task, single};
use crate::{Events, Result, mask};

/// A picture from a file.
pub struct Picture<'a> {
    /// The file.
    pub path: &'a Path,
    /// What it is called.
    pub name: &'a str,
    /// Its values, `[1, C, H, W]`.
    pub image: Image,
    /// Its alpha channel, `H W` values, where a pixel is not opaque.
    pub alpha: Option<Vec<f32>>,
    /// How the file was compressed, if it is a JPEG.
    pub compression: Option<&'a JpegCompression>,
}

/// What is known of a picture's noise.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum UnknownNoise {
    /// It is the task's.
    #[default]
    Known,
    /// Nothing was said: a level that suits the file.
    Default,
    /// It is to be estimated in this way.
    Estimated(NoiseOption),
}

/// What is to be found out from the picture itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unknowns {
    /// The noise.
    pub noise: UnknownNoise,
    /// The kernel is to be estimated.
    pub kernel: bool,
    /// What white marks in a mask was not said.
    pub mask_marks: bool,
}

/// Noise of a JPEG file whose compression is not told, in grey levels: that of a picture saved with quality 75.
const JPEG: f64 = 5.0;

/// The same for files that are no JPEG and have 8 bits: rounding, and what programs do that no kernel tells.
const ROUNDED: f64 = 1.0;

/// What a JPEG's quantisation step at low frequencies adds to it.
const STEP: f64 = 0.7;

/// The least noise that a file of this kind has: of a JPEG as measured on 8 pictures of TrainPlus, made smaller by 2 or blurred and
/// saved with qualities 60 to 95 (docs/noise.md).
fn least_noise(path: &Path, compression: Option<&JpegCompression>) -> f64 {
    let is_jpeg = || {
        path.extension()
            .is_some_and(|ending| ["jpg", "jpeg"].iter().any(|jpeg| ending.eq_ignore_ascii_case(jpeg)))
    };
    match compression {
        Some(compression) => ROUNDED + STEP * compression.low_step(),
        None if is_jpeg() => JPEG,
        None => ROUNDED,
    }
}

/// The measurement that a picture is.
///
/// # Errors
/// If the picture does not fit the task, its kernel cannot be estimated, or its mask contradicts it.
pub fn measurement(task: &Task, picture: Picture<'_>, unknowns: &Unknowns, events: &dyn Events) -> Result<Measurement> {
    let Picture {
        path,
        name,
        image,
        alpha,
        compression,
    } = picture;
    let size = single(image.dims())?;
    if !matches!(
        task.degradation,
        Degradation::Fourier(..) | Degradation::Lines { .. } | Degradation::Coefficients { .. }
    ) {
        note_range(name, &vec_from_image(&image)?, events);
    }
    let mut task = task.clone();
    match (&mut task.degradation, alpha) {
        (Degradation::Holes(pixels @ Pixels::Transparent), Some(alpha)) => {
            *pixels = Pixels::of_alpha(&alpha, [size[1], size[2]], path);
        }
        (Degradation::Holes(Pixels::Transparent), None) => bail!(
            "--task inpaint: expected --keep, --mask, or a picture whose lost pixels are transparent, got an opaque picture"
        ),
        (_, Some(_)) => {
            bail!("expected an opaque picture, got transparent pixels (only --task inpaint has a use for them)")
        }
        (_, None) => {}
    }
    if unknowns.kernel {
        let gray = gray(&image)?;
        let estimate = estimate_kernel(&gray, size[1], size[2])?;
        if estimate.shape == KernelShape::Sharp {
            bail!("--kernel auto: no blur of a lens or a straight movement is found in this picture; name a kernel");
        }
        events.note(&format!("{name}: kernel estimated as {}", estimate.shape));
        let kernel = estimate.shape.kernel()?;
        if let Degradation::Blur { kernel: unknown, .. } = &mut task.degradation {
            *unknown = kernel;
        }
    }
    let least = least_noise(path, compression);
    let is_blurred = matches!(task.degradation, Degradation::Blur { .. });
    let noise = match &unknowns.noise {
        UnknownNoise::Estimated(option) => Some(estimate_noise(option, &task, &image, compression)?),
        UnknownNoise::Default if is_blurred => {
            let noise = estimate_noise(&NoiseOption::Auto, &task, &image, compression)?;
            Some(noise.at_least(least)?)
        }
        UnknownNoise::Default if matches!(task.degradation, Degradation::Decimation { .. }) => {
            Some(Noise::assumed(least)?)
        }
        _ => None,
    };
    if let Some(noise) = noise {
        let why = match unknowns.noise {
            UnknownNoise::Default => " (--noise was not given)",
            _ => "",
        };
        events.note(&format!("{name}: {}{why}", noise.line()));
        task = Task::with_noise(task.degradation, noise, task.seed)?;
    }
    let domain = task.degradation.domain(size)?;
    let measurement = Measurement {
        name: name.to_owned(),
        operator: task.operator(domain)?,
        task,
        y: image,
        truth: None,
    };
    if unknowns.mask_marks {
        mask::require_plausible(&measurement)?;
    }
    if measurement.operator.codomain() != size {
        let [channels, rows, cols] = measurement.operator.codomain();
        return Err(usage(format!(
            "{name}: expected a measurement of {channels} x {rows} x {cols}, got {} x {} x {}",
            size[0], size[1], size[2]
        )));
    }
    Ok(measurement)
}

/// Says if the values cannot be those of a picture between 0, black, and 1, white: arrays of floats stand for themselves, and those of 0
/// to 255 would be taken for glaring light.
pub fn note_range(name: &str, values: &[f32], events: &dyn Events) {
    let of = |from: f32, with: fn(f32, f32) -> f32| values.iter().copied().fold(from, with);
    let (least, largest) = (of(f32::INFINITY, f32::min), of(f32::NEG_INFINITY, f32::max));
    if least < -2.0 || largest > 3.0 {
        events.note(&format!(
            "warning: {name}: values from {least} to {largest}; expected about 0 (black) to 1 (white), floats are taken as they are"
        ));
    }
}

/// Luma, `H W` values.
fn gray(image: &Image) -> Result<Vec<f32>> {
    let [_, channels, rows, cols] = image.dims();
    let values = vec_from_image(image)?;
    let pixels = rows * cols;
    Ok(match channels {
        3 => (0..pixels)
            .map(|i| luma_from_rgb([values[i], values[pixels + i], values[2 * pixels + i]]))
            .collect(),
        _ => values[..pixels].to_vec(),
    })
}
