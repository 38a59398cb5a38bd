//! Kernels of programs that make pictures smaller.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use super::{Kernel, require_size};
use crate::Error;
use crate::host::parameter;

/// How a picture is made smaller by a whole factor s with an antialiasing filter: each small pixel is a weighted mean around the
/// middle of its s x s block, with weights h(t/s) at distance t in large pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resampling {
    /// Keys' cubic with a = -1/2: `imresize` of MATLAB, `BICUBIC` of Pillow.
    Bicubic,
    /// sinc(t) sinc(t/3) for |t| < 3: `LANCZOS` of Pillow.
    Lanczos,
    /// The mean of the block: `BOX` of Pillow, `INTER_AREA` of OpenCV.
    Area,
}

impl Resampling {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bicubic, Self::Lanczos, Self::Area];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bicubic => "bicubic",
            Self::Lanczos => "lanczos",
            Self::Area => "area",
        }
    }

    /// h(t).
    fn weight(self, t: f64) -> f64 {
        let sinc = |t: f64| if t == 0.0 { 1.0 } else { (PI * t).sin() / (PI * t) };
        match self {
            Self::Bicubic => tweedie_imaging::keys_cubic(t),
            Self::Lanczos if t.abs() < 3.0 => sinc(t) * sinc(t / 3.0),
            Self::Lanczos => 0.0,
            // A pixel on the rim of the block counts whole: its middle is inside.
            Self::Area => f64::from(u8::from(t.abs() < 0.5)),
        }
    }

    /// Half the width of h.
    fn support(self) -> f64 {
        match self {
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
            Self::Area => 0.5,
        }
    }
}

impl fmt::Display for Resampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Resampling {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|resampling| resampling.name() == text)
            .ok_or_else(|| parameter("resampling", "bicubic, lanczos or area".into(), format!("'{text}'")))
    }
}

impl Kernel {
    /// The kernel of a resampling by `factor`: separable, normalised, even-sized for an even factor. With
    /// [`crate::centred_phase`] it registers the small picture to the middle of the blocks.
    ///
    /// # Errors
    /// If the factor is zero or the kernel would exceed [`super::MAX_SIZE`].
    pub fn resampling(resampling: Resampling, factor: usize) -> Result<Self, Error> {
        require_size("resampling kernel", factor)?;
        let s = factor as f64;
        // Taps lie at whole distances from the middle for an odd factor, at half ones for an even factor.
        let half = if factor.is_multiple_of(2) { 0.5 } else { 0.0 };
        let reach = resampling.support() * s;
        let beyond = ((reach - half).ceil() - 1.0).max(0.0);
        let size = (2.0 * (beyond + half)) as usize + 1;
        require_size("resampling kernel", size)?;
        let line: Vec<f64> = (0..size)
            .map(|i| resampling.weight((i as f64 - beyond - half) / s))
            .collect();
        let values = line.iter().flat_map(|a| line.iter().map(move |b| a * b)).collect();
        Self::new(size, size, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_factor() {
        let size = |resampling, factor| Kernel::resampling(resampling, factor).unwrap().dims()[0];
        assert_eq!([1, 2, 3, 4].map(|s| size(Resampling::Area, s)), [1, 2, 3, 4]);
        assert_eq!([1, 2, 3, 4].map(|s| size(Resampling::Bicubic, s)), [3, 8, 11, 16]);
        assert_eq!([2, 3, 4].map(|s| size(Resampling::Lanczos, s)), [12, 17, 24]);
        assert!(Kernel::resampling(Resampling::Area, 0).is_err());
    }

    #[test]
    fn a_factor_of_one_changes_nothing() {
        for resampling in Resampling::ALL {
            let kernel = Kernel::resampling(resampling, 1).unwrap();
            let values = kernel.values();
            let middle = values.len() / 2;
            assert!(
                values
                    .iter()
                    .enumerate()
                    .all(|(i, v)| (v - f64::from(u8::from(i == middle))).abs() < 1e-12)
            );
        }
    }

    #[test]
    fn names_come_back() {
        for resampling in Resampling::ALL {
            assert_eq!(resampling.name().parse::<Resampling>().unwrap(), resampling);
        }
        assert!("cubic".parse::<Resampling>().is_err());
    }
}
