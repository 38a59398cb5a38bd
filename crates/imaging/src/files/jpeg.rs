//! What a JPEG file says about its compression: quantisation tables and subsampling. ITU-T T.81, annex B.

/// Coefficients of a block.
const COUNT: usize = 64;

/// Row-by-row index of the n-th coefficient in the order of the file (T.81, figure 5).
const ZIGZAG: [usize; COUNT] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// How a JPEG file was compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JpegCompression {
    /// Quantisation steps of the luma's 8x8 cosine coefficients, row by row, the first that of the mean.
    pub luma: [u16; COUNT],
    /// Whether colour is stored at a lower resolution than luma.
    pub is_subsampled: bool,
    /// Whether the picture was turned after decoding, so that its blocks may not start at the first pixel.
    pub is_turned: bool,
}

/// Luma's coefficients with wavelengths from 5 to 11 pixels.
const LOW: [usize; 6] = [2, 9, 10, 16, 17, 18];

impl JpegCompression {
    /// The mean quantisation step at wavelengths from 5 to 11 pixels, in grey levels: what compression took there has about this size.
    pub fn low_step(&self) -> f64 {
        LOW.map(|n| f64::from(self.luma[n])).iter().sum::<f64>() / LOW.len() as f64
    }

    /// Reads the segments before the first scan. `None` if they are not those of a baseline or progressive JPEG: whether the file can
    /// be decoded is for the decoder to say.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let mut tables: [Option<[u16; COUNT]>; 4] = [None; 4];
        let mut frame: Option<Vec<[u8; 2]>> = None;
        let mut at = 2;
        loop {
            let &[0xff, marker] = content.get(at..at + 2)? else {
                return None;
            };
            match marker {
                0xff => {
                    at += 1;
                    continue;
                }
                0x01 | 0xd0..=0xd8 => {
                    at += 2;
                    continue;
                }
                _ => {}
            }
            let length = usize::from(word(content, at + 2)?);
            let segment = content.get(at + 4..at + 2 + length)?;
            match marker {
                0xdb => read_tables(segment, &mut tables)?,
                0xc0..=0xc2 => frame = Some(components(segment)?),
                0xda => break,
                _ => {}
            }
            at += 2 + length;
        }
        let frame = frame?;
        let &[sampling, table] = frame.first()?;
        Some(Self {
            luma: (*tables.get(usize::from(table))?)?,
            is_subsampled: frame.iter().any(|&[other, _]| other != sampling),
            is_turned: false,
        })
    }
}

fn word(content: &[u8], at: usize) -> Option<u16> {
    let bytes = content.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// Several tables may stand in one segment, of 8 or 16 bits. A step of 0 is not one.
fn read_tables(mut segment: &[u8], tables: &mut [Option<[u16; COUNT]>; 4]) -> Option<()> {
    while let Some((&head, rest)) = segment.split_first() {
        let size = 1 + usize::from(head >> 4 != 0);
        let values = rest.get(..COUNT * size)?;
        let mut table = [0; COUNT];
        for (bytes, &to) in values.chunks_exact(size).zip(&ZIGZAG) {
            table[to] = bytes.iter().fold(0, |value, &byte| value << 8 | u16::from(byte));
        }
        if table.contains(&0) {
            return None;
        }
        *tables.get_mut(usize::from(head & 15))? = Some(table);
        segment = &rest[COUNT * size..];
    }
    Some(())
}

/// Sampling factors and table of each component.
fn components(segment: &[u8]) -> Option<Vec<[u8; 2]>> {
    let count = usize::from(*segment.get(5)?);
    let components = segment.get(6..6 + 3 * count)?;
    Some(components.chunks_exact(3).map(|c| [c[1], c[2]]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file's head with one table whose n-th entry in the file's order is n + 1, and three components.
    fn head(sampling: u8) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xdb, 0, 67, 0];
        bytes.extend(1..=64);
        bytes.extend([
            0xff, 0xc0, 0, 17, 8, 0, 16, 0, 16, 3, 1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0,
        ]);
        bytes.extend([0xff, 0xda, 0, 2]);
        bytes
    }

    #[test]
    fn tables_are_in_row_order() {
        let read = JpegCompression::read(&head(0x22)).unwrap();
        assert_eq!(read.luma[..10], [1, 2, 6, 7, 15, 16, 28, 29, 3, 5]);
        assert_eq!(read.luma[63], 64);
        // 6, 5, 8, 4, 9 and 13 in the order of the file.
        assert_eq!(read.low_step(), 7.5);
        assert!(read.is_subsampled);
        assert!(!JpegCompression::read(&head(0x11)).unwrap().is_subsampled);
        let mut order = ZIGZAG;
        order.sort_unstable();
        assert!(order.into_iter().eq(0..64));
    }

    #[test]
    fn what_is_cut_or_strange_gives_none() {
        let whole = head(0x11);
        for length in 0..whole.len() - 2 {
            assert_eq!(JpegCompression::read(&whole[..length]), None, "{length} bytes");
        }
        let mut zero = whole.clone();
        zero[13] = 0;
        assert_eq!(JpegCompression::read(&zero), None);
        let mut table = whole;
        table[12] = 9;
        assert_eq!(JpegCompression::read(&table), None);
    }
}
