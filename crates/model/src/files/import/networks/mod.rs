//! Published networks, one per file: how they are recognised, and what their parameters are in our terms.

mod bf_cnn;
mod bias_free;
mod crr;
mod deepinv_dncnn;
mod dncnn;
mod drunet;
mod exported;
mod ffdnet;
mod recognised;
mod scico;
mod sequential;
mod wcrr;

use serde::{Deserialize, Serialize};

use super::formats::File;
use super::tensors::Tensors;
use super::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};
pub(super) use recognised::Recognised;

/// Networks of one kind with one convention of names, residuals and normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Exported by this program.
    Tweedie,
    /// SCICO's DnCNN with circular padding.
    ScicoDncnn,
    /// BF-CNN.
    BfCnn,
    /// Bias-free DnCNN.
    BiasFreeDncnn,
    /// Convex ridge regularisers that take gradient steps.
    Crr,
    /// Weakly convex and convex ridge regularisers that are solved.
    Wcrr,
    /// DRUNet.
    Drunet,
    /// GSDRUNet.
    Gsdrunet,
    /// deepinv's DnCNN.
    DeepinvDncnn,
    /// FFDNet.
    Ffdnet,
    /// DnCNN and other plain stacks of convolutions that predict the noise.
    Dncnn,
}

impl Family {
    /// All of them; those with names of their own come before those with plain numbers.
    pub const ALL: [Self; 11] = [
        Self::Tweedie,
        Self::ScicoDncnn,
        Self::BfCnn,
        Self::BiasFreeDncnn,
        Self::Crr,
        Self::Wcrr,
        Self::Drunet,
        Self::Gsdrunet,
        Self::DeepinvDncnn,
        Self::Ffdnet,
        Self::Dncnn,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tweedie => "tweedie",
            Self::ScicoDncnn => "scico-dncnn",
            Self::BfCnn => "bf-cnn",
            Self::BiasFreeDncnn => "bias-free-dncnn",
            Self::Crr => "crr",
            Self::Wcrr => "wcrr",
            Self::Drunet => "drunet",
            Self::Gsdrunet => "gsdrunet",
            Self::DeepinvDncnn => "deepinv-dncnn",
            Self::Ffdnet => "ffdnet",
            Self::Dncnn => "dncnn",
        }
    }

    /// The family of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// What it is, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Tweedie => "export of tweedie",
            Self::ScicoDncnn => "DnCNN of SCICO",
            Self::BfCnn => "BF-CNN",
            Self::BiasFreeDncnn => "bias-free DnCNN",
            Self::Crr => "convex ridge regulariser",
            Self::Wcrr => "ridge regulariser that is solved (WCRR-NN, CRR-NN)",
            Self::Drunet => "DRUNet",
            Self::Gsdrunet => "GSDRUNet",
            Self::DeepinvDncnn => "DnCNN of deepinv",
            Self::Ffdnet => "FFDNet",
            Self::Dncnn => "DnCNN",
        }
    }

    fn matches(self, file: &File, tensors: &Tensors) -> bool {
        match self {
            Self::Tweedie => file.exported.is_some(),
            Self::ScicoDncnn => scico::matches(tensors),
            Self::BfCnn => bf_cnn::matches(tensors),
            Self::BiasFreeDncnn => bias_free::matches(tensors),
            Self::Crr => crr::matches(tensors),
            Self::Wcrr => wcrr::matches(tensors),
            Self::Drunet => drunet::matches(tensors),
            Self::Gsdrunet => drunet::gradient_step_matches(tensors),
            Self::DeepinvDncnn => deepinv_dncnn::matches(tensors),
            Self::Ffdnet => ffdnet::matches(tensors),
            Self::Dncnn => dncnn::matches(tensors),
        }
    }

    fn read(self, file: &File, tensors: &mut Tensors) -> Result<Recognised, Wrong> {
        match self {
            Self::Tweedie => match &file.exported {
                Some(exported) => exported::read(tensors, exported.architecture.clone()),
                None => Err(Wrong::new("the metadata of an export of tweedie", "none")),
            },
            Self::ScicoDncnn => scico::read(tensors),
            Self::BfCnn => bf_cnn::read(tensors),
            Self::BiasFreeDncnn => bias_free::read(tensors),
            Self::Crr => crr::read(tensors, &file.sha256),
            Self::Wcrr => wcrr::read(tensors, &file.sha256),
            Self::Drunet => drunet::read(tensors),
            Self::Gsdrunet => drunet::read_gradient_step(tensors),
            Self::DeepinvDncnn => deepinv_dncnn::read(tensors),
            Self::Ffdnet => ffdnet::read(tensors, file.format),
            Self::Dncnn => dncnn::read(tensors),
        }
    }
}

/// The network that the tensors of a file belong to: of the `family` that is asked for, or the first one whose names they
/// have.
pub(super) fn recognise(file: &File, weights: Weights, family: Option<Family>) -> Result<(Family, Recognised), Wrong> {
    let mut tensors = Tensors::new(weights);
    let family = match family {
        Some(family) => family,
        None => Family::ALL
            .into_iter()
            .find(|family| family.matches(file, &tensors))
            .ok_or_else(|| unknown(&tensors))?,
    };
    let recognised = family.read(file, &mut tensors)?;
    tensors.finish()?;
    let infinite = |values: &&Values| values.values.iter().any(|value| !value.is_finite());
    match recognised.weights.iter().find(|(_, values)| infinite(values)) {
        Some((name, _)) => Err(Wrong::new(format!("finite values in {name}"), "others")),
        None => Ok((family, recognised)),
    }
}

fn unknown(tensors: &Tensors) -> Wrong {
    let count = tensors.shapes().count();
    let shown: Vec<String> = tensors
        .shapes()
        .take(4)
        .map(|(name, dims)| format!("{} {dims:?}", printable(name)))
        .collect();
    Wrong::new(
        format!(
            "a network of a known kind ({})",
            Family::ALL.map(Family::name).join(", ")
        ),
        format!("{count} tensors: {}", shown.join(", ")),
    )
}
