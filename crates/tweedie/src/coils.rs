//! Coil sensitivities of magnetic resonance imaging.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tweedie_imaging::{Array, read_array};
use tweedie_operators::Complex;

use crate::error::bail;
use crate::{Events, Result};

/// The complex sensitivities s_c of several coils: coil c sees s_c x.
#[derive(Clone, Debug)]
pub struct Coils {
    size: [usize; 2],
    /// Coil after coil in row order.
    values: Arc<[Complex<f32>]>,
    path: PathBuf,
}

impl Coils {
    /// Sensitivities from a file: a complex array `[coils, H, W]`, or a real one `[2 coils, H, W]` with real and imaginary part of one coil
    /// after the other.
    ///
    /// # Errors
    /// If the file cannot be read or has another shape.
    pub fn read(events: &dyn Events, path: &Path) -> Result<Self> {
        let Array { shape, values } = read_array(path)?;
        events.hash_file(path)?;
        let pair = |re: f64, im: f64| Complex::new(re as f32, im as f32);
        let (size, values): (_, Vec<_>) = match shape[..] {
            [_, rows, cols, 2] => {
                let pairs = values.as_chunks::<2>().0;
                ([rows, cols], pairs.iter().map(|&[re, im]| pair(re, im)).collect())
            }
            [parts, rows, cols] if parts % 2 == 0 => {
                let coils = values.chunks_exact(2 * rows * cols);
                let of = |coil: &[f64]| {
                    let (re, im) = coil.split_at(rows * cols);
                    re.iter().zip(im).map(|(&re, &im)| pair(re, im)).collect::<Vec<_>>()
                };
                ([rows, cols], coils.flat_map(of).collect())
            }
            _ => bail!(
                "{}: expected complex sensitivities [coils, H, W] or real ones [2 coils, H, W], got shape {shape:?}",
                path.display()
            ),
        };
        Ok(Self {
            size,
            values: values.into(),
            path: path.to_path_buf(),
        })
    }

    /// Sensitivities in memory for images of `size`, coil after coil in row order.
    ///
    /// # Errors
    /// Unless there is a whole number of coils, at least one.
    pub fn new(size: [usize; 2], values: Vec<Complex<f32>>) -> Result<Self> {
        let pixels = size[0] * size[1];
        if pixels == 0 || values.is_empty() || !values.len().is_multiple_of(pixels) {
            bail!(
                "coils: expected values for whole coils of {}x{}, got {}",
                size[0],
                size[1],
                values.len()
            );
        }
        Ok(Self {
            size,
            values: values.into(),
            path: "coils".into(),
        })
    }

    /// How many coils.
    pub fn count(&self) -> usize {
        self.values.len() / (self.size[0] * self.size[1])
    }

    /// The sensitivities for images of `size`, coil after coil in row order.
    ///
    /// # Errors
    /// If they are of another size.
    pub fn values(&self, size: [usize; 2]) -> Result<&[Complex<f32>]> {
        if size != self.size {
            bail!(
                "{}: expected sensitivities of {}x{} like the image, got {}x{}",
                self.path.display(),
                size[0],
                size[1],
                self.size[0],
                self.size[1]
            );
        }
        Ok(&self.values)
    }

    /// The real array that [`Self::read`] takes.
    pub fn array(&self) -> Array {
        let [rows, cols] = self.size;
        let coils = self.values.chunks_exact(rows * cols);
        let parts = |coil: &[Complex<f32>]| -> Vec<f64> {
            let re = coil.iter().map(|s| f64::from(s.re));
            re.chain(coil.iter().map(|s| f64::from(s.im))).collect()
        };
        Array {
            shape: vec![2 * self.count(), rows, cols],
            values: coils.flat_map(parts).collect(),
        }
    }
}
