//! An image as planes of grey levels on the host.

use crate::{Error, Image, vec_from_image};

/// The channels of one image.
pub(super) struct Planes {
    /// Values from 0 to 255, channel by channel.
    pub(super) grey: Vec<Vec<f64>>,
    /// Rows and columns.
    pub(super) size: [usize; 2],
}

impl Planes {
    /// # Errors
    /// If it is not one image of at least 8x8 pixels, or holds NaN or infinities.
    pub(super) fn of(operation: &'static str, image: &Image) -> Result<Self, Error> {
        let [batch, channels, rows, cols] = image.dims();
        if batch != 1 || channels == 0 || rows < super::blocks::SIDE || cols < super::blocks::SIDE {
            return Err(Error::Shape {
                operation,
                expected: "one image of at least 8x8 pixels".to_owned(),
                got: format!("{:?}", image.dims()),
            });
        }
        let values = vec_from_image(image)?;
        super::finite::require_finite(operation, &values)?;
        let grey = |plane: &[f32]| plane.iter().map(|&value| 255.0 * f64::from(value)).collect();
        Ok(Self {
            grey: values.chunks_exact(rows * cols).map(grey).collect(),
            size: [rows, cols],
        })
    }

    /// The luma (BT.601 weights, those of JPEG) of three channels, the mean of any other number.
    pub(super) fn luma(&self) -> Vec<f64> {
        let count = self.grey.len();
        let weights = match count {
            3 => vec![0.299, 0.587, 0.114],
            _ => vec![1.0 / count as f64; count],
        };
        let mut luma = vec![0.0; self.size[0] * self.size[1]];
        for (plane, weight) in self.grey.iter().zip(weights) {
            for (luma, value) in luma.iter_mut().zip(plane) {
                *luma += weight * value;
            }
        }
        luma
    }

    /// Cb and Cr of three channels, around middle gray (BT.601).
    pub(super) fn colour_differences(&self) -> [Vec<f64>; 2] {
        let luma = self.luma();
        let difference = |plane: &[f64], scale: f64| {
            let value = |(value, luma): (&f64, &f64)| 128.0 + (value - luma) / scale;
            plane.iter().zip(&luma).map(value).collect()
        };
        [
            difference(&self.grey[2], 2.0 * (1.0 - 0.114)),
            difference(&self.grey[0], 2.0 * (1.0 - 0.299)),
        ]
    }

    /// Half the resolution: means of 2x2 pixels, an odd last row or column left out; `None` below 16x16 pixels.
    pub(super) fn halved(&self) -> Option<Self> {
        let [rows, cols] = self.size.map(|size| size / 2);
        if rows.min(cols) < super::blocks::SIDE {
            return None;
        }
        let halve = |plane: &Vec<f64>| {
            let pixel = |i: usize, j: usize| plane[i * self.size[1] + j];
            let mean = |n: usize| {
                let (i, j) = (2 * (n / cols), 2 * (n % cols));
                (pixel(i, j) + pixel(i, j + 1) + pixel(i + 1, j) + pixel(i + 1, j + 1)) / 4.0
            };
            (0..rows * cols).map(mean).collect()
        };
        Some(Self {
            grey: self.grey.iter().map(halve).collect(),
            size: [rows, cols],
        })
    }
}
