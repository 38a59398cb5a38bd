//! Real images.

use std::ffi::OsStr;

use tweedie_imaging::{ColorMode, image_files, read_image};
use tweedie_testing::shared_data;

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn luma_of_cbsd68_is_bsd68() {
    let (colour, gray) = (shared_data("data/images/CBSD68"), shared_data("data/images/BSD68"));
    let (mut pixels, mut different) = (0, 0);
    let (colour, gray) = (image_files(&colour).unwrap(), image_files(&gray).unwrap());
    assert_eq!((colour.len(), gray.len()), (68, 68));
    // Every fourth pair: 2.6 million pixels.
    for (colour, gray) in colour.iter().zip(&gray).step_by(4) {
        let luma = read_image(colour, ColorMode::Gray).unwrap();
        let gray = read_image(gray, ColorMode::AsStored).unwrap();
        assert_eq!(luma.dims, gray.dims);
        let level = |value: f32| (255.0 * f64::from(value)).round();
        pixels += gray.values.len();
        different += luma
            .values
            .iter()
            .zip(&gray.values)
            .filter(|(a, b)| level(**a) != level(**b))
            .count();
    }
    // The set was rounded to 8 bits after the same weights; 1 pixel in 10 million differs over all images.
    assert!(different <= 2, "{different} of {pixels}");
}

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn every_test_image_reads() {
    let images = shared_data("data/images");
    let mut count = 0;
    for set in ["Set12", "Set5", "Set3C", "RED17"] {
        for path in image_files(&images.join(set)).unwrap() {
            let loaded = read_image(&path, ColorMode::AsStored).unwrap();
            let gray = loaded.dims[1] == 1;
            assert!(gray || loaded.dims[1] == 3, "{path:?}");
            assert!(
                set != "Set12" || (gray && path.extension() == Some(OsStr::new("png"))),
                "{path:?}"
            );
            count += 1;
        }
    }
    assert_eq!(count, 12 + 5 + 3 + 17);
}
