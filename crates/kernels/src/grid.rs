//! Where pixels and tiles lie in a padded buffer.

use crate::Layout;

/// The geometry that all layers of a stack share; offsets are in pixels, to be multiplied by the padded channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// Batch size.
    pub n: usize,
    /// Rows and columns of the image.
    pub h: usize,
    pub w: usize,
    /// Rows and columns of the padded image.
    pub hp: usize,
    pub wp: usize,
    /// Rows and columns of tiles, and outputs per side of a tile.
    pub tile_rows: usize,
    pub tile_cols: usize,
    pub outputs: usize,
}

/// One tile: where it reads, and which of its outputs belong to the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TilePlace {
    /// The pixel offset of the top left input; the top left output lies one row and one column further.
    pub origin: usize,
    /// Rows and columns of outputs inside the image.
    pub rows: usize,
    pub cols: usize,
    /// The tile's position within its image.
    row: usize,
    col: usize,
}

impl Grid {
    pub(crate) fn new(layout: &Layout) -> Self {
        let [n, hp, wp, _] = layout.dims();
        Self {
            n,
            h: layout.h(),
            w: layout.w(),
            hp,
            wp,
            tile_rows: layout.tile_rows(),
            tile_cols: layout.tile_cols(),
            outputs: layout.tile().outputs(),
        }
    }

    /// Tiles of the whole batch.
    pub(crate) fn tiles(&self) -> usize {
        self.n * self.tile_rows * self.tile_cols
    }

    /// The place of tile `t`, counted along rows, then down, then over the batch.
    pub(crate) fn place(&self, t: usize) -> TilePlace {
        let (n, row, col) = (
            t / (self.tile_rows * self.tile_cols),
            t / self.tile_cols % self.tile_rows,
            t % self.tile_cols,
        );
        let m = self.outputs;
        TilePlace {
            origin: (n * self.hp + row * m) * self.wp + col * m,
            rows: m.min(self.h - row * m),
            cols: m.min(self.w - col * m),
            row,
            col,
        }
    }

    /// The halo next to a tile, as ranges `(pixel offset, pixels)`. The ranges of all tiles are disjoint, and together
    /// with the tiles' outputs they cover the buffer.
    #[inline(always)]
    pub(crate) fn for_each_halo(&self, place: &TilePlace, mut f: impl FnMut(usize, usize)) {
        let m = self.outputs;
        let (left, right) = (place.col == 0, place.col + 1 == self.tile_cols);
        // Columns of this tile with the halo beside it: one on the left, two on the right.
        let start = place.origin + usize::from(!left);
        let len = m + usize::from(left) + 2 * usize::from(right);
        if place.row == 0 {
            f(start, len);
        }
        if place.row + 1 == self.tile_rows {
            f(start + (m + 1) * self.wp, len);
        }
        if left {
            for y in 1..=m {
                f(place.origin + y * self.wp, 1);
            }
        }
        if right {
            for y in 1..=m {
                f(place.origin + y * self.wp + m + 1, 2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_and_halo_cover_the_buffer_once() {
        for (n, h, w) in [(1, 1, 1), (2, 6, 13), (1, 48, 24), (3, 17, 5)] {
            let layout = Layout::new(n, 1, h, w).unwrap();
            let grid = Grid::new(&layout);
            let mut visits = vec![0; layout.len()];
            for t in 0..grid.tiles() {
                let place = grid.place(t);
                for (y, x) in (0..grid.outputs * grid.outputs).map(|i| (i / grid.outputs, i % grid.outputs)) {
                    visits[place.origin + (y + 1) * grid.wp + x + 1] += 1;
                }
                grid.for_each_halo(&place, |start, len| {
                    visits[start..start + len].iter_mut().for_each(|v| *v += 1)
                });
            }
            assert!(visits.iter().all(|&v| v == 1), "{n}x{h}x{w}");
        }
    }
}
