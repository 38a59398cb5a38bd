//! `tweedie bench`

use std::time::Instant;

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use clap::{Args, ValueEnum};
use serde::Serialize;
use tweedie_model::{Architecture, Conditioning, DncnnConfig, FfdnetConfig, Padding};

use crate::options::Common;
use crate::session::Session;
use crate::{Outcome, overrides};

/// Runs that are not counted: the first ones fill caches and start threads.
const WARM_UP: usize = 2;

/// Time a network's forward pass or training step
///
/// The networks have random weights and the inputs are constant: neither changes the time. scripts/bench_pytorch
/// compares the same cases with PyTorch.
#[derive(Args)]
pub struct Bench {
    /// What to time
    #[arg(long, value_name = "CASE")]
    case: Case,
    /// Counted runs
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    #[command(flatten)]
    common: Common,
}

/// Networks and sizes of the comparison with PyTorch.
#[derive(Clone, Copy, ValueEnum)]
enum Case {
    /// DnCNN 17x64, 256x256
    #[value(name = "dncnn-forward-256")]
    DncnnForward256,
    /// DnCNN 17x64, 512x512
    #[value(name = "dncnn-forward-512")]
    DncnnForward512,
    /// FFDNet 15x64, 512x512
    #[value(name = "ffdnet-forward-512")]
    FfdnetForward512,
    /// DnCNN 17x64, 16 crops of 48x48
    #[value(name = "dncnn-train-16x48")]
    DncnnTrain,
    /// FFDNet 15x64, 32 crops of 64x64
    #[value(name = "ffdnet-train-32x64")]
    FfdnetTrain,
}

#[derive(Serialize)]
struct Timing {
    case: String,
    seconds: Vec<f64>,
}

impl Bench {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("bench", &self.common)?;
        overrides::sections(&self.common.settings, [])?;
        let (architecture, size, batch) = match self.case {
            Case::DncnnForward256 => (dncnn(), 256, None),
            Case::DncnnForward512 => (dncnn(), 512, None),
            Case::FfdnetForward512 => (ffdnet(), 512, None),
            Case::DncnnTrain => (dncnn(), 48, Some(16)),
            Case::FfdnetTrain => (ffdnet(), 64, Some(32)),
        };
        let repeats = self.repeats as usize;
        session.run(|results| {
            let seconds = match batch {
                None => forward(&architecture, size, repeats, &session.device)?,
                Some(batch) => training_step(&architecture, size, batch, repeats, &session.device)?,
            };
            let case = self
                .case
                .to_possible_value()
                .map_or_else(String::new, |value| value.get_name().to_owned());
            let best = seconds.iter().copied().fold(f64::INFINITY, f64::min);
            session.say(format_args!("{case}: {:.1} ms at best of {repeats}", 1e3 * best));
            results.push(Timing { case, seconds })?;
            Ok(Outcome::Done)
        })
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

fn forward(architecture: &Architecture, size: usize, repeats: usize, device: &Device) -> anyhow::Result<Vec<f64>> {
    let network = architecture.init(0, device)?;
    let x = Tensor::<4>::full([1, 1, size, size], 0.5, device);
    let sigma = Tensor::<1>::full([1], 0.1, device);
    timed(repeats, || {
        network.forward(x.clone(), sigma.clone()).try_into_data()?;
        Ok(())
    })
}

fn training_step(
    architecture: &Architecture,
    size: usize,
    batch: usize,
    repeats: usize,
    device: &Device,
) -> anyhow::Result<Vec<f64>> {
    let device = device.clone().autodiff();
    let mut network = architecture.init(0, &device)?;
    let mut optimizer = AdamConfig::new().init();
    let x = Tensor::<4>::full([batch, 1, size, size], 0.5, &device);
    let sigma = Tensor::<1>::full([batch], 0.1, &device);
    timed(repeats, || {
        let error = network.forward(x.clone(), sigma.clone()) - x.clone();
        let gradients = GradientsParams::from_grads(error.square().mean().backward(), &network);
        network = optimizer.step(1e-4, network.clone(), gradients);
        device.sync()?;
        Ok(())
    })
}

fn timed(repeats: usize, mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Vec<f64>> {
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
