//! Kernels by name, as the command line takes them.

use std::path::Path;

use super::{Kernel, MAX_SIZE};
use crate::Error;
use crate::host::parameter;

const FORMS: &str = "gaussian:SIGMA[xSIZE], uniform:SIZE, levin:1..8, FILE.npy or FILE.png";

impl Kernel {
    /// The kernel that a specification names:
    ///
    /// | form | kernel |
    /// |---|---|
    /// | `gaussian:1.6` | [`Kernel::gaussian`] of standard deviation 1.6 pixels and [`Kernel::gaussian_size`] |
    /// | `gaussian:1.6x25` | the same, 25x25 |
    /// | `uniform:9` | [`Kernel::uniform`] 9x9 |
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

    /// A kernel from a `.npy` array of two dimensions, or from a gray `.png` (8 or 16 bit), normalised by [`Kernel::new`].
    ///
    /// # Errors
    /// If the file cannot be read, is no gray image or array of two dimensions, has a side above [`MAX_SIZE`], or its values are no
    /// kernel; the error names the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = super::file::read(path)?;
        if file.rows > MAX_SIZE || file.cols > MAX_SIZE {
            return Err(Error::KernelFile {
                path: path.to_path_buf(),
                expected: format!("at most {MAX_SIZE} x {MAX_SIZE} values"),
                got: format!("{} x {}", file.rows, file.cols),
            });
        }
        Self::new(file.rows, file.cols, file.values).map_err(|error| match error {
            Error::Parameter { expected, got, .. } => Error::KernelFile {
                path: path.to_path_buf(),
                expected,
                got,
            },
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(specification: &str) -> Result<Kernel, Error> {
        Kernel::parse(specification, Path::new("no-such-folder"))
    }

    #[test]
    fn names_give_kernels() {
        assert_eq!(parse("gaussian:1.6x25").unwrap(), Kernel::gaussian(1.6, 25).unwrap());
        assert_eq!(parse("gaussian:1.6").unwrap(), Kernel::gaussian(1.6, 15).unwrap());
        assert_eq!(parse("uniform:9").unwrap(), Kernel::uniform(9).unwrap());
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
}
