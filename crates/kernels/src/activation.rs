//! Activations that are fused into a convolution.

/// The function applied to each output of a convolution, after the bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Activation {
    /// `f(v) = v`.
    #[default]
    None,
    /// `f(v) = max(v, 0)`; its derivative is taken as 0 where the output is 0.
    Relu,
}

impl Activation {
    /// `f(v)`.
    pub fn apply(self, v: f64) -> f64 {
        match self {
            Self::None => v,
            Self::Relu => v.max(0.0),
        }
    }

    /// `f'` in terms of the output `y = f(v)`.
    pub fn derivative_from_output(self, y: f64) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Relu => f64::from(u8::from(y > 0.0)),
        }
    }
}
