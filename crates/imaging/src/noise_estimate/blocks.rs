//! The discrete cosine transform of 8x8 blocks.

use std::sync::LazyLock;

/// Side of a block: that of JPEG.
pub(super) const SIDE: usize = 8;

/// Coefficients of a block, row by row; the first is the mean times 8.
pub(super) type Coefficients = [f64; SIDE * SIDE];

/// BASIS\[k\]\[n\] = c_k cos(pi (2n + 1) k / 16), orthonormal (DCT-II; ITU-T T.81, A.3.3, has the same scale).
static BASIS: LazyLock<[[f64; SIDE]; SIDE]> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        let scale = if k == 0 { 1.0 / 8f64.sqrt() } else { 0.5 };
        std::array::from_fn(|n| scale * (std::f64::consts::PI * (2 * n + 1) as f64 * k as f64 / 16.0).cos())
    })
});

/// Calls `f` with the coefficients of each block of a plane of `rows` x `cols` values whose corners are `step` apart,
/// and with the least and the largest value in it.
pub(super) fn for_each(
    plane: &[f64],
    [rows, cols]: [usize; 2],
    step: usize,
    mut f: impl FnMut(&Coefficients, [f64; 2]),
) {
    let basis = &*BASIS;
    let starts = |size: usize| (0..(size + 1).saturating_sub(SIDE)).step_by(step);
    for top in starts(rows) {
        for left in starts(cols) {
            let row = |i: usize| &plane[(top + i) * cols + left..][..SIDE];
            let mut range = [f64::INFINITY, f64::NEG_INFINITY];
            // Along the rows first: half[i][l] = sum_j p[i][j] basis[l][j].
            let half: [[f64; SIDE]; SIDE] = std::array::from_fn(|i| {
                let row = row(i);
                for &value in row {
                    range = [range[0].min(value), range[1].max(value)];
                }
                std::array::from_fn(|l| row.iter().zip(&basis[l]).map(|(p, b)| p * b).sum())
            });
            let coefficients = std::array::from_fn(|n| {
                let (k, l) = (n / SIDE, n % SIDE);
                (0..SIDE).map(|i| half[i][l] * basis[k][i]).sum()
            });
            f(&coefficients, range);
        }
    }
}

/// The frequencies whose distance from the zero frequency, in half periods a block, is in \[from, below).
pub(super) fn frequencies(from: f64, below: f64) -> Vec<usize> {
    let distance = |n: usize| ((n / SIDE) as f64).hypot((n % SIDE) as f64);
    (0..SIDE * SIDE)
        .filter(|&n| distance(n) >= from && distance(n) < below)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transform keeps the norm, a constant has one coefficient, and a cosine of the basis has its own.
    #[test]
    fn known_coefficients() {
        let plane: Vec<f64> = (0..8 * 9).map(|n| ((n * n) % 23) as f64).collect();
        let mut count = 0;
        for_each(&plane, [8, 9], 1, |c, _| {
            let corner = count;
            count += 1;
            let block = (0..8).flat_map(|i| plane[i * 9 + corner..][..8].to_vec());
            let norm: f64 = block.map(|p| p * p).sum();
            assert!((c.iter().map(|c| c * c).sum::<f64>() - norm).abs() < 1e-9 * norm);
        });
        assert_eq!(count, 2);
        let wave = |i: usize, j: usize| {
            let cos = |n: usize, k: f64| (std::f64::consts::PI * (2 * n + 1) as f64 * k / 16.0).cos();
            3.0 + 2.0 * cos(i, 5.0) * cos(j, 2.0)
        };
        let plane: Vec<f64> = (0..64).map(|n| wave(n / 8, n % 8)).collect();
        for_each(&plane, [8, 8], 8, |c, range| {
            for (n, c) in c.iter().enumerate() {
                let expected = match n {
                    0 => 24.0,
                    42 => 8.0,
                    _ => 0.0,
                };
                assert!((c - expected).abs() < 1e-12, "{n}: {c}");
            }
            assert!(range[0] >= 1.0 && range[1] <= 5.0);
        });
        for_each(&[0.0; 49], [7, 7], 1, |_, _| panic!("no block fits"));
    }
}
