//! Kernels of lenses out of focus and of cameras that moved.

use super::{Kernel, MAX_SIZE};
use crate::Error;
use crate::host::{parameter, require_positive};

/// Subpixels per pixel and axis in which a disc is drawn: its weights are right to 1e-3 of the largest.
const SUBPIXELS: usize = 16;

impl Kernel {
    /// A disc of `radius` pixels, antialiased: a lens out of focus.
    ///
    /// The weight of a pixel is the share of it that the disc covers, counted on a grid of subpixels.
    ///
    /// # Errors
    /// If the radius is not positive and finite, or the kernel would exceed [`MAX_SIZE`].
    pub fn disc(radius: f64) -> Result<Self, Error> {
        require_positive("disc kernel", "radius", radius)?;
        let reach = reach("disc kernel", radius)?;
        let size = 2 * reach + 1;
        let side = size * SUBPIXELS;
        let at = |index: usize| (index as f64 + 0.5) / SUBPIXELS as f64 - 0.5 - reach as f64;
        let mut values = vec![0.0; size * size];
        for i in 0..side {
            let y = at(i);
            for j in 0..side {
                if y * y + at(j).powi(2) <= radius * radius {
                    values[i / SUBPIXELS * size + j / SUBPIXELS] += 1.0;
                }
            }
        }
        // A radius far below a pixel covers no subpixel's middle: the picture is sharp.
        if values.iter().all(|&value| value == 0.0) {
            values[reach * size + reach] = 1.0;
        }
        Self::new(size, size, values)
    }

    /// A straight movement of `length` pixels at constant speed, in the direction of `angle` degrees, counter-clockwise from the
    /// horizontal, as `fspecial('motion')` counts it; antialiased.
    ///
    /// The path, from -length/2 to length/2 around the middle, is spread over the pixels by bilinear weights.
    ///
    /// # Errors
    /// If the length is not positive and finite, the angle is not finite, or the kernel would exceed [`MAX_SIZE`].
    pub fn motion(length: f64, angle: f64) -> Result<Self, Error> {
        require_positive("motion kernel", "length", length)?;
        if !angle.is_finite() {
            return Err(parameter("motion kernel", "a finite angle".into(), angle.to_string()));
        }
        let (sin, cos) = angle.to_radians().sin_cos();
        let extent = [sin, cos].map(|part| (part * length / 2.0).abs());
        let reach = [reach("motion kernel", extent[0])?, reach("motion kernel", extent[1])?];
        let [rows, cols] = reach.map(|reach| 2 * reach + 1);
        let mut values = vec![0.0; rows * cols];
        let steps = (length * SUBPIXELS as f64).ceil() as usize;
        for step in 0..steps {
            let along = ((step as f64 + 0.5) / steps as f64 - 0.5) * length;
            // Rows count downwards.
            let (i, j) = (reach[0] as f64 - along * sin, reach[1] as f64 + along * cos);
            let (top, left) = (i.floor(), j.floor());
            let (down, right) = (i - top, j - left);
            for (row, weight) in [(top, 1.0 - down), (top + 1.0, down)] {
                for (col, share) in [(left, 1.0 - right), (left + 1.0, right)] {
                    let (row, col) = (row as usize, col as usize);
                    if row < rows && col < cols {
                        values[row * cols + col] += weight * share;
                    }
                }
            }
        }
        Self::new(rows, cols, values)
    }
}

/// Pixels on each side of the middle.
fn reach(operation: &'static str, extent: f64) -> Result<usize, Error> {
    let reach = (extent - 1e-9).ceil().max(0.0);
    let size = 2.0 * reach + 1.0;
    if size > MAX_SIZE as f64 {
        return Err(parameter(
            operation,
            format!("a size up to {MAX_SIZE}"),
            size.to_string(),
        ));
    }
    Ok(reach as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Standard deviations of a kernel along its rows and columns.
    fn spread(kernel: &Kernel) -> [f64; 2] {
        let [rows, cols] = kernel.dims();
        let mut sum = [0.0; 2];
        for (index, value) in kernel.values().iter().enumerate() {
            let at = [
                (index / cols) as f64 - (rows / 2) as f64,
                (index % cols) as f64 - (cols / 2) as f64,
            ];
            sum[0] += value * at[0] * at[0];
            sum[1] += value * at[1] * at[1];
        }
        sum.map(f64::sqrt)
    }

    #[test]
    fn a_disc_covers_its_area() {
        for radius in [0.4, 1.0, 2.5, 7.3, 20.0] {
            let kernel = Kernel::disc(radius).unwrap();
            let [rows, cols] = kernel.dims();
            // The middle pixel is covered whole, so that it has the weight 1 / area.
            if radius > 1.0 {
                let area = 1.0 / kernel.values()[rows / 2 * cols + cols / 2];
                let expected = std::f64::consts::PI * radius * radius;
                assert!((area / expected - 1.0).abs() < 0.01, "{radius}: {area} {expected}");
                // The variance of a disc along an axis is r^2/4, that of a pixel 1/12; where few pixels cover a disc their grid shows.
                let expected = (radius * radius / 4.0 + 1.0 / 12.0).sqrt();
                let got = spread(&kernel);
                assert!(
                    got.iter().all(|s| (s / expected - 1.0).abs() < 0.015),
                    "{radius}: {got:?} {expected}"
                );
            }
        }
        assert_eq!(Kernel::disc(1e-6).unwrap().dims(), [3, 3]);
        assert!(Kernel::disc(0.0).is_err() && Kernel::disc(1e6).is_err() && Kernel::disc(f64::NAN).is_err());
    }

    #[test]
    fn motion_has_its_length_and_angle() {
        for (length, angle) in [(15.0, 0.0), (9.0, 90.0), (20.0, 30.0), (12.5, -60.0), (7.0, 135.0)] {
            let kernel = Kernel::motion(length, angle).unwrap();
            let [rows, cols] = spread(&kernel);
            // Bilinear weights add at most 1/4 to the variance length^2/12.
            let got = (rows * rows + cols * cols) * 12.0;
            assert!(
                got >= length * length * 0.99 && got <= length * length + 6.1,
                "{length}, {angle}: {got}"
            );
        }
        assert_eq!(Kernel::motion(5.0, 0.0).unwrap().dims()[0], 1);
        let up = Kernel::motion(21.0, 45.0).unwrap();
        let [rows, cols] = up.dims();
        assert!(
            up.values()[cols - 2 + cols] > 10.0 * up.values()[0],
            "45 degrees point to the upper right: {rows}"
        );
        assert!(Kernel::motion(0.0, 0.0).is_err() && Kernel::motion(3.0, f64::NAN).is_err());
    }
}
