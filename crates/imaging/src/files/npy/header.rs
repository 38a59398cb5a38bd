//! The header of an `.npy` array: a Python dictionary with three keys.

use super::wrong::{Wrong, wrong};

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Byte order, kind and size of an element, such as `<f4`.
    pub(super) descr: String,
    /// Whether the first axis is the fastest.
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<u64>,
}

impl Header {
    /// Reads the dictionary; nothing but the keys `descr`, `fortran_order` and `shape` may be in it, as in NumPy.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Wrong> {
        let other = |got: &str| wrong("a .npy array", got);
        let text = std::str::from_utf8(text).map_err(|_| other("a header that is no text"))?;
        let mut rest = Rest(text);
        let (mut descr, mut is_fortran, mut shape) = (None, None, None);
        if !rest.takes('{') {
            return Err(other("a header that is no dictionary"));
        }
        while !rest.takes('}') {
            let key = rest.string().ok_or_else(|| other("a header with a broken key"))?;
            if !rest.takes(':') {
                return Err(other("a header with a key without a value"));
            }
            let is_read = match key {
                "descr" if rest.starts_with('[') => {
                    return Err(wrong("an array of plain numbers", "a type of records"));
                }
                "descr" => {
                    descr = rest.string();
                    descr.is_some()
                }
                "fortran_order" => {
                    is_fortran = rest.boolean();
                    is_fortran.is_some()
                }
                "shape" => {
                    shape = rest.tuple();
                    shape.is_some()
                }
                _ => return Err(other("a header with an unknown key")),
            };
            if !is_read || !(rest.takes(',') || rest.starts_with('}')) {
                return Err(wrong(
                    "a .npy array",
                    format!("a header with a broken value of '{key}'"),
                ));
            }
        }
        if !rest.is_empty() {
            return Err(other("a header with more than a dictionary"));
        }
        let missing = |key: &str| wrong("a .npy array", format!("a header without '{key}'"));
        Ok(Self {
            descr: descr.ok_or_else(|| missing("descr"))?.to_owned(),
            is_fortran: is_fortran.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }

    /// The bytes before the data, padded so that the data begin at a multiple of 64 bytes, as NumPy writes them.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let sizes: String = match self.shape[..] {
            [size] => format!("{size},"),
            _ => self.shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
        };
        let order = if self.is_fortran { "True" } else { "False" };
        let mut text = format!(
            "{{'descr': '{}', 'fortran_order': {order}, 'shape': ({sizes}), }}",
            self.descr
        );
        let padding = (10 + text.len() + 1).next_multiple_of(64) - (10 + text.len() + 1);
        text.push_str(&" ".repeat(padding));
        text.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        // An array with so many axes that its header is longer holds no value.
        bytes.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend(text.into_bytes());
        bytes
    }
}

/// What is left to read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
    }

    fn is_empty(&mut self) -> bool {
        self.skip_space();
        self.0.is_empty()
    }

    fn starts_with(&mut self, what: char) -> bool {
        self.skip_space();
        self.0.starts_with(what)
    }

    fn takes(&mut self, what: char) -> bool {
        self.skip_space();
        let rest = self.0.strip_prefix(what);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A text in quotes, without escapes, which neither keys nor plain types need.
    fn string(&mut self) -> Option<&'a str> {
        let quote = ['\'', '"'].into_iter().find(|&quote| self.takes(quote))?;
        let (text, rest) = self.0.split_once(quote)?;
        self.0 = rest;
        (!text.contains('\\')).then_some(text)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.skip_space();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Some(value);
            }
        }
        None
    }

    /// Numbers in brackets, with or without a comma at the end; Python 2 wrote them as `3L`.
    fn tuple(&mut self) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        if !self.takes('(') {
            return None;
        }
        while !self.takes(')') {
            self.skip_space();
            let digits = self.0.find(|c: char| !c.is_ascii_digit())?;
            let (number, rest) = self.0.split_at(digits);
            numbers.push(number.parse().ok()?);
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            if !(self.takes(',') || self.starts_with(')')) {
                return None;
            }
        }
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(descr: &str, is_fortran: bool, shape: &[u64]) -> Header {
        Header {
            descr: descr.to_owned(),
            is_fortran,
            shape: shape.to_vec(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_aligned() {
        let cases = [
            header("<f4", false, &[]),
            header("|u1", true, &[3]),
            header(">i8", false, &[2, 3]),
            header("<f8", false, &[u64::MAX; 9]),
        ];
        for header in cases {
            let bytes = header.bytes();
            assert_eq!(bytes.len() % 64, 0);
            assert_eq!(usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), bytes.len() - 10);
            assert_eq!(Header::parse(&bytes[10..]).ok().unwrap(), header);
        }
        // numpy.lib.format of version 2.3 for numpy.zeros((2, 3), "<f4").
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        assert_eq!(
            header("<f4", false, &[2, 3]).bytes()[10..].trim_ascii_end(),
            text.as_bytes()
        );
    }

    #[test]
    fn other_ways_to_write_it() {
        for text in [
            "{'shape':(2L,3L),'fortran_order':True,\"descr\":\"<f4\"}",
            "  {  'descr' : '<f4' ,\n'fortran_order' : True , 'shape' : ( 2 , 3 , ) , }  \n",
        ] {
            assert_eq!(
                Header::parse(text.as_bytes()).ok().unwrap(),
                header("<f4", true, &[2, 3])
            );
        }
    }

    #[test]
    fn broken_ones_are_told() {
        for (text, got) in [
            ("", "no dictionary"),
            ("[[[[", "no dictionary"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)",
                "a broken value of 'shape'",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2,",
                "a broken value of 'shape'",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-1)}",
                "a broken value of 'shape'",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616)}",
                "a broken value of 'shape'",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': 3}",
                "a broken value of 'shape'",
            ),
            (
                "{'descr': '<f4', 'fortran_order': 0, 'shape': (3)}",
                "a broken value of 'fortran_order'",
            ),
            (
                "{'descr': '<\\x664', 'fortran_order': False, 'shape': (3)}",
                "a broken value of 'descr'",
            ),
            ("{'descr': '<f4', 'fortran_order': False}", "a header without 'shape'"),
            ("{'descr': '<f4', 'shape': (3), 'more': 1}", "an unknown key"),
            ("{'descr' '<f4'}", "a key without a value"),
            ("{descr: '<f4'}", "a broken key"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x",
                "more than a dictionary",
            ),
            (
                "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}",
                "a type of records",
            ),
        ] {
            let wrong = Header::parse(text.as_bytes()).err().unwrap();
            assert!(wrong.got.contains(got), "{text}: {}", wrong.got);
        }
        assert!(Header::parse(b"{'descr': '\xff'}").is_err());
    }
}
