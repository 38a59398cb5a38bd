//! Direct kernels for layers that start or end with a few channels, stored without padding.
//!
//! There the transforms of Winograd's method cost more than its products save, and padding to whole registers would
//! multiply memory.

mod input;
mod output;
mod weight_grad;

pub(crate) use input::{pack_thin_input, thin_input};
pub(crate) use output::{pack_thin_output, thin_output};
pub(crate) use weight_grad::{Correlation, correlate};

use crate::grid::Grid;

/// One convolution with few input or few output channels, `out = max(floor, conv(x * gate) + bias)`.
#[derive(Clone, Copy)]
pub(crate) struct Thin<'a> {
    pub grid: Grid,
    /// Channels as stored: padded if wide, exact if thin.
    pub cin: usize,
    pub cout: usize,
    pub x: &'a [f32],
    /// Where this is not positive, `x` counts as zero.
    pub gate: Option<&'a [f32]>,
    /// From [`pack_thin_input`] or [`pack_thin_output`].
    pub u: &'a [f32],
    /// `[cout]`, rounded up to whole registers for a thin input.
    pub bias: &'a [f32],
    /// 0 for ReLU, minus infinity for no activation.
    pub floor: f32,
}

impl Thin<'_> {
    /// What the unsafe code of the kernels relies on.
    fn check(&self, u_len: usize, bias_len: usize, out_len: usize) {
        let pixels = self.grid.n * self.grid.hp * self.grid.wp;
        assert!(self.x.len() == pixels * self.cin && out_len == pixels * self.cout);
        assert!(self.gate.is_none_or(|gate| gate.len() == self.x.len()));
        assert!(self.u.len() == u_len && self.bias.len() == bias_len);
    }
}

/// Zeros what lies outside the image in one padded row of `channels`; returns the row of the batch and the pixels
/// inside it, or nothing if the whole row is padding.
fn image_row<'a>(
    grid: &Grid,
    channels: usize,
    padded_row: usize,
    row: &'a mut [f32],
) -> Option<(ImageRow, &'a mut [f32])> {
    let (n, y) = (padded_row / grid.hp, padded_row % grid.hp);
    if y == 0 || y > grid.h {
        row.fill(0.0);
        return None;
    }
    let (before, rest) = row.split_at_mut(channels);
    let (image, after) = rest.split_at_mut(grid.w * channels);
    before.fill(0.0);
    after.fill(0.0);
    Some((
        ImageRow {
            above: n * grid.hp + y - 1,
        },
        image,
    ))
}

/// A row of an image in the batch.
#[derive(Clone, Copy)]
struct ImageRow {
    /// The padded row above it; the two that follow are the row itself and the one below.
    above: usize,
}

/// Three padded rows of a thin tensor, with the gate applied: in place if there is none, else copied to `scratch`.
fn gated_rows<'a>(
    values: &'a [f32],
    gate: Option<&[f32]>,
    row_len: usize,
    row: ImageRow,
    scratch: &'a mut [f32],
) -> &'a [f32] {
    let range = row.above * row_len..(row.above + 3) * row_len;
    let Some(gate) = gate else { return &values[range] };
    let scratch = &mut scratch[..3 * row_len];
    for ((out, &v), &y) in scratch.iter_mut().zip(&values[range.clone()]).zip(&gate[range]) {
        *out = if y > 0.0 { v } else { 0.0 };
    }
    scratch
}
