//! Mirrored borders.

/// The index in `0..n` that stands for `index` beyond a border mirrored at the pixels' edge: ... 1 0 | 0 1 ... n-1 | n-1 ...
pub(crate) fn mirrored(index: isize, n: usize) -> usize {
    let period = 2 * n as isize;
    let inside = index.rem_euclid(period);
    (if inside < n as isize {
        inside
    } else {
        period - 1 - inside
    }) as usize
}

/// The plane with `before` mirrored rows and columns in front, and so many behind that it has `size`.
pub(crate) fn mirror_pad(plane: &[f64], [rows, cols]: [usize; 2], before: usize, size: [usize; 2]) -> Vec<f64> {
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
