//! Sampling masks, row order, zero frequency at [0, 0].

use tweedie_imaging::random::{choose, generator};

use crate::Error;
use crate::host::{parameter, require_domain};

/// A mask that keeps a random choice of round(`keep` H W) frequencies, the zero frequency among them.
///
/// # Errors
/// If a size is zero, or unless 0 < `keep` <= 1.
pub fn random_mask([rows, cols]: [usize; 2], keep: f64, seed: u64) -> Result<Vec<f32>, Error> {
    let kept = count("random mask", [rows, cols], rows * cols, keep)?;
    let mut mask = vec![0.0; rows * cols];
    mask[0] = 1.0;
    for index in choose(kept - 1, rows * cols - 1, &mut generator(seed)) {
        mask[index + 1] = 1.0;
    }
    Ok(mask)
}

/// A Cartesian mask: round(`keep` W) whole columns (frequencies along the rows), of which round(`center` W) are the lowest and the others
/// a random choice; the fastMRI layout.
///
/// # Errors
/// If a size is zero, unless 0 < `keep` <= 1, or `center` is not in \[0, `keep`\].
pub fn cartesian_mask([rows, cols]: [usize; 2], keep: f64, center: f64, seed: u64) -> Result<Vec<f32>, Error> {
    let kept = count("cartesian mask", [rows, cols], cols, keep)?;
    if !(0.0..=keep).contains(&center) {
        let expected = format!("a central share between 0 and {keep}");
        return Err(parameter("cartesian mask", expected, center.to_string()));
    }
    let low = ((center * cols as f64).round() as usize).min(kept);
    // Columns from the lowest frequency outwards: 0, 1, -1, 2, -2, ...
    let outwards = |n: usize| {
        if n % 2 == 1 {
            n.div_ceil(2)
        } else {
            (cols - n / 2) % cols
        }
    };
    let mut sampled: Vec<usize> = (0..low).collect();
    sampled.extend(
        choose(kept - low, cols - low, &mut generator(seed))
            .iter()
            .map(|n| n + low),
    );
    let mut mask = vec![0.0; rows * cols];
    for n in sampled {
        for row in mask.chunks_exact_mut(cols) {
            row[outwards(n)] = 1.0;
        }
    }
    Ok(mask)
}

/// A mask with the zero frequency in the middle, at (floor(H/2), floor(W/2)), as it is usually drawn, from one with the zero
/// frequency at \[0, 0\] and back: `fftshift` if `to_center`, else `ifftshift`.
///
/// # Errors
/// If the mask has not `rows * cols` values.
pub fn centered_mask(mask: &[f32], [rows, cols]: [usize; 2], to_center: bool) -> Result<Vec<f32>, Error> {
    require_domain("centered mask", [1, rows, cols])?;
    if mask.len() != rows * cols {
        return Err(parameter(
            "centered mask",
            format!("{rows} x {cols} values"),
            mask.len().to_string(),
        ));
    }
    let shift = |size: usize| if to_center { size - size / 2 } else { size / 2 };
    let (down, right) = (shift(rows), shift(cols));
    Ok((0..mask.len())
        .map(|n| mask[(n / cols + down) % rows * cols + (n % cols + right) % cols])
        .collect())
}

fn count(operation: &'static str, [rows, cols]: [usize; 2], total: usize, keep: f64) -> Result<usize, Error> {
    require_domain(operation, [1, rows, cols])?;
    if !(keep > 0.0 && keep <= 1.0) {
        return Err(parameter(operation, "a share in (0, 1]".into(), keep.to_string()));
    }
    Ok(((keep * total as f64).round() as usize).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cartesian_masks_hold_whole_columns_and_the_low_frequencies() {
        let mask = cartesian_mask([3, 10], 0.5, 0.3, 1).unwrap();
        assert_eq!(mask.iter().sum::<f32>(), 15.0);
        assert_eq!(mask[..10], mask[10..20]);
        assert_eq!(
            [mask[0], mask[1], mask[9]],
            [1.0; 3],
            "0, 1 and -1 are the three lowest"
        );
    }

    #[test]
    fn random_masks_keep_the_share_and_the_mean() {
        let mask = random_mask([8, 10], 0.3, 1).unwrap();
        assert_eq!((mask[0], mask.iter().sum::<f32>()), (1.0, 24.0));
        assert!(random_mask([8, 10], 0.0, 1).is_err() && random_mask([8, 10], f64::NAN, 1).is_err());
    }

    #[test]
    fn centering_moves_the_zero_frequency_and_back() {
        for dims in [[4, 5], [3, 6], [1, 1]] {
            let mut mask = random_mask(dims, 0.4, 2).unwrap();
            let centered = centered_mask(&mask, dims, true).unwrap();
            assert_eq!(centered_mask(&centered, dims, false).unwrap(), mask);
            mask.fill(0.0);
            mask[0] = 1.0;
            let centered = centered_mask(&mask, dims, true).unwrap();
            assert_eq!(centered[dims[0] / 2 * dims[1] + dims[1] / 2], 1.0);
        }
    }
}
