//! Filling unknown pixels from their neighbours.

/// The value where nothing is known: the middle of the nominal range.
const UNKNOWN: f32 = 0.5;

/// Replaces the unknown pixels of a plane, ring by ring from the known ones inwards: each takes the mean of those of its eight
/// neighbours that are known or were filled in an earlier ring. A start for iterations, not a restoration.
pub(crate) fn fill_unknown(plane: &mut [f32], rows: usize, cols: usize, known: impl Fn(usize) -> bool) {
    let mut filled: Vec<bool> = (0..plane.len()).map(known).collect();
    if !filled.contains(&true) {
        plane.fill(UNKNOWN);
        return;
    }
    let mut missing: Vec<usize> = (0..plane.len()).filter(|&index| !filled[index]).collect();
    while !missing.is_empty() {
        let mut ring = Vec::new();
        missing.retain(|&index| {
            let (row, col) = (index / cols, index % cols);
            let (mut sum, mut count) = (0.0, 0);
            for i in row.saturating_sub(1)..=(row + 1).min(rows - 1) {
                for j in col.saturating_sub(1)..=(col + 1).min(cols - 1) {
                    if filled[i * cols + j] {
                        sum += plane[i * cols + j];
                        count += 1;
                    }
                }
            }
            if count > 0 {
                ring.push((index, sum / count as f32));
            }
            count == 0
        });
        for (index, value) in ring {
            plane[index] = value;
            filled[index] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_are_filled_from_what_is_known() {
        let mut plane = vec![1.0, 9.0, 9.0, 9.0, 3.0];
        fill_unknown(&mut plane, 1, 5, |index| index == 0 || index == 4);
        assert_eq!(plane, [1.0, 1.0, 2.0, 3.0, 3.0]);
        fill_unknown(&mut plane, 1, 5, |_| false);
        assert_eq!(plane, [0.5; 5]);
    }
}
