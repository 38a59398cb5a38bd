//! Which checkpoint takes which image of a batch.

use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::Device;
use toml::Table;

use crate::checkpoint::{self, Checkpoint};
use crate::{Events, Result};

/// The checkpoints of a batch: the one that was named, or one for gray and one for colour images.
pub struct Choice(Vec<Arc<Checkpoint>>);

/// One checkpoint for all images.
impl From<Arc<Checkpoint>> for Choice {
    fn from(checkpoint: Arc<Checkpoint>) -> Self {
        Self(vec![checkpoint])
    }
}

impl Choice {
    /// What is said where no checkpoint was named.
    pub const DEFAULT: &str = "checkpoint gray for gray images, color for others (--checkpoint was not given)";

    /// Loads the named checkpoint; without a name `gray` and `color`. `settings` are the values of the section `denoiser`.
    ///
    /// # Errors
    /// If a checkpoint is not found, or its files are not as recorded.
    pub fn load(name: Option<&str>, settings: &Table, device: &Device, events: &dyn Events) -> Result<Self> {
        let names = match name {
            Some(name) => vec![name],
            None => vec![checkpoint::default_for(1), checkpoint::default_for(3)],
        };
        let load = |name: &&str| Ok(Arc::new(checkpoint::load(name, settings.clone(), device, events)?));
        Ok(Self(names.iter().map(load).collect::<Result<_>>()?))
    }

    /// The checkpoint for images with so many channels.
    pub fn of_channels(&self, channels: usize) -> &Checkpoint {
        let fits = |checkpoint: &&Arc<Checkpoint>| checkpoint.info().channels == channels;
        self.0.iter().find(fits).unwrap_or(&self.0[0])
    }

    /// The files that they were read from.
    pub fn files(&self) -> Vec<PathBuf> {
        self.0.iter().flat_map(|checkpoint| checkpoint.files()).collect()
    }

    /// What results depend on, as text.
    pub fn identity(&self) -> String {
        self.joined(Checkpoint::identity)
    }

    /// Where those with these names are, or what they are, with the sha256 of the weights, for reports.
    pub fn described(&self, names: &[String]) -> Vec<(String, String)> {
        let mut described = Vec::new();
        for checkpoint in self.0.iter().filter(|checkpoint| names.contains(&checkpoint.name)) {
            described.push(("checkpoint".to_owned(), checkpoint.origin()));
            if let Some(sha256) = &checkpoint.info().weights_sha256 {
                described.push((format!("sha256 of the weights of {}", checkpoint.name), sha256.clone()));
            }
        }
        described
    }

    fn joined(&self, of: impl Fn(&Checkpoint) -> String) -> String {
        self.0
            .iter()
            .map(|checkpoint| of(checkpoint))
            .collect::<Vec<_>>()
            .join("; ")
    }
}
