//! Kernels by name, as the command line takes them.

use std::path::Path;

use tweedie_imaging::{ColorMode, read_array, read_image};

use super::{Kernel, MAX_SIZE};
use crate::Error;
use crate::host::parameter;

const FORMS: &str =
    "gaussian:SIGMA[xSIZE], disc:RADIUS, motion:LENGTH,ANGLE, uniform:SIZE, levin:1..8, FILE.npy or FILE.png";

impl Kernel {
    /// The kernel that a specification names:
    ///
    /// | form | kernel |
    /// |---|---|
    /// | `gaussian:1.6` | [`Kernel::gaussian`] of standard deviation 1.6 pixels and [`Kernel::gaussian_size`] |
    /// | `gaussian:1.6x25` | the same, 25x25 |
    /// | `uniform:9` | [`Kernel::uniform`] 9x9 |
    /// | `disc:3.5` | [`Kernel::disc`] of radius 3.5 pixels |
    /// | `motion:15,30` | [`Kernel::motion`] over 15 pixels, 30 degrees above the horizontal |
    /// | `levin:1` .. `levin:8` | motion blur of Levin et al. 2009: `levin09_N.npy` in `folder` |
    /// | `FILE.npy`, `FILE.png` | a file ([`Kernel::read`]) |
    ///
    /// # Errors
    /// If the specification has none of the forms, a number is out of range, or a file is missing or no kernel.
    pub fn parse(specification: &str, folder: &Path) -> Result<Self, Error> {
        let refused = |expected: &str| parameter("kernel", expected.into(), format!("'{specification}'"));
        match specification.split_once(':') {
            Some(("gaussian", rest)) => {
                let (sigma, size) = match rest.split_once('x') {
                    Some((sigma, size)) => (sigma, Some(size)),
                    None => (rest, None),
                };
                let form = "gaussian:SIGMA[xSIZE], such as gaussian:1.6x25";
                let sigma: f64 = sigma.parse().map_err(|_| refused(form))?;
                let size = match size {
                    Some(size) => size.parse().map_err(|_| refused(form))?,
                    None => Self::gaussian_size(sigma)?,
                };
                Self::gaussian(sigma, size)
            }
            Some(("uniform", size)) => {
                Self::uniform(size.parse().map_err(|_| refused("uniform:SIZE, such as uniform:9"))?)
            }
            Some(("disc", radius)) => Self::disc(
                radius
                    .parse()
                    .map_err(|_| refused("disc:RADIUS in pixels, such as disc:3.5"))?,
            ),
            Some(("motion", rest)) => {
                let form = "motion:LENGTH,ANGLE in pixels and degrees, such as motion:15,30";
                let (length, angle) = rest.split_once(',').ok_or_else(|| refused(form))?;
                Self::motion(
                    length.parse().map_err(|_| refused(form))?,
                    angle.parse().map_err(|_| refused(form))?,
                )
            }
            Some(("levin", number)) => match number.parse() {
                Ok(number @ 1..=8_u8) => Self::levin(number, folder),
                _ => Err(refused("levin:1 .. levin:8")),
            },
            _ => {
                let path = Path::new(specification);
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some("npy" | "png") => Self::read(path),
                    _ => Err(refused(FORMS)),
                }
            }
        }
    }

    fn levin(number: u8, folder: &Path) -> Result<Self, Error> {
        let path = folder.join(format!("levin09_{number}.npy"));
        if !path.is_file() {
            return Err(Error::MissingKernel {
                name: format!("levin:{number}"),
                path,
            });
        }
        Self::read(&path)
    }

    /// A kernel from an array of two dimensions (`.npy`), or from a gray image (any other ending that images have), normalised by
    /// [`Kernel::new`].
    ///
    /// # Errors
    /// If the file cannot be read, is no gray image or array of two dimensions, has a side above [`MAX_SIZE`], or its values are no
    /// kernel; the error names the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |expected: String, got: String| Error::KernelFile {
            path: path.to_path_buf(),
            expected,
            got,
        };
        let is_array = path.extension().is_some_and(|extension| extension == "npy");
        let (shape, values) = if is_array {
            let array = read_array(path)?;
            (array.shape, array.values)
        } else {
            let image = read_image(path, ColorMode::AsStored)?;
            let values = image.values.into_iter().map(f64::from).collect();
            // A gray image is [1, 1, H, W]; colour keeps its channels and is refused below.
            let [batch, channels, rows, cols] = image.dims;
            let is_gray = batch == 1 && channels == 1;
            (if is_gray { vec![rows, cols] } else { image.dims.to_vec() }, values)
        };
        let &[rows, cols] = shape.as_slice() else {
            return Err(wrong(
                "a gray image or an array of two dimensions".into(),
                format!("shape {shape:?}"),
            ));
        };
        if rows > MAX_SIZE || cols > MAX_SIZE {
            return Err(wrong(
                format!("at most {MAX_SIZE} x {MAX_SIZE} values"),
                format!("{rows} x {cols}"),
            ));
        }
        Self::new(rows, cols, values).map_err(|error| match error {
            Error::Parameter { expected, got, .. } => wrong(expected, got),
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::{Array, Depth, image_from_vec, write_array, write_image};

    use super::*;

    fn parse(specification: &str) -> Result<Kernel, Error> {
        Kernel::parse(specification, Path::new("no-such-folder"))
    }

    #[test]
    fn names_give_kernels() {
        assert_eq!(parse("gaussian:1.6x25").unwrap(), Kernel::gaussian(1.6, 25).unwrap());
        assert_eq!(parse("gaussian:1.6").unwrap(), Kernel::gaussian(1.6, 15).unwrap());
        assert_eq!(parse("uniform:9").unwrap(), Kernel::uniform(9).unwrap());
        assert_eq!(parse("disc:3.5").unwrap(), Kernel::disc(3.5).unwrap());
        assert_eq!(parse("motion:15,-30").unwrap(), Kernel::motion(15.0, -30.0).unwrap());
    }

    #[test]
    fn wrong_names_say_what_is_expected() {
        for name in [
            "",
            "gauss:1",
            "gaussian:",
            "gaussian:ax3",
            "gaussian:1.6x",
            "uniform:-1",
            "disc:",
            "disc:-1",
            "disc:nan",
            "motion:5",
            "motion:5,x",
            "motion:0,0",
            "levin:9",
            "levin:0",
            "a.bmp",
        ] {
            assert!(matches!(parse(name), Err(Error::Parameter { .. })), "{name}");
        }
        let message = parse("levin:3").unwrap_err().to_string();
        assert!(
            message.contains("levin09_3.npy") && message.contains("no-such-folder"),
            "{message}"
        );
        assert!(parse("missing.npy").unwrap_err().to_string().contains("missing.npy"));
    }

    #[test]
    fn files_give_kernels_and_errors_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("levin09_2.npy");
        let write = |shape: &[usize], values: &[f64]| {
            write_array(
                &path,
                &Array {
                    shape: shape.to_vec(),
                    values: values.to_vec(),
                },
            )
            .unwrap();
        };
        write(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 6.0]);
        let expected = Kernel::new(2, 3, vec![0.0, 1.0, 2.0, 3.0, 4.0, 6.0]).unwrap();
        assert_eq!(Kernel::parse("levin:2", folder.path()).unwrap(), expected);
        assert_eq!(parse(path.to_str().unwrap()).unwrap(), expected);
        for (shape, values) in [
            (vec![4], vec![1.0; 4]),
            (vec![1, 2], vec![0.0; 2]),
            (vec![1, 2], vec![-1.0; 2]),
        ] {
            write(&shape, &values);
            let message = Kernel::read(&path).unwrap_err().to_string();
            assert!(message.contains("levin09_2.npy"), "{message}");
        }

        let path = folder.path().join("kernel.png");
        let image = |dims: [usize; 4], values: Vec<f32>| image_from_vec(values, dims, &Device::flex()).unwrap();
        write_image(&path, &image([1, 1, 1, 3], vec![0.2, 0.6, 0.2]), Depth::Eight).unwrap();
        let kernel = parse(path.to_str().unwrap()).unwrap();
        // Image files are read as f32.
        assert_eq!(kernel.dims(), [1, 3]);
        assert!(
            kernel
                .values()
                .iter()
                .zip([0.2, 0.6, 0.2])
                .all(|(got, expected)| (got - expected).abs() < 1e-7)
        );
        write_image(&path, &image([1, 3, 1, 1], vec![0.2, 0.6, 0.2]), Depth::Eight).unwrap();
        assert!(
            Kernel::read(&path).unwrap_err().to_string().contains("kernel.png"),
            "a colour image is no kernel"
        );
    }
}
