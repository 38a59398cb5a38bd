//! Denoising a large image in overlapping tiles, so that memory does not grow with the image.

use burn::tensor::Tensor;

/// Pixels of one pass unless the user says otherwise: 64 channels of f32 for half a million pixels are 128 MiB for each
/// of the two activations that a stack of layers holds at a time.
pub(crate) const DEFAULT_PIXELS: usize = 1 << 19;

/// How to cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    /// Pixels by which a tile is extended on every side that is not a border of the image.
    pub radius: usize,
    /// Tiles start at multiples of this, so that the cells of the coarsest level of a network stay where they are.
    pub alignment: usize,
    /// Pixels of a tile, margins included; 0 for no limit.
    pub max_pixels: usize,
}

impl Tiles {
    /// Whether these images are more than one pass may take.
    pub fn divide(&self, x: &Tensor<4>) -> bool {
        let [n, _, h, w] = x.dims();
        self.max_pixels != 0 && n * h * w > self.max_pixels
    }
}

/// Applies `f` to tiles of at most about `max_pixels` pixels and puts the results together.
///
/// Extended tiles are cropped afterwards, so for an `f` with that receptive-field radius the result equals `f` of the
/// whole image up to rounding.
pub(crate) fn map_tiles(x: Tensor<4>, tiles: Tiles, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    let Tiles { radius, alignment, .. } = tiles;
    let [n, _, h, w] = x.dims();
    if !tiles.divide(&x) {
        return f(x);
    }
    let margin = radius.next_multiple_of(alignment);
    let [tile_h, tile_w] = tile_size([h, w], margin, tiles);
    let mut images = Vec::with_capacity(n);
    for image in x.split(1, 0) {
        let mut rows = Vec::new();
        for top in (0..h).step_by(tile_h) {
            let bottom = (top + tile_h).min(h);
            let (first, last) = (top.saturating_sub(margin), (bottom + margin).min(h));
            let mut row = Vec::new();
            for left in (0..w).step_by(tile_w) {
                let right = (left + tile_w).min(w);
                let (start, end) = (left.saturating_sub(margin), (right + margin).min(w));
                let tile = image
                    .clone()
                    .narrow(2, first, last - first)
                    .narrow(3, start, end - start);
                let result = f(tile);
                row.push(
                    result
                        .narrow(2, top - first, bottom - top)
                        .narrow(3, left - start, right - left),
                );
            }
            rows.push(Tensor::cat(row, 3));
        }
        images.push(Tensor::cat(rows, 2));
    }
    Tensor::cat(images, 0)
}

/// The tile that covers the image with the fewest pixels, margins included, among those that fit.
fn tile_size([h, w]: [usize; 2], margin: usize, tiles: Tiles) -> [usize; 2] {
    let Tiles {
        alignment, max_pixels, ..
    } = tiles;
    let cost = |size: usize, parts: usize| {
        let tile = size.div_ceil(parts).next_multiple_of(alignment);
        (tile, if parts == 1 { size } else { tile + 2 * margin })
    };
    let mut best = None;
    for rows in 1..=h.div_ceil(alignment) {
        let (tile_h, padded_h) = cost(h, rows);
        // The fewest columns that fit: more only add margins.
        let fits = |columns: usize| padded_h * cost(w, columns).1 <= max_pixels;
        let Some(columns) = (1..=w.div_ceil(alignment)).find(|&columns| fits(columns)) else {
            continue;
        };
        let (tile_w, padded_w) = cost(w, columns);
        let total = rows * columns * padded_h * padded_w;
        if best.is_none_or(|(least, _)| total < least) {
            best = Some((total, [tile_h, tile_w]));
        }
        if columns == 1 {
            break;
        }
    }
    // Margins alone exceed the limit: tiles as large as their margins keep the work within nine times the image.
    best.map_or([2 * margin.max(alignment), 2 * margin.max(alignment)], |(_, tile)| tile)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn tiles(radius: usize, max_pixels: usize) -> Tiles {
        Tiles {
            radius,
            alignment: 2,
            max_pixels,
        }
    }

    /// A map whose output depends on pixels up to 3 away: the mean of a 7x7 window with zero padding.
    fn window(x: Tensor<4>) -> Tensor<4> {
        let weight = Tensor::<4>::full([1, 1, 7, 7], 1.0 / 49.0, &x.device());
        burn::tensor::module::conv2d(
            x,
            weight,
            None,
            burn::tensor::ops::ConvOptions::new([1, 1], [3, 3], [1, 1], 1),
        )
    }

    #[test]
    fn tiles_give_the_whole_image() {
        let device = Device::flex();
        for ([h, w], max_pixels) in [
            ([64, 64], 1000),
            ([37, 91], 700),
            ([5, 300], 200),
            ([300, 5], 200),
            ([31, 33], 1),
        ] {
            let values: Vec<f32> = (0..2 * h * w).map(|i| ((i * 7919) % 1013) as f32 / 1013.0).collect();
            let x = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([2, 1, h, w]);
            let tiled = map_tiles(x.clone(), tiles(3, max_pixels), window);
            let difference: f32 = (tiled - window(x)).abs().max().into_scalar();
            assert!(difference < 1e-6, "{h}x{w} with {max_pixels}: {difference}");
        }
    }

    #[test]
    fn no_pass_exceeds_the_limit() {
        let device = Device::flex();
        let x = Tensor::<4>::zeros([1, 1, 200, 150], &device);
        map_tiles(x, tiles(8, 4000), |tile| {
            let [_, _, h, w] = tile.dims();
            assert!(h * w <= 4000, "{h}x{w}");
            tile
        });
    }
}
