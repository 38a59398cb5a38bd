//! `.npy` and `.npz` files.

use std::fs;

use burn::tensor::Device;
use tempfile::tempdir;
use tweedie_imaging::{
    Array, ColorMode, Depth, read_array, read_image, read_npz, vec_from_image, write_array, write_image, write_npz,
};
use tweedie_testing::for_each_case;

use crate::support::{golden, header, image, npy};

fn counting(shape: &[usize]) -> Array {
    Array {
        shape: shape.to_vec(),
        values: (0..shape.iter().product()).map(|i: usize| i as f64).collect(),
    }
}

#[test]
fn element_types_keep_their_values_as_arrays_and_are_scaled_as_images() {
    let floats = [0.25f64, -1.5];
    let f32s: Vec<u8> = floats.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
    let f64s: Vec<u8> = floats.iter().flat_map(|v| v.to_le_bytes()).collect();
    let swapped: Vec<u8> = floats.iter().flat_map(|v| v.to_be_bytes()).collect();
    // Element type, two values as bytes, as an array, as an image.
    type Case = (Vec<u8>, [f64; 2], Option<([f32; 2], Depth)>);
    let cases: Vec<(&str, Case)> = vec![
        ("<f4", (f32s, floats, Some(([0.25, -1.5], Depth::Float)))),
        ("<f8", (f64s, floats, Some(([0.25, -1.5], Depth::Float)))),
        (">f8", (swapped, floats, Some(([0.25, -1.5], Depth::Float)))),
        ("|u1", (vec![0, 255], [0.0, 255.0], Some(([0.0, 1.0], Depth::Eight)))),
        (
            "<u2",
            (
                vec![0xff, 0xff, 0x34, 0x12],
                [65535.0, 4660.0],
                Some(([1.0, 4660.0 / 65535.0], Depth::Sixteen)),
            ),
        ),
        ("|b1", (vec![1, 0], [1.0, 0.0], Some(([1.0, 0.0], Depth::Eight)))),
        ("|i1", (vec![1, 0xff], [1.0, -1.0], None)),
        ("<i2", (vec![1, 0, 0xfe, 0xff], [1.0, -2.0], None)),
        ("<i8", ([1i64, -3].map(i64::to_le_bytes).concat(), [1.0, -3.0], None)),
        (
            "<u8",
            (
                [7u64, 1 << 53].map(u64::to_le_bytes).concat(),
                [7.0, 2f64.powi(53)],
                None,
            ),
        ),
    ];
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.npy");
    for_each_case(
        cases.into_iter().map(|(descr, case)| (descr, (descr, case))),
        |(descr, (data, values, pixels))| {
            fs::write(&path, npy(&header(descr, "(1, 2)"), &data)).unwrap();
            assert_eq!(
                read_array(&path).unwrap(),
                Array {
                    shape: vec![1, 2],
                    values: values.to_vec()
                }
            );
            match pixels {
                Some((pixels, depth)) => {
                    let loaded = read_image(&path, ColorMode::AsStored).unwrap();
                    assert_eq!((loaded.dims, loaded.depth), ([1, 1, 1, 2], depth));
                    assert_eq!(loaded.values, pixels);
                }
                None => assert!(read_image(&path, ColorMode::AsStored).is_err()),
            }
        },
    );
}

#[test]
fn shapes_of_images() {
    type Case = (&'static [usize], [usize; 4], bool);
    let cases: Vec<(&str, Case)> = vec![
        ("gray", (&[4, 5], [1, 1, 4, 5], false)),
        ("one channel first", (&[1, 4, 5], [1, 1, 4, 5], false)),
        ("colour", (&[3, 4, 5], [1, 3, 4, 5], false)),
        (
            "colour, channels first even if three columns",
            (&[3, 4, 3], [1, 3, 4, 3], false),
        ),
        ("colour, channels last", (&[4, 5, 3], [1, 3, 4, 5], true)),
        ("one channel last", (&[4, 5, 1], [1, 1, 4, 5], false)),
        ("batch of any channels", (&[2, 5, 3, 4], [2, 5, 3, 4], false)),
    ];
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.npy");
    for_each_case(cases, |(shape, dims, channels_last)| {
        let array = counting(shape);
        write_array(&path, &array).unwrap();
        let loaded = read_image(&path, ColorMode::AsStored).unwrap();
        assert_eq!(loaded.dims, dims);
        let mut expected: Vec<f32> = array.values.iter().map(|&v| v as f32).collect();
        if channels_last {
            expected = (0..3)
                .flat_map(|c| array.values.iter().skip(c).step_by(3).map(|&v| v as f32))
                .collect();
        }
        assert_eq!(loaded.values, expected);
    });
}

#[test]
fn arrays_of_other_shapes_are_no_images_but_arrays() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.npy");
    for shape in [&[] as &[usize], &[6], &[2, 3, 4], &[1, 1, 1, 2, 2]] {
        let array = counting(shape);
        write_array(&path, &array).unwrap();
        assert_eq!(read_array(&path).unwrap(), array);
        let message = read_image(&path, ColorMode::AsStored).unwrap_err().to_string();
        assert!(message.ends_with(&format!("got shape {shape:?}")), "{message}");
    }
}

#[test]
fn files_of_numpy() {
    assert_eq!(read_array(&golden("fortran.npy")).unwrap(), counting(&[2, 3, 4]));
    let mask = Array {
        shape: vec![3, 3],
        values: vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    };
    let kernel = Array {
        shape: vec![2, 2],
        values: vec![1.0, -2.0, 3.0, 2f64.powi(53)],
    };
    let arrays = read_npz(&golden("arrays.npz")).unwrap();
    assert_eq!(arrays, [("mask".to_owned(), mask), ("kernel".to_owned(), kernel)]);
    let message = read_array(&golden("arrays.npz")).unwrap_err().to_string();
    assert!(
        message.ends_with("expected an .npz file with a single array, got mask, kernel"),
        "{message}"
    );
}

#[test]
fn images_come_back_bit_for_bit_from_npy() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.npy");
    for (dims, shape) in [
        ([1, 1, 2, 3], vec![2, 3]),
        ([1, 3, 2, 1], vec![3, 2, 1]),
        // As [5, 2, 3] this would be read with the channels last.
        ([1, 5, 2, 3], vec![1, 5, 2, 3]),
        ([4, 1, 2, 3], vec![4, 1, 2, 3]),
    ] {
        let values: Vec<f32> = (0..dims.iter().product())
            .map(|i: usize| 0.3 - 0.1 * i as f32)
            .collect();
        let x = image(&values, dims);
        write_image(&path, &x, Depth::Float).unwrap();
        assert_eq!(read_array(&path).unwrap().shape, shape);
        let loaded = read_image(&path, ColorMode::AsStored).unwrap();
        assert_eq!(loaded.dims, dims);
        assert_eq!(
            vec_from_image(&loaded.image(&Device::default()).unwrap()).unwrap(),
            values
        );
    }
}

#[test]
fn npz_holds_several_arrays_and_equal_arrays_give_equal_files() {
    let folder = tempdir().unwrap();
    let [one, two] = ["1.npz", "2.npz"].map(|name| folder.path().join(name));
    let y = Array::from_image(&image(&[0.1, -0.7], [1, 1, 1, 2])).unwrap();
    let kernel = Array {
        shape: vec![3],
        values: vec![0.1, 1.0 / 3.0, 1e-300],
    };
    for path in [&one, &two] {
        write_npz(path, &[("y", &y), ("kernel", &kernel)]).unwrap();
    }
    assert_eq!(
        read_npz(&one).unwrap(),
        [("y".to_owned(), y.clone()), ("kernel".to_owned(), kernel)]
    );
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    write_npz(&one, &[("y", &y)]).unwrap();
    assert_eq!(read_array(&one).unwrap(), y);
    assert_eq!(read_image(&one, ColorMode::AsStored).unwrap().values, [0.1, -0.7]);
}

/// A flipped bit in the stored data is found by the checksum or by the decoder, or does not count: codes that nothing uses.
#[test]
fn a_flipped_bit_in_an_archive_is_found() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.npz");
    let values: Vec<f64> = (0..64).map(|i: u32| f64::from(i * i % 97) / 7.0).collect();
    let array = Array {
        shape: vec![8, 8],
        values,
    };
    write_npz(&path, &[("y", &array)]).unwrap();
    let deflated = fs::read(&path).unwrap();
    let stored = {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("y.npy", options).unwrap();
        let npy = folder.path().join("y.npy");
        write_array(&npy, &array).unwrap();
        std::io::Write::write_all(&mut zip, &fs::read(&npy).unwrap()).unwrap();
        zip.finish().unwrap().into_inner()
    };
    for (name, whole) in [("deflated", deflated), ("stored", stored)] {
        fs::write(&path, &whole).unwrap();
        assert_eq!(read_array(&path).unwrap(), array);
        // The local header is 30 bytes and the name; the central directory follows the data.
        let start = 30 + "y.npy".len();
        let end = whole.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
        let places: Vec<usize> = (start..end).step_by(7).collect();
        let mut found = 0;
        for &at in &places {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(&path, flipped).unwrap();
            match read_array(&path) {
                Err(_) => found += 1,
                Ok(other) => assert!(other == array, "{name}, byte {at} of {start}..{end}"),
            }
        }
        assert!(10 * found > 9 * places.len(), "{name}: {found} of {}", places.len());
    }
}
