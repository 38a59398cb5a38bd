//! PNG, JPEG and TIFF, written by the `image` crate or by this one.

use std::fs;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ExtendedColorType, GrayImage, ImageBuffer, ImageEncoder, ImageFormat, Luma, Rgb, RgbImage};
use tempfile::tempdir;
use tweedie_imaging::{
    ColorMode, Depth, LoadedImage, depth_for, luma_from_rgb, read_image, read_image_and_alpha, sha256_file, write_image,
};
use tweedie_testing::{Tolerance, assert_close, for_each_case, uniform_values};

use crate::support::image;

fn load(path: &Path) -> LoadedImage {
    read_image(path, ColorMode::AsStored).unwrap()
}

/// 2x3 pixels, different in every sample, up to `largest`.
fn samples(channels: usize, largest: u32) -> Vec<u32> {
    (0..6 * channels as u32)
        .map(|i| i * largest / (6 * channels as u32 - 1))
        .collect()
}

fn gray16(largest: u32) -> DynamicImage {
    let values = samples(1, largest).into_iter().map(|v| v as u16).collect();
    ImageBuffer::<Luma<u16>, _>::from_raw(3, 2, values).unwrap().into()
}

fn rgb8() -> DynamicImage {
    RgbImage::from_raw(3, 2, samples(3, 255).into_iter().map(|v| v as u8).collect())
        .unwrap()
        .into()
}

/// Interleaved samples as planes, divided by the largest value.
fn planes(samples: &[u32], channels: usize, largest: u32) -> Vec<f32> {
    let plane = |c| {
        samples
            .iter()
            .skip(c)
            .step_by(channels)
            .map(move |&v| (f64::from(v) / f64::from(largest)) as f32)
    };
    (0..channels).flat_map(plane).collect()
}

#[test]
fn lossless_files_hold_the_samples_over_their_maximum() {
    let gray8 = GrayImage::from_raw(3, 2, samples(1, 255).into_iter().map(|v| v as u8).collect())
        .unwrap()
        .into();
    let rgb16 = samples(3, 65535).into_iter().map(|v| v as u16).collect();
    let rgb16 = ImageBuffer::<Rgb<u16>, _>::from_raw(3, 2, rgb16).unwrap().into();
    type Case = (DynamicImage, usize, u32, Depth);
    let cases: Vec<(&str, Case)> = vec![
        ("gray 8", (gray8, 1, 255, Depth::Eight)),
        ("gray 16", (gray16(65535), 1, 65535, Depth::Sixteen)),
        ("rgb 8", (rgb8(), 3, 255, Depth::Eight)),
        ("rgb 16", (rgb16, 3, 65535, Depth::Sixteen)),
    ];
    let folder = tempdir().unwrap();
    for_each_case(cases, |(picture, channels, largest, depth)| {
        for (name, format) in [("x.png", ImageFormat::Png), ("x.tif", ImageFormat::Tiff)] {
            let path = folder.path().join(name);
            picture.save_with_format(&path, format).unwrap();
            let loaded = load(&path);
            assert_eq!((loaded.dims, loaded.depth), ([1, channels, 2, 3], depth), "{name}");
            assert_eq!(
                loaded.values,
                planes(&samples(channels, largest), channels, largest),
                "{name}"
            );
            assert_eq!(loaded.sha256, sha256_file(&path).unwrap());
        }
    });
}

#[test]
fn float_tiff_keeps_values_outside_the_range() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.tif");
    let picture = ImageBuffer::<Rgb<f32>, _>::from_raw(2, 1, vec![-0.5, 0.0, 0.25, 1.5, 2.0, 1e-9]).unwrap();
    DynamicImage::from(picture).save(&path).unwrap();
    let loaded = load(&path);
    assert_eq!((loaded.dims, loaded.depth), ([1, 3, 1, 2], Depth::Float));
    assert_eq!(loaded.values, [-0.5, 1.5, 0.0, 2.0, 0.25, 1e-9]);
}

#[test]
fn jpeg_is_read_by_content_and_nearly_right() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("really-a-jpeg.png");
    let ramp = RgbImage::from_fn(32, 16, |x, y| Rgb([8 * x as u8, 16 * y as u8, 128]));
    let file = fs::File::create(&path).unwrap();
    JpegEncoder::new_with_quality(file, 100).encode_image(&ramp).unwrap();
    let loaded = load(&path);
    assert_eq!((loaded.dims, loaded.depth), ([1, 3, 16, 32], Depth::Eight));
    let expected = planes(&ramp.iter().map(|&v| u32::from(v)).collect::<Vec<_>>(), 3, 255);
    // A smooth picture at quality 100 with full-resolution chroma: rounding of coefficients and of YCbCr, a few levels.
    assert_close("jpeg", &loaded.values, &expected, Tolerance::absolute(4.0 / 255.0));
}

#[test]
fn exif_orientation_is_applied() {
    // What the viewer sees of the stored rows [0 1 2] [3 4 5], by the EXIF standard's definition of the eight values.
    let seen: [(u8, [usize; 2], [u8; 6]); 8] = [
        (1, [2, 3], [0, 1, 2, 3, 4, 5]),
        (2, [2, 3], [2, 1, 0, 5, 4, 3]),
        (3, [2, 3], [5, 4, 3, 2, 1, 0]),
        (4, [2, 3], [3, 4, 5, 0, 1, 2]),
        (5, [3, 2], [0, 3, 1, 4, 2, 5]),
        (6, [3, 2], [3, 0, 4, 1, 5, 2]),
        (7, [3, 2], [5, 2, 4, 1, 3, 0]),
        (8, [3, 2], [2, 5, 1, 4, 0, 3]),
    ];
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.png");
    for (orientation, [h, w], expected) in seen {
        // A big-endian TIFF header and a directory with the single tag 0x0112 (orientation), type SHORT.
        let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        let mut encoder = PngEncoder::new(fs::File::create(&path).unwrap());
        encoder.set_exif_metadata(exif).unwrap();
        encoder
            .write_image(&[0, 1, 2, 3, 4, 5], 3, 2, ExtendedColorType::L8)
            .unwrap();
        let loaded = load(&path);
        assert_eq!(loaded.dims, [1, 1, h, w], "orientation {orientation}");
        assert_eq!(
            loaded.values,
            expected.map(|v| f32::from(v) / 255.0),
            "orientation {orientation}"
        );
    }
}

#[test]
fn opaque_alpha_is_dropped_and_other_alpha_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.png");
    let mut picture = rgb8().to_rgba8();
    picture.save(&path).unwrap();
    assert_eq!(load(&path).values, planes(&samples(3, 255), 3, 255));
    picture.get_pixel_mut(1, 1).0[3] = 254;
    picture.save(&path).unwrap();
    let message = read_image(&path, ColorMode::AsStored).unwrap_err().to_string();
    assert!(
        message.ends_with("expected an opaque image, got 1 pixels that are not opaque"),
        "{message}"
    );
}

#[test]
fn the_colour_mode_decides_on_channels() {
    let folder = tempdir().unwrap();
    let (colour, gray) = (folder.path().join("c.png"), folder.path().join("g.png"));
    rgb8().save(&colour).unwrap();
    gray16(65535).save(&gray).unwrap();
    let rgb = load(&colour).values;
    let luma: Vec<f32> = (0..6)
        .map(|i| luma_from_rgb([rgb[i], rgb[6 + i], rgb[12 + i]]))
        .collect();
    assert_eq!(read_image(&colour, ColorMode::Gray).unwrap().values, luma);
    assert_eq!(read_image(&colour, ColorMode::Rgb).unwrap().values, rgb);
    assert_eq!(
        read_image(&gray, ColorMode::Rgb).unwrap().values,
        load(&gray).values.repeat(3)
    );
}

#[test]
fn every_level_survives_a_round_trip() {
    let folder = tempdir().unwrap();
    let levels = |largest: u32| {
        (0..=largest)
            .map(|v| (f64::from(v) / f64::from(largest)) as f32)
            .collect::<Vec<_>>()
    };
    for (depth, values, dims) in [
        (Depth::Eight, levels(255), [1, 1, 16, 16]),
        (Depth::Sixteen, levels(65535), [1, 1, 256, 256]),
    ] {
        for name in ["x.png", "x.tif", "x.TIFF"] {
            let path = folder.path().join(name);
            write_image(&path, &image(&values, dims), depth).unwrap();
            let loaded = load(&path);
            assert_eq!((loaded.dims, loaded.depth), (dims, depth), "{name}");
            assert!(loaded.values == values, "{name} {depth:?}");
        }
    }
}

#[test]
fn writing_clips_and_rounds_to_the_nearest_level() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.png");
    let level = 1.0 / 255.0;
    let x = image(
        &[-0.2, 0.49 * level, 0.51 * level, 1.0 - 0.51 * level, 1.2, 7e30],
        [1, 1, 2, 3],
    );
    write_image(&path, &x, Depth::Eight).unwrap();
    let expected = [0.0, 0.0, 1.0, 254.0, 255.0, 255.0].map(|v: f32| v / 255.0);
    assert_eq!(load(&path).values, expected);
}

#[test]
fn colour_planes_come_back_in_order() {
    let folder = tempdir().unwrap();
    let values: Vec<f32> = uniform_values(3 * 5 * 7, 0.0, 1.0, 1)
        .into_iter()
        .map(|v| v as f32)
        .collect();
    for (name, depth, half_level) in [
        ("x.png", Depth::Eight, 0.5 / 255.0),
        ("x.tif", Depth::Sixteen, 0.5 / 65535.0),
    ] {
        let path = folder.path().join(name);
        write_image(&path, &image(&values, [1, 3, 5, 7]), depth).unwrap();
        let loaded = load(&path);
        assert_eq!(loaded.dims, [1, 3, 5, 7]);
        // Half a level by quantisation, and an ulp of f32 below 1.
        assert_close(name, &loaded.values, &values, Tolerance::absolute(half_level + 1e-7));
    }
}

#[test]
fn the_depth_follows_the_source_and_the_format() {
    let depth = |name: &str, source| depth_for(Path::new(name), source).unwrap();
    assert_eq!(depth("a.png", Depth::Eight), Depth::Eight);
    assert_eq!(depth("a.tiff", Depth::Sixteen), Depth::Sixteen);
    assert_eq!(depth("a.PNG", Depth::Float), Depth::Sixteen);
    assert_eq!(depth("a.npy", Depth::Eight), Depth::Float);
    assert_eq!(depth("a.tif", Depth::Float), Depth::Float);
    assert_eq!(depth("a.jpg", Depth::Sixteen), Depth::Eight);
    assert!(depth_for(Path::new("a.gif"), Depth::Eight).is_err());
}

#[test]
fn alpha_is_read_beside_the_image() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.png");
    let opaque = rgb8().to_rgba8();
    let mut picture = opaque.clone();
    picture.get_pixel_mut(2, 0).0[3] = 0;
    picture.get_pixel_mut(1, 1).0[3] = 51;
    let gray = ImageBuffer::from_fn(3, 2, |x, y| {
        let pixel = picture.get_pixel(x, y).0;
        image::LumaA([257 * u16::from(pixel[0]), 257 * u16::from(pixel[3])])
    });
    let alpha = [1.0, 1.0, 0.0, 1.0, 0.2, 1.0];
    for (picture, colours) in [
        (DynamicImage::from(picture), planes(&samples(3, 255), 3, 255)),
        (gray.into(), planes(&samples(3, 255), 3, 255)[..6].to_vec()),
    ] {
        picture.save(&path).unwrap();
        let (loaded, found) = read_image_and_alpha(&path, ColorMode::AsStored).unwrap();
        assert_eq!(loaded.values, colours);
        assert_eq!(found.unwrap(), alpha);
    }
    opaque.save(&path).unwrap();
    let (loaded, found) = read_image_and_alpha(&path, ColorMode::AsStored).unwrap();
    assert_eq!((loaded, found), (load(&path), None));
}
