//! Which instruction set runs: detected once, overridable by `TWEEDIE_KERNEL`.

use std::sync::OnceLock;

use crate::Error;

/// The environment variable that overrides the choice of kernel.
const VARIABLE: &str = "TWEEDIE_KERNEL";

/// An implementation of the convolutions that this CPU can run.
///
/// There is no way to make a value for an instruction set that the CPU lacks, so holding one is the proof that the
/// instructions may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kernel(Isa);

/// The instruction sets, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Isa {
    /// Direct loops in f64: the oracle.
    Naive,
    /// The fast algorithms in portable code.
    Scalar,
    /// 8 lanes with fused multiply-add.
    Avx2,
    /// 16 lanes, 32 registers.
    Avx512,
}

impl Isa {
    const ALL: [Self; 4] = [Self::Naive, Self::Scalar, Self::Avx2, Self::Avx512];

    fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    fn is_supported(self) -> bool {
        match self {
            Self::Naive | Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}

impl Kernel {
    /// Every name that [`Kernel::from_name`] knows, slowest first.
    pub const NAMES: [&'static str; 4] = ["naive", "scalar", "avx2", "avx512"];

    /// The kernel of this name: `naive`, `scalar`, `avx2` or `avx512`.
    ///
    /// # Errors
    /// [`Error::UnknownKernel`] for any other name, [`Error::UnsupportedKernel`] if this CPU or build cannot run it.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        let isa = Isa::ALL.into_iter().find(|isa| isa.name() == name);
        let isa = isa.ok_or_else(|| Error::UnknownKernel { name: name.to_owned() })?;
        if isa.is_supported() {
            Ok(Self(isa))
        } else {
            Err(Error::UnsupportedKernel { name: isa.name() })
        }
    }

    /// The fastest kernel that this CPU supports.
    pub fn fastest() -> Self {
        let mut best = Isa::Scalar;
        for isa in Isa::ALL {
            if isa.is_supported() {
                best = isa;
            }
        }
        Self(best)
    }

    /// The name that [`Kernel::from_name`] takes.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    pub(crate) fn isa(self) -> Isa {
        self.0
    }
}

/// The kernel that [`Conv3x3::new`](crate::Conv3x3::new) uses: the fastest that the CPU supports, unless the
/// environment variable `TWEEDIE_KERNEL` names another. Looked up once per process.
///
/// # Errors
/// As [`Kernel::from_name`], for the value of `TWEEDIE_KERNEL`.
pub fn active_kernel() -> Result<Kernel, Error> {
    static ACTIVE: OnceLock<Result<Kernel, Error>> = OnceLock::new();
    ACTIVE
        .get_or_init(|| {
            choose(
                std::env::var_os(VARIABLE)
                    .map(|v| v.to_string_lossy().into_owned())
                    .as_deref(),
            )
        })
        .clone()
}

/// The kernel for a value of the environment variable; unset or empty means the fastest.
fn choose(value: Option<&str>) -> Result<Kernel, Error> {
    match value {
        None | Some("") => Ok(Kernel::fastest()),
        Some(name) => Kernel::from_name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_means_fastest() {
        assert_eq!(choose(None), Ok(Kernel::fastest()));
        assert_eq!(choose(Some("")), Ok(Kernel::fastest()));
    }

    #[test]
    fn a_name_is_obeyed_or_refused() {
        assert_eq!(choose(Some("naive")).map(Kernel::name), Ok("naive"));
        assert_eq!(choose(Some("scalar")).map(Kernel::name), Ok("scalar"));
        for isa in Isa::ALL {
            let expected = if isa.is_supported() {
                Ok(Kernel(isa))
            } else {
                Err(Error::UnsupportedKernel { name: isa.name() })
            };
            assert_eq!(choose(Some(isa.name())), expected);
        }
        assert_eq!(
            choose(Some("sse9")),
            Err(Error::UnknownKernel {
                name: "sse9".to_owned()
            })
        );
    }

    #[test]
    fn names_are_complete() {
        assert_eq!(Isa::ALL.map(Isa::name), Kernel::NAMES);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn fastest_follows_the_cpu() {
        let expected = if is_x86_feature_detected!("avx512f") {
            "avx512"
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            "avx2"
        } else {
            "scalar"
        };
        assert_eq!(Kernel::fastest().name(), expected);
    }
}
