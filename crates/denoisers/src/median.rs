//! The median filter.

use tweedie_imaging::{Error, Sigma, SigmaSupport};

use crate::PlaneMethod;
use crate::planes::mirror_pad;

/// The median of the 3x3 pixels around each pixel; borders are mirrored at the pixels' edge.
///
/// D(x)_i = median of x_j, j in the 3x3 window of i (Tukey 1977). It does not read the noise level. D is homogeneous,
/// D(c x) = c D(x) for all c, and piecewise linear: where no two pixels are equal, row i of its Jacobian has a single 1, at
/// the pixel that is the median, so that J is far from symmetric (Reehorst and Schniter 2018).
#[derive(Clone, Copy, Debug, Default)]
pub struct Median;

impl PlaneMethod for Median {
    const NAME: &'static str = "median";

    fn sigma(&self) -> SigmaSupport {
        SigmaSupport::Blind
    }

    fn receptive_field(&self) -> usize {
        3
    }

    fn denoise(&self, plane: &[f64], [rows, cols]: [usize; 2], _: Sigma) -> Result<Vec<f64>, Error> {
        let width = cols + 2;
        let padded = mirror_pad(plane, [rows, cols], 1, [rows + 2, width]);
        let mut out = Vec::with_capacity(plane.len());
        for row in 0..rows {
            for col in 0..cols {
                let mut window: [f64; 9] = std::array::from_fn(|k| padded[(row + k / 3) * width + col + k % 3]);
                out.push(*window.select_nth_unstable_by(4, f64::total_cmp).1);
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median(plane: &[f64], size: [usize; 2]) -> Vec<f64> {
        Median.denoise(plane, size, Sigma::new(0.1).unwrap()).unwrap()
    }

    #[test]
    fn an_impulse_vanishes_and_an_edge_stays() {
        let mut impulse = vec![0.25; 35];
        impulse[17] = 1.0;
        assert_eq!(median(&impulse, [5, 7]), [0.25; 35]);
        let edge: Vec<f64> = (0..35).map(|i| if i % 7 < 3 { 0.0 } else { 1.0 }).collect();
        assert_eq!(median(&edge, [5, 7]), edge);
    }

    #[test]
    fn borders_count_their_pixels_twice() {
        // The corner's window, mirrored: 1 four times, 2 twice, 4 twice, 5 once. The median of nine is the fifth.
        let plane = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        assert_eq!(median(&plane, [3, 3]), [2.0, 3.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.0, 8.0]);
        assert_eq!(median(&[3.0], [1, 1]), [3.0]);
    }
}
