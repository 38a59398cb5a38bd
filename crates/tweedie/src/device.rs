//! The compute device.

use std::str::FromStr;

use burn::tensor::Device;

use crate::Result;
use crate::error::Context as _;
#[cfg(feature = "wgpu")]
use crate::error::bail;

/// Which device computes; its text is `auto`, `flex`, `ndarray`, `wgpu` or `wgpu:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU, if the program can use one and it answers; else the CPU.
    #[default]
    Auto,
    /// The CPU, with this project's convolutions.
    Flex,
    /// The CPU, with the `ndarray` backend.
    #[cfg(feature = "ndarray")]
    Ndarray,
    /// A GPU: the best one, or the discrete GPU with this number.
    #[cfg(feature = "wgpu")]
    Wgpu(Option<usize>),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            "flex" => Ok(Self::Flex),
            #[cfg(feature = "ndarray")]
            "ndarray" => Ok(Self::Ndarray),
            #[cfg(not(feature = "ndarray"))]
            "ndarray" => Err(not_built("ndarray")),
            _ if name == "wgpu" || name.starts_with("wgpu:") => wgpu(name),
            _ => Err("expected auto, flex, ndarray, wgpu or wgpu:N".to_owned()),
        }
    }
}

#[cfg(feature = "wgpu")]
fn wgpu(name: &str) -> Result<DeviceChoice, String> {
    match name.split_once(':') {
        None => Ok(DeviceChoice::Wgpu(None)),
        Some((_, number)) => match number.parse() {
            Ok(number) => Ok(DeviceChoice::Wgpu(Some(number))),
            Err(_) => Err("expected wgpu:N with the number of a GPU".to_owned()),
        },
    }
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(_: &str) -> Result<DeviceChoice, String> {
    Err(not_built("wgpu"))
}

#[cfg(not(all(feature = "ndarray", feature = "wgpu")))]
fn not_built(name: &str) -> String {
    format!("this program was built without it; build with --features {name}")
}

impl DeviceChoice {
    /// The device and its name.
    pub fn open(self) -> Result<(Device, String)> {
        match self {
            #[cfg(feature = "wgpu")]
            Self::Auto => Ok(gpu().unwrap_or_else(flex)),
            #[cfg(not(feature = "wgpu"))]
            Self::Auto => Ok(flex()),
            Self::Flex => Ok(flex()),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)] // Upstream's notice; the feature exists to compare backends.
            Self::Ndarray => Ok((Device::ndarray(), "ndarray".to_owned())),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(number) => adapter(number),
        }
    }
}

/// Uses `threads` threads of the CPU from now on, all cores if it is absent; says how many.
///
/// # Errors
/// If threads were started before.
pub fn start_threads(threads: Option<std::num::NonZeroUsize>) -> Result<usize> {
    let threads = match threads {
        Some(threads) => threads.get(),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    built.map_err(std::io::Error::other).context("starting threads")?;
    Ok(threads)
}

fn flex() -> (Device, String) {
    (Device::flex(), "flex".to_owned())
}

/// The first GPU that answers, no software that stands for one.
#[cfg(feature = "wgpu")]
fn gpu() -> Option<(Device, String)> {
    use burn::tensor::{DeviceKind, DeviceType};
    let found: Vec<Device> = Device::enumerate(DeviceType::Wgpu).into_iter().collect();
    [
        DeviceKind::DiscreteGpu(0),
        DeviceKind::IntegratedGpu(0),
        DeviceKind::VirtualGpu(0),
    ]
    .into_iter()
    .map(Device::wgpu)
    .find(|device| found.contains(device))
    .map(|device| (device, "wgpu".to_owned()))
}

/// The best adapter, which may be software, or the discrete GPU with a number.
#[cfg(feature = "wgpu")]
fn adapter(number: Option<usize>) -> Result<(Device, String)> {
    use burn::tensor::{DeviceKind, DeviceType};
    let found: Vec<Device> = Device::enumerate(DeviceType::Wgpu).into_iter().collect();
    // Opening an adapter that is not there would panic inside the driver's library.
    match number {
        None if found.is_empty() => bail!("--device wgpu: expected a GPU with a Vulkan driver, found none"),
        None => Ok((Device::wgpu(DeviceKind::DefaultDevice), "wgpu".to_owned())),
        Some(n) => {
            let device = Device::wgpu(DeviceKind::DiscreteGpu(n));
            if !found.contains(&device) {
                bail!("--device wgpu:{n}: expected the number of a discrete GPU, found {found:?}");
            }
            Ok((device, format!("wgpu:{n}")))
        }
    }
}
