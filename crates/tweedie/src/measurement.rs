//! A measurement in memory.

use std::sync::Arc;

use tweedie_imaging::Image;
use tweedie_operators::LinearOperator;

use crate::Result;
use crate::degradation::Degradation;
use crate::task::{Task, single};

/// A measurement to restore: y = A x + n.
#[derive(Clone)]
pub struct Measurement {
    /// Name of the image.
    pub name: String,
    /// How it was made.
    pub task: Task,
    /// A for images of this size.
    pub operator: Arc<dyn LinearOperator>,
    /// y.
    pub y: Image,
    /// The clean image, where it is known: for scores alone.
    pub truth: Option<Image>,
}

impl Measurement {
    /// A measurement y, `[1, C, H, W]`, of an image called `name`.
    ///
    /// # Errors
    /// If y is a batch, or does not tell the size of the image behind it (radon, compressed).
    pub fn new(name: impl Into<String>, task: Task, y: Image) -> Result<Self> {
        let domain = task.degradation.domain(single(y.dims())?)?;
        Ok(Self {
            name: name.into(),
            operator: task.operator(domain)?,
            task,
            y,
            truth: None,
        })
    }

    /// Measures a clean image `[1, C, H, W]` called `name`, of which as much is taken as the task can measure: sides are multiples of
    /// a factor, and where the border is unknown the measurement ends where it would need more than the image. The noise is drawn by
    /// the task's seed and the name.
    ///
    /// # Errors
    /// If the image is a batch, or its size or channels do not fit the task.
    pub fn simulate(name: impl Into<String>, task: Task, clean: Image) -> Result<Self> {
        let name = name.into();
        single(clean.dims())?;
        let (y, truth) = task.simulate(task.degradation.cropped(clean), &name)?;
        Ok(Self {
            name,
            operator: task.operator(single(truth.dims())?)?,
            task,
            y,
            truth: Some(truth),
        })
    }

    /// Whether x is larger than the picture that is wanted.
    pub fn is_extended(&self) -> bool {
        let [_, rows, cols] = self.operator.domain();
        self.operator.window() != [0..rows, 0..cols]
    }

    /// The part of an x that is wanted: what y shows.
    pub fn in_window(&self, x: Image) -> Image {
        if !self.is_extended() {
            return x;
        }
        let [rows, cols] = self.operator.window();
        let [batch, channels, ..] = x.dims();
        x.slice([0..batch, 0..channels, rows, cols])
    }

    /// How many numbers of y carry noise.
    pub fn measured_values(&self) -> usize {
        let [_, channels, rows, cols] = self.y.dims();
        let chosen = match &self.task.degradation {
            Degradation::Holes(pixels) | Degradation::Fourier(pixels) => {
                pixels.values([rows, cols], self.task.seed).ok()
            }
            _ => None,
        };
        channels * chosen.map_or(rows * cols, |mask| mask.iter().filter(|&&value| value != 0.0).count())
    }
}
