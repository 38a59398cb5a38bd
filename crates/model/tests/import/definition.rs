//! The networks by their definitions, in f64.

use super::made::Array;

/// Maps [channel][row][column].
pub type Maps = Vec<Vec<Vec<f64>>>;

/// Cross-correlation with a 3x3 kernel [out, in, row, column]; beyond the border is 0, or the image again.
pub fn convolve(x: &Maps, (dims, weight): &Array, bias: Option<&[f32]>, circular: bool) -> Maps {
    let (rows, columns) = (x[0].len(), x[0][0].len());
    let at = |c: usize, row: isize, column: isize| {
        let (h, w) = (rows as isize, columns as isize);
        if circular {
            x[c][row.rem_euclid(h) as usize][column.rem_euclid(w) as usize]
        } else if (0..h).contains(&row) && (0..w).contains(&column) {
            x[c][row as usize][column as usize]
        } else {
            0.0
        }
    };
    let value = |o: usize, row: usize, column: usize| {
        let mut sum = bias.map_or(0.0, |bias| f64::from(bias[o]));
        for c in 0..dims[1] {
            for tap in 0..9 {
                let weight = f64::from(weight[(o * dims[1] + c) * 9 + tap]);
                let (dy, dx) = (tap as isize / 3 - 1, tap as isize % 3 - 1);
                sum += weight * at(c, row as isize + dy, column as isize + dx);
            }
        }
        sum
    };
    maps([dims[0], rows, columns], value)
}

pub fn maps([channels, rows, columns]: [usize; 3], value: impl Fn(usize, usize, usize) -> f64) -> Maps {
    (0..channels)
        .map(|c| {
            (0..rows)
                .map(|row| (0..columns).map(|column| value(c, row, column)).collect())
                .collect()
        })
        .collect()
}

/// f of the channel and the value, everywhere.
pub fn map(x: &Maps, f: impl Fn(usize, f64) -> f64) -> Maps {
    maps([x.len(), x[0].len(), x[0][0].len()], |c, row, column| {
        f(c, x[c][row][column])
    })
}

pub fn relu(x: &Maps) -> Maps {
    map(x, |_, value| value.max(0.0))
}

/// (x - mean) / sqrt(variance + 1e-5) * weight + bias.
pub fn batch_norm(x: &Maps, [weight, bias, mean, variance]: [&[f32]; 4]) -> Maps {
    map(x, |c, value| {
        let wide = |part: &[f32]| f64::from(part[c]);
        (value - wide(mean)) / (wide(variance) + 1e-5).sqrt() * wide(weight) + wide(bias)
    })
}
