//! `card.md` of an imported checkpoint.

use std::io::Write as _;
use std::path::Path;

use tweedie_imaging::write_atomic;
use tweedie_model::{Architecture, CheckpointConfig, Conditioning, Padding};

use crate::Result;
use crate::checkpoint::{channels_text, levels_text};

/// Writes the card of a checkpoint that was imported.
pub fn write(folder: &Path, name: &str, config: &CheckpointConfig, parameters: usize) -> Result<()> {
    let text = card(name, config, parameters)?;
    Ok(write_atomic(&folder.join("card.md"), |file| {
        file.write_all(text.as_bytes())
    })?)
}

/// The conventions of a network in words.
pub fn network(architecture: &Architecture) -> String {
    let (body, bias, residual, conditioned, padding) = match architecture {
        Architecture::Dncnn(config) => (
            format!("{} convolutions of {} channels", config.depth, config.width),
            config.bias,
            config.residual,
            config.conditioning == Conditioning::NoiseMap,
            config.padding,
        ),
        Architecture::Ffdnet(config) => (
            format!(
                "{} convolutions of {} channels at half resolution",
                config.depth, config.width
            ),
            config.bias,
            config.residual,
            true,
            Padding::Zero,
        ),
        Architecture::Crr(config) => {
            return format!(
                "{} gradient steps on {} learned convex functions of two layers of {k}x{k} filters; does not read the noise level",
                config.steps,
                config.filters[1],
                k = config.kernel
            );
        }
        Architecture::GradientStep(config) => {
            return format!(
                "gradient step on half the squared norm of {} convolutions of {} channels; reads the noise level",
                config.depth, config.width
            );
        }
        Architecture::Lipschitz(config) => {
            return format!(
                "{} proximal layers of {} channels at half resolution; reads the noise level",
                config.blocks, config.width
            );
        }
        Architecture::Ridge(config) => {
            return format!(
                "gradient step on {} learned convex functions; reads the noise level",
                config.filters
            );
        }
        Architecture::Unet(config) => (
            format!("U-Net of {:?} channels", config.widths),
            config.bias,
            config.residual,
            true,
            Padding::Zero,
        ),
    };
    format!(
        "{body}, {} biases, {} padding; predicts the {}; {} the noise level",
        if bias { "with" } else { "without" },
        match padding {
            Padding::Zero => "zero",
            Padding::Circular => "circular",
        },
        if residual { "noise" } else { "image" },
        if conditioned { "reads" } else { "does not read" },
    )
}

fn card(name: &str, config: &CheckpointConfig, parameters: usize) -> Result<String> {
    let architecture = &config.architecture;
    let trained = config.noise.support()?;
    let source = match &config.source {
        Some(source) => format!(
            "| file | `{}` |\n| sha256 of the file | `{}` |\n| format | {} |\n| recognised as | {} |\n",
            source.file.replace('`', "'"),
            source.sha256,
            source.format.description(),
            source.family.description(),
        ),
        None => String::new(),
    };
    Ok(format!(
        "# {name}\n\nA denoiser for {} images with white Gaussian noise, imported by `tweedie import`.\n\n\
         | | |\n|---|---|\n{source}| trained for the standard deviations | {} (8-bit grey levels) |\n\
         | takes the levels | {} |\n| network | {} |\n| parameters | {parameters} |\n\
         | receptive field | {} pixels |\n| weights | sha256 `{}` |\n\n\
         Batch normalisation is folded into the convolutions, so the weights are no longer those of the file digit by \
         digit. Whatever the network predicts, D(x, sigma) is the image, with values in [0, 1].\n\n\
         The weights are the work of their authors, and their licence goes on to hold.\n",
        channels_text(architecture.channels()),
        levels_text(trained),
        levels_text(architecture.sigma_support(trained)),
        network(architecture),
        architecture.receptive_field(),
        config.weights.sha256,
    ))
}
