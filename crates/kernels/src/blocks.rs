//! How a number of registers is cut into register blocks.

/// The split of registers into blocks of at most `max`, as even as can be: yields `(start, len)` of each.
#[derive(Clone, Copy)]
pub(crate) struct Blocks {
    start: usize,
    left: usize,
    blocks: usize,
}

impl Blocks {
    #[inline(always)]
    pub(crate) fn new(registers: usize, max: usize) -> Self {
        Self {
            start: 0,
            left: registers,
            blocks: registers.div_ceil(max),
        }
    }
}

impl Iterator for Blocks {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        if self.blocks == 0 {
            return None;
        }
        let (start, len) = (self.start, self.left.div_ceil(self.blocks));
        self.start += len;
        self.left -= len;
        self.blocks -= 1;
        Some((start, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_even_and_complete() {
        for (registers, max, expected) in [
            (1, 4, vec![1]),
            (5, 4, vec![3, 2]),
            (6, 4, vec![3, 3]),
            (8, 4, vec![4, 4]),
        ] {
            let lens: Vec<usize> = Blocks::new(registers, max).map(|(_, len)| len).collect();
            let starts: Vec<usize> = Blocks::new(registers, max).map(|(start, _)| start).collect();
            assert!((0..lens.len()).all(|i| starts[i] == lens[..i].iter().sum::<usize>()));
            assert_eq!(lens, expected);
        }
    }
}
