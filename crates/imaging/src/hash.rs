//! sha256 of files and bytes, in lower-case hexadecimal.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, regular};

/// sha256 of a byte string.
pub fn sha256_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// sha256 of a file's content.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::Format`] for a folder, pipe or device.
pub fn sha256_file(path: &Path) -> Result<String, Error> {
    let (mut reader, _) = regular::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = [0; 1 << 16];
    loop {
        let count = reader.read(&mut buffer).map_err(Error::reading(path))?;
        if count == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..count]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors of FIPS 180-2: the empty string is printed in NIST's examples, "abc" in its appendix B.1.
    #[test]
    fn known_answers() {
        assert_eq!(
            sha256_bytes(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            sha256_bytes(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_file_hashes_like_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        // Longer than the buffer, and not a multiple of it.
        let bytes: Vec<u8> = (0..200_001u32).map(|i| (i * i) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(sha256_file(&path).unwrap(), sha256_bytes(&bytes));
        let missing = folder.path().join("b");
        assert!(matches!(sha256_file(&missing), Err(Error::Io { path, .. }) if path == missing));
    }
}
