//! The plan of one convolution: shapes checked once, kernels chosen once.

use std::fmt;

use crate::buffer::Buffer;
use crate::error::check_len;
use crate::filter::Filter;
use crate::kernel::active_kernel;
use crate::method::{Convolution, Gradient, Method};
use crate::{Activation, Error, Kernel, Layout, naive, pack, unpack};

/// A planned `3x3` convolution with stride 1 and zero padding 1, on activations in a [`Layout`].
///
/// ```text
/// y[n,o,i,j] = f(b[o] + sum_{c,p,q} w[o,c,p,q] x[n,c,i+p-1,j+q-1])
/// ```
///
/// Weights are `[cout, cin, 3, 3]`. A plan holds no buffers and is cheap to make and to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv3x3 {
    input: Layout,
    output: Layout,
    kernel: Kernel,
}

/// Weights in the form that a plan's kernel reads, for one direction.
///
/// They fit every plan with the same channels, kernel and tile, whatever its batch and image size.
#[derive(Clone, Debug)]
pub struct Transformed {
    key: Key,
    data: Data,
}

/// The weights themselves.
#[derive(Clone, Debug)]
enum Data {
    /// As they came, for the oracle.
    Plain(Vec<f32>),
    /// In the form of a method.
    Transformed(Buffer),
}

/// What transformed weights were made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    direction: Direction,
    cin: usize,
    cout: usize,
    tile: usize,
    kernel: Kernel,
}

/// Which operation the weights serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    InputGrad,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cin, cout, tile, .. } = self;
        let direction = match self.direction {
            Direction::Forward => "the forward pass",
            Direction::InputGrad => "the input gradient",
        };
        write!(
            f,
            "{direction} of {cin} to {cout} channels in tiles of {tile} on {}",
            self.kernel.name()
        )
    }
}

impl Conv3x3 {
    /// Plans a convolution from `input` to `cout` channels, on the [`active_kernel`].
    ///
    /// # Errors
    /// As [`Layout::with_channels`] and [`active_kernel`].
    pub fn new(input: Layout, cout: usize) -> Result<Self, Error> {
        Self::with_kernel(input, cout, active_kernel()?)
    }

    /// Plans a convolution on a given kernel.
    ///
    /// # Errors
    /// As [`Layout::with_channels`].
    pub fn with_kernel(input: Layout, cout: usize, kernel: Kernel) -> Result<Self, Error> {
        Ok(Self {
            input,
            output: input.with_channels(cout)?,
            kernel,
        })
    }

    /// The layout of the input.
    pub fn input(&self) -> Layout {
        self.input
    }

    /// The layout of the output.
    pub fn output(&self) -> Layout {
        self.output
    }

    /// The kernel that runs this plan.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Weights for [`Conv3x3::forward`].
    ///
    /// # Errors
    /// [`Error::Length`] unless `weight_oihw` is `[cout, cin, 3, 3]`.
    pub fn transform_forward(&self, weight_oihw: &[f32]) -> Result<Transformed, Error> {
        self.transform("transform_forward", Direction::Forward, weight_oihw)
    }

    /// Weights for [`Conv3x3::input_grad`].
    ///
    /// # Errors
    /// [`Error::Length`] unless `weight_oihw` is `[cout, cin, 3, 3]`.
    pub fn transform_input_grad(&self, weight_oihw: &[f32]) -> Result<Transformed, Error> {
        self.transform("transform_input_grad", Direction::InputGrad, weight_oihw)
    }

    /// `out = f(conv(x) + bias)`.
    ///
    /// Writes every element of `out`, padding included.
    ///
    /// # Shapes
    /// `x`: [`Conv3x3::input`]; `bias`: `[cout]`; `out`: [`Conv3x3::output`].
    ///
    /// # Errors
    /// [`Error::Length`] for a wrong length, [`Error::Weights`] if `u` does not come from
    /// [`Conv3x3::transform_forward`] of a plan with the same channels, tile and kernel.
    pub fn forward(
        &self,
        x: &[f32],
        u: &Transformed,
        bias: Option<&[f32]>,
        act: Activation,
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_len("forward", "x", self.input.len(), x.len())?;
        check_len("forward", "out", self.output.len(), out.len())?;
        if let Some(bias) = bias {
            check_len("forward", "bias", self.output.c(), bias.len())?;
        }
        self.check_weights("forward", Direction::Forward, u)?;
        match &u.data {
            Data::Plain(weight) => {
                let y = naive::forward(self.shape(), &unpacked(&self.input, x)?, weight, bias, act)?;
                pack(&self.output, &to_f32(&y), out)?;
            }
            Data::Transformed(u) => Convolution {
                kernel: self.kernel,
                method: self.method(Direction::Forward),
                input: &self.input,
                output: &self.output,
                x,
                gate: None,
                u,
                bias,
                activation: act,
            }
            .run(out),
        }
        Ok(())
    }

    /// `dx = conv^T(dy * f')`: the gradient with respect to the input.
    ///
    /// With `gate = Some((y, f))`, where `y` is this layer's own output, the derivative of the activation `f` is
    /// applied to `dy` as it is read; with `None`, `dy` is the gradient with respect to the value before the
    /// activation. Writes every element of `dx`, padding included.
    ///
    /// # Shapes
    /// `dy`, `y`: [`Conv3x3::output`]; `dx`: [`Conv3x3::input`].
    ///
    /// # Errors
    /// [`Error::Length`] for a wrong length, [`Error::Weights`] if `u` does not come from
    /// [`Conv3x3::transform_input_grad`] of a plan with the same channels, tile and kernel.
    pub fn input_grad(
        &self,
        dy: &[f32],
        gate: Option<(&[f32], Activation)>,
        u: &Transformed,
        dx: &mut [f32],
    ) -> Result<(), Error> {
        self.check_dy("input_grad", dy, gate)?;
        check_len("input_grad", "dx", self.input.len(), dx.len())?;
        self.check_weights("input_grad", Direction::InputGrad, u)?;
        match &u.data {
            Data::Plain(weight) => {
                let result = naive::input_grad(self.shape(), &self.gated_unpacked(dy, gate)?, weight)?;
                pack(&self.input, &to_f32(&result), dx)?;
            }
            Data::Transformed(u) => Convolution {
                kernel: self.kernel,
                method: self.method(Direction::InputGrad),
                input: &self.output,
                output: &self.input,
                x: dy,
                gate,
                u,
                bias: None,
                activation: Activation::None,
            }
            .run(dx),
        }
        Ok(())
    }

    /// `dw = sum (dy * f') x` and `db = sum (dy * f')`: the gradients with respect to weights and bias, over the
    /// whole batch. `gate` is as for [`Conv3x3::input_grad`].
    ///
    /// # Shapes
    /// `x`: [`Conv3x3::input`]; `dy`, `y`: [`Conv3x3::output`]; `dweight_oihw`: `[cout, cin, 3, 3]`; `dbias`: `[cout]`.
    ///
    /// # Errors
    /// [`Error::Length`] for a wrong length.
    pub fn weight_grad(
        &self,
        x: &[f32],
        dy: &[f32],
        gate: Option<(&[f32], Activation)>,
        dweight_oihw: &mut [f32],
        dbias: Option<&mut [f32]>,
    ) -> Result<(), Error> {
        check_len("weight_grad", "x", self.input.len(), x.len())?;
        self.check_dy("weight_grad", dy, gate)?;
        check_len("weight_grad", "dweight_oihw", self.weight_len(), dweight_oihw.len())?;
        if let Some(dbias) = &dbias {
            check_len("weight_grad", "dbias", self.output.c(), dbias.len())?;
        }
        let method = self.method(Direction::Forward);
        if method != Method::Naive {
            let Self { kernel, input, output } = self;
            Gradient {
                kernel: *kernel,
                method,
                input,
                output,
                x,
                dy,
                gate,
            }
            .run(dweight_oihw, dbias);
            return Ok(());
        }
        let dv = self.gated_unpacked(dy, gate)?;
        let (dw, db) = naive::weight_grad(self.shape(), &unpacked(&self.input, x)?, &dv)?;
        dweight_oihw.copy_from_slice(&to_f32(&dw));
        if let Some(dbias) = dbias {
            dbias.copy_from_slice(&to_f32(&db));
        }
        Ok(())
    }

    fn transform(&self, operation: &'static str, direction: Direction, weight: &[f32]) -> Result<Transformed, Error> {
        check_len(operation, "weight_oihw", self.weight_len(), weight.len())?;
        let (cin, cout) = (self.input.c(), self.output.c());
        let filter = match direction {
            Direction::Forward => Filter::forward(weight, cin, cout),
            Direction::InputGrad => Filter::input_grad(weight, cin, cout),
        };
        let data = match self.method(direction) {
            Method::Naive => Data::Plain(weight.to_vec()),
            method => Data::Transformed(method.transform(self.kernel, filter)),
        };
        Ok(Transformed {
            key: self.key(direction),
            data,
        })
    }

    fn method(&self, direction: Direction) -> Method {
        match direction {
            Direction::Forward => Method::choose(self.kernel, &self.input, &self.output),
            Direction::InputGrad => Method::choose(self.kernel, &self.output, &self.input),
        }
    }

    fn key(&self, direction: Direction) -> Key {
        Key {
            direction,
            cin: self.input.c(),
            cout: self.output.c(),
            tile: self.input.tile().outputs(),
            kernel: self.kernel,
        }
    }

    fn check_weights(&self, operation: &'static str, direction: Direction, u: &Transformed) -> Result<(), Error> {
        let expected = self.key(direction);
        if u.key == expected {
            return Ok(());
        }
        Err(Error::Weights {
            operation,
            expected: expected.to_string(),
            got: u.key.to_string(),
        })
    }

    fn check_dy(&self, operation: &'static str, dy: &[f32], gate: Option<(&[f32], Activation)>) -> Result<(), Error> {
        check_len(operation, "dy", self.output.len(), dy.len())?;
        match gate {
            Some((y, _)) => check_len(operation, "gate", self.output.len(), y.len()),
            None => Ok(()),
        }
    }

    fn weight_len(&self) -> usize {
        self.input.c() * self.output.c() * 9
    }

    fn shape(&self) -> naive::Shape {
        naive::Shape {
            n: self.input.n(),
            cin: self.input.c(),
            cout: self.output.c(),
            h: self.input.h(),
            w: self.input.w(),
        }
    }

    fn gated_unpacked(&self, dy: &[f32], gate: Option<(&[f32], Activation)>) -> Result<Vec<f32>, Error> {
        let dy = unpacked(&self.output, dy)?;
        match gate {
            Some((y, act)) => naive::gated(&dy, Some((&unpacked(&self.output, y)?, act))),
            None => Ok(dy),
        }
    }
}

fn unpacked(layout: &Layout, packed: &[f32]) -> Result<Vec<f32>, Error> {
    let mut images = vec![0.0; layout.unpadded_len()];
    unpack(layout, packed, &mut images)?;
    Ok(images)
}

fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}
