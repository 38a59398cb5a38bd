//! Moving between resolutions inside the padded layout: the four phases of an image side by side as channels.

use rayon::prelude::*;

use crate::error::check_len;
use crate::{Error, Layout};

/// Brings the four phases of images together as channels, at half the resolution.
///
/// ```text
/// out[n, (2 p + q) c + k, i, j] = x[n, k, 2 i + p, 2 j + q],   p, q in {0, 1}
/// ```
///
/// Channels of a phase stay together, unlike in PyTorch's `pixel_unshuffle`, so that whole pixels are copied. Writes
/// every element of `out`, padding included.
///
/// # Shapes
/// `x`: the layout `fine`; `out`: [`Layout::unshuffled`] of it.
///
/// # Errors
/// As [`Layout::unshuffled`]; [`Error::Length`] for a wrong length.
pub fn unshuffle(fine: &Layout, x: &[f32], out: &mut [f32]) -> Result<(), Error> {
    let coarse = fine.unshuffled()?;
    check_len("unshuffle", "x", fine.len(), x.len())?;
    check_len("unshuffle", "out", coarse.len(), out.len())?;
    let [_, hp, wp, cp] = coarse.dims();
    let (c, h, w) = (fine.c(), coarse.h(), coarse.w());
    let source = Rows::new(fine);
    out.par_chunks_mut(wp * cp).enumerate().for_each(|(row, out)| {
        let (n, yp) = (row / hp, row % hp);
        out.fill(0.0);
        if yp == 0 || yp > h {
            return;
        }
        for p in 0..2 {
            let line = &x[source.range(n, 2 * (yp - 1) + p)];
            let pairs = line.chunks_exact(2 * source.cp);
            for (to, from) in out[cp..(w + 1) * cp].chunks_exact_mut(cp).zip(pairs) {
                for q in 0..2 {
                    to[(2 * p + q) * c..][..c].copy_from_slice(&from[q * source.cp..][..c]);
                }
            }
        }
    });
    Ok(())
}

/// The inverse, and the transpose, of [`unshuffle`]. Writes every element of `out`, padding included.
///
/// # Shapes
/// `x`: [`Layout::unshuffled`] of the layout `fine`; `out`: `fine`.
///
/// # Errors
/// As [`unshuffle`].
pub fn shuffle(fine: &Layout, x: &[f32], out: &mut [f32]) -> Result<(), Error> {
    let coarse = fine.unshuffled()?;
    check_len("shuffle", "x", coarse.len(), x.len())?;
    check_len("shuffle", "out", fine.len(), out.len())?;
    let [_, hp, wp, cp] = fine.dims();
    let (c, h, w) = (fine.c(), fine.h(), fine.w());
    let source = Rows::new(&coarse);
    out.par_chunks_mut(wp * cp).enumerate().for_each(|(row, out)| {
        let (n, yp) = (row / hp, row % hp);
        out.fill(0.0);
        if yp == 0 || yp > h {
            return;
        }
        let (i, p) = ((yp - 1) / 2, (yp - 1) % 2);
        let pixels = x[source.range(n, i)].chunks_exact(source.cp);
        for (to, from) in out[cp..(w + 1) * cp].chunks_exact_mut(2 * cp).zip(pixels) {
            for q in 0..2 {
                to[q * cp..][..c].copy_from_slice(&from[(2 * p + q) * c..][..c]);
            }
        }
    });
    Ok(())
}

/// Where the rows of a layout are, without their padding.
struct Rows {
    hp: usize,
    wp: usize,
    cp: usize,
    w: usize,
}

impl Rows {
    fn new(layout: &Layout) -> Self {
        let [_, hp, wp, cp] = layout.dims();
        Self {
            hp,
            wp,
            cp,
            w: layout.w(),
        }
    }

    fn range(&self, n: usize, y: usize) -> std::ops::Range<usize> {
        let start = ((n * self.hp + y + 1) * self.wp + 1) * self.cp;
        start..start + self.w * self.cp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pack, unpack};

    /// Channels that are stored without padding, with padding, and in whole blocks, in sizes whose tiles differ.
    const CASES: [[usize; 4]; 5] = [
        [1, 1, 2, 2],
        [2, 3, 6, 4],
        [1, 13, 4, 12],
        [2, 16, 48, 8],
        [1, 2, 64, 66],
    ];

    #[test]
    fn phases_become_channels_and_go_back() {
        for [n, c, h, w] in CASES {
            let fine = Layout::new(n, c, h, w).unwrap();
            let coarse = fine.unshuffled().unwrap();
            let image: Vec<f32> = (0..fine.unpadded_len()).map(|i| i as f32 + 1.0).collect();
            let mut packed = vec![f32::NAN; fine.len()];
            pack(&fine, &image, &mut packed).unwrap();
            let mut out = vec![f32::NAN; coarse.len()];
            unshuffle(&fine, &packed, &mut out).unwrap();

            let (h2, w2) = (h / 2, w / 2);
            let mut phases = vec![0.0; coarse.unpadded_len()];
            for (index, value) in image.iter().enumerate() {
                let (b, k, y, x) = (index / (c * h * w), index / (h * w) % c, index / w % h, index % w);
                let channel = (2 * (y % 2) + x % 2) * c + k;
                phases[((b * 4 * c + channel) * h2 + y / 2) * w2 + x / 2] = *value;
            }
            let mut expected = vec![f32::NAN; coarse.len()];
            pack(&coarse, &phases, &mut expected).unwrap();
            assert_eq!(out, expected, "{n} {c} {h} {w}");

            let mut back = vec![f32::NAN; fine.len()];
            shuffle(&fine, &out, &mut back).unwrap();
            assert_eq!(back, packed, "{n} {c} {h} {w}");
            let mut plain = vec![0.0; image.len()];
            unpack(&fine, &back, &mut plain).unwrap();
            assert_eq!(plain, image);
        }
    }

    #[test]
    fn odd_sizes_are_refused() {
        let layout = Layout::new(1, 4, 6, 5).unwrap();
        let error = layout.unshuffled().unwrap_err();
        assert_eq!(error, Error::OddSize { h: 6, w: 5 });
        assert!(unshuffle(&layout, &vec![0.0; layout.len()], &mut []).is_err());
    }
}
