//! What the classical denoisers share: passage between tensors and planes, checks, mirrored borders.

use crate::{DenoiserInfo, Error, HostDenoiser, Image, Sigma, SigmaSupport, image_from_vec, vec_from_image};

/// The facts of a classical denoiser.
pub(super) fn info(name: &str, sigma: SigmaSupport, receptive_field: usize) -> DenoiserInfo {
    DenoiserInfo {
        name: name.to_owned(),
        channels: 0,
        sigma,
        receptive_field,
        weights_sha256: None,
    }
}

/// Noise levels from none to the whole range of an image.
pub(super) fn any_level() -> SigmaSupport {
    let level = |grey_levels| Sigma::from_grey_levels(grey_levels).expect("finite and not negative");
    SigmaSupport::Range {
        min: level(0.0),
        max: level(255.0),
    }
}

/// [`crate::Denoiser::denoise`] of a denoiser that works on the host.
pub(super) fn denoise(denoiser: &dyn HostDenoiser, x: Image, sigma: Sigma) -> Result<Image, Error> {
    let (dims, device) = (x.dims(), x.device().without_autodiff());
    let values: Vec<f64> = vec_from_image(&x.without_autodiff())?
        .into_iter()
        .map(f64::from)
        .collect();
    let denoised = denoiser.denoise_values(&values, dims, sigma)?;
    image_from_vec(denoised.into_iter().map(|v| v as f32).collect(), dims, &device)
}

/// The index in `0..n` that stands for `index` beyond a border mirrored at the pixels' edge: ... 1 0 | 0 1 ... n-1 | n-1 ...
pub(super) fn mirrored(index: isize, n: usize) -> usize {
    let period = 2 * n as isize;
    let inside = index.rem_euclid(period);
    (if inside < n as isize {
        inside
    } else {
        period - 1 - inside
    }) as usize
}

/// The plane with `before` mirrored rows and columns in front, and so many behind that it has `size`.
pub(super) fn mirror_pad(plane: &[f64], [rows, cols]: [usize; 2], before: usize, size: [usize; 2]) -> Vec<f64> {
    let at = |index: usize, n: usize| mirrored(index as isize - before as isize, n);
    let mut padded = Vec::with_capacity(size[0] * size[1]);
    for row in 0..size[0] {
        let line = &plane[at(row, rows) * cols..][..cols];
        padded.extend((0..size[1]).map(|col| line[at(col, cols)]));
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_mirrored_as_often_as_needed() {
        let found: Vec<usize> = (-4..6).map(|index| mirrored(index, 3)).collect();
        assert_eq!(found, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0]);
        assert_eq!(
            mirror_pad(&[1.0, 2.0], [1, 2], 1, [2, 4]),
            [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]
        );
        assert_eq!(mirror_pad(&[7.0], [1, 1], 2, [1, 5]), [7.0; 5]);
    }
}
