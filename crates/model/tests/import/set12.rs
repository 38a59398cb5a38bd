//! PSNR on Set12 with the noise of the references.

use burn::tensor::Device;
use tweedie_imaging::{ColorMode, Denoiser, Sigma, psnr, read_image};
use tweedie_testing::shared_data;

use super::golden::{FILES, denoiser, image};

/// A row of `psnr_per_image.csv`: network, level, image, PSNR of the output clipped to [0, 1].
fn rows(text: &str) -> impl Iterator<Item = (&str, f64, &str, f64)> {
    text.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let &[network, "Set12", sigma, name, _, _, clipped, _] = fields.as_slice() else {
            return None;
        };
        Some((network, sigma.parse().ok()?, name, clipped.parse().ok()?))
    })
}

/// Compares some or all of the images; the largest difference and the number of comparisons. Prints a table of means.
fn compare(is_wanted: impl Fn(&str, &str) -> bool) -> (f64, usize) {
    let (weights, golden) = (shared_data("data/weights"), shared_data("data/golden"));
    let images = shared_data("data/images/Set12");
    let csv = std::fs::read_to_string(golden.join("psnr_per_image.csv")).unwrap();
    let (mut worst, mut count) = (0.0f64, 0);
    println!(
        "| file | sigma | images | PSNR (dB) | reference (dB) | largest difference of an image (dB) |\n|---|---|---|---|---|---|"
    );
    for file in &FILES {
        let mut levels: Vec<f64> = rows(&csv).filter(|row| row.0 == file.golden).map(|row| row.1).collect();
        levels.dedup();
        for level in levels {
            let wanted = rows(&csv).filter(|row| (row.0, row.1) == (file.golden, level) && is_wanted(row.0, row.2));
            let (denoiser, sigma) = denoiser(&weights.join(file.file), level);
            let mut pairs = Vec::new();
            for (_, _, name, expected) in wanted {
                let loaded = read_image(&images.join(name), ColorMode::Gray).unwrap();
                let clean = loaded.image(&Device::flex()).unwrap();
                let noise = image(&golden.join("noise_set12").join(name).with_extension("npy"));
                let noisy = clean.clone() + noise * Sigma::from_grey_levels(level).unwrap().value();
                let got = psnr(&denoiser.denoise(noisy, sigma).unwrap(), &clean).unwrap()[0];
                pairs.push((got, expected));
            }
            if pairs.is_empty() {
                continue;
            }
            let mean = |value: fn(&(f64, f64)) -> f64| pairs.iter().map(value).sum::<f64>() / pairs.len() as f64;
            let largest = pairs.iter().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            println!(
                "| {} | {level} | {} | {:.3} | {:.3} | {largest:.4} |",
                file.file,
                pairs.len(),
                mean(|pair| pair.0),
                mean(|pair| pair.1)
            );
            (worst, count) = (worst.max(largest), count + pairs.len());
        }
    }
    (worst, count)
}

/// 0.005 dB is what the references promise; the CSV has four decimals.
const TOLERANCE_DB: f64 = 0.005;

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn one_image_of_set12_agrees_for_every_file() {
    let (worst, count) = compare(|_, name| name == "02.png");
    assert!(
        count >= FILES.len() - 2 && worst < TOLERANCE_DB,
        "{count} compared, {worst} dB"
    );
}

/// `scripts/check_peers` runs this; it takes minutes.
#[test]
#[ignore = "takes minutes: scripts/check_peers"]
fn all_of_set12_agrees_for_every_file() {
    let (worst, count) = compare(|_, _| true);
    assert!(
        count > 12 * FILES.len() - 24 && worst < TOLERANCE_DB,
        "{count} compared, {worst} dB"
    );
}
