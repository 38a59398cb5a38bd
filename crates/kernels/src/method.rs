//! Which algorithm computes a convolution, and its glue: padded bias, weights, results in plain order.

use crate::buffer::Buffer;
use crate::filter::Filter;
use crate::grid::Grid;
use crate::kernel::Isa;
use crate::layout::Tile;
use crate::thin::{Correlation, Thin, correlate, pack_thin_input, pack_thin_output, thin_input, thin_output};
use crate::winograd::{Conv, WeightGrad, conv, transform_weights, weight_grad};
use crate::{Activation, Kernel, Layout};

/// The algorithm of one convolution; it follows from the kernel and the channels alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The oracle.
    Naive,
    /// Few channels in.
    ThinInput,
    /// Few channels out, many in.
    ThinOutput,
    /// Many channels on both sides.
    Winograd(Tile),
}

impl Method {
    /// The method of a convolution from the first layout to the second.
    pub(crate) fn choose(kernel: Kernel, input: &Layout, output: &Layout) -> Self {
        if kernel.isa() == Isa::Naive {
            Self::Naive
        } else if input.is_thin() {
            Self::ThinInput
        } else if output.is_thin() {
            Self::ThinOutput
        } else {
            Self::Winograd(input.tile())
        }
    }

    /// The filters in the form that the method reads; the oracle's are never asked for.
    pub(crate) fn transform(self, kernel: Kernel, filter: Filter<'_>) -> Buffer {
        match self {
            Self::Naive => Buffer::default(),
            Self::ThinInput => pack_thin_input(kernel, filter),
            Self::ThinOutput => pack_thin_output(filter),
            Self::Winograd(tile) => transform_weights(kernel, tile, filter),
        }
    }
}

/// One convolution from layout `input` to layout `output`: forward, or the input gradient of a layer.
pub(crate) struct Convolution<'a> {
    pub kernel: Kernel,
    pub method: Method,
    pub input: &'a Layout,
    pub output: &'a Layout,
    pub x: &'a [f32],
    /// Applied to `x` as it is read.
    pub gate: Option<(&'a [f32], Activation)>,
    pub u: &'a Buffer,
    pub bias: Option<&'a [f32]>,
    pub activation: Activation,
}

impl Convolution<'_> {
    /// Writes every element of `out`.
    pub(crate) fn run(&self, out: &mut [f32]) {
        let (cin, cout) = (self.input.padded_channels(), self.output.padded_channels());
        let mut bias = vec![0.0; self.bias_len(cout)];
        if let Some(values) = self.bias {
            bias[..values.len()].copy_from_slice(values);
        }
        let (grid, x, gate) = (Grid::new(self.input), self.x, open_where_positive(self.gate));
        let (u, bias, floor) = (self.u.as_slice(), &bias[..], floor(self.activation));
        let thin = Thin {
            grid,
            cin,
            cout,
            x,
            gate,
            u,
            bias,
            floor,
        };
        match self.method {
            Method::Naive => unreachable!("the oracle runs on plain images"),
            Method::ThinInput => thin_input(self.kernel, thin, out),
            Method::ThinOutput => thin_output(self.kernel, thin, out),
            Method::Winograd(tile) => {
                conv(
                    self.kernel,
                    Conv {
                        grid,
                        tile,
                        cin,
                        cout,
                        x,
                        gate,
                        u,
                        bias,
                        floor,
                    },
                    out,
                );
            }
        }
    }

    fn bias_len(&self, cout: usize) -> usize {
        match self.method {
            Method::ThinInput => cout.next_multiple_of(crate::simd::lanes(self.kernel)),
            _ => cout,
        }
    }
}

/// The weight gradient of a layer from layout `input` to layout `output`.
pub(crate) struct Gradient<'a> {
    pub kernel: Kernel,
    pub method: Method,
    pub input: &'a Layout,
    pub output: &'a Layout,
    pub x: &'a [f32],
    pub dy: &'a [f32],
    /// Applied to `dy` as it is read.
    pub gate: Option<(&'a [f32], Activation)>,
}

impl Gradient<'_> {
    /// Writes `dw` as `[cout, cin, 3, 3]` and `db` as `[cout]`.
    pub(crate) fn run(&self, dw: &mut [f32], db: Option<&mut [f32]>) {
        let (x, dy, gate) = (self.x, self.dy, open_where_positive(self.gate));
        let (grid, cin, cout) = (
            Grid::new(self.input),
            self.input.padded_channels(),
            self.output.padded_channels(),
        );
        // Reads the gradient at `(co, ci, tap)`; the bias gradient comes as a slice.
        match self.method {
            Method::Naive => unreachable!("the oracle runs on plain images"),
            Method::Winograd(tile) => {
                let result = weight_grad(
                    self.kernel,
                    WeightGrad {
                        grid,
                        tile,
                        cin,
                        cout,
                        x,
                        dy,
                        gate,
                    },
                );
                self.scatter(dw, |co, ci, tap| result[(tap * cin + ci) * cout + co]);
                copy_prefix(db, &result[9 * cin * cout..]);
            }
            Method::ThinInput => {
                let result = correlate(
                    self.kernel,
                    Correlation {
                        grid,
                        wide_channels: cout,
                        wide: dy,
                        wide_gate: gate,
                        thin_channels: cin,
                        thin: x,
                        thin_gate: None,
                    },
                );
                self.scatter(dw, |co, ci, tap| result.taps[(ci * 9 + tap) * result.columns + co]);
                copy_prefix(db, &result.wide_sum);
            }
            Method::ThinOutput => {
                let result = correlate(
                    self.kernel,
                    Correlation {
                        grid,
                        wide_channels: cin,
                        wide: x,
                        wide_gate: None,
                        thin_channels: cout,
                        thin: dy,
                        thin_gate: gate,
                    },
                );
                // Seen from `x`, the output pixel lies in the opposite direction.
                self.scatter(dw, |co, ci, tap| result.taps[(co * 9 + 8 - tap) * result.columns + ci]);
                copy_prefix(db, &result.thin_sum);
            }
        }
    }

    fn scatter(&self, dw: &mut [f32], at: impl Fn(usize, usize, usize) -> f32) {
        let cin = self.input.c();
        for (pair, taps) in dw.chunks_exact_mut(9).enumerate() {
            for (tap, v) in taps.iter_mut().enumerate() {
                *v = at(pair / cin, pair % cin, tap);
            }
        }
    }
}

/// The gate as the kernels take it: open where the value is positive.
fn open_where_positive(gate: Option<(&[f32], Activation)>) -> Option<&[f32]> {
    match gate {
        Some((y, Activation::Relu)) => Some(y),
        Some((_, Activation::None)) | None => None,
    }
}

/// The activation as the kernels take it: `max(floor, v)`.
fn floor(activation: Activation) -> f32 {
    match activation {
        Activation::None => f32::NEG_INFINITY,
        Activation::Relu => 0.0,
    }
}

fn copy_prefix(out: Option<&mut [f32]>, values: &[f32]) {
    if let Some(out) = out {
        let len = out.len();
        out.copy_from_slice(&values[..len]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_follows_kernel_and_channels() {
        let layout = |c, size| Layout::new(1, c, size, size).unwrap();
        let naive = Kernel::from_name("naive").unwrap();
        assert_eq!(Method::choose(naive, &layout(64, 48), &layout(64, 48)), Method::Naive);
        for kernel in Kernel::NAMES[1..]
            .iter()
            .filter_map(|name| Kernel::from_name(name).ok())
        {
            for (cin, cout, size, expected) in [
                (1, 64, 48, Method::ThinInput),
                (5, 64, 48, Method::ThinInput),
                (3, 3, 48, Method::ThinInput),
                (64, 1, 48, Method::ThinOutput),
                (13, 4, 48, Method::ThinOutput),
                (13, 96, 48, Method::Winograd(Tile::F6)),
                (96, 12, 48, Method::Winograd(Tile::F6)),
                (64, 64, 16, Method::Winograd(Tile::F4)),
            ] {
                let got = Method::choose(kernel, &layout(cin, size), &layout(cout, size));
                assert_eq!(got, expected, "{cin} to {cout} at {size}");
            }
        }
    }
}
