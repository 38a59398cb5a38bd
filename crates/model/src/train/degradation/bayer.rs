//! A Bayer sensor and a simple demosaicking.

/// A Bayer pattern by the row and column, 0 or 1, of its red pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bayer {
    pub red_row: usize,
    pub red_col: usize,
}

impl Bayer {
    /// The channel (0 red, 1 green, 2 blue) that the sensor sees at a pixel.
    fn channel(self, i: usize, j: usize) -> usize {
        (i + self.red_row) % 2 + (j + self.red_col) % 2
    }

    /// What the sensor sees of `[3, H, W]`: `[H, W]`.
    pub(super) fn mosaic(self, rgb: &[f32], [h, w]: [usize; 2]) -> Vec<f32> {
        (0..h * w)
            .map(|k| rgb[self.channel(k / w, k % w) * h * w + k])
            .collect()
    }

    /// `[3, H, W]` from a mosaic by gradient-corrected linear interpolation (Malvar, He and Cutler 2004, figure 2); the
    /// picture is mirrored at its border, at the centres of the pixels, which keeps the pattern.
    pub(super) fn demosaic(self, mosaic: &[f32], [h, w]: [usize; 2]) -> Vec<f32> {
        let mut rgb = vec![0.0; 3 * h * w];
        // The mosaic with a border of two pixels.
        let stride = w + 4;
        let padded: Vec<f32> = (0..(h + 4) * stride)
            .map(|k| mosaic[mirrored(k / stride, h) * w + mirrored(k % stride, w)])
            .collect();
        for i in 0..h {
            for j in 0..w {
                let centre = (i + 2) * stride + j + 2;
                let sum = |offsets: [usize; 2]| offsets.iter().map(|k| padded[*k]).sum::<f32>();
                let value = padded[centre];
                let rows = sum([centre - stride, centre + stride]);
                let cols = sum([centre - 1, centre + 1]);
                let far_rows = sum([centre - 2 * stride, centre + 2 * stride]);
                let far_cols = sum([centre - 2, centre + 2]);
                let diagonals =
                    sum([centre - stride - 1, centre - stride + 1]) + sum([centre + stride - 1, centre + stride + 1]);
                let channel = self.channel(i, j);
                let mut set = |channel: usize, value: f32| rgb[channel * h * w + i * w + j] = value;
                set(channel, value);
                if channel == 1 {
                    let along_cols = (5.0 * value + 4.0 * cols - diagonals - far_cols + 0.5 * far_rows) / 8.0;
                    let along_rows = (5.0 * value + 4.0 * rows - diagonals - far_rows + 0.5 * far_cols) / 8.0;
                    let (red, blue) = if (i + self.red_row).is_multiple_of(2) {
                        (along_cols, along_rows)
                    } else {
                        (along_rows, along_cols)
                    };
                    set(0, red);
                    set(2, blue);
                } else {
                    let far = far_rows + far_cols;
                    set(1, (4.0 * value + 2.0 * (rows + cols) - far) / 8.0);
                    set(2 - channel, (6.0 * value + 2.0 * diagonals - 1.5 * far) / 8.0);
                }
            }
        }
        rgb
    }
}

/// The pixel at `position` - 2 of a row of `size` pixels that is mirrored at the centres of its ends.
fn mirrored(position: usize, size: usize) -> usize {
    let period = 2 * (size - 1).max(1);
    let position = (position + period * 2 - 2) % period;
    position.min(period - position).min(size - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns() -> [Bayer; 4] {
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(red_row, red_col)| Bayer { red_row, red_col })
    }

    #[test]
    fn the_sensor_sees_a_quarter_red_and_a_half_green() {
        for pattern in patterns() {
            let channels: Vec<usize> = (0..16).map(|k| pattern.channel(k / 4, k % 4)).collect();
            let count = |channel| channels.iter().filter(|found| **found == channel).count();
            assert_eq!([count(0), count(1), count(2)], [4, 8, 4], "{pattern:?}");
            assert_eq!(pattern.channel(pattern.red_row, pattern.red_col), 0);
        }
    }

    /// The filters keep constants of every colour and linear gray pictures.
    #[test]
    fn constants_and_gray_ramps_come_back() {
        let [h, w] = [7, 10];
        for pattern in patterns() {
            let colour: Vec<f32> = (0..3 * h * w).map(|k| [0.2, 0.5, 0.9][k / (h * w)]).collect();
            let back = pattern.demosaic(&pattern.mosaic(&colour, [h, w]), [h, w]);
            assert!(
                colour.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-6),
                "{pattern:?}"
            );
            let ramp: Vec<f32> = (0..3 * h * w)
                .map(|k| 0.1 * (k / w % h) as f32 + 0.03 * (k % w) as f32)
                .collect();
            let back = pattern.demosaic(&pattern.mosaic(&ramp, [h, w]), [h, w]);
            for k in (0..3 * h * w).filter(|k| (2..h - 2).contains(&(k / w % h)) && (2..w - 2).contains(&(k % w))) {
                assert!((ramp[k] - back[k]).abs() < 1e-6, "{pattern:?} at {k}");
            }
        }
    }

    #[test]
    fn mirrors_keep_parity() {
        let row: Vec<usize> = (0..9).map(|position| mirrored(position, 5)).collect();
        assert_eq!(row, [2, 1, 0, 1, 2, 3, 4, 3, 2]);
    }
}
