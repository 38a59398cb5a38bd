//! What pictures hold besides 8-bit samples: metadata, profiles, floats, pages.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use moxcms::ColorProfile;
use tempfile::tempdir;
use tweedie_imaging::{
    ColorMode, Depth, Encoding, LoadedImage, Metadata, psnr, read_image, vec_from_image, write_image, write_image_as,
};
use tweedie_testing::{Tolerance, assert_close, uniform_values};

use crate::support::{golden, image};

fn load(path: &Path) -> LoadedImage {
    read_image(path, ColorMode::AsStored).unwrap()
}

/// A big-endian TIFF header and a directory with the single tag 0x0112 (orientation), type SHORT.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif
}

/// A smooth picture: what JPEG is made for.
fn smooth(channels: usize) -> Vec<f32> {
    let value = |c: usize, i: usize, j: usize| 0.2 + 0.5 * i as f32 / 16.0 + 0.2 * (c + j) as f32 / 32.0;
    (0..channels * 16 * 24)
        .map(|n| value(n / 384, n / 24 % 16, n % 24))
        .collect()
}

#[test]
fn metadata_pass_from_file_to_file_and_the_picture_stands_upright() {
    let folder = tempdir().unwrap();
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    let png = folder.path().join("in.png");
    let mut encoder = PngEncoder::new(fs::File::create(&png).unwrap());
    encoder.set_exif_metadata(exif(6)).unwrap();
    encoder.set_icc_profile(srgb.clone()).unwrap();
    encoder.write_image(&[10; 18], 3, 2, ExtendedColorType::Rgb8).unwrap();
    let loaded = load(&png);
    assert_eq!(loaded.dims, [1, 3, 3, 2], "turned");
    let expected = Metadata {
        exif: Some(exif(1)),
        icc: Some(srgb),
    };
    assert_eq!(loaded.metadata, expected);
    let x = loaded.image(&Device::default()).unwrap();
    for (name, holds_exif) in [("a.png", true), ("a.jpg", true), ("a.tif", false)] {
        let path = folder.path().join(name);
        let encoding = Encoding {
            metadata: Some(&loaded.metadata),
            ..Encoding::new(Depth::Eight)
        };
        write_image_as(&path, &x, &encoding).unwrap();
        let again = load(&path);
        assert_eq!(again.dims, loaded.dims, "{name}: not turned twice");
        assert_eq!(again.metadata.icc, expected.icc, "{name}");
        assert_eq!(
            again.metadata.exif,
            expected.exif.clone().filter(|_| holds_exif),
            "{name}"
        );
        // A profile for RGB does not fit a gray picture.
        let gray = image(&[0.5; 6], [1, 1, 3, 2]);
        write_image_as(&path, &gray, &encoding).unwrap();
        assert_eq!(load(&path).metadata.icc, None, "{name}");
        write_image(&path, &x, Depth::Eight).unwrap();
        assert_eq!(load(&path).metadata, Metadata::default(), "{name}");
    }
}

#[test]
fn pictures_of_another_rgb_space_become_srgb() {
    let folder = tempdir().unwrap();
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    // (0.8, 0.3, 0.25) in Display P3 is (0.8667, 0.2501, 0.2158) in sRGB, by the matrices of CSS Color 4.
    let (stored, expected) = ([204_u8, 76, 64], [0.8667_f32, 0.2501, 0.2158]);
    let samples = stored.repeat(64);
    let (png, jpeg, tiff) = ["a.png", "a.jpg", "a.tif"].map(|name| folder.path().join(name)).into();
    let mut encoder = PngEncoder::new(fs::File::create(&png).unwrap());
    encoder.set_icc_profile(p3.clone()).unwrap();
    encoder.write_image(&samples, 8, 8, ExtendedColorType::Rgb8).unwrap();
    let mut encoder = JpegEncoder::new_with_quality(fs::File::create(&jpeg).unwrap(), 100);
    encoder.set_icc_profile(p3.clone()).unwrap();
    encoder.write_image(&samples, 8, 8, ExtendedColorType::Rgb8).unwrap();
    let plain = image(
        &stored
            .map(|v| f32::from(v) / 255.0)
            .iter()
            .flat_map(|&v| [v; 64])
            .collect::<Vec<_>>(),
        [1, 3, 8, 8],
    );
    let metadata = Metadata {
        exif: None,
        icc: Some(p3),
    };
    let encoding = Encoding {
        metadata: Some(&metadata),
        ..Encoding::new(Depth::Eight)
    };
    write_image_as(&tiff, &plain, &encoding).unwrap();
    for path in [png, jpeg, tiff] {
        let loaded = load(&path);
        assert_eq!(loaded.metadata.icc, None, "{path:?}");
        let pixel: Vec<f32> = loaded.values.iter().step_by(64).copied().collect();
        // Two levels: the stored ones are rounded, JPEG's YCbCr too.
        assert_close("sRGB", &pixel, &expected, Tolerance::absolute(2.0 / 255.0));
    }
}

#[test]
fn jpeg_files_have_the_quality_that_is_asked_for() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.JPG");
    for channels in [1, 3] {
        let x = image(&smooth(channels), [1, channels, 16, 24]);
        let written = |quality| {
            let encoding = Encoding {
                jpeg_quality: quality,
                ..Encoding::new(Depth::Eight)
            };
            write_image_as(&path, &x, &encoding).unwrap();
            let loaded = load(&path).image(&Device::default()).unwrap();
            (fs::metadata(&path).unwrap().len(), psnr(&loaded, &x).unwrap()[0])
        };
        let (small, poor) = written(10);
        let (large, good) = written(Encoding::JPEG_QUALITY);
        assert!(
            small < large && poor < good && good > 45.0,
            "{channels}: {small} {large} {poor} {good}"
        );
        for quality in [0, 101] {
            let encoding = Encoding {
                jpeg_quality: quality,
                ..Encoding::new(Depth::Eight)
            };
            let message = write_image_as(&path, &x, &encoding).unwrap_err().to_string();
            assert!(
                message.ends_with(&format!("a JPEG quality from 1 to 100, got {quality}")),
                "{message}"
            );
        }
    }
    let message = write_image(&path, &image(&[0.5; 4], [1, 1, 2, 2]), Depth::Sixteen)
        .unwrap_err()
        .to_string();
    assert!(message.ends_with("got sixteen"), "{message}");
}

#[test]
fn floats_and_pages_of_tiff_come_back() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.tif");
    for (dims, depth) in [
        ([1, 1, 4, 5], Depth::Float),
        ([1, 3, 4, 5], Depth::Float),
        ([3, 1, 4, 5], Depth::Float),
        ([3, 3, 4, 5], Depth::Float),
        ([2, 1, 4, 5], Depth::Eight),
        ([2, 3, 4, 5], Depth::Sixteen),
    ] {
        let len = dims.iter().product();
        // Beyond [0, 1] as floats; levels of 8 bits are levels of 16 bits too.
        let values: Vec<f32> = match depth {
            Depth::Float => uniform_values(len, -1.0, 3.0, 1)
                .into_iter()
                .map(|v| v as f32)
                .collect(),
            _ => (0..len).map(|i| (i * 37 % 256) as f32 / 255.0).collect(),
        };
        let x = image(&values, dims);
        write_image(&path, &x, depth).unwrap();
        let loaded = load(&path);
        assert_eq!((loaded.dims, loaded.depth), (dims, depth));
        assert_eq!(
            vec_from_image(&loaded.image(&Device::default()).unwrap()).unwrap(),
            values,
            "{dims:?}"
        );
    }
    let many = image(&[0.5; 8], [2, 2, 1, 2]);
    assert!(write_image(&path, &many, Depth::Float).is_err());
}

#[test]
fn files_of_pillow() {
    let float = load(&golden("float.tif"));
    assert_eq!((float.dims, float.depth), ([1, 1, 2, 3], Depth::Float));
    assert_eq!(float.values, [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75]);
    let pages = load(&golden("pages.tif"));
    assert_eq!((pages.dims, pages.depth), ([2, 1, 2, 3], Depth::Eight));
    let expected: Vec<f32> = [0, 100]
        .iter()
        .flat_map(|k| (0..6).map(move |i| (i + k) as f32 / 255.0))
        .collect();
    assert_eq!(pages.values, expected);
}

/// A preview beside the picture, as cameras and scanners write it, is no stack.
#[test]
fn of_pages_that_differ_the_first_is_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let mut encoder = tiff::encoder::TiffEncoder::new(fs::File::create(&path).unwrap()).unwrap();
    encoder
        .write_image::<tiff::encoder::colortype::Gray8>(3, 2, &[0, 51, 102, 153, 204, 255])
        .unwrap();
    encoder
        .write_image::<tiff::encoder::colortype::Gray8>(1, 1, &[7])
        .unwrap();
    let loaded = load(&path);
    assert_eq!(loaded.dims, [1, 1, 2, 3]);
    assert_eq!(loaded.values, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
}
