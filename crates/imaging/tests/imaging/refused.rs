//! Bad input: every error is one line that names the file.

use std::error::Error as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageEncoder, Luma};
use tempfile::tempdir;
use tweedie_imaging::{
    Array, ColorMode, Depth, Error, read_array, read_image, read_npz, sha256_file, write_array, write_image, write_npz,
};
use tweedie_testing::for_each_case;

use crate::support::{header, image, npy};

fn message_of(error: &Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The error names the file on its only line, and says `part`.
fn assert_names(error: &Error, path: &Path, part: &str) {
    let message = message_of(error);
    assert!(
        message.contains(&path.display().to_string()),
        "no file name in: {message}"
    );
    assert!(message.contains(part), "no '{part}' in: {message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

/// A picture that does not compress well, so that a cut falls into its pixels.
fn picture() -> GrayImage {
    GrayImage::from_fn(64, 64, |x, y| Luma([(x * x * 31 + y * y * 17 + x * y) as u8]))
}

fn encoded(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The same picture with another size in its frame header: a decoder fills with gray what the file does not have.
fn large_jpeg(jpeg: &[u8]) -> Vec<u8> {
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let mut large = jpeg.to_vec();
    large[frame + 5..frame + 7].copy_from_slice(&3000_u16.to_be_bytes());
    large[frame + 7..frame + 9].copy_from_slice(&65000_u16.to_be_bytes());
    large
}

fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

#[test]
fn content_that_is_no_image() {
    let png = encoded(image::ImageFormat::Png);
    let jpeg = encoded(image::ImageFormat::Jpeg);
    let mut flipped = png.clone();
    flipped[png.len() / 2] ^= 0x10;
    // A preview in the JPEG's EXIF block has an end marker of its own.
    let mut with_preview = Vec::new();
    let mut encoder = JpegEncoder::new(&mut with_preview);
    encoder
        .set_exif_metadata(b"MM\0\x2a preview \xff\xda\xff\xd9".to_vec())
        .unwrap();
    encoder.encode_image(&picture()).unwrap();
    let whole = npy(&header("<f4", "(2, 2)"), &[0; 16]);
    let nested = "[".repeat(60_000);
    let cases: Vec<(&str, (Vec<u8>, &str))> = vec![
        ("empty", (Vec::new(), "an empty file")),
        (
            "text",
            (
                b"not an image".to_vec(),
                "expected a PNG, JPEG, TIFF, .npy or .npz file",
            ),
        ),
        ("GIF", (b"GIF89a0000".to_vec(), "image/gif")),
        ("PNG signature only", (png[..8].to_vec(), "a whole PNG image")),
        ("truncated PNG", (half(&png), "a whole PNG image")),
        (
            "PNG without its last chunks",
            (png[..png.len() - 20].to_vec(), "a whole PNG image"),
        ),
        ("damaged PNG", (flipped, "a whole PNG image")),
        ("truncated JPEG", (half(&jpeg), "truncated")),
        ("truncated JPEG with a preview", (half(&with_preview), "truncated")),
        ("JPEG signature only", (jpeg[..3].to_vec(), "truncated")),
        (
            "JPEG that claims to be large",
            (large_jpeg(&jpeg), "bytes for 65000x3000 pixels"),
        ),
        (
            "truncated TIFF",
            (half(&encoded(image::ImageFormat::Tiff)), "a whole TIFF image"),
        ),
        ("npy signature only", (whole[..7].to_vec(), "truncated header")),
        ("npy with half a header", (whole[..40].to_vec(), "truncated header")),
        (
            "npy with too few values",
            (whole[..whole.len() - 1].to_vec(), "truncated"),
        ),
        (
            "npy of a claimed 8 EiB",
            (npy(&header("<f8", "(1099511627776, 1048576)"), &[]), "at most"),
        ),
        (
            "npy whose size overflows",
            (npy(&header("<f8", "(4294967296, 4294967296, 16)"), &[]), "at most"),
        ),
        (
            "npy of a claimed 2 GiB",
            (npy(&header("<f8", "(16384, 16384)"), &[0; 8]), "truncated"),
        ),
        (
            "npy without values",
            (npy(&header("<f8", "(0, 3)"), &[]), "shape [0, 3]"),
        ),
        ("npy with nested brackets", (npy(&nested, &[]), "no dictionary")),
        (
            "npy without a shape",
            (npy("{'descr': '<f4', 'fortran_order': False}", &[0; 16]), "shape"),
        ),
        (
            "npy of complex numbers",
            (npy(&header("<c8", "(1, 2)"), &[0; 16]), "complex numbers"),
        ),
        ("npy of text", (npy(&header("<U3", "(1, 2)"), &[0; 24]), "type <U3")),
        (
            "npy of objects",
            (npy(&header("|O", "(1, 2)"), b"\x80\x04]."), "type |O"),
        ),
        (
            "npy of records",
            (
                npy(
                    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}",
                    &[0; 4],
                ),
                "type",
            ),
        ),
        (
            "zip without arrays",
            (b"PK\x05\x06".iter().copied().chain([0; 18]).collect(), "none"),
        ),
        ("truncated zip", (b"PK\x03\x04rest".to_vec(), "a whole .npz file")),
    ];
    let folder = tempdir().unwrap();
    for_each_case(cases, |(content, part)| {
        let path = folder.path().join("x.png");
        fs::write(&path, content).unwrap();
        assert_names(&read_image(&path, ColorMode::AsStored).unwrap_err(), &path, part);
    });
}

#[test]
fn whole_files_that_look_truncated_are_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.jpg");
    // Cameras append data after the end marker.
    let jpeg = [encoded(image::ImageFormat::Jpeg), b"appended".to_vec()].concat();
    fs::write(&path, jpeg).unwrap();
    assert_eq!(read_image(&path, ColorMode::AsStored).unwrap().dims, [1, 1, 64, 64]);
}

#[test]
fn non_finite_values_are_counted() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let values = [1.0, f64::NAN, 0.5, f64::INFINITY];
    write_array(
        &path,
        &Array {
            shape: vec![2, 2],
            values: values.to_vec(),
        },
    )
    .unwrap();
    for error in [
        read_array(&path).unwrap_err(),
        read_image(&path, ColorMode::AsStored).unwrap_err(),
    ] {
        assert!(matches!(error, Error::NonFinite { count: 2, first: 1, .. }), "{error}");
        assert_names(&error, &path, "NaN");
    }
    // Finite as f64, infinite as f32.
    write_array(
        &path,
        &Array {
            shape: vec![1, 1],
            values: vec![1e200],
        },
    )
    .unwrap();
    assert!(read_array(&path).is_ok());
    assert!(matches!(
        read_image(&path, ColorMode::AsStored),
        Err(Error::NonFinite { count: 1, .. })
    ));
}

#[test]
fn missing_files_folders_and_wrong_formats() {
    let folder = tempdir().unwrap();
    let missing = folder.path().join("missing.png");
    assert_names(
        &read_image(&missing, ColorMode::AsStored).unwrap_err(),
        &missing,
        "reading",
    );
    assert_names(
        &read_image(folder.path(), ColorMode::AsStored).unwrap_err(),
        folder.path(),
        "got a folder",
    );
    let png = folder.path().join("x.png");
    picture().save(&png).unwrap();
    assert_names(
        &read_array(&png).unwrap_err(),
        &png,
        "expected an .npy or .npz file, got a file of type image/png",
    );
    assert_names(&read_npz(&png).unwrap_err(), &png, "an .npz file");
    let many = folder.path().join("x.npy");
    write_image(&many, &image(&[0.0; 4], [1, 4, 1, 1]), Depth::Float).unwrap();
    assert_names(
        &read_image(&many, ColorMode::Gray).unwrap_err(),
        &many,
        "1 or 3 channels, got 4 channels",
    );
}

#[test]
fn small_files_that_claim_to_be_huge() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.png");
    // A 100000x100000 picture of zeros: the header is right, the data is not even needed to refuse it.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(100_000u32.to_be_bytes().repeat(2));
    png.extend([8, 0, 0, 0, 0]);
    png.extend(crc32(&png[12..]).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    fs::write(&path, png).unwrap();
    let error = read_image(&path, ColorMode::AsStored).unwrap_err();
    assert_names(&error, &path, "");
    assert!(matches!(error, Error::Format { .. }));
}

/// A chunk of a PNG file.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [kind, data].concat();
    let length = (data.len() as u32).to_be_bytes();
    [&length, &named[..], &crc32(&named).to_be_bytes()].concat()
}

#[test]
fn profiles_and_texts_that_inflate_to_gigabytes_cost_nothing() {
    // One megabyte of zeros a thousand times over, deflated twice, would be 1 GB; here 64 MB make the point.
    let zeros = vec![0; 64 << 20];
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(&zeros).unwrap();
    let bomb = deflated.finish().unwrap();
    let plain = encoded(image::ImageFormat::Png);
    let after_header = 8 + 25;
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.png");
    for (kind, prefix) in [
        (b"iCCP", &b"name\0\0"[..]),
        (b"zTXt", b"Title\0\0"),
        (b"iTXt", b"Title\0\x01\0\0\0"),
    ] {
        let chunk = chunk(kind, &[prefix, &bomb].concat());
        fs::write(&path, [&plain[..after_header], &chunk, &plain[after_header..]].concat()).unwrap();
        let before = peak_memory_kib();
        let loaded = read_image(&path, ColorMode::AsStored).unwrap();
        assert_eq!(loaded.dims, [1, 1, 64, 64]);
        let grown = peak_memory_kib() - before;
        assert!(grown < 32 << 10, "{kind:?}: {grown} KiB");
    }
}

/// The largest resident memory of this process so far; 0 where the system does not say.
fn peak_memory_kib() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// What is no ordinary file, or is far too long, is refused at once by every reader.
#[cfg(unix)]
#[test]
fn pipes_devices_and_endless_files_are_refused() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe.png");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let sparse = folder.path().join("sparse.npy");
    let head = npy(&header("<f8", "(4, 4)"), &[]);
    fs::write(&sparse, &head).unwrap();
    fs::File::options()
        .write(true)
        .open(&sparse)
        .unwrap()
        .set_len(30 << 30)
        .unwrap();
    let zeros = folder.path().join("zeros.png");
    fs::File::create(&zeros).unwrap().set_len(30 << 30).unwrap();
    for (path, part) in [
        (&pipe, "got a pipe"),
        (&Path::new("/dev/zero").to_path_buf(), "got a device"),
        (&sparse, "at most 2148532224 bytes, got 32212254720"),
        (&zeros, "another kind of content"),
    ] {
        assert_names(&read_image(path, ColorMode::AsStored).unwrap_err(), path, part);
        assert_names(&read_array(path).unwrap_err(), path, part);
        assert_names(&read_npz(path).unwrap_err(), path, part);
    }
    assert_names(&sha256_file(&pipe).unwrap_err(), &pipe, "got a pipe");
}

/// The checksum of PNG chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn what_cannot_be_written_leaves_no_file() {
    let folder = tempdir().unwrap();
    let gray = image(&[0.5; 4], [1, 1, 2, 2]);
    let nan = image(&[f32::NAN; 4], [1, 1, 2, 2]);
    let batch = image(&[0.5; 8], [2, 1, 2, 2]);
    let many = image(&[0.5; 8], [1, 2, 2, 2]);
    let cases = [
        ("unknown ending", ("x.gif", &gray, Depth::Eight, "a name that ends in")),
        ("no ending", ("x", &gray, Depth::Eight, "no ending")),
        ("float PNG", ("x.png", &gray, Depth::Float, "got float")),
        ("8-bit npy", ("x.npy", &gray, Depth::Eight, "got eight")),
        ("NaN", ("x.png", &nan, Depth::Eight, "NaN")),
        ("NaN in npy", ("x.npy", &nan, Depth::Float, "NaN")),
        ("batch", ("x.png", &batch, Depth::Eight, "one image")),
        ("two channels", ("x.tif", &many, Depth::Sixteen, "1 or 3 channels")),
        ("missing folder", ("none/x.png", &gray, Depth::Eight, "writing")),
    ];
    for_each_case(cases, |(name, image, depth, part)| {
        let path = folder.path().join(name);
        let error = write_image(&path, image, depth).unwrap_err();
        let message = message_of(&error);
        assert!(message.contains(part) && message.lines().count() == 1, "{message}");
        assert!(
            message.contains(&path.display().to_string()) || matches!(error, Error::Shape { .. }),
            "{message}"
        );
    });
    let wrong = Array {
        shape: vec![3],
        values: vec![0.0; 2],
    };
    assert!(matches!(
        write_array(&folder.path().join("x.npy"), &wrong),
        Err(Error::Shape { .. })
    ));
    let right = Array {
        shape: vec![2],
        values: vec![0.0; 2],
    };
    let twice = write_npz(&folder.path().join("x.npz"), &[("a", &right), ("a", &right)]);
    assert!(matches!(twice, Err(Error::Io { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
