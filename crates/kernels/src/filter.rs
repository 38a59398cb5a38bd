//! The weights of a layer, seen from either direction.

/// The filters of a convolution, as an index function: `at(co, ci, tap)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a> {
    /// `[cout, cin, 3, 3]` of the layer.
    oihw: &'a [f32],
    /// The channels of this convolution.
    pub cin: usize,
    pub cout: usize,
    /// Whether this is the transposed convolution: channels swapped, taps reversed.
    transposed: bool,
}

impl<'a> Filter<'a> {
    /// The filters of a layer with `[cout, cin, 3, 3]` weights.
    pub(crate) fn forward(oihw: &'a [f32], cin: usize, cout: usize) -> Self {
        Self {
            oihw,
            cin,
            cout,
            transposed: false,
        }
    }

    /// The filters of the convolution that takes gradients from the layer's output to its input.
    pub(crate) fn input_grad(oihw: &'a [f32], cin: usize, cout: usize) -> Self {
        Self {
            oihw,
            cin: cout,
            cout: cin,
            transposed: true,
        }
    }

    /// The weight from input channel `ci` to output channel `co` at `tap = 3 * row + column`.
    #[inline(always)]
    pub(crate) fn at(&self, co: usize, ci: usize, tap: usize) -> f32 {
        if self.transposed {
            self.oihw[(ci * self.cout + co) * 9 + 8 - tap]
        } else {
            self.oihw[(co * self.cin + ci) * 9 + tap]
        }
    }
}
