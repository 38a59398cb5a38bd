//! Sums of partial results in an order that does not depend on the threads.

use rayon::prelude::*;

/// Floats that one task sums: a few microseconds of work.
const TASK: usize = 4096;

/// Adds all chunks of `len` floats to the first, in order, and drops the others.
pub(crate) fn sum_chunks(results: &mut Vec<f32>, len: usize) {
    let (total, others) = results.split_at_mut(len);
    total.par_chunks_mut(TASK).enumerate().for_each(|(task, total)| {
        for chunk in others.chunks_exact(len) {
            total
                .iter_mut()
                .zip(&chunk[task * TASK..])
                .for_each(|(total, v)| *total += v);
        }
    });
    results.truncate(len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_summed() {
        for (len, chunks) in [(3, 1), (3, 4), (TASK + 5, 3)] {
            let mut results: Vec<f32> = (0..len * chunks).map(|i| (i % len + i / len) as f32).collect();
            sum_chunks(&mut results, len);
            let expected: Vec<f32> = (0..len)
                .map(|i| (chunks * i + chunks * (chunks - 1) / 2) as f32)
                .collect();
            assert_eq!(results, expected);
        }
    }
}
