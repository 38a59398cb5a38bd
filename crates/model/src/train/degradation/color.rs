//! Luma and chroma.

/// Y, Cb, Cr of JFIF (ITU-T T.871) in place of R, G, B, plane by plane; chroma is 0 for gray.
pub(super) fn ycc_from_rgb(planes: &mut [f32]) {
    transform(planes, |[r, g, b]| {
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        [y, (b - y) / 1.772, (r - y) / 1.402]
    });
}

/// The inverse of [`ycc_from_rgb`].
pub(super) fn rgb_from_ycc(planes: &mut [f32]) {
    transform(planes, |[y, cb, cr]| {
        let (r, b) = (y + 1.402 * cr, y + 1.772 * cb);
        [r, (y - 0.299 * r - 0.114 * b) / 0.587, b]
    });
}

fn transform(planes: &mut [f32], pixel: impl Fn([f32; 3]) -> [f32; 3]) {
    let count = planes.len() / 3;
    let (first, rest) = planes.split_at_mut(count);
    let (second, third) = rest.split_at_mut(count);
    for ((a, b), c) in first.iter_mut().zip(second).zip(third) {
        [*a, *b, *c] = pixel([*a, *b, *c]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroma_of_gray_is_zero_and_the_inverse_is_one() {
        let mut values = vec![0.2, 0.7, 0.2, 0.1, 0.2, 0.9];
        let rgb = values.clone();
        ycc_from_rgb(&mut values);
        assert!((values[0] - 0.2).abs() < 1e-6 && values[2].abs() < 1e-6 && values[4].abs() < 1e-6);
        assert!((values[1] - 0.3706).abs() < 1e-4, "{}", values[1]);
        rgb_from_ycc(&mut values);
        assert!(values.iter().zip(rgb).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
