//! Reading whole files of bounded length, and nothing but ordinary files.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::Error;

/// The largest configuration or manifest that is read: thousands of times what one needs.
pub const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Opens an ordinary file (links are followed) and says how long it is.
///
/// A pipe would block, a device may never end, and a folder is none.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for anything else than an ordinary file.
pub(crate) fn open(path: &Path) -> Result<(File, u64), Error> {
    // Opening a pipe waits for its other end, so that the question comes first.
    let kind = fs::metadata(path).map_err(Error::reading(path))?.file_type();
    if !kind.is_file() {
        return Err(Error::Format {
            path: path.to_path_buf(),
            expected: "a file".to_owned(),
            got: description(kind).to_owned(),
        });
    }
    let file = File::open(path).map_err(Error::reading(path))?;
    let length = file.metadata().map_err(Error::reading(path))?.len();
    Ok((file, length))
}

/// The content of an ordinary file of at most `max_bytes`; nothing of a longer one is read.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for a longer file, and for a folder, pipe or device.
pub fn read_bytes(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Error> {
    let (file, length) = open(path)?;
    read_rest(path, file, Vec::new(), length, max_bytes)
}

/// `start` and what follows in a file of `length` bytes.
pub(crate) fn read_rest(
    path: &Path,
    file: File,
    start: Vec<u8>,
    length: u64,
    max_bytes: u64,
) -> Result<Vec<u8>, Error> {
    let too_long = |got: String| Error::Format {
        path: path.to_path_buf(),
        expected: format!("at most {max_bytes} bytes"),
        got,
    };
    if length > max_bytes {
        return Err(too_long(format!("{length}")));
    }
    let mut content = start;
    // The length may be wrong (files of /proc have none) or grow meanwhile: one byte beyond the limit tells.
    let rest = (max_bytes + 1).saturating_sub(content.len() as u64);
    file.take(rest)
        .read_to_end(&mut content)
        .map_err(Error::reading(path))?;
    if content.len() as u64 > max_bytes {
        return Err(too_long("more".to_owned()));
    }
    Ok(content)
}

/// The content of a text file in UTF-8 of at most `max_bytes`.
///
/// # Errors
/// As [`read_bytes`]; [`Error::Format`] for bytes that are no UTF-8.
pub fn read_text(path: &Path, max_bytes: u64) -> Result<String, Error> {
    String::from_utf8(read_bytes(path, max_bytes)?).map_err(|error| Error::Format {
        path: path.to_path_buf(),
        expected: "a text in UTF-8".to_owned(),
        got: format!("other bytes at {}", error.utf8_error().valid_up_to()),
    })
}

/// What stands under a name that is no ordinary file.
pub(crate) fn description(kind: fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a link"
    } else {
        "no ordinary file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_bytes(&path, 5).unwrap(), b"12345");
        let error = read_bytes(&path, 4).unwrap_err().to_string();
        assert_eq!(error, format!("{}: expected at most 4 bytes, got 5", path.display()));
        // 30 GB of nothing: reading it would take minutes and all memory.
        File::create(&path).unwrap().set_len(30 << 30).unwrap();
        let error = read_text(&path, 1 << 30).unwrap_err().to_string();
        assert!(error.ends_with("got 32212254720"), "{error}");
    }

    #[test]
    fn texts_are_utf_8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "gr\u{e9}y").unwrap();
        assert_eq!(read_text(&path, 9).unwrap(), "gr\u{e9}y");
        fs::write(&path, b"gr\xe9y").unwrap();
        let error = read_text(&path, 9).unwrap_err().to_string();
        assert!(
            error.ends_with("expected a text in UTF-8, got other bytes at 2"),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_told_and_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, got) in [
            (folder.path(), "a folder"),
            (&pipe, "a pipe"),
            (&socket, "a socket"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            let error = read_bytes(path, 100).unwrap_err().to_string();
            assert_eq!(error, format!("{}: expected a file, got {got}", path.display()));
        }
        // Files without a length are read as far as they go.
        assert!(!read_bytes(Path::new("/proc/self/cmdline"), 1 << 16).unwrap().is_empty());
        assert!(read_bytes(Path::new("/proc/self/cmdline"), 1).is_err());
    }
}
