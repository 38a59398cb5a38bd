//! Finding checkpoints, and applying a denoiser to images with other channels than its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use burn::tensor::{Device, Tensor};
use tweedie_imaging::{Denoiser, DenoiserInfo, Error, Image, Sigma};
use tweedie_model::{CONFIG_FILE, Checkpoint, NetworkDenoiser};

/// Folders in which a checkpoint's or data file's name is looked up: `KIND/` in the working folder, the folder that
/// the environment variable names, and `KIND/` of the source tree that the program was built from.
pub fn folders(kind: &str) -> Vec<PathBuf> {
    let variable = format!("TWEEDIE_{}", kind.to_uppercase());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(kind);
    [Some(PathBuf::from(kind)), std::env::var_os(variable).map(PathBuf::from), Some(source)]
        .into_iter()
        .flatten()
        .collect()
}

/// The folder of a checkpoint that is given by path or name.
pub fn find(name: &str) -> anyhow::Result<PathBuf> {
    let direct = PathBuf::from(name);
    if direct.join(CONFIG_FILE).exists() {
        return Ok(direct);
    }
    let found = folders("checkpoints").into_iter().map(|folder| folder.join(name)).find(|path| path.join(CONFIG_FILE).exists());
    match found {
        Some(path) => Ok(path),
        None => bail!("checkpoint '{name}': expected a folder with {CONFIG_FILE}, or a name under checkpoints/, found neither"),
    }
}

/// Loads a checkpoint as a denoiser.
pub fn load(name: &str, device: &Device) -> anyhow::Result<NetworkDenoiser> {
    let folder = find(name)?;
    let checkpoint = Checkpoint::load(&folder, device).with_context(|| format!("loading checkpoint '{name}'"))?;
    Ok(checkpoint.denoiser(name, device)?)
}

/// A gray denoiser on colour images, each channel by itself.
pub struct PerChannel {
    denoiser: NetworkDenoiser,
    info: DenoiserInfo,
}

impl Denoiser for PerChannel {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        let [n, c, h, w] = x.dims();
        let channels: Tensor<4> = x.reshape([n * c, 1, h, w]);
        Ok(self.denoiser.denoise(channels, sigma)?.reshape([n, c, h, w]))
    }
}

/// The denoiser for images with `channels` channels: itself, or a gray one applied to each channel.
pub fn for_channels(denoiser: NetworkDenoiser, channels: usize) -> anyhow::Result<Box<dyn Denoiser>> {
    let own = denoiser.info().channels;
    if own == channels {
        return Ok(Box::new(denoiser));
    }
    if own == 1 {
        let info = DenoiserInfo { channels, ..denoiser.info().clone() };
        return Ok(Box::new(PerChannel { denoiser, info }));
    }
    bail!("checkpoint '{}': expected images with {own} channels, got {channels}; use --color rgb or a gray checkpoint", denoiser.info().name)
}
