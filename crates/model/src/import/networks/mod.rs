//! Published networks, one per file: how they are recognised, and what their parameters are in our terms.

mod bf_cnn;
mod bias_free;
mod dncnn;
mod exported;
mod ffdnet;
mod scico;
mod sequential;

use serde::{Deserialize, Serialize};

use super::formats::{File, Format};
use super::tensors::Tensors;
use super::wrong::{Wrong, printable};
use crate::Architecture;
use crate::weights::Weights;

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
    /// FFDNet.
    Ffdnet,
    /// DnCNN and other plain stacks of convolutions that predict the noise.
    Dncnn,
}

/// A network in our terms.
pub(super) struct Recognised {
    pub architecture: Architecture,
    pub weights: Weights,
}

impl Family {
    /// All of them; those with names of their own come before those with plain numbers.
    pub const ALL: [Self; 6] = [
        Self::Tweedie,
        Self::ScicoDncnn,
        Self::BfCnn,
        Self::BiasFreeDncnn,
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
            Self::Ffdnet => "FFDNet",
            Self::Dncnn => "DnCNN",
        }
    }

    fn matches(self, tensors: &Tensors, architecture: Option<&Architecture>) -> bool {
        match self {
            Self::Tweedie => architecture.is_some(),
            Self::ScicoDncnn => scico::matches(tensors),
            Self::BfCnn => bf_cnn::matches(tensors),
            Self::BiasFreeDncnn => bias_free::matches(tensors),
            Self::Ffdnet => ffdnet::matches(tensors),
            Self::Dncnn => dncnn::matches(tensors),
        }
    }

    fn read(
        self,
        tensors: &mut Tensors,
        format: Format,
        architecture: Option<Architecture>,
    ) -> Result<Recognised, Wrong> {
        match self {
            Self::Tweedie => {
                let architecture =
                    architecture.ok_or_else(|| Wrong::new("the metadata of an export of tweedie", "none"))?;
                exported::read(tensors, architecture)
            }
            Self::ScicoDncnn => scico::read(tensors),
            Self::BfCnn => bf_cnn::read(tensors),
            Self::BiasFreeDncnn => bias_free::read(tensors),
            Self::Ffdnet => ffdnet::read(tensors, format),
            Self::Dncnn => dncnn::read(tensors),
        }
    }
}

/// The network that the tensors belong to: of the `family` that is asked for, or the first one whose names they have.
pub(super) fn recognise(file: File, family: Option<Family>) -> Result<(Family, Recognised), Wrong> {
    let architecture = file.exported.map(|exported| exported.architecture);
    let mut tensors = Tensors::new(file.weights);
    let family = match family {
        Some(family) => family,
        None => Family::ALL
            .into_iter()
            .find(|family| family.matches(&tensors, architecture.as_ref()))
            .ok_or_else(|| unknown(&tensors))?,
    };
    let recognised = family.read(&mut tensors, file.format, architecture)?;
    tensors.finish()?;
    Ok((family, recognised))
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
