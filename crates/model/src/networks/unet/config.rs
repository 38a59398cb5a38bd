//! The configuration of a U-Net, and the sizes that follow from it.

use serde::{Deserialize, Serialize};

use super::blocks::{BlockActivation, Resampling};
use crate::networks::kind::{one, yes};

/// Configuration of [`Unet`](super::Unet).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Resolution of the first level: 2 for the four phases at half resolution, 1 for the image itself.
    #[serde(default = "two")]
    pub unshuffle: usize,
    /// Channels of each level, from fine to coarse; each level has half the resolution of the one before.
    pub widths: Vec<usize>,
    /// Residual blocks of each level, on the way down and again on the way up; the coarsest level has them once.
    pub blocks: usize,
    /// Whether the 3x3 convolutions have a bias. Without one, D is positively homogeneous of degree 1 in (x, sigma)
    /// (Mohan et al. 2020), with ReLU.
    #[serde(default)]
    pub bias: bool,
    /// Whether the network predicts the noise, D(x) = x - N(x); DRUNet as published predicts the image.
    #[serde(default = "yes")]
    pub residual: bool,
    /// How the network goes from one resolution to the next.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resampling: Resampling,
    /// What is between the two convolutions of a residual block.
    #[serde(default, skip_serializing_if = "is_default")]
    pub activation: BlockActivation,
    /// What is done with sizes that the coarsest level does not divide.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sizes: Sizes,
    /// A level in 8-bit grey levels that the network is told whatever the noise is: then it is blind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<f64>,
}

/// What a U-Net does with sizes that its coarsest level does not divide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sizes {
    /// The last row and column are repeated up to the next multiple of a cell of the coarsest level, and cropped.
    #[default]
    Extend,
    /// As deepinv and KAIR do for DRUNet, with a cell of m pixels: images with a side below 8 m are extended to a multiple
    /// of 2 m, unless both sides are multiples of m and at least 4 m; larger ones whose sides are not multiples of m are
    /// cut into four overlapping quarters whose sides are multiples of 8 m, each denoised as an image of its own.
    Quarters,
}

fn two() -> usize {
    2
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl UnetConfig {
    /// Pixels of the image under one of the coarsest level.
    pub(super) fn cell(&self) -> usize {
        self.pixel(self.widths.len().saturating_sub(1))
    }

    /// Pixels of the image under one of a level. Facts of a configuration are asked for before it is checked: what overflows is as
    /// large as can be.
    fn pixel(&self, level: usize) -> usize {
        self.unshuffle
            .saturating_mul(2_usize.saturating_pow(level.try_into().unwrap_or(u32::MAX)))
    }

    /// The size to which an image (or a quarter of one) is extended.
    pub(in crate::networks) fn extended(&self, size: [usize; 2]) -> [usize; 2] {
        let cell = self.cell();
        let fits = size.iter().all(|side| side.is_multiple_of(cell) && *side >= 4 * cell);
        let multiple = match self.sizes {
            Sizes::Quarters if !fits => 2 * cell,
            _ => cell,
        };
        size.map(|side| side.next_multiple_of(multiple))
    }

    /// Tiles start at multiples of this.
    pub(super) fn tile_multiple(&self) -> usize {
        match self.sizes {
            Sizes::Extend => self.cell(),
            Sizes::Quarters => self.cell().saturating_mul(2),
        }
    }

    /// The multiple that the sides of quarters are.
    pub(super) fn quarters(&self) -> Option<usize> {
        (self.sizes == Sizes::Quarters).then_some(self.cell().saturating_mul(8))
    }

    /// Side length of the smallest square around a pixel that surely holds all that its value depends on. Where in its
    /// cell of the coarse levels the pixel lies is left open, so it may be less by a few pixels.
    pub(super) fn receptive_field(&self) -> usize {
        // Reach on either side: the other pixels of its own cell, then head, tail and the blocks of the first level,
        // twice if there is a coarser one; every coarser level adds its cell, two changes of resolution and its blocks.
        let coarsest = self.widths.len().saturating_sub(1);
        let convolutions = |level: usize| self.blocks.saturating_mul(if level == coarsest { 2 } else { 4 });
        let times = |level: usize, n: usize| self.pixel(level).saturating_mul(n);
        let first = times(0, convolutions(0).saturating_add(3)).saturating_sub(1);
        let changes = match self.resampling {
            Resampling::Phases => 2,
            Resampling::Strided => 0,
        };
        let coarser = (1..self.widths.len()).map(|level| {
            (self.pixel(level) / 2).saturating_add(times(level, convolutions(level).saturating_add(changes)))
        });
        let radius = coarser.fold(first, usize::saturating_add);
        radius.saturating_mul(2).saturating_add(1)
    }
}
