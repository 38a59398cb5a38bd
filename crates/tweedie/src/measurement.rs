//! A measurement in memory.

use std::sync::Arc;

use tweedie_imaging::{Image, Sigma};
use tweedie_operators::{Blur, Boundary, Kernel, LinearOperator};

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

/// A measurement weighted so that its noise has one level.
pub struct Weighted {
    /// W A.
    pub operator: Arc<dyn LinearOperator>,
    /// W y.
    pub y: Image,
    /// The level.
    pub level: Sigma,
    /// The level at each value of y, where it varies.
    levels: Option<Image>,
    /// An estimate of A x: what the noise's level was computed from.
    pub expected: Image,
}

impl Weighted {
    /// W^-1 b.
    pub(crate) fn unweighted(&self, b: Image) -> Image {
        match &self.levels {
            Some(levels) => b * levels.clone() / self.level.value() as f32,
            None => b,
        }
    }
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

    /// The noise level: the root mean square one where it varies.
    ///
    /// # Errors
    /// If a noise map does not fit.
    pub fn noise_level(&self) -> Result<Sigma> {
        let model = &self.task.noise_model.model;
        match model.is_varying() {
            true => Ok(model.level(&self.expected()?)?),
            false => Ok(self.task.noise),
        }
    }

    /// A x for the first estimate x under a Gaussian window of 1.5 pixels: of the noisy values themselves, dark ones would weigh too
    /// much.
    fn expected(&self) -> Result<Image> {
        let start = self.task.start(self.operator.as_ref(), self.y.clone())?;
        let window = Blur::new(self.operator.domain(), &Kernel::gaussian(1.5, 9)?, Boundary::Replicate)?;
        Ok(self.operator.apply(window.apply(start)?)?)
    }

    /// The measurement with weights that make its noise the same everywhere; as it is where it is the same already.
    ///
    /// # Errors
    /// If a noise map does not fit, or the noise has level 0 somewhere.
    pub fn whitened(&self) -> Result<Weighted> {
        let model = &self.task.noise_model.model;
        if !model.is_varying() {
            return Ok(Weighted {
                operator: Arc::clone(&self.operator),
                y: self.y.clone(),
                level: self.task.noise,
                levels: None,
                expected: self.y.clone(),
            });
        }
        let expected = self.expected()?;
        let operator = Arc::clone(&self.operator);
        let (operator, y, level) = model.whitened(operator, self.y.clone(), &expected)?;
        Ok(Weighted {
            operator,
            y,
            level,
            levels: model.levels(&expected)?,
            expected,
        })
    }

    /// How many numbers of y carry noise.
    pub fn measured_values(&self) -> usize {
        let [_, channels, rows, cols] = self.y.dims();
        let chosen = match &self.task.degradation {
            Degradation::Holes(pixels) | Degradation::Fourier(pixels, _) => {
                pixels.values([rows, cols], self.task.seed).ok()
            }
            _ => None,
        };
        channels * chosen.map_or(rows * cols, |mask| mask.iter().filter(|&&value| value != 0.0).count())
    }
}
