//! `card.md` of an imported checkpoint.

use std::io::Write as _;
use std::path::Path;

use tweedie_imaging::write_atomic;
use tweedie_model::CheckpointConfig;

use crate::Result;
use crate::checkpoint::{channels_text, levels_text};

/// Writes the card of a checkpoint that was imported.
pub fn write(folder: &Path, name: &str, config: &CheckpointConfig, parameters: usize) -> Result<()> {
    let text = card(name, config, parameters)?;
    Ok(write_atomic(&folder.join("card.md"), |file| {
        file.write_all(text.as_bytes())
    })?)
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
        architecture.description(),
        architecture.receptive_field(),
        config.weights.sha256,
    ))
}
