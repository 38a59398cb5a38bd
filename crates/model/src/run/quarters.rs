//! Images cut into four overlapping quarters, as deepinv and KAIR do with sizes that a network does not divide.

use burn::tensor::Tensor;

/// Whether an image of this size is cut: its sides are at least `side` and not both multiples of an eighth of it.
pub(crate) fn are_needed([h, w]: [usize; 2], side: usize) -> bool {
    let cell = side / 8;
    h.min(w) >= side && !(h.is_multiple_of(cell) && w.is_multiple_of(cell))
}

/// Applies `f` to the four quarters of the images and puts together what each gives for its fourth of them.
///
/// The sides of a quarter are the least multiples of `side` above half of those of the image; the first one starts at the
/// beginning of the image, the second one ends at its end.
pub(crate) fn map_quarters(x: Tensor<4>, side: usize, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let rows = halves(h, side).map(|[start, first, len]| {
        let columns = halves(w, side).map(|[left, inner, width]| {
            let quarter = x
                .clone()
                .narrow(2, start, length(h, side))
                .narrow(3, left, length(w, side));
            f(quarter).narrow(2, first, len).narrow(3, inner, width)
        });
        Tensor::cat(columns.to_vec(), 3)
    });
    Tensor::cat(rows.to_vec(), 2)
}

fn length(size: usize, side: usize) -> usize {
    (size / 2 / side + 1) * side
}

/// Of both halves of an axis: where the part begins, and where in it the pixels begin that are kept, and their number.
fn halves(size: usize, side: usize) -> [[usize; 3]; 2] {
    let (middle, length) = (size / 2, length(size, side));
    let start = size - length;
    [[0, 0, middle], [start, middle - start, size - middle]]
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// Parts of 64 from 70, of 128 from 131 and of 192 from 333 (166 / 64 + 1 = 3), as deepinv counts.
    #[test]
    fn halves_are_deepinvs() {
        assert_eq!(halves(70, 64), [[0, 0, 35], [6, 29, 35]]);
        assert_eq!(halves(131, 64), [[0, 0, 65], [3, 62, 66]]);
        assert_eq!(halves(333, 64), [[0, 0, 166], [141, 25, 167]]);
        assert!(are_needed([333, 500], 64) && are_needed([64, 71], 64));
        assert!(!are_needed([63, 71], 64) && !are_needed([328, 504], 64));
    }

    #[test]
    fn an_image_is_put_together_again() {
        let values: Vec<f32> = (0..3 * 70 * 131).map(|i| i as f32).collect();
        let x = Tensor::<4>::from_data(TensorData::new(values, [1, 3, 70, 131]), &Device::flex());
        let same = map_quarters(x.clone(), 64, |part| {
            assert_eq!(part.dims(), [1, 3, 64, 128]);
            part
        });
        same.into_data().assert_eq(&x.into_data(), true);
    }
}
