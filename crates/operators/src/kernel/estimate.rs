//! The kernel of a picture that was blurred by a lens or by a movement, estimated from the picture.

use std::fmt;

use rayon::prelude::*;

use super::{Kernel, Resampling};
use crate::Error;
use crate::fft::RealFft2;
use crate::host::parameter;

/// Least noise that is assumed, 1 grey level: below it JPEG files have no detail left at high frequencies, as no lens takes it away.
const FLOOR: f64 = 1.0 / 255.0;

/// Rises of the log-likelihood below this end a fit.
const FLAT: f64 = 1e-7;

/// A family of kernels with its parameters, in pixels and degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KernelShape {
    /// No blur.
    Sharp,
    /// [`Kernel::disc`] of this radius.
    Disc(f64),
    /// [`Kernel::gaussian`] of this standard deviation.
    Gaussian(f64),
    /// [`Kernel::motion`] of this length and angle.
    Motion(f64, f64),
}

impl KernelShape {
    /// The kernel.
    ///
    /// # Errors
    /// If a parameter is out of range.
    pub fn kernel(self) -> Result<Kernel, Error> {
        match self {
            Self::Sharp => Kernel::resampling(Resampling::Area, 1),
            Self::Disc(radius) => Kernel::disc(radius),
            Self::Gaussian(sigma) => Kernel::gaussian(sigma, Kernel::gaussian_size(sigma)?),
            Self::Motion(length, angle) => Kernel::motion(length, angle),
        }
    }
}

/// As `--kernel` takes it.
impl fmt::Display for KernelShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sharp => f.write_str("uniform:1"),
            Self::Disc(radius) => write!(f, "disc:{radius:.2}"),
            Self::Gaussian(sigma) => write!(f, "gaussian:{sigma:.2}"),
            Self::Motion(length, angle) => write!(f, "motion:{length:.1},{angle:.0}"),
        }
    }
}

/// What [`estimate_kernel`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelEstimate {
    /// The likeliest kernel.
    pub shape: KernelShape,
    /// How much likelier it is than no blur: mean log-likelihood per frequency.
    pub over_sharp: f64,
    /// How much likelier it is than the best kernel of another family, per frequency.
    pub over_other_family: f64,
}

/// Estimates the blur of a picture among discs (a lens out of focus), Gaussians and straight movements.
///
/// Photographs have a power spectrum near C |f|^-a. A kernel k and white noise make it S(f) = C |f|^-a |K(f)|^2 + s^2, and the
/// periodogram P of the picture is S times an exponential variable, so the mean of log S + P/S over frequencies is minus its
/// log-likelihood (Whittle 1953). It is minimised over C, a and s for each kernel of a grid, and the best kernels are refined. P is
/// averaged over Hann-windowed patches that overlap by half (Welch 1967). What tells the kernels apart are the zeros and the fall
/// of |K|^2, as in the spectral and cepstral methods for known blur shapes (Cannon, *Blind deconvolution of spatially invariant image
/// blurs with phase*, 1976).
///
/// The picture is a plane of `rows` x `cols` values in [0, 1]. One kernel is assumed for all of it, and no sharpening or strong
/// compression after the blur.
///
/// # Errors
/// If a side is below 96 pixels, the number of values does not fit, or the picture has no detail at all.
pub fn estimate_kernel(plane: &[f32], rows: usize, cols: usize) -> Result<KernelEstimate, Error> {
    if plane.len() != rows * cols {
        let expected = format!("{} values", rows * cols);
        return Err(parameter("kernel estimate", expected, plane.len().to_string()));
    }
    // Patches must hold the kernel several times over, and several of them fit.
    let side = match rows.min(cols) {
        0..96 => {
            let expected = "a picture of at least 96 x 96 pixels".to_owned();
            return Err(parameter("kernel estimate", expected, format!("{rows}x{cols}")));
        }
        96..256 => 64,
        256..768 => 128,
        _ => 256,
    };
    let spectrum = Spectrum::welch(plane, [rows, cols], side);
    let mean = spectrum.power.iter().sum::<f64>() / spectrum.power.len() as f64;
    if !(mean > 1e-3 * FLOOR * FLOOR && mean.is_finite()) {
        let expected = "a picture with detail".to_owned();
        return Err(parameter(
            "kernel estimate",
            expected,
            "one of a single value".to_owned(),
        ));
    }
    let sharp = spectrum.misfit(KernelShape::Sharp)?;
    let mut families: Vec<(f64, KernelShape)> = Vec::new();
    for family in grids(side) {
        let misfits: Vec<(f64, KernelShape)> = family
            .into_par_iter()
            .map(|shape| Ok((spectrum.misfit(shape)?, shape)))
            .collect::<Result<_, Error>>()?;
        if let Some(best) = misfits.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)) {
            families.push(spectrum.refined(best)?);
        }
    }
    families.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (misfit, shape) = families[0];
    if sharp <= misfit {
        return Ok(KernelEstimate {
            shape: KernelShape::Sharp,
            over_sharp: 0.0,
            over_other_family: misfit - sharp,
        });
    }
    Ok(KernelEstimate {
        shape,
        over_sharp: sharp - misfit,
        over_other_family: families[1].0 - misfit,
    })
}

/// Kernels of each family, up to a quarter of a patch.
fn grids(side: usize) -> [Vec<KernelShape>; 3] {
    let largest = side as f64 / 4.0;
    let geometric = |from: f64, to: f64, ratio: f64| {
        std::iter::successors(Some(from), move |value| Some(value * ratio)).take_while(move |&value| value <= to)
    };
    let motions = geometric(3.0, largest * 1.2, 1.25).flat_map(|length| {
        // Neighbouring angles move the ends of the path by a pixel or less.
        let steps = (std::f64::consts::PI * length / 2.0).ceil().max(8.0) as usize;
        (0..steps).map(move |step| KernelShape::Motion(length, 180.0 * step as f64 / steps as f64))
    });
    [
        geometric(0.7, largest / 2.0, 1.15).map(KernelShape::Disc).collect(),
        geometric(0.4, largest / 4.0, 1.15).map(KernelShape::Gaussian).collect(),
        motions.collect(),
    ]
}

/// The averaged periodogram of a picture.
struct Spectrum {
    fft: RealFft2,
    /// Indices into half spectra, of the frequencies that are compared.
    chosen: Vec<usize>,
    /// log |f| of each.
    log_frequency: Vec<f64>,
    /// P of each.
    power: Vec<f64>,
}

impl Spectrum {
    fn welch(plane: &[f32], [rows, cols]: [usize; 2], side: usize) -> Self {
        let fft = RealFft2::new(side, side);
        let hann: Vec<f64> = (0..side)
            .map(|i| (std::f64::consts::PI * (i as f64 + 0.5) / side as f64).sin().powi(2))
            .collect();
        let mass: f64 = hann.iter().sum::<f64>().powi(2);
        let energy: f64 = hann.iter().map(|w| w * w).sum::<f64>().powi(2);
        let starts = |size: usize| (0..=size - side).step_by(side / 2);
        let corners: Vec<(usize, usize)> = starts(rows)
            .flat_map(|top| starts(cols).map(move |left| (top, left)))
            .collect();
        let half = fft.half_cols() * side;
        let sum = corners
            .par_iter()
            .map(|&(top, left)| {
                let at = |i: usize, j: usize| f64::from(plane[(top + i) * cols + left + j]);
                let mut mean = 0.0;
                for i in 0..side {
                    for j in 0..side {
                        mean += hann[i] * hann[j] * at(i, j);
                    }
                }
                mean /= mass;
                let spectrum = fft.forward(|i, values| {
                    for (j, value) in values.iter_mut().enumerate() {
                        *value = hann[i] * hann[j] * (at(i, j) - mean);
                    }
                });
                spectrum
                    .iter()
                    .map(|value| value.norm_sqr() / energy)
                    .collect::<Vec<f64>>()
            })
            // Added in order, so that the result does not depend on the number of threads.
            .collect::<Vec<_>>()
            .into_iter()
            .fold(vec![0.0; half], |mut sum, patch| {
                sum.iter_mut().zip(patch).for_each(|(sum, value)| *sum += value);
                sum
            });
        let (mut chosen, mut log_frequency, mut power) = (Vec::new(), Vec::new(), Vec::new());
        for kx in 1..side / 2 {
            for ky in 0..side {
                let fy = if ky > side / 2 {
                    ky as f64 - side as f64
                } else {
                    ky as f64
                };
                let f = fy.hypot(kx as f64) / side as f64;
                // Near 0 the window decides, beyond 1/2 only corners of the spectrum are left.
                if f > 1.5 / side as f64 && f < 0.5 {
                    let index = kx * side + ky;
                    chosen.push(index);
                    log_frequency.push(f.ln());
                    power.push(sum[index] / corners.len() as f64);
                }
            }
        }
        Self {
            fft,
            chosen,
            log_frequency,
            power,
        }
    }

    /// The mean of log S + P/S for a kernel at the best C, a and s: Fisher scoring in (log C, a, log s^2), damped.
    fn misfit(&self, shape: KernelShape) -> Result<f64, Error> {
        let transfer = shape.kernel()?.transfer(&self.fft, [0, 0]);
        let gain: Vec<f64> = self.chosen.iter().map(|&index| transfer[index].norm_sqr()).collect();
        let mean_power = self.power.iter().sum::<f64>() / self.power.len() as f64;
        let mut sorted = self.power.clone();
        sorted.sort_by(f64::total_cmp);
        // A start from below: most frequencies hold more than noise.
        let low = sorted[sorted.len() / 20];
        let mean_law = self.log_frequency.iter().map(|l| (-2.0 * l).exp()).sum::<f64>() / self.power.len() as f64;
        let level = (mean_power / mean_law).ln();
        let mut at = [level, 2.0, low.max(FLOOR * FLOOR).ln()];
        let mut damping = 1e-2;
        let mut current = self.step(&gain, at);
        for _ in 0..60 {
            let Some(delta) = solve3(current.fisher, current.gradient, damping) else {
                break;
            };
            let next = std::array::from_fn(|k| at[k] - delta[k].clamp(-2.0, 2.0));
            let tried = self.step(&gain, next);
            if tried.misfit < current.misfit {
                let gained = current.misfit - tried.misfit;
                (at, current, damping) = (next, tried, damping * 0.3);
                if gained < FLAT {
                    break;
                }
            } else {
                damping *= 5.0;
                if damping > 1e6 {
                    break;
                }
            }
        }
        Ok(current.misfit)
    }

    fn step(&self, gain: &[f64], [level, slope, floor]: [f64; 3]) -> Step {
        let noise = floor.exp() + FLOOR * FLOOR;
        let mut step = Step {
            misfit: 0.0,
            gradient: [0.0; 3],
            fisher: [[0.0; 3]; 3],
        };
        for ((&log_f, &gain), &power) in self.log_frequency.iter().zip(gain).zip(&self.power) {
            let signal = (level - slope * log_f).exp() * gain;
            let expected = signal + noise;
            let ratio = power / expected;
            step.misfit += expected.ln() + ratio;
            let share = signal / expected;
            let derivative = [share, -log_f * share, floor.exp() / expected];
            for k in 0..3 {
                step.gradient[k] += (1.0 - ratio) * derivative[k];
                for l in 0..3 {
                    step.fisher[k][l] += derivative[k] * derivative[l];
                }
            }
        }
        step.misfit /= self.power.len() as f64;
        step
    }

    /// A kernel moved to the nearest minimum of its family: a search along each parameter with falling steps.
    fn refined(&self, (mut misfit, mut shape): (f64, KernelShape)) -> Result<(f64, KernelShape), Error> {
        let mut step = 0.08;
        while step > 0.01 {
            let mut improved = false;
            for next in neighbours(shape, step) {
                let value = self.misfit(next)?;
                if value < misfit {
                    (misfit, shape, improved) = (value, next, true);
                }
            }
            if !improved {
                step *= 0.5;
            }
        }
        Ok((misfit, shape))
    }
}

/// Kernels of the same family with parameters moved by a share `step`; an angle by as much as moves the path's ends alike.
fn neighbours(shape: KernelShape, step: f64) -> Vec<KernelShape> {
    let scaled = |value: f64| [value * (1.0 - step), value * (1.0 + step)];
    match shape {
        KernelShape::Sharp => Vec::new(),
        KernelShape::Disc(radius) => scaled(radius).map(KernelShape::Disc).to_vec(),
        KernelShape::Gaussian(sigma) => scaled(sigma).map(KernelShape::Gaussian).to_vec(),
        KernelShape::Motion(length, angle) => {
            let turn = step.to_degrees();
            let lengths = scaled(length).map(|length| KernelShape::Motion(length, angle));
            let angles = [angle - turn, angle + turn].map(|angle| KernelShape::Motion(length, angle.rem_euclid(180.0)));
            lengths.into_iter().chain(angles).collect()
        }
    }
}

struct Step {
    misfit: f64,
    gradient: [f64; 3],
    fisher: [[f64; 3]; 3],
}

/// (F + damping diag F)^-1 g by Cramer's rule; `None` if singular.
fn solve3(mut f: [[f64; 3]; 3], g: [f64; 3], damping: f64) -> Option<[f64; 3]> {
    for (k, row) in f.iter_mut().enumerate() {
        row[k] *= 1.0 + damping;
        row[k] += 1e-12;
    }
    let determinant = |m: &[[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = determinant(&f);
    let solution = std::array::from_fn(|k| {
        let mut m = f;
        for row in 0..3 {
            m[row][k] = g[row];
        }
        determinant(&m) / whole
    });
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}
