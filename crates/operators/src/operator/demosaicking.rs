//! Colour filter arrays.

use std::fmt;
use std::str::FromStr;

use tweedie_imaging::Image;

use crate::fill::fill_unknown;
use crate::host::{map_blocks, parameter, require_domain, require_positive};
use crate::{Error, LinearOperator, NormalSolve};

/// A Bayer pattern, named by the colours of the pixels (0, 0), (0, 1), (1, 0), (1, 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BayerPattern {
    Rggb,
    Bggr,
    Grbg,
    Gbrg,
}

impl BayerPattern {
    /// The channel (0 red, 1 green, 2 blue) that the sensor sees at a pixel.
    pub fn channel(self, row: usize, col: usize) -> usize {
        let block = match self {
            Self::Rggb => [0, 1, 1, 2],
            Self::Bggr => [2, 1, 1, 0],
            Self::Grbg => [1, 0, 2, 1],
            Self::Gbrg => [1, 2, 0, 1],
        };
        block[row % 2 * 2 + col % 2]
    }
}

impl FromStr for BayerPattern {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "rggb" => Ok(Self::Rggb),
            "bggr" => Ok(Self::Bggr),
            "grbg" => Ok(Self::Grbg),
            "gbrg" => Ok(Self::Gbrg),
            _ => Err(parameter(
                "Bayer pattern",
                "rggb, bggr, grbg or gbrg".into(),
                format!("'{name}'"),
            )),
        }
    }
}

impl fmt::Display for BayerPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rggb => "rggb",
            Self::Bggr => "bggr",
            Self::Grbg => "grbg",
            Self::Gbrg => "gbrg",
        })
    }
}

/// A Bayer sensor: y\[i, j\] = x\[channel(i, j), i, j\].
///
/// # Shapes
/// Domain `[3, H, W]` (RGB), codomain `[1, H, W]`; odd sizes are legal.
///
/// A A^T = I, ||A||^2 = 1, closed form (A^T A + rho I)^-1 b = b / (m + rho) with the pattern's indicator m.
/// [`LinearOperator::start`] fills each channel with the means of known neighbours, which is bilinear interpolation but for red
/// and blue next to the border.
#[derive(Clone, Debug)]
pub struct Demosaicking {
    rows: usize,
    cols: usize,
    pattern: BayerPattern,
}

impl Demosaicking {
    /// A sensor of `rows` x `cols` pixels.
    ///
    /// # Errors
    /// If a size is zero.
    pub fn new([rows, cols]: [usize; 2], pattern: BayerPattern) -> Result<Self, Error> {
        require_domain("demosaicking", [3, rows, cols])?;
        Ok(Self { rows, cols, pattern })
    }

    /// The index in `[3, H, W]` order of the value that pixel `n` measures.
    fn source(&self, n: usize) -> usize {
        self.pattern.channel(n / self.cols, n % self.cols) * self.rows * self.cols + n
    }
}

impl LinearOperator for Demosaicking {
    fn domain(&self) -> [usize; 3] {
        [3, self.rows, self.cols]
    }

    fn codomain(&self) -> [usize; 3] {
        [1, self.rows, self.cols]
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        map_blocks("demosaicking", [(&x, self.domain())], self.codomain(), 1, |[x], y| {
            for (n, value) in y.iter_mut().enumerate() {
                *value = x[self.source(n)];
            }
        })
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        map_blocks(
            "demosaicking: adjoint",
            [(&y, self.codomain())],
            self.domain(),
            1,
            |[y], x| {
                for (n, &value) in y.iter().enumerate() {
                    x[self.source(n)] = value;
                }
            },
        )
    }

    fn norm_sq(&self) -> f64 {
        1.0
    }

    fn start(&self, y: Image) -> Result<Image, Error> {
        let (rows, cols) = (self.rows, self.cols);
        map_blocks(
            "demosaicking: start",
            [(&y, self.codomain())],
            self.domain(),
            1,
            |[y], x| {
                for (channel, plane) in x.chunks_exact_mut(rows * cols).enumerate() {
                    plane.copy_from_slice(y);
                    fill_unknown(plane, rows, cols, |n| {
                        self.pattern.channel(n / cols, n % cols) == channel
                    });
                }
            },
        )
    }

    fn has_orthonormal_rows(&self) -> bool {
        true
    }

    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        Some(self)
    }
}

impl NormalSolve for Demosaicking {
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error> {
        require_positive("demosaicking: normal solve", "rho", rho)?;
        map_blocks(
            "demosaicking: normal solve",
            [(&b, self.domain())],
            self.domain(),
            1,
            |[b], x| {
                for (x, &b) in x.iter_mut().zip(b) {
                    *x = (f64::from(b) / rho) as f32;
                }
                for n in 0..self.rows * self.cols {
                    let source = self.source(n);
                    x[source] = (f64::from(b[source]) / (1.0 + rho)) as f32;
                }
            },
        )
    }
}
