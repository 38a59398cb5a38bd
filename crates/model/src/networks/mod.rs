//! Denoising networks, one kind per file, and the one list of them.

mod crr;
mod dncnn;
mod ffdnet;
mod filters;
mod gradient_step;
mod gradient_unet;
mod host;
mod kind;
mod lipschitz;
mod phases;
mod ridge;
mod spectral;
mod splines;
mod stack;
mod unet;
mod wcrr;

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use tweedie_imaging::SigmaSupport;

use crate::Error;
use crate::files::import::stack::Shape;
use crate::files::onnx::graph::Graph;
pub use crr::{Crr, CrrConfig};
pub use dncnn::{Conditioning, Dncnn, DncnnConfig, Padding};
pub use ffdnet::{Ffdnet, FfdnetConfig};
pub use gradient_step::{GradientStep, GradientStepConfig};
pub use gradient_unet::{GradientUnet, GradientUnetConfig};
pub use kind::Proven;
use kind::{Facts, NetworkKind};
pub(crate) use kind::{NoiseInput, Potential, require_range};
pub use lipschitz::{Lipschitz, LipschitzConfig};
pub use ridge::{Ridge, RidgeConfig};
pub(crate) use spectral::PowerIteration;
pub use unet::{BlockActivation, Resampling, Sizes, Unet, UnetConfig};
pub use wcrr::{Wcrr, WcrrConfig};

/// Makes the two enums over all kinds and hands every call on to [`NetworkKind`].
macro_rules! networks {
    ($($(#[$doc:meta])* $name:ident($config:ident)),+ $(,)?) => {
        /// The architecture of a denoiser, as it stands in a configuration file under `[architecture]`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Architecture { $($(#[$doc])* $name($config)),+ }

        /// A denoising network: one type for all kinds, so that training and checkpoints need no type parameter.
        #[derive(Module, Debug)]
        // One network at a time: an indirection would only complicate its parameters' paths.
        #[allow(clippy::large_enum_variant)]
        pub enum Network { $($(#[$doc])* $name($name)),+ }

        impl Architecture {
            /// Checks the configuration and makes a network with seeded weights.
            ///
            /// # Errors
            /// [`Error::Config`] naming the key that is out of range.
            pub fn init(&self, seed: u64, device: &Device) -> Result<Network, Error> {
                match self { $(Self::$name(config) => $name::init(config, seed, device).map(Network::$name)),+ }
            }

            fn facts(&self) -> Facts {
                match self { $(Self::$name(config) => $name::facts(config)),+ }
            }

            /// The network in a few words.
            pub fn description(&self) -> String {
                match self { $(Self::$name(config) => $name::description(config)),+ }
            }

            /// Adds D to an ONNX model, or says what it is that has no model.
            pub(crate) fn onnx(&self, graph: &mut Graph) -> Result<(), &'static str> {
                match self { $(Self::$name(config) => $name::onnx(config, graph)),+ }
            }

            /// The stack of convolutions that an export holds, if it can be imported again.
            pub(crate) fn exported_stack(&self) -> Option<Shape> {
                match self { $(Self::$name(config) => $name::exported_stack(config)),+ }
            }
        }

        impl Network {
            /// D(x, sigma).
            ///
            /// # Shapes
            /// `x`: `[N, C, H, W]`, nominal range [0, 1]; `sigma`: `[N]`, in [0, 1] units (ignored by a blind network).
            pub fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
                match self { $(Self::$name(network) => network.forward(x, sigma)),+ }
            }

            /// D(x, sigma) of a network that iterates to a tolerance, or why it was not reached; `None` for all others.
            pub(crate) fn solve(
                &self,
                x: Tensor<4>,
                sigma: Tensor<1>,
            ) -> Option<Result<Tensor<4>, tweedie_imaging::Error>> {
                match self { $(Self::$name(network) => network.solve(x, sigma)),+ }
            }

            /// D of an image whose noise has another level at every pixel; `None` where the network does not read a map.
            ///
            /// # Shapes
            /// `x`: `[N, C, H, W]`; `map`: `[N, 1, H, W]`, in [0, 1] units.
            pub fn forward_map(&self, x: Tensor<4>, map: Tensor<4>) -> Option<Tensor<4>> {
                match self { $(Self::$name(network) => network.forward_map(x, map)),+ }
            }

            /// What is proven of D by how the network is built and by its weights. Takes seconds for some networks.
            ///
            /// # Errors
            /// [`Error::Imaging`] if the device fails to deliver the weights.
            pub fn proven(&self) -> Result<Proven, Error> {
                match self { $(Self::$name(network) => network.proven()),+ }
            }

            /// The network with weights for which its bounds are proven.
            pub(crate) fn certified(self) -> Result<Self, Error> {
                match self { $(Self::$name(network) => network.certified().map(Self::$name)),+ }
            }

            /// The network that a training step differentiates.
            pub(crate) fn normalised(&self, iterations: &mut Vec<PowerIteration>) -> Result<Self, Error> {
                match self { $(Self::$name(network) => network.normalised(iterations).map(Self::$name)),+ }
            }

            /// The network after a training step, its splines within their bounds.
            pub(crate) fn clamped(self) -> Result<Self, Error> {
                match self { $(Self::$name(network) => network.clamped().map(Self::$name)),+ }
            }

            /// The potential g of D = x - grad g, where the network is built from one.
            pub(crate) fn potential(&self) -> Option<Arc<dyn Potential>> {
                match self { $(Self::$name(network) => network.potential()),+ }
            }
        }
    };
}

networks! {
    /// A stack of 3x3 convolutions at full resolution.
    Dncnn(DncnnConfig),
    /// A stack of 3x3 convolutions at half resolution.
    Ffdnet(FfdnetConfig),
    /// A U-Net of residual blocks.
    Unet(UnetConfig),
    /// A step of gradient descent on a known potential.
    GradientStep(GradientStepConfig),
    /// A step of gradient descent on the squared residual of a U-Net.
    GradientUnet(GradientUnetConfig),
    /// Averaged by its weights.
    Lipschitz(LipschitzConfig),
    /// A step of gradient descent on a convex ridge regulariser.
    Ridge(RidgeConfig),
    /// Gradient steps on a convex ridge regulariser.
    Crr(CrrConfig),
    /// A weakly convex ridge regulariser, solved.
    Wcrr(WcrrConfig),
}

impl Architecture {
    /// Image channels that the network takes and gives.
    pub fn channels(&self) -> usize {
        self.facts().channels
    }

    /// Whether the network does not read the noise level.
    pub fn is_blind(&self) -> bool {
        self.facts().noise == NoiseInput::Blind
    }

    /// Whether the network reads a noise level for every pixel.
    pub fn reads_map(&self) -> bool {
        self.facts().noise == NoiseInput::Map
    }

    /// Side length in pixels of the input region that one output pixel depends on; 0 if that is the whole image.
    pub fn receptive_field(&self) -> usize {
        self.facts().receptive_field
    }

    /// The network treats an image as it treats a part of it that starts at a multiple of this.
    pub fn size_multiple(&self) -> usize {
        self.facts().size_multiple
    }

    /// What holds by construction for every checkpoint that training saves, if anything.
    pub fn theory(&self) -> Option<&'static str> {
        self.facts().theory
    }

    /// Whether rounding the weights would void what holds by construction.
    pub(crate) fn needs_f32(&self) -> bool {
        self.facts().theory_needs_f32
    }

    /// Whether the network can be trained here.
    pub(crate) fn is_trainable(&self) -> bool {
        self.facts().trainable
    }

    /// Whether images may be stretched to about [0, 1] for the network.
    pub(crate) fn is_stretchable(&self) -> bool {
        self.facts().stretchable
    }

    /// The multiple that the sides of quarters are, where images that the network does not divide are cut into quarters.
    pub(crate) fn quarters(&self) -> Option<usize> {
        self.facts().quarters
    }

    /// Whether the network takes the image for periodic: then a part of it is no image of its own.
    pub fn is_periodic(&self) -> bool {
        self.facts().periodic
    }

    /// The noise levels that a network of this architecture supports, given the range that it was trained on: a network
    /// of one level is for this level, also where it does not read it.
    pub fn sigma_support(&self, trained: SigmaSupport) -> SigmaSupport {
        match trained {
            SigmaSupport::Range { min, max } if min == max => trained,
            _ if self.is_blind() => SigmaSupport::Blind,
            _ => trained,
        }
    }
}
