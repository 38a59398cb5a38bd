//! Odd linear splines with a slope for each segment, channel by channel.
//!
//! phi(t) = sign(t) sum_j s_j clip(|t| - j h, 0, h) with h = [`SEGMENT`]; the last segment has no end. Slopes in [0, 1] make
//! phi increasing and nonexpansive.

use rayon::prelude::*;

use crate::Error;
use crate::error::check_len;

/// Length of a segment. Coefficients are in units of the noise, which filters of a frame shrink to a few tenths.
pub const SEGMENT: f32 = 0.05;

/// Pixels that a thread takes at a time.
const PIXELS: usize = 1 << 10;

/// The splines of all channels.
#[derive(Clone, Copy, Debug)]
pub struct Splines<'a> {
    slopes: &'a [f32],
    /// Channels, and channels as they are stored: those that fill up a register hold zeros.
    channels: usize,
    stored: usize,
}

impl<'a> Splines<'a> {
    /// Splines for activations of which `stored` values belong to a pixel, the first `channels` of them with slopes.
    ///
    /// # Errors
    /// [`Error::Length`] unless there are as many `slopes`, at least one, for each channel.
    pub fn new(slopes: &'a [f32], channels: usize, stored: usize) -> Result<Self, Error> {
        check_len("splines", "channels", channels.max(1), channels)?;
        let segments = (slopes.len() / channels).max(1);
        check_len("splines", "slopes", segments * channels, slopes.len())?;
        check_len("splines", "stored channels", channels.max(stored), stored)?;
        Ok(Self {
            slopes,
            channels,
            stored,
        })
    }

    fn segments(&self) -> usize {
        self.slopes.len() / self.channels
    }

    /// `y = phi(t)`.
    ///
    /// # Errors
    /// [`Error::Length`] unless both hold the same number of whole pixels.
    pub fn forward(&self, t: &[f32], y: &mut [f32]) -> Result<(), Error> {
        check_len("spline", "t", y.len().next_multiple_of(self.stored), t.len())?;
        check_len("spline", "y", t.len(), y.len())?;
        let (segments, rows) = (self.segments(), PIXELS * self.stored);
        let starts = self.starts();
        y.par_chunks_mut(rows).zip(t.par_chunks(rows)).for_each(|(y, t)| {
            for (y, t) in y.chunks_mut(self.stored).zip(t.chunks(self.stored)) {
                for (channel, (y, &t)) in y.iter_mut().zip(t).enumerate() {
                    *y = if channel < self.channels {
                        let (j, rest) = segment(t, segments);
                        let at = channel * segments + j;
                        let value = starts[at] + self.slopes[at] * rest;
                        if t < 0.0 { -value } else { value }
                    } else {
                        0.0
                    };
                }
            }
        });
        Ok(())
    }

    /// `dt = phi'(t) dy`.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn input_grad(&self, t: &[f32], dy: &[f32], dt: &mut [f32]) -> Result<(), Error> {
        check_len(
            "spline's gradient",
            "t",
            dt.len().next_multiple_of(self.stored),
            t.len(),
        )?;
        check_len("spline's gradient", "dt", t.len(), dt.len())?;
        check_len("spline's gradient", "dy", t.len(), dy.len())?;
        let (segments, rows) = (self.segments(), PIXELS * self.stored);
        let inputs = t.par_chunks(rows).zip(dy.par_chunks(rows));
        dt.par_chunks_mut(rows).zip(inputs).for_each(|(dt, (t, dy))| {
            for (index, (dt, (&t, dy))) in dt.iter_mut().zip(t.iter().zip(dy)).enumerate() {
                let channel = index % self.stored;
                *dt = if channel < self.channels {
                    self.slopes[channel * segments + segment(t, segments).0] * dy
                } else {
                    0.0
                };
            }
        });
        Ok(())
    }

    /// The gradient with respect to the slopes.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn slopes_grad(&self, t: &[f32], dy: &[f32]) -> Result<Vec<f32>, Error> {
        check_len("spline's gradient", "t", t.len().next_multiple_of(self.stored), t.len())?;
        check_len("spline's gradient", "dy", t.len(), dy.len())?;
        let (c, segments, rows) = (self.channels, self.segments(), PIXELS * self.stored);
        // Sums over the values in a segment of sign dy (|t| - j h) and of sign dy, chunk by chunk in a fixed order.
        let chunks: Vec<[Vec<f64>; 2]> = t
            .par_chunks(rows)
            .zip(dy.par_chunks(rows))
            .map(|(t, dy)| {
                let mut sums = [vec![0.0; c * segments], vec![0.0; c * segments]];
                for (t, dy) in t.chunks(self.stored).zip(dy.chunks(self.stored)) {
                    for (channel, (&t, dy)) in t.iter().zip(dy).take(c).enumerate() {
                        let (j, rest) = segment(t, segments);
                        let signed = if t < 0.0 { -dy } else { *dy };
                        sums[0][channel * segments + j] += f64::from(signed * rest);
                        sums[1][channel * segments + j] += f64::from(signed);
                    }
                }
                sums
            })
            .collect();
        let mut gradient = vec![0.0; c * segments];
        for channel in 0..c {
            let mut beyond = 0.0;
            for j in (0..segments).rev() {
                let at = channel * segments + j;
                let [rest, count] = [0, 1].map(|kind| chunks.iter().map(|sums| sums[kind][at]).sum::<f64>());
                // A value beyond a segment has crossed all of it.
                gradient[at] = (rest + f64::from(SEGMENT) * beyond) as f32;
                beyond += count;
            }
        }
        Ok(gradient)
    }

    /// phi at the beginning of each segment of each channel, `[C, segments]`.
    fn starts(&self) -> Vec<f32> {
        self.slopes
            .chunks(self.segments())
            .flat_map(|slopes| {
                slopes.iter().scan(0.0, |sum, slope| {
                    let start = *sum;
                    *sum += slope * SEGMENT;
                    Some(start)
                })
            })
            .collect()
    }
}

/// The segment of |t|, and how far |t| lies in it.
fn segment(t: f32, segments: usize) -> (usize, f32) {
    let distance = t.abs();
    let j = ((distance / SEGMENT) as usize).min(segments - 1);
    (j, distance - j as f32 * SEGMENT)
}

/// psi(t), the integral of phi from 0 to t, for one channel's slopes; 0 without slopes.
pub fn spline_potential(t: f32, slopes: &[f32]) -> f64 {
    if slopes.is_empty() {
        return 0.0;
    }
    let (last, rest) = segment(t, slopes.len());
    let h = f64::from(SEGMENT);
    let (mut phi, mut psi) = (0.0, 0.0);
    for &slope in &slopes[..last] {
        let slope = f64::from(slope);
        psi += phi * h + 0.5 * slope * h * h;
        phi += slope * h;
    }
    let rest = f64::from(rest);
    psi + phi * rest + 0.5 * f64::from(slopes[last]) * rest * rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOPES: [f32; 5] = [0.9, 0.4, 0.0, 0.7, 0.2];

    fn phi(t: f32) -> f32 {
        let mut y = [0.0];
        Splines::new(&SLOPES, 1, 1).unwrap().forward(&[t], &mut y).unwrap();
        y[0]
    }

    #[test]
    fn the_spline_is_the_formula() {
        for t in [-0.6_f32, -0.12, 0.0, 0.02, 0.07, 0.18, 0.9] {
            let part = |j: usize| {
                let last = j + 1 == SLOPES.len();
                let end = if last { f32::INFINITY } else { SEGMENT };
                SLOPES[j] * (t.abs() - j as f32 * SEGMENT).clamp(0.0, end)
            };
            let expected = (0..SLOPES.len()).map(part).sum::<f32>().copysign(t);
            assert!((phi(t) - expected).abs() < 1e-6, "{t}");
        }
    }

    #[test]
    fn the_potential_is_the_integral() {
        for t in [-0.6, -0.12, 0.02, 0.07, 0.18, 0.9_f32] {
            let h = 1e-3;
            let central = (spline_potential(t + h, &SLOPES) - spline_potential(t - h, &SLOPES)) / f64::from(2.0 * h);
            let phi = f64::from(phi(t));
            assert!((central - phi).abs() < 1e-4, "{t}: {central} and {phi}");
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(Splines::new(&SLOPES, 2, 2).is_err());
        assert!(Splines::new(&SLOPES, 0, 0).is_err());
        assert!(Splines::new(&SLOPES, 5, 4).is_err());
        let splines = Splines::new(&SLOPES, 1, 2).unwrap();
        assert!(splines.forward(&[0.0; 3], &mut [0.0; 3]).is_err());
        assert!(splines.forward(&[0.0; 4], &mut [0.0; 2]).is_err());
        assert!(splines.slopes_grad(&[0.0; 4], &[0.0; 2]).is_err());
    }
}
