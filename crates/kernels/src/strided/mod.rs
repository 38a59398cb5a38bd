//! 2x2 convolutions with stride 2 and their adjoint: changes of resolution by learned kernels.

mod matrix;
mod weight_grad;

use rayon::prelude::*;

use crate::buffer::with_scratch;
use crate::error::check_len;
use crate::kernel::{Isa, active_kernel};
use crate::winograd::gemm::BATCH;
use crate::{Error, Kernel, Layout, naive, pack, unpack};
use matrix::Matrix;

/// A planned `2x2` convolution with stride 2 and no padding, between a fine and a coarse [`Layout`].
///
/// ```text
/// down: u[n,k,i,j]       = sum_{c,p,q} w[k,c,p,q] x[n,c,2i+p,2j+q]
/// up:   x[n,c,2i+p,2j+q] = sum_k       w[k,c,p,q] u[n,k,i,j]
/// ```
///
/// Each is the adjoint of the other. Weights are `[coarse channels, fine channels, 2, 2]`: what PyTorch's `Conv2d` keeps
/// for `down`, and its `ConvTranspose2d` for `up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2x2 {
    fine: Layout,
    coarse: Layout,
    kernel: Kernel,
}

impl Conv2x2 {
    /// Plans the convolution between `fine` and `channels` channels at half its resolution, on the [`active_kernel`].
    ///
    /// # Errors
    /// [`Error::OddSize`] unless the fine size is even; as [`Layout::new`] and [`active_kernel`].
    pub fn new(fine: Layout, channels: usize) -> Result<Self, Error> {
        Self::with_kernel(fine, channels, active_kernel()?)
    }

    /// As [`Conv2x2::new`], on a given kernel.
    ///
    /// # Errors
    /// As [`Conv2x2::new`].
    pub fn with_kernel(fine: Layout, channels: usize, kernel: Kernel) -> Result<Self, Error> {
        let coarse = fine.unshuffled()?.with_channels(channels)?;
        Ok(Self { fine, coarse, kernel })
    }

    /// The layout at full resolution.
    pub fn fine(&self) -> Layout {
        self.fine
    }

    /// The layout at half the resolution.
    pub fn coarse(&self) -> Layout {
        self.coarse
    }

    /// `out = down(x)`; writes every element of `out`, padding included.
    ///
    /// # Errors
    /// [`Error::Length`] for a wrong length.
    pub fn down(&self, x: &[f32], weight: &[f32], out: &mut [f32]) -> Result<(), Error> {
        self.check("down", [x.len(), out.len()], weight)?;
        if self.kernel.isa() == Isa::Naive {
            let u = naive::down(self.shape(), &unpacked(&self.fine, x)?, weight)?;
            return pack(&self.coarse, &u, out);
        }
        let (fine, coarse) = (Rows::new(&self.fine), Rows::new(&self.coarse));
        let c = self.fine.c();
        let stored = [2 * fine.cp, coarse.cp];
        let matrix = Matrix::new(self.kernel, [2 * stored[0], self.coarse.c()], |row, k| {
            let (p, q, ci) = (row / stored[0], row % stored[0] / fine.cp, row % fine.cp);
            if ci < c {
                weight[(k * c + ci) * 4 + 2 * p + q]
            } else {
                0.0
            }
        });
        out.par_chunks_mut(coarse.wp * coarse.cp)
            .enumerate()
            .for_each(|(row, out)| {
                let Some((n, i, image)) = coarse.image_row(row, out) else {
                    return;
                };
                let sources = [0, 1].map(|p| &x[fine.range(n, 2 * i + p)]);
                with_scratch(matrix.scratch_len(), |scratch| {
                    for (batch, out) in image.chunks_mut(BATCH * stored[1]).enumerate() {
                        for at in 0..out.len() / stored[1] {
                            let from = (batch * BATCH + at) * stored[0];
                            let row = &mut scratch[at * matrix.stride()..];
                            for (p, source) in sources.iter().enumerate() {
                                row[p * stored[0]..][..stored[0]].copy_from_slice(&source[from..][..stored[0]]);
                            }
                        }
                        matrix.multiply(self.kernel, scratch);
                        for (at, out) in out.chunks_exact_mut(stored[1]).enumerate() {
                            out.copy_from_slice(&scratch[at * matrix.stride()..][..stored[1]]);
                        }
                    }
                });
            });
        Ok(())
    }

    /// `out = up(u)`; writes every element of `out`, padding included.
    ///
    /// # Errors
    /// [`Error::Length`] for a wrong length.
    pub fn up(&self, u: &[f32], weight: &[f32], out: &mut [f32]) -> Result<(), Error> {
        self.check("up", [out.len(), u.len()], weight)?;
        if self.kernel.isa() == Isa::Naive {
            let x = naive::up(self.shape(), &unpacked(&self.coarse, u)?, weight)?;
            return pack(&self.fine, &x, out);
        }
        let (fine, coarse) = (Rows::new(&self.fine), Rows::new(&self.coarse));
        let (c, channels) = (self.fine.c(), self.coarse.c());
        let stored = [2 * fine.cp, coarse.cp];
        // One matrix for the even rows of the fine image and one for the odd ones.
        let matrices = [0, 1].map(|p| {
            Matrix::new(self.kernel, [stored[1], stored[0]], |k, column| {
                let (q, ci) = (column / fine.cp, column % fine.cp);
                if k < channels && ci < c {
                    weight[(k * c + ci) * 4 + 2 * p + q]
                } else {
                    0.0
                }
            })
        });
        out.par_chunks_mut(fine.wp * fine.cp)
            .enumerate()
            .for_each(|(row, out)| {
                let Some((n, y, image)) = fine.image_row(row, out) else {
                    return;
                };
                let (source, matrix) = (&u[coarse.range(n, y / 2)], &matrices[y % 2]);
                with_scratch(matrix.scratch_len(), |scratch| {
                    for (batch, out) in image.chunks_mut(BATCH * stored[0]).enumerate() {
                        for at in 0..out.len() / stored[0] {
                            let from = (batch * BATCH + at) * stored[1];
                            scratch[at * matrix.stride()..][..stored[1]].copy_from_slice(&source[from..][..stored[1]]);
                        }
                        matrix.multiply(self.kernel, scratch);
                        for (at, out) in out.chunks_exact_mut(stored[0]).enumerate() {
                            out.copy_from_slice(&scratch[at * matrix.stride()..][..stored[0]]);
                        }
                    }
                });
            });
        Ok(())
    }

    /// `out[k,c,p,q] = sum_{n,i,j} u[n,k,i,j] x[n,c,2i+p,2j+q]`: the gradient of `<down(x), u>`, which is `<x, up(u)>`,
    /// with respect to the weights.
    ///
    /// # Errors
    /// [`Error::Length`] for a wrong length.
    pub fn weight_grad(&self, x: &[f32], u: &[f32], out: &mut [f32]) -> Result<(), Error> {
        self.check("weight_grad", [x.len(), u.len()], out)?;
        if self.kernel.isa() == Isa::Naive {
            let (x, u) = (unpacked(&self.fine, x)?, unpacked(&self.coarse, u)?);
            out.copy_from_slice(&naive::down_weight_grad(self.shape(), &x, &u)?);
            return Ok(());
        }
        weight_grad::weight_grad(self, x, u, out);
        Ok(())
    }

    fn shape(&self) -> naive::DownShape {
        naive::DownShape {
            n: self.coarse.n(),
            fine: self.fine.c(),
            coarse: self.coarse.c(),
            h: self.coarse.h(),
            w: self.coarse.w(),
        }
    }

    fn check(&self, operation: &'static str, [x, u]: [usize; 2], weight: &[f32]) -> Result<(), Error> {
        check_len(operation, "fine buffer", self.fine.len(), x)?;
        check_len(operation, "coarse buffer", self.coarse.len(), u)?;
        check_len(operation, "weight", 4 * self.coarse.c() * self.fine.c(), weight.len())
    }
}

fn unpacked(layout: &Layout, packed: &[f32]) -> Result<Vec<f32>, Error> {
    let mut image = vec![0.0; layout.unpadded_len()];
    unpack(layout, packed, &mut image)?;
    Ok(image)
}

/// Where the rows of a layout are.
#[derive(Clone, Copy)]
struct Rows {
    h: usize,
    w: usize,
    hp: usize,
    wp: usize,
    /// Channels as they are stored.
    cp: usize,
}

impl Rows {
    fn new(layout: &Layout) -> Self {
        let [_, hp, wp, cp] = layout.dims();
        Self {
            h: layout.h(),
            w: layout.w(),
            hp,
            wp,
            cp,
        }
    }

    /// The pixels of row `y` of image `n`.
    fn range(&self, n: usize, y: usize) -> std::ops::Range<usize> {
        let start = ((n * self.hp + y + 1) * self.wp + 1) * self.cp;
        start..start + self.w * self.cp
    }

    /// Zeros what lies outside the image in a padded row of the batch; returns the image, the row of it and its pixels,
    /// or nothing if all of it is padding.
    fn image_row<'a>(&self, padded_row: usize, row: &'a mut [f32]) -> Option<(usize, usize, &'a mut [f32])> {
        let (n, yp) = (padded_row / self.hp, padded_row % self.hp);
        if yp == 0 || yp > self.h {
            row.fill(0.0);
            return None;
        }
        let (before, rest) = row.split_at_mut(self.cp);
        let (image, after) = rest.split_at_mut(self.w * self.cp);
        before.fill(0.0);
        after.fill(0.0);
        Some((n, yp - 1, image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Channels that are stored as they are, with padding, and in whole blocks; sizes whose tiles differ.
    const CASES: [[usize; 5]; 6] = [
        [1, 1, 1, 1, 1],
        [2, 3, 5, 3, 4],
        [1, 5, 20, 13, 7],
        [2, 20, 3, 4, 9],
        [1, 32, 48, 9, 24],
        [1, 80, 17, 5, 16],
    ];

    fn values(len: usize, seed: usize) -> Vec<f32> {
        (0..len)
            .map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0)
            .collect()
    }

    fn packed(layout: &Layout, image: &[f32]) -> Vec<f32> {
        let mut out = vec![f32::NAN; layout.len()];
        pack(layout, image, &mut out).unwrap();
        out
    }

    /// Sums of up to 320 products of values below 1: rounding of some 1e-5.
    fn assert_close(got: &[f32], expected: &[f32], what: &str) {
        assert_eq!(got.len(), expected.len());
        let largest = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // NaN would be lost in the largest difference.
        assert!(got.iter().all(|v| v.is_finite()) && largest < 1e-4, "{what}: {largest}");
    }

    #[test]
    fn every_kernel_is_the_naive_one() {
        for name in Kernel::NAMES {
            let kernel = match Kernel::from_name(name) {
                Ok(kernel) => kernel,
                Err(error) => {
                    println!("skipped: {error}");
                    continue;
                }
            };
            for [n, c, k, h, w] in CASES {
                let fine = Layout::new(n, c, 2 * h, 2 * w).unwrap();
                let plan = Conv2x2::with_kernel(fine, k, kernel).unwrap();
                let coarse = plan.coarse();
                let (x, u) = (values(fine.unpadded_len(), 1), values(coarse.unpadded_len(), 2));
                let weight = values(4 * c * k, 3);
                let what = format!("{name}: {n} {c} {k} {h} {w}");

                let mut out = vec![f32::NAN; coarse.len()];
                plan.down(&packed(&fine, &x), &weight, &mut out).unwrap();
                let expected = naive::down(plan.shape(), &x, &weight).unwrap();
                assert_close(&out, &packed(&coarse, &expected), &what);

                let mut out = vec![f32::NAN; fine.len()];
                plan.up(&packed(&coarse, &u), &weight, &mut out).unwrap();
                let expected = naive::up(plan.shape(), &u, &weight).unwrap();
                assert_close(&out, &packed(&fine, &expected), &what);

                let mut out = vec![f32::NAN; weight.len()];
                plan.weight_grad(&packed(&fine, &x), &packed(&coarse, &u), &mut out)
                    .unwrap();
                let expected = naive::down_weight_grad(plan.shape(), &x, &u).unwrap();
                assert_close(&out, &expected, &what);
            }
        }
    }

    #[test]
    fn wrong_sizes_are_refused() {
        let odd = Layout::new(1, 4, 6, 5).unwrap();
        assert_eq!(Conv2x2::new(odd, 3), Err(Error::OddSize { h: 6, w: 5 }));
        let plan = Conv2x2::new(Layout::new(1, 4, 6, 4).unwrap(), 3).unwrap();
        let (mut x, mut u) = (vec![0.0; plan.fine().len()], vec![0.0; plan.coarse().len()]);
        assert!(plan.down(&x, &[0.0; 47], &mut u).is_err());
        assert!(plan.up(&u, &[0.0; 48], &mut x[1..]).is_err());
        assert!(plan.weight_grad(&x, &u[1..], &mut [0.0; 48]).is_err());
    }
}
