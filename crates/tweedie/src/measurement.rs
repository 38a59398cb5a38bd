//! A measurement in memory.

use std::sync::Arc;

use tweedie_imaging::Image;
use tweedie_operators::LinearOperator;

use crate::degradation::Degradation;
use crate::task::Task;

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
