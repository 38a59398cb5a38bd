//! The padded layout that activations keep through a stack of layers.

use rayon::prelude::*;

use crate::Error;
use crate::error::check_len;

/// Up to this many channels are stored without padding; the thin kernels read and write them as they are. Above it,
/// convolutions by Winograd's method pay, and they need whole registers.
pub(crate) const THIN_CHANNELS: usize = 8;

/// Wide channel counts are rounded up to this: the lanes of the widest register, and a multiple of the others, so that
/// a layout does not depend on the instruction set.
pub(crate) const CHANNEL_BLOCK: usize = 16;

/// The padded layout of a batch of activations: `[n, hp, wp, cp]`, channels contiguous.
///
/// Pixel `(y, x)` of the image sits at `(y + 1, x + 1)`. Height and width are rounded up to whole Winograd tiles, with
/// a halo of zeros around them and one column more, since an odd row width spreads rows over the cache. More than 8
/// channels are rounded up to a multiple of 16. All padding holds zeros: [`pack`] and every convolution write them,
/// and every convolution relies on them in its inputs.
///
/// The tile depends on the height and width only, so all layers of a stack share one geometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    n: usize,
    c: usize,
    h: usize,
    w: usize,
    tile: Tile,
}

/// Outputs per side of a Winograd tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tile {
    /// F(4x4, 3x3).
    F4,
    /// F(6x6, 3x3).
    F6,
}

impl Tile {
    /// Time of an F4 tile over that of an F6 tile, measured with 64 channels on Zen 4. The multiplications alone
    /// would give 36/64 = 0.56.
    const F4_COST: f64 = 0.53;

    /// The cheaper tile for an image of this size.
    pub(crate) fn for_size(h: usize, w: usize) -> Self {
        let count = |m: usize| h.div_ceil(m) as f64 * w.div_ceil(m) as f64;
        if Self::F4_COST * count(4) < count(6) {
            Self::F4
        } else {
            Self::F6
        }
    }

    /// Outputs per side.
    pub(crate) fn outputs(self) -> usize {
        match self {
            Self::F4 => 4,
            Self::F6 => 6,
        }
    }
}

impl Layout {
    /// The layout of `n` images of `c` channels, `h` rows and `w` columns.
    ///
    /// # Errors
    /// [`Error::EmptyShape`] if a dimension is zero, [`Error::TooLarge`] if the buffer could not be addressed.
    pub fn new(n: usize, c: usize, h: usize, w: usize) -> Result<Self, Error> {
        let nchw = [n, c, h, w];
        if nchw.contains(&0) {
            return Err(Error::EmptyShape { nchw });
        }
        // Bounds first: rounding up below must not overflow.
        if nchw.iter().any(|&d| d > isize::MAX as usize / 64) {
            return Err(Error::TooLarge { nchw });
        }
        let layout = Self {
            n,
            c,
            h,
            w,
            tile: Tile::for_size(h, w),
        };
        let bytes = layout
            .dims()
            .iter()
            .try_fold(size_of::<f32>(), |a, &d| a.checked_mul(d));
        match bytes {
            Some(bytes) if bytes <= isize::MAX as usize => Ok(layout),
            _ => Err(Error::TooLarge { nchw }),
        }
    }

    /// The layout of activations of the same batch and image size with `c` channels.
    ///
    /// # Errors
    /// As [`Layout::new`].
    pub fn with_channels(&self, c: usize) -> Result<Self, Error> {
        Self::new(self.n, c, self.h, self.w)
    }

    /// The layout of the four phases at half the resolution, four times the channels ([`unshuffle`](crate::unshuffle)).
    ///
    /// # Errors
    /// [`Error::OddSize`] unless the size is even; [`Error::TooLarge`] as in [`Layout::new`].
    pub fn unshuffled(&self) -> Result<Self, Error> {
        let Self { n, c, h, w, .. } = *self;
        if !(h.is_multiple_of(2) && w.is_multiple_of(2)) {
            return Err(Error::OddSize { h, w });
        }
        Self::new(n, 4 * c, h / 2, w / 2)
    }

    /// Elements of a padded buffer: the product of [`Layout::dims`].
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.dims().iter().product()
    }

    /// Elements of the images without padding: `n * c * h * w`.
    pub fn unpadded_len(&self) -> usize {
        self.n * self.c * self.h * self.w
    }

    /// The padded dimensions `[n, hp, wp, cp]`, outermost first.
    pub fn dims(&self) -> [usize; 4] {
        let m = self.tile.outputs();
        [
            self.n,
            self.tile_rows() * m + 2,
            self.tile_cols() * m + 3,
            self.padded_channels(),
        ]
    }

    /// Batch size.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Channels.
    pub fn c(&self) -> usize {
        self.c
    }

    /// Rows of the image.
    pub fn h(&self) -> usize {
        self.h
    }

    /// Columns of the image.
    pub fn w(&self) -> usize {
        self.w
    }

    /// Output pixels per side of a tile: transformed weights fit every layout with the same.
    pub fn tile_outputs(&self) -> usize {
        self.tile.outputs()
    }

    pub(crate) fn tile(&self) -> Tile {
        self.tile
    }

    pub(crate) fn tile_rows(&self) -> usize {
        self.h.div_ceil(self.tile.outputs())
    }

    pub(crate) fn tile_cols(&self) -> usize {
        self.w.div_ceil(self.tile.outputs())
    }

    pub(crate) fn padded_channels(&self) -> usize {
        if self.is_thin() {
            self.c
        } else {
            self.c.next_multiple_of(CHANNEL_BLOCK)
        }
    }

    /// Whether the channels are too few for whole registers, and are stored without padding.
    pub(crate) fn is_thin(&self) -> bool {
        self.c <= THIN_CHANNELS
    }
}

/// Channels as they are stored.
pub(crate) fn padded_channels(c: usize) -> usize {
    if c <= THIN_CHANNELS {
        c
    } else {
        c.next_multiple_of(CHANNEL_BLOCK)
    }
}

/// Copies images `[n, c, h, w]` into the padded layout.
///
/// Writes every element of `out`, padding included.
///
/// # Errors
/// [`Error::Length`] unless `nchw` has `n*c*h*w` elements and `out` has [`Layout::len`].
pub fn pack(layout: &Layout, nchw: &[f32], out: &mut [f32]) -> Result<(), Error> {
    check_len("pack", "nchw", layout.unpadded_len(), nchw.len())?;
    check_len("pack", "out", layout.len(), out.len())?;
    let [_, hp, wp, cp] = layout.dims();
    let Layout { c, h, w, .. } = *layout;
    out.par_chunks_mut(wp * cp).enumerate().for_each(|(row, out)| {
        let (n, yp) = (row / hp, row % hp);
        if yp == 0 || yp > h {
            out.fill(0.0);
            return;
        }
        out[..cp].fill(0.0);
        out[(w + 1) * cp..].fill(0.0);
        let image = &mut out[cp..(w + 1) * cp];
        if cp > c {
            image.fill(0.0);
        }
        for ci in 0..c {
            let source = &nchw[((n * c + ci) * h + yp - 1) * w..][..w];
            for (pixel, &v) in image.chunks_exact_mut(cp).zip(source) {
                pixel[ci] = v;
            }
        }
    });
    Ok(())
}

/// Copies images out of the padded layout into `[n, c, h, w]`.
///
/// # Errors
/// [`Error::Length`] unless `packed` has [`Layout::len`] elements and `nchw` has `n*c*h*w`.
pub fn unpack(layout: &Layout, packed: &[f32], nchw: &mut [f32]) -> Result<(), Error> {
    check_len("unpack", "packed", layout.len(), packed.len())?;
    check_len("unpack", "nchw", layout.unpadded_len(), nchw.len())?;
    let [_, hp, wp, cp] = layout.dims();
    let Layout { c, h, w, .. } = *layout;
    nchw.par_chunks_mut(w).enumerate().for_each(|(row, out)| {
        let (n, ci, y) = (row / (c * h), row / h % c, row % h);
        let start = ((n * hp + y + 1) * wp + 1) * cp;
        for (v, pixel) in out.iter_mut().zip(packed[start..start + w * cp].chunks_exact(cp)) {
            *v = pixel[ci];
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tile_follows_the_size() {
        for (size, m) in [
            (1, 4),
            (4, 4),
            (6, 6),
            (8, 4),
            (16, 4),
            (24, 6),
            (32, 4),
            (48, 6),
            (64, 6),
            (256, 6),
        ] {
            assert_eq!(
                Layout::new(1, 64, size, size).unwrap().tile().outputs(),
                m,
                "{size}x{size}"
            );
        }
    }

    #[test]
    fn dimensions_are_padded() {
        let layout = Layout::new(2, 13, 48, 50).unwrap();
        assert_eq!(layout.dims(), [2, 50, 57, 16]);
        assert_eq!(layout.with_channels(5).unwrap().dims(), [2, 50, 57, 5]);
        assert_eq!(layout.with_channels(64).unwrap().dims(), [2, 50, 57, 64]);
    }

    #[test]
    fn pack_places_pixels_and_zeroes_padding() {
        for c in [1, 3, 9, 16] {
            let layout = Layout::new(2, c, 5, 7).unwrap();
            let image: Vec<f32> = (0..layout.unpadded_len()).map(|i| i as f32 + 1.0).collect();
            let mut packed = vec![f32::NAN; layout.len()];
            pack(&layout, &image, &mut packed).unwrap();
            let [_, hp, wp, cp] = layout.dims();
            for (i, &v) in packed.iter().enumerate() {
                let (n, y, x, ci) = (i / (hp * wp * cp), i / (wp * cp) % hp, i / cp % wp, i % cp);
                let inside = (1..=5).contains(&y) && (1..=7).contains(&x) && ci < c;
                let expected = if inside {
                    image[((n * c + ci) * 5 + y - 1) * 7 + x - 1]
                } else {
                    0.0
                };
                assert_eq!(v, expected, "c {c} at {:?}", (n, y, x, ci));
            }
            let mut back = vec![f32::NAN; image.len()];
            unpack(&layout, &packed, &mut back).unwrap();
            assert_eq!(back, image);
        }
    }

    #[test]
    fn bad_shapes_are_refused() {
        assert_eq!(Layout::new(1, 0, 4, 4), Err(Error::EmptyShape { nchw: [1, 0, 4, 4] }));
        for nchw in [
            [usize::MAX, 1, 1, 1],
            [1, usize::MAX, 1, 1],
            [1 << 20, 1 << 20, 1 << 20, 1 << 20],
        ] {
            let [n, c, h, w] = nchw;
            assert_eq!(Layout::new(n, c, h, w), Err(Error::TooLarge { nchw }));
        }
        let layout = Layout::new(1, 1, 4, 4).unwrap();
        let error = pack(&layout, &[0.0; 15], &mut vec![0.0; layout.len()]).unwrap_err();
        assert_eq!(error.to_string(), "pack: `nchw` must have 16 elements, not 15");
        assert!(unpack(&layout, &[0.0; 3], &mut [0.0; 16]).is_err());
    }
}
