//! The noise of a measurement, from what each task measures.

use tweedie_imaging::{
    Image, JpegCompression, Sigma, estimate_correlated_noise, estimate_law, estimate_noise as estimate_of_image,
    estimate_white_noise, image_from_vec, vec_from_image,
};

use crate::Result;
use crate::degradation::Degradation;
use crate::error::bail;
use crate::noise_level::{DENOISING, INVERTING, Noise, measured_white};
use crate::noise_option::NoiseOption;
use crate::task::Task;

/// Side of the tiles of known pixels from which a picture with holes is put together.
const TILE: usize = 16;

/// Fewer tiles than this tell less than neighbouring pixels do.
const TILES: usize = 36;

/// Share of the windows of neighbouring pixels that are taken to be smooth.
const SMOOTH: f64 = 0.1;

/// The noise of a measurement that `--noise` asks to estimate; `auto` for what gives a model without a measurement.
///
/// # Errors
/// If the measurement tells no noise: too few smooth places, too few neighbouring known pixels, random projections.
pub fn estimate_noise(
    option: &NoiseOption,
    task: &Task,
    y: &Image,
    compression: Option<&JpegCompression>,
) -> Result<Noise> {
    match option {
        // The images of a batch are denoised at one level.
        NoiseOption::Auto if y.dims()[0] > 1 => {
            let levels = estimate_white_noise(y)?;
            let mean = levels.iter().map(|level| level.value()).sum::<f64>() / levels.len() as f64;
            let rests_on = "estimated from smooth 7x7 patches, mean of the batch".to_owned();
            Ok(measured_white(Sigma::new(mean)?, rests_on))
        }
        NoiseOption::PoissonGaussianAuto if compression.is_some() => {
            bail!(
                "--noise {option}: expected a file without JPEG's losses, which hide gain and sigma; try auto, or give both"
            )
        }
        NoiseOption::PoissonGaussianAuto => match estimate_law(y)? {
            Some(fit) => Noise::of_law(&fit, y),
            None => bail!("--noise {option}: expected smooth places in the picture, found too few"),
        },
        NoiseOption::Correlated => Noise::of_estimate(&estimate_correlated_noise(y)?, DENOISING),
        _ => estimate_measured(task, y, compression),
    }
}

/// Estimates the noise of a measurement of this task. The picture that is looked at:
///
/// * denoise, deblur, sr, radon: the measurement itself;
/// * inpaint: 16x16 tiles in which every pixel is known, side by side; where the mask leaves fewer than 36 of them, second
///   differences of three known pixels in a row ([`scattered`]);
/// * demosaic: the four pixels of the Bayer pattern as four pictures of half the size;
/// * csmri: measured frequencies beyond 0.8 of the highest, where pictures hold next to nothing ([`high_frequencies`]).
///
/// # Errors
/// For compressed sensing, whose values are no picture, and where too little is known.
fn estimate_measured(task: &Task, y: &Image, compression: Option<&JpegCompression>) -> Result<Noise> {
    let [_, channels, rows, cols] = y.dims();
    match &task.degradation {
        Degradation::Noise | Degradation::Blur { .. } | Degradation::Decimation { .. } => {
            let share = match task.degradation {
                Degradation::Noise => DENOISING,
                _ => INVERTING,
            };
            Noise::of_estimate(&estimate_of_image(y, compression)?, share)
        }
        Degradation::Lines { .. } => {
            let level = estimate_white_noise(y)?[0];
            Ok(measured_white(
                level,
                "estimated from smooth patches of the sinogram".to_owned(),
            ))
        }
        Degradation::Holes(pixels) => {
            let mask = pixels.values([rows, cols], task.seed)?;
            if let Some(known) = known_tiles(y, &mask)? {
                let mut noise = Noise::of_estimate(&estimate_of_image(&known, compression)?, INVERTING)?;
                noise.used.rests_on.push_str(", among known pixels");
                return Ok(noise);
            }
            let values = vec_from_image(y)?;
            let planes = values.chunks_exact(rows * cols);
            let variances: Option<Vec<f64>> = planes.map(|plane| scattered(plane, &mask, [rows, cols])).collect();
            match variances {
                Some(variances) => {
                    let mean = variances.iter().sum::<f64>() / channels as f64;
                    let rests_on = "estimated from second differences of known pixels in a row".to_owned();
                    Ok(measured_white(Sigma::new(mean.sqrt())?, rests_on))
                }
                None => bail!("--noise auto: expected known pixels side by side, found too few; give a level"),
            }
        }
        Degradation::Bayer(_) => {
            let values = vec_from_image(y)?;
            let mut sum = 0.0;
            for (top, left) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let (h, w) = (rows / 2, cols / 2);
                let pixel = |n: usize| {
                    let (i, j) = (top + 2 * (n / w), left + 2 * (n % w));
                    values[i * cols + j]
                };
                let plane = image_from_vec((0..h * w).map(pixel).collect(), [1, 1, h, w], &y.device())?;
                sum += estimate_white_noise(&plane)?[0].value().powi(2);
            }
            let rests_on = "estimated from smooth patches of the sensor's four colours".to_owned();
            Ok(measured_white(Sigma::new((sum / 4.0).sqrt())?, rests_on))
        }
        Degradation::Fourier(pixels, _) => {
            let mask = pixels.values([rows, cols], task.seed)?;
            match high_frequencies(&vec_from_image(y)?, &mask, [rows, cols]) {
                Some(level) => {
                    let rests_on = "estimated from measured frequencies near the highest".to_owned();
                    Ok(measured_white(Sigma::new(level)?, rests_on))
                }
                None => {
                    bail!("--noise auto: expected measured frequencies near the highest, found too few; give a level")
                }
            }
        }
        Degradation::Coefficients { .. } => {
            bail!("--noise auto: expected a level for --task compressed, whose values are no picture")
        }
        Degradation::Operator(_) => bail!("noise auto: expected a level for an operator of your own"),
    }
}

/// The tiles in which every pixel is known, side by side in a nearly square image; `None` if they are few.
fn known_tiles(y: &Image, mask: &[f32]) -> Result<Option<Image>> {
    let [_, channels, rows, cols] = y.dims();
    let is_known = |top: usize, left: usize| {
        (top..top + TILE).all(|i| mask[i * cols + left..][..TILE].iter().all(|&known| known != 0.0))
    };
    // Corners on the grid of JPEG's blocks.
    let corners = |size: usize| (0..(size + 1).saturating_sub(TILE)).step_by(TILE);
    let known: Vec<[usize; 2]> = corners(rows)
        .flat_map(|top| corners(cols).map(move |left| [top, left]))
        .filter(|&[top, left]| is_known(top, left))
        .collect();
    if known.len() < TILES {
        return Ok(None);
    }
    let side = known.len().isqrt();
    let values = vec_from_image(y)?;
    let width = side * TILE;
    let mut tiles = vec![0.0; channels * width * width];
    for channel in 0..channels {
        for (n, &[top, left]) in known.iter().take(side * side).enumerate() {
            for i in 0..TILE {
                let from = (channel * rows + top + i) * cols + left;
                let to = (channel * width + n / side * TILE + i) * width + n % side * TILE;
                tiles[to..to + TILE].copy_from_slice(&values[from..from + TILE]);
            }
        }
    }
    Ok(Some(image_from_vec(tiles, [1, channels, width, width], &y.device())?))
}

/// The noise's variance in a plane of which scattered pixels are known: the mean of (a - 2b + c)^2 / 6 over three known pixels in a row
/// or column, in the smoothest tenth of 16x16 windows. `None` if fewer than ten windows hold 8 triples.
///
/// The smoothest windows lie below the mean by their own scatter: of m triples the variance scatters by sqrt(2 / m), and the mean
/// of the lowest tenth of Gaussian values lies 1.75 standard deviations below theirs.
fn scattered(plane: &[f32], mask: &[f32], [rows, cols]: [usize; 2]) -> Option<f64> {
    let (across, down) = (cols.div_ceil(TILE), rows.div_ceil(TILE));
    let mut windows = vec![(0.0, 0usize); across * down];
    for i in 0..rows {
        for j in 0..cols {
            for (step, fits) in [(1, j + 2 < cols), (cols, i + 2 < rows)] {
                let at = i * cols + j;
                if !fits || [at, at + step, at + 2 * step].iter().any(|&n| mask[n] == 0.0) {
                    continue;
                }
                let [a, b, c] = [at, at + step, at + 2 * step].map(|n| f64::from(plane[n]));
                let window = &mut windows[i / TILE * across + j / TILE];
                window.0 += (a - 2.0 * b + c).powi(2) / 6.0;
                window.1 += 1;
            }
        }
    }
    let mut windows: Vec<(f64, usize)> = windows
        .into_iter()
        .filter(|&(_, count)| count >= 8)
        .map(|(sum, count)| (sum / count as f64, count))
        .collect();
    if windows.len() < 10 {
        return None;
    }
    windows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = (SMOOTH * windows.len() as f64).ceil() as usize;
    let smooth = &windows[..count];
    let mean = smooth.iter().map(|window| window.0).sum::<f64>() / count as f64;
    let triples = smooth.iter().map(|window| window.1 as f64).sum::<f64>() / count as f64;
    Some(mean / (1.0 - 1.75 * (2.0 / triples).sqrt()).max(0.3))
}

/// The noise's level from the measured frequencies (zero frequency first) beyond 0.8 of the highest: their median size over 0.6745.
/// `None` if fewer than 100 are measured there.
fn high_frequencies(values: &[f32], mask: &[f32], [rows, cols]: [usize; 2]) -> Option<f64> {
    let frequency = |n: usize, size: usize| n.min(size - n) as f64 / (size as f64 / 2.0);
    let mut sizes: Vec<f64> = values
        .chunks_exact(rows * cols)
        .flat_map(|plane| plane.iter().zip(mask).enumerate())
        .filter(|&(n, (_, &known))| {
            known != 0.0 && f64::max(frequency(n / cols, rows), frequency(n % cols, cols)) > 0.8
        })
        .map(|(_, (&value, _))| f64::from(value).abs())
        .collect();
    if sizes.len() < 100 {
        return None;
    }
    sizes.sort_by(f64::total_cmp);
    Some(sizes[sizes.len() / 2] / 0.6745)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;
    use crate::degradation::Pixels;

    fn ramp(channels: usize, side: usize) -> Image {
        let values = (0..channels * side * side)
            .map(|n| 0.3 + 0.3 * (n % side) as f32 / side as f32)
            .collect();
        image_from_vec(values, [1, channels, side, side], &Device::flex()).unwrap()
    }

    /// Noise of 8 grey levels on a ramp is found to 15 % by every task that can tell it.
    #[test]
    fn each_task_tells_its_noise() {
        let given = |share: f32| {
            let values = (0..128 * 128)
                .map(|n| f32::from(n % 128 < 118 || share > 0.5))
                .collect();
            Pixels::Given {
                rows: 128,
                cols: 128,
                values,
                path: "m.png".into(),
            }
        };
        let all = vec![1.0; 128 * 128];
        let cases = [
            ("scratches", 3, Degradation::Holes(given(0.0))),
            (
                "half of the pixels",
                3,
                Degradation::Holes(Pixels::Random { keep: 0.5 }),
            ),
            ("demosaic", 3, Degradation::Bayer("rggb".parse().unwrap())),
            (
                "csmri",
                1,
                Degradation::Fourier(
                    Pixels::Given {
                        rows: 128,
                        cols: 128,
                        values: all,
                        path: "m.png".into(),
                    },
                    None,
                ),
            ),
        ];
        for (name, channels, degradation) in cases {
            let task = Task::new(degradation, 8.0, 1).unwrap();
            let clean = ramp(channels, 128);
            let operator = task.operator([channels, 128, 128]).unwrap();
            let y = task.measure(operator.as_ref(), clean, "a").unwrap();
            let found = estimate_measured(&task, &y, None).unwrap().used.level_grey_levels;
            println!("{name}: {found}");
            assert!((found / 8.0 - 1.0).abs() < 0.15, "{name}: {found}");
        }
        let task = Task::new(Degradation::Coefficients { ratio: 0.5 }, 8.0, 1).unwrap();
        assert!(estimate_measured(&task, &ramp(1, 16), None).is_err());
        let task = Task::new(Degradation::Holes(Pixels::Random { keep: 0.02 }), 8.0, 1).unwrap();
        assert!(estimate_measured(&task, &ramp(1, 64), None).is_err());
    }

    #[test]
    fn scattered_pixels_without_noise_have_none() {
        let plane: Vec<f32> = (0..64 * 64).map(|n| (n % 64) as f32 / 64.0).collect();
        let mask: Vec<f32> = gaussian_values(64 * 64, 1.0, 1, 1)
            .iter()
            .map(|&v| f32::from(v > 0.0))
            .collect();
        assert!(scattered(&plane, &mask, [64, 64]).unwrap() < 1e-10);
    }
}
