//! Times of a network's forward pass and training step.

use std::time::Instant;

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use tweedie_model::{Architecture, Conditioning, DncnnConfig, FfdnetConfig, Padding};

use crate::Result;

/// Runs that are not counted: the first ones fill caches and start threads.
const WARM_UP: usize = 2;

/// Networks and sizes of the comparison with PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// DnCNN 17x64, 256x256.
    DncnnForward256,
    /// DnCNN 17x64, 512x512.
    DncnnForward512,
    /// FFDNet 15x64, 512x512.
    FfdnetForward512,
    /// DnCNN 17x64, 16 crops of 48x48.
    DncnnTrain,
    /// FFDNet 15x64, 32 crops of 64x64.
    FfdnetTrain,
}

impl Case {
    /// All of them, with names and what they are.
    pub const ALL: [(&'static str, &'static str, Self); 5] = [
        ("dncnn-forward-256", "DnCNN 17x64, 256x256", Self::DncnnForward256),
        ("dncnn-forward-512", "DnCNN 17x64, 512x512", Self::DncnnForward512),
        ("ffdnet-forward-512", "FFDNet 15x64, 512x512", Self::FfdnetForward512),
        ("dncnn-train-16x48", "DnCNN 17x64, 16 crops of 48x48", Self::DncnnTrain),
        (
            "ffdnet-train-32x64",
            "FFDNet 15x64, 32 crops of 64x64",
            Self::FfdnetTrain,
        ),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(.., case)| *case == self)
            .map_or("", |(name, ..)| name)
    }

    /// Seconds of each of `repeats` runs, after some that are not counted.
    ///
    /// # Errors
    /// If the device fails.
    pub fn seconds(self, repeats: usize, device: &Device) -> Result<Vec<f64>> {
        let (architecture, size, batch) = match self {
            Self::DncnnForward256 => (dncnn(), 256, None),
            Self::DncnnForward512 => (dncnn(), 512, None),
            Self::FfdnetForward512 => (ffdnet(), 512, None),
            Self::DncnnTrain => (dncnn(), 48, Some(16)),
            Self::FfdnetTrain => (ffdnet(), 64, Some(32)),
        };
        match batch {
            None => forward(&architecture, size, repeats, device),
            Some(batch) => training_step(&architecture, size, batch, repeats, device),
        }
    }
}

/// What a device said.
fn device_error(error: impl std::fmt::Display) -> tweedie_imaging::Error {
    tweedie_imaging::Error::Device {
        reason: error.to_string(),
    }
}

fn dncnn() -> Architecture {
    Architecture::Dncnn(DncnnConfig {
        channels: 1,
        depth: 17,
        width: 64,
        bias: true,
        residual: true,
        conditioning: Conditioning::Blind,
        padding: Padding::Zero,
    })
}

fn ffdnet() -> Architecture {
    Architecture::Ffdnet(FfdnetConfig {
        channels: 1,
        depth: 15,
        width: 64,
        bias: true,
        residual: false,
    })
}

fn forward(architecture: &Architecture, size: usize, repeats: usize, device: &Device) -> Result<Vec<f64>> {
    let network = architecture.init(0, device)?;
    let x = Tensor::<4>::full([1, 1, size, size], 0.5, device);
    let sigma = Tensor::<1>::full([1], 0.1, device);
    timed(repeats, || {
        network
            .forward(x.clone(), sigma.clone())
            .try_into_data()
            .map_err(device_error)?;
        Ok(())
    })
}

fn training_step(
    architecture: &Architecture,
    size: usize,
    batch: usize,
    repeats: usize,
    device: &Device,
) -> Result<Vec<f64>> {
    let device = device.clone().autodiff();
    let mut network = architecture.init(0, &device)?;
    let mut optimizer = AdamConfig::new().init();
    let x = Tensor::<4>::full([batch, 1, size, size], 0.5, &device);
    let sigma = Tensor::<1>::full([batch], 0.1, &device);
    timed(repeats, || {
        let error = network.forward(x.clone(), sigma.clone()) - x.clone();
        let gradients = GradientsParams::from_grads(error.square().mean().backward(), &network);
        network = optimizer.step(1e-4, network.clone(), gradients);
        device.sync().map_err(device_error)?;
        Ok(())
    })
}

fn timed(repeats: usize, mut run: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let mut seconds = Vec::with_capacity(repeats);
    for index in 0..WARM_UP + repeats {
        let started = Instant::now();
        run()?;
        if index >= WARM_UP {
            seconds.push(started.elapsed().as_secs_f64());
        }
    }
    Ok(seconds)
}
