//! Validation in the course of a training run.

use burn::tensor::{Device, Tensor};
use tweedie_imaging::noise::gaussian;
use tweedie_imaging::{Denoiser, Sigma, SigmaSupport, psnr};

use super::{TrainConfig, TrainingSet, ValidationPsnr};
use crate::{Error, Network, NetworkDenoiser};

/// What a validation measured: at each level, and with the degradations of the run.
#[derive(Default)]
pub(super) struct Validation {
    pub(super) levels: Vec<ValidationPsnr>,
    pub(super) degraded_psnr_db: Option<f64>,
}

/// Mean PSNR of a network on the validation images, with the same noise every time: at each level, and with
/// the degradations of the run.
pub(super) fn validate(
    network: Network,
    config: &TrainConfig,
    validation: &TrainingSet,
    device: &Device,
) -> Result<Validation, Error> {
    let device = device.clone().without_autodiff();
    let denoiser = NetworkDenoiser::new(
        "validation",
        network,
        &config.architecture,
        SigmaSupport::Blind,
        None,
        &device,
    );
    let mean = |pairs: &mut dyn Iterator<Item = Result<[Tensor<4>; 2], Error>>, sigma: Sigma| {
        let mut total = 0.0;
        for pair in pairs {
            let [clean, noisy] = pair?;
            total += psnr(&denoiser.denoise(noisy, sigma)?, &clean)?[0];
        }
        Ok::<f64, Error>(total / validation.len() as f64)
    };
    let mut levels = Vec::new();
    for &level in &config.validation.sigma {
        let sigma = Sigma::from_grey_levels(level)?;
        let mut pairs = validation.images(&device).enumerate().map(|(index, clean)| {
            let noise = gaussian(clean.dims(), sigma, config.seed, index as u64, &device)?;
            Ok([clean.clone(), clean + noise])
        });
        levels.push(ValidationPsnr {
            sigma: level,
            psnr_db: mean(&mut pairs, sigma)?,
        });
    }
    let mut degraded_psnr_db = None;
    if let Some(degradation) = &config.degradation {
        let pairs = validation.degraded(config, degradation, &device);
        // The level is not read by the networks that are trained so.
        degraded_psnr_db = Some(mean(&mut pairs.map(Ok), Sigma::new(0.0)?)?);
    }
    Ok(Validation {
        levels,
        degraded_psnr_db,
    })
}
