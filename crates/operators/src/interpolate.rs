//! Interpolation on a finer grid.

use tweedie_imaging::keys_cubic;

/// Four neighbours and weights for each of the `s` n positions (i - first) / s; neighbours beyond the border are the border's.
fn taps(n: usize, s: usize, first: f64) -> Vec<[(usize, f64); 4]> {
    (0..n * s)
        .map(|i| {
            let position = (i as f64 - first) / s as f64;
            let (base, phase) = (position.floor(), position - position.floor());
            std::array::from_fn(|k| {
                // Neighbour base + k - 1.
                let index = (base + k as f64 - 1.0).clamp(0.0, (n - 1) as f64) as usize;
                (index, keys_cubic(phase - (k as f64 - 1.0)))
            })
        })
        .collect()
}

/// Cubic interpolation of a `rows` x `cols` plane by `s`, where small pixel (i, j) lies at large pixel
/// (s i + first\[0\], s j + first\[1\]).
pub(crate) fn upsample_cubic(small: &[f32], [rows, cols]: [usize; 2], s: usize, first: [f64; 2], out: &mut [f32]) {
    let across = taps(cols, s, first[1]);
    let mut wide = vec![0.0; rows * cols * s];
    for (line, row) in wide.chunks_exact_mut(cols * s).zip(small.chunks_exact(cols)) {
        for (value, taps) in line.iter_mut().zip(&across) {
            *value = taps.iter().map(|&(j, weight)| f64::from(row[j]) * weight).sum::<f64>();
        }
    }
    for (line, taps) in out.chunks_exact_mut(cols * s).zip(taps(rows, s, first[0])) {
        for (j, value) in line.iter_mut().enumerate() {
            *value = taps
                .iter()
                .map(|&(i, weight)| wide[i * cols * s + j] * weight)
                .sum::<f64>() as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_samples_and_reproduces_quadratics_inside() {
        let (rows, cols, s) = (6, 7, 3);
        let f = |i: f64, j: f64| 0.3 + 0.2 * i - 0.1 * j + 0.05 * i * i + 0.02 * j * j;
        let small: Vec<f32> = (0..rows * cols)
            .map(|n| f((n / cols) as f64, (n % cols) as f64) as f32)
            .collect();
        let mut out = vec![0.0; rows * cols * s * s];
        upsample_cubic(&small, [rows, cols], s, [0.0; 2], &mut out);
        for i in 0..rows * s {
            for j in 0..cols * s {
                let got = out[i * cols * s + j];
                if i % s == 0 && j % s == 0 {
                    assert_eq!(got, small[i / s * cols + j / s]);
                }
                let inside = |k: usize, n: usize| k >= s && k < (n - 2) * s;
                if inside(i, rows) && inside(j, cols) {
                    let expected = f(i as f64 / s as f64, j as f64 / s as f64) as f32;
                    assert!((got - expected).abs() < 1e-5, "{i},{j}: {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_line_is_reproduced_at_any_phase() {
        let (n, s) = (9, 4);
        let small: Vec<f32> = (0..n).map(|j| j as f32).collect();
        let mut out = vec![0.0; n * s * s];
        upsample_cubic(&small, [1, n], s, [0.0, 1.5], &mut out);
        for (j, &got) in out[..n * s].iter().enumerate().skip(2 * s).take((n - 4) * s) {
            let expected = (j as f32 - 1.5) / s as f32;
            assert!((got - expected).abs() < 1e-5, "{j}: {got} {expected}");
        }
    }
}
