//! Numbers as files store them.

use crate::files::import::wrong::Wrong;

/// A floating point type, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    F16,
    Bf16,
    F32,
    F64,
}

impl Number {
    /// Bytes per number.
    pub fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The number that `bytes`, as many as [`Self::size`], stand for.
    fn value(self, bytes: &[u8]) -> f32 {
        let bits = bytes
            .iter()
            .rev()
            .fold(0u64, |bits, &byte| (bits << 8) | u64::from(byte));
        match self {
            Self::F16 => f32_from_f16(bits as u16),
            Self::Bf16 => f32::from_bits((bits as u32) << 16),
            Self::F32 => f32::from_bits(bits as u32),
            Self::F64 => f64::from_bits(bits) as f32,
        }
    }

    /// All numbers of a byte string.
    pub fn values(self, bytes: &[u8]) -> Vec<f32> {
        bytes.chunks_exact(self.size()).map(|chunk| self.value(chunk)).collect()
    }

    /// The numbers of a strided tensor; strides and offset count elements.
    ///
    /// # Errors
    /// If an element lies outside of `bytes`.
    pub fn strided(self, bytes: &[u8], offset: usize, size: &[usize], stride: &[usize]) -> Result<Vec<f32>, Wrong> {
        let outside = || {
            Wrong::new(
                "a tensor inside its storage",
                format!("size {size:?} with strides {stride:?}"),
            )
        };
        let count = element_count(size).ok_or_else(outside)?;
        let stored = bytes.len() / self.size();
        if size.len() != stride.len() || count > stored {
            return Err(outside());
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut last = offset;
        for (&n, &step) in size.iter().zip(stride) {
            last = (n - 1)
                .checked_mul(step)
                .and_then(|far| last.checked_add(far))
                .ok_or_else(outside)?;
        }
        if last >= stored {
            return Err(outside());
        }
        let mut values = Vec::with_capacity(count);
        let mut index = vec![0; size.len()];
        for _ in 0..count {
            let at: usize = offset + index.iter().zip(stride).map(|(i, step)| i * step).sum::<usize>();
            values.push(self.value(&bytes[at * self.size()..(at + 1) * self.size()]));
            for (i, n) in index.iter_mut().zip(size).rev() {
                *i += 1;
                if *i < *n {
                    break;
                }
                *i = 0;
            }
        }
        Ok(values)
    }
}

/// The product of dimensions, or `None` where it overflows.
pub(crate) fn element_count(dims: &[usize]) -> Option<usize> {
    dims.iter().try_fold(1usize, |product, &n| product.checked_mul(n))
}

fn f32_from_f16(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_hand() {
        for (number, bytes, expected) in [
            (Number::F16, &[0x00, 0x3c][..], 1.0),
            (Number::F16, &[0x01, 0x80], -(2f32.powi(-24))),
            (Number::F16, &[0x00, 0x7c], f32::INFINITY),
            (Number::Bf16, &[0xc0, 0x3f], 1.5),
            (Number::F32, &[0, 0, 0x20, 0xc0], -2.5),
            (Number::F64, &[0, 0, 0, 0, 0, 0, 0xe0, 0x3f], 0.5),
        ] {
            assert_eq!(number.values(bytes), [expected], "{number:?}");
        }
    }

    #[test]
    fn strides_transpose_and_stay_inside() {
        let bytes: Vec<u8> = (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let strided = |offset, size: &[usize], stride: &[usize]| Number::F32.strided(&bytes, offset, size, stride);
        assert_eq!(strided(0, &[3, 2], &[1, 3]).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(strided(4, &[], &[]).unwrap(), [4.0]);
        for (offset, size, stride) in [
            (1, &[6][..], &[1][..]),
            (0, &[7], &[0]),
            (0, &[2], &[usize::MAX]),
            (usize::MAX, &[1], &[1]),
            (0, &[usize::MAX, 2], &[0, 0]),
            (0, &[2], &[1, 1]),
        ] {
            assert!(strided(offset, size, stride).is_err(), "{size:?}");
        }
    }
}
