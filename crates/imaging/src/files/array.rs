//! Arrays of numbers: kernels, masks, measurements.

use crate::{Error, Image, vec_from_image};

/// Numbers with a shape, in C order (the last axis fastest).
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Sizes of the axes; none for a single number.
    pub shape: Vec<usize>,
    /// As many values as the product of `shape`.
    pub values: Vec<f64>,
}

impl Array {
    /// An image's values, `[N, C, H, W]`; f64 holds every f32.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn from_image(image: &Image) -> Result<Self, Error> {
        let values = vec_from_image(image)?.into_iter().map(f64::from).collect();
        Ok(Self {
            shape: image.dims().to_vec(),
            values,
        })
    }

    pub(super) fn check(&self, operation: &'static str) -> Result<(), Error> {
        let expected: usize = self.shape.iter().product();
        if expected == self.values.len() {
            return Ok(());
        }
        Err(Error::Shape {
            operation,
            expected: format!("{expected} values for {:?}", self.shape),
            got: format!("{} values", self.values.len()),
        })
    }
}
