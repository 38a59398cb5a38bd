//! What the noise of an image is, in words, numbers and a plot.

use std::path::Path;

use burn::tensor::Device;
use serde::Serialize;
use tweedie_imaging::{ColorMode, Image, JpegCompression, LawFit, estimate_law, estimate_noise};
use tweedie_report::{Plot, Series};

use crate::inputs::Input;
use crate::noise_level::{DENOISING, Noise, NoiseUsed};
use crate::task::single;
use crate::{Events, Result, output};

/// Points of the fitted curve.
const POINTS: u32 = 52;

/// The noise of one image. Levels are in 8-bit grey levels.
#[derive(Clone, Debug, Serialize)]
pub struct NoiseReport {
    /// What `--noise auto` takes.
    #[serde(flatten)]
    pub noise: NoiseUsed,
    /// What `--noise poisson-gaussian:auto` takes; null where there are too few smooth places, and for JPEG files.
    pub law: Option<Law>,
    #[serde(skip)]
    fit: Option<LawFit>,
}

/// var = gain x + sigma^2 for a brightness x.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Law {
    /// Variance for a brightness of one grey level.
    pub gain_grey_levels: f64,
    /// Standard deviation in black.
    pub sigma_grey_levels: f64,
    /// Share of the 8x8 blocks that were smooth enough to count.
    pub smooth_share: f64,
    /// Brightness of these blocks, 5 % below and 5 % above it: elsewhere the law is extrapolated.
    pub brightness_grey_levels: [f64; 2],
}

/// Estimates the noise of an image and, unless JPEG hides it, the law of its variance, as `--noise auto` and `--noise poisson-gaussian:auto` do.
///
/// # Errors
/// If it is not one image of at least 8x8 pixels.
pub fn report(image: &Image, compression: Option<&JpegCompression>) -> Result<NoiseReport> {
    let noise = Noise::of_estimate(&estimate_noise(image, compression)?, DENOISING)?.used;
    // JPEG sets the high frequencies of smooth blocks to zero, from which the law would be told.
    let fit = match compression {
        None => estimate_law(image)?,
        Some(_) => None,
    };
    let law = fit.as_ref().map(|fit| {
        let [gain_grey_levels, sigma_grey_levels] = fit.law.grey_levels();
        Law {
            gain_grey_levels,
            sigma_grey_levels,
            smooth_share: fit.smooth_share,
            brightness_grey_levels: fit.brightness.map(|level| 255.0 * level),
        }
    });
    Ok(NoiseReport { noise, law, fit })
}

impl NoiseReport {
    /// Two lines for people.
    pub fn lines(&self) -> String {
        let noise = &self.noise;
        let law = match &self.law {
            None => "no law of the variance: too few smooth places, or hidden by JPEG".to_owned(),
            Some(law) => {
                let [dark, bright] = law.brightness_grey_levels;
                format!(
                    "variance {:.3} x + {:.2}^2 from the {:.0} % of the blocks that are smooth, of brightness {dark:.0} to {bright:.0}",
                    law.gain_grey_levels,
                    law.sigma_grey_levels,
                    100.0 * law.smooth_share
                )
            }
        };
        format!(
            "{} noise of {:.2} grey levels; {}\n  {law}",
            noise.kind, noise.level_grey_levels, noise.rests_on
        )
    }

    /// Plots the level over the brightness: what groups of smooth blocks have, and the law. Whether there was a law to plot.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_plot(&self, name: &str, path: &Path) -> Result<bool> {
        let Some(fit) = &self.fit else { return Ok(false) };
        let mut plot = Plot::new(
            format!("Noise of {name}"),
            "brightness (grey levels)",
            "noise level (grey levels)",
        );
        let measured = fit
            .groups
            .iter()
            .map(|[mean, level]| (255.0 * mean, Some(255.0 * level)));
        plot.series.push(Series::new("smooth blocks", measured));
        let law = (0..POINTS).map(|n| {
            let x = f64::from(n) / f64::from(POINTS - 1);
            (255.0 * x, Some(255.0 * fit.law.variance(x).sqrt()))
        });
        plot.series.push(Series::new(format!("sqrt({})", fit.law), law));
        plot.write(path)?;
        Ok(true)
    }
}

/// Ending of a plot's file.
pub const PLOT: &str = ".noise.svg";

/// The noise of one image, as the JSON has it.
#[derive(Serialize)]
pub struct Found {
    /// Name of the image.
    pub name: String,
    /// What was found.
    #[serde(flatten)]
    pub report: NoiseReport,
    /// The plot's file.
    pub plot: Option<String>,
}

/// Reads an image and finds its noise; with `out` a plot goes into that folder.
///
/// # Errors
/// If the image cannot be read or holds too little to estimate from, or the plot cannot be written.
pub fn found(
    input: &Input,
    color: ColorMode,
    out: Option<&Path>,
    device: &Device,
    events: &dyn Events,
) -> Result<Found> {
    let loaded = events.read_image(&input.path, color)?;
    let image = loaded.image(device)?;
    single(image.dims())?;
    let report = report(&image, loaded.compression.as_ref())?;
    let mut plot = None;
    if let Some(out) = out {
        let path = output::path_in(out, &input.stem(), PLOT)?;
        plot = report
            .write_plot(&input.name, &path)?
            .then(|| path.display().to_string());
    }
    Ok(Found {
        name: input.name.clone(),
        report,
        plot,
    })
}
