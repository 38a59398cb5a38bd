//! The parts of a U-Net: residual blocks and changes of resolution, with their transposed Jacobians.

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{Activation, Activations, Conv2x2, Conv3x3, Smooth};

/// The initial gain of the second convolution of a residual block: blocks start near the identity, since no
/// normalisation keeps the sum of many branches from growing.
const BRANCH_GAIN: f64 = 0.1;

/// He's gain makes up for a ReLU; where none follows, this keeps the variance.
pub(super) const LINEAR_GAIN: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// How a U-Net goes from one resolution to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resampling {
    /// The four phases as channels and a 3x3 convolution; back by a 3x3 convolution and the phases as pixels.
    #[default]
    Phases,
    /// A 2x2 convolution with stride 2, and a transposed one, both without bias, as in DRUNet.
    Strided,
}

/// What is between the two convolutions of a residual block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockActivation {
    /// max(v, 0).
    #[default]
    Relu,
    /// v, or e^v - 1 below 0.
    Elu,
}

/// x + W_2 * f(W_1 * x).
#[derive(Module, Debug)]
pub(super) struct ResidualBlock {
    pub(super) first: Conv3x3,
    pub(super) second: Conv3x3,
}

/// Half the resolution, or twice.
#[derive(Module, Debug)]
pub(super) enum Resample {
    /// See [`Resampling::Phases`].
    Phases(Conv3x3),
    /// See [`Resampling::Strided`].
    Strided(Conv2x2),
}

/// Makes layers with random numbers of their own.
pub(super) struct Layers<'a> {
    pub bias: bool,
    pub seed: u64,
    pub device: &'a Device,
    /// Layers that were made.
    pub made: u64,
}

impl Layers<'_> {
    fn stream(&mut self) -> u64 {
        self.made += 1;
        self.made - 1
    }

    pub(super) fn conv(&mut self, cin: usize, cout: usize, gain: f64) -> Conv3x3 {
        let stream = self.stream();
        Conv3x3::init([cin, cout], self.bias, gain, self.seed, stream, self.device)
    }

    pub(super) fn blocks(&mut self, count: usize, width: usize) -> Vec<ResidualBlock> {
        (0..count)
            .map(|_| ResidualBlock {
                first: self.conv(width, width, 1.0),
                second: self.conv(width, width, BRANCH_GAIN),
            })
            .collect()
    }

    /// From `fine` channels to `coarse` ones at half the resolution.
    pub(super) fn down(&mut self, kind: Resampling, [fine, coarse]: [usize; 2]) -> Resample {
        match kind {
            Resampling::Phases => Resample::Phases(self.conv(4 * fine, coarse, LINEAR_GAIN)),
            Resampling::Strided => self.strided([coarse, fine], 4 * fine),
        }
    }

    /// From `coarse` channels to `fine` ones at twice the resolution.
    pub(super) fn up(&mut self, kind: Resampling, [coarse, fine]: [usize; 2]) -> Resample {
        match kind {
            Resampling::Phases => Resample::Phases(self.conv(coarse, 4 * fine, LINEAR_GAIN)),
            Resampling::Strided => self.strided([coarse, fine], coarse),
        }
    }

    /// The variance stays what it is: every output sums `terms` products.
    fn strided(&mut self, channels: [usize; 2], terms: usize) -> Resample {
        let stream = self.stream();
        let std = (1.0 / terms as f64).sqrt();
        Resample::Strided(Conv2x2::init(channels, std, self.seed, stream, self.device))
    }
}

impl Resample {
    pub(super) fn down(&self, x: Activations) -> Activations {
        match self {
            Self::Phases(conv) => conv.forward(x.unshuffle(), Activation::None),
            Self::Strided(conv) => conv.down(x),
        }
    }

    pub(super) fn up(&self, x: Activations) -> Activations {
        match self {
            Self::Phases(conv) => conv.forward(x, Activation::None).shuffle(),
            Self::Strided(conv) => conv.up(x),
        }
    }

    /// The adjoint of the linear part of [`Self::down`].
    pub(super) fn down_transposed(&self, u: Activations) -> Activations {
        match self {
            Self::Phases(conv) => conv.transposed(u).shuffle(),
            Self::Strided(conv) => conv.up(u),
        }
    }

    /// The adjoint of the linear part of [`Self::up`].
    pub(super) fn up_transposed(&self, u: Activations) -> Activations {
        match self {
            Self::Phases(conv) => conv.transposed(u.unshuffle()),
            Self::Strided(conv) => conv.down(u),
        }
    }
}

/// The outputs of the activations of blocks one after the other, for ELU alone.
pub(super) type Trace = Vec<Activations>;

impl ResidualBlock {
    /// What the block adds, and the output of its activation where `traced`.
    fn forward(&self, x: Activations, f: BlockActivation, trace: Option<&mut Trace>) -> Activations {
        let y = match f {
            BlockActivation::Relu => self.first.forward(x.clone(), Activation::Relu),
            BlockActivation::Elu => self.first.forward(x.clone(), Activation::None).smooth(Smooth::Elu),
        };
        if let Some(trace) = trace {
            trace.push(y.clone());
        }
        x + self.second.forward(y, Activation::None)
    }

    /// J^T u for a block with ELU, whose activation gave `y`.
    fn transposed(&self, u: Activations, y: Activations) -> Activations {
        let inner = self.second.transposed(u.clone()).smooth_gate(y, Smooth::Elu);
        u + self.first.transposed(inner)
    }
}

/// Blocks one after the other.
pub(super) fn apply(blocks: &[ResidualBlock], x: Activations, f: BlockActivation) -> Activations {
    blocks.iter().fold(x, |x, block| block.forward(x, f, None))
}

/// Blocks with ELU one after the other, and what [`transposed`] needs of them.
pub(super) fn traced(blocks: &[ResidualBlock], x: Activations) -> (Activations, Trace) {
    let mut trace = Trace::new();
    let elu = BlockActivation::Elu;
    let y = blocks
        .iter()
        .fold(x, |x, block| block.forward(x, elu, Some(&mut trace)));
    (y, trace)
}

/// J^T u of blocks with ELU.
pub(super) fn transposed(blocks: &[ResidualBlock], u: Activations, trace: Trace) -> Activations {
    blocks
        .iter()
        .zip(trace)
        .rev()
        .fold(u, |u, (block, y)| block.transposed(u, y))
}
