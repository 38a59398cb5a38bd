//! Masks as files and painting programs have them: which pixels do they mark?

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tweedie_imaging::{ColorMode, Image, read_image_and_alpha, vec_from_image};

use crate::degradation::{Degradation, Pixels};
use crate::error::{Context as _, usage};
use crate::measurement::Measurement;
use crate::{Error, Events, Result};

/// What the white pixels of a mask are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskMarks {
    /// Known pixels.
    Known,
    /// Damaged pixels, as in painting programs and scikit-image.
    Damaged,
}

impl fmt::Display for MaskMarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known => "known",
            Self::Damaged => "damaged",
        })
    }
}

impl FromStr for MaskMarks {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "known" => Ok(Self::Known),
            "damaged" => Ok(Self::Damaged),
            _ => Err(usage(format!("mask marks: expected known or damaged, got '{text}'"))),
        }
    }
}

impl Pixels {
    /// A mask from a file: 1 where a pixel is known. Between black and white lie soft edges and compression: what is not clearly
    /// known counts as lost, since a damaged pixel that is kept costs more than a good one that is filled. In a file with an alpha
    /// channel opaque pixels count as white, whatever their colour.
    ///
    /// Without `marks` white is known; with an alpha channel the smaller part is the lost one.
    ///
    /// # Errors
    /// If the file is no image or array.
    pub fn read(events: &dyn Events, path: &Path, marks: Option<MaskMarks>) -> Result<Self> {
        let (mask, alpha) = read_image_and_alpha(path, ColorMode::Gray).context("reading the mask")?;
        events.file_read(path, &mask.sha256);
        let [_, _, rows, cols] = mask.dims;
        let has_alpha = alpha.is_some();
        let white = alpha.unwrap_or(mask.values);
        let largest = white.iter().copied().fold(0.0, f32::max);
        let between = white.iter().filter(|&&value| value != 0.0 && value != largest).count();
        if between > 0 {
            events.note(&format!(
                "{}: {between} of {} values are neither black nor white; those that are not clearly known count as lost",
                path.display(),
                white.len()
            ));
        }
        let opaque = white.iter().filter(|&&value| value > largest / 2.0).count();
        let marks = match marks {
            Some(marks) => marks,
            None if has_alpha && 2 * opaque < white.len() => MaskMarks::Damaged,
            None => MaskMarks::Known,
        };
        if has_alpha {
            let lost = if marks == MaskMarks::Known {
                "transparent"
            } else {
                "opaque"
            };
            events.note(&format!("{}: its {lost} pixels are the lost ones", path.display()));
        }
        let is_known = |value: f32| match marks {
            MaskMarks::Known => value > (1.0 - CLEAR) * largest,
            MaskMarks::Damaged => value < CLEAR * largest,
        };
        Ok(Self::Given {
            rows,
            cols,
            values: white.iter().map(|&value| f32::from(is_known(value))).collect(),
            path: path.to_path_buf(),
        })
    }
}

impl Pixels {
    /// The pixels that are more opaque than transparent.
    pub(crate) fn of_alpha(alpha: &[f32], [rows, cols]: [usize; 2], path: &Path) -> Self {
        Self::Given {
            rows,
            cols,
            values: alpha.iter().map(|&alpha| f32::from(alpha > 0.5)).collect(),
            path: path.to_path_buf(),
        }
    }
}

/// What is known is at most this far from its colour, as a share of white: beyond it half of a blurred edge would stay damaged.
const CLEAR: f32 = 0.25;

/// Share of the pixels below which a mask without `--mask-marks` is taken to mark the known ones.
const MANY: f64 = 0.5;

/// Share of the lost pixels that must look damaged. Pixels that are right under a mask are predicted by their neighbours as well as
/// others are, up to one in a hundred.
const DAMAGED: f64 = 0.05;

/// How far a damaged pixel lies from what its known neighbours predict, in mean differences of known neighbours.
const FAR: f64 = 6.0;

/// Refuses a mask that calls most of a picture lost while those pixels hold a picture: it probably marks the others.
///
/// # Errors
/// A usage error that asks for `--mask-marks`.
pub fn require_plausible(measurement: &Measurement) -> Result<()> {
    let Some(lost) = Lost::of(measurement)? else {
        return Ok(());
    };
    if lost.share() > MANY && !lost.is_blank() {
        return Err(usage(format!(
            "--mask: {:.0} % of {} would be lost, and these pixels hold a picture; say what white marks: --mask-marks \
             damaged (then {:.0} % are lost) or --mask-marks known",
            100.0 * lost.share(),
            measurement.name,
            100.0 * (1.0 - lost.share())
        )));
    }
    Ok(())
}

/// What speaks against a mask from a file.
pub(crate) fn contradictions(measurement: &Measurement) -> Result<Vec<String>> {
    let Some(lost) = Lost::of(measurement)? else {
        return Ok(Vec::new());
    };
    if lost.is_blank() || (lost.share() <= MANY && lost.damaged()? >= DAMAGED) {
        return Ok(Vec::new());
    }
    if lost.share() > MANY {
        return Ok(vec![format!(
            "the mask calls {:.0} % of the pixels lost, and these hold a picture: it may mark the others, try --mask-marks damaged \
             or known, whichever was not taken",
            100.0 * lost.share()
        )]);
    }
    Ok(vec![format!(
        "the {:.1} % of the pixels that the mask calls lost look undamaged: it may mark the others, try --mask-marks damaged or known, \
         whichever was not taken",
        100.0 * lost.share()
    )])
}

/// The pixels of a picture that a mask from a file calls lost.
struct Lost<'a> {
    measurement: &'a Measurement,
    known: Vec<f32>,
    picture: Vec<f32>,
    size: [usize; 2],
}

impl<'a> Lost<'a> {
    /// `None` for other tasks, for masks drawn at random, and where no pixel is lost.
    fn of(measurement: &'a Measurement) -> Result<Option<Self>> {
        let Degradation::Holes(pixels @ Pixels::Given { .. }) = &measurement.task.degradation else {
            return Ok(None);
        };
        let [_, _, rows, cols] = measurement.y.dims();
        let known = pixels.values([rows, cols], measurement.task.seed)?;
        if !known.contains(&0.0) {
            return Ok(None);
        }
        Ok(Some(Self {
            measurement,
            known,
            picture: vec_from_image(&measurement.y)?,
            size: [rows, cols],
        }))
    }

    fn share(&self) -> f64 {
        let lost = self.known.iter().filter(|&&known| known == 0.0).count();
        lost as f64 / self.known.len() as f64
    }

    /// Whether nearly all lost pixels have one value for each channel: nothing was stored there.
    fn is_blank(&self) -> bool {
        self.picture.chunks_exact(self.known.len()).all(|plane| {
            let mut values: Vec<f32> = plane
                .iter()
                .zip(&self.known)
                .filter(|(_, known)| **known == 0.0)
                .map(|(&value, _)| value)
                .collect();
            let middle = values.len() / 2;
            let median = *values.select_nth_unstable_by(middle, f32::total_cmp).1;
            let same = values
                .iter()
                .filter(|&&value| (value - median).abs() < 0.5 / 255.0)
                .count();
            same as f64 > 0.98 * values.len() as f64
        })
    }

    /// The share of the lost pixels that lie far from what their known neighbours predict.
    fn damaged(&self) -> Result<f64> {
        let Measurement { operator, y, .. } = self.measurement;
        let filled: Image = operator.start(operator.adjoint(y.clone())?)?;
        let filled = vec_from_image(&filled)?;
        let [rows, cols] = self.size;
        let pixels = rows * cols;
        let (mut sum, mut count) = (0.0, 0_u64);
        for plane in self.picture.chunks_exact(pixels) {
            for index in (0..pixels).filter(|index| index % cols + 1 < cols) {
                if self.known[index] != 0.0 && self.known[index + 1] != 0.0 {
                    sum += f64::from((plane[index] - plane[index + 1]).abs());
                    count += 1;
                }
            }
        }
        // At least one grey level: flat pictures are rounded.
        let usual = (sum / count.max(1) as f64).max(1.0 / 255.0);
        let (mut far, mut lost) = (0_u64, 0_u64);
        for index in (0..pixels).filter(|&index| self.known[index] == 0.0) {
            let is_far = (0..self.picture.len() / pixels).any(|channel| {
                let at = channel * pixels + index;
                f64::from((self.picture[at] - filled[at]).abs()) > FAR * usual
            });
            far += u64::from(is_far);
            lost += 1;
        }
        Ok(far as f64 / lost.max(1) as f64)
    }
}
