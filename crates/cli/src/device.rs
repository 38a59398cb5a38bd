//! The compute device.

use std::str::FromStr;

use burn::tensor::Device;

/// What `--device` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The best one that was built in.
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
    pub fn open(self) -> (Device, String) {
        match self {
            Self::Auto | Self::Flex => (Device::flex(), "flex".to_owned()),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)] // Upstream's notice; the feature exists to compare backends.
            Self::Ndarray => (Device::ndarray(), "ndarray".to_owned()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(number) => {
                use burn::tensor::DeviceKind;
                match number {
                    None => (Device::wgpu(DeviceKind::DefaultDevice), "wgpu".to_owned()),
                    Some(n) => (Device::wgpu(DeviceKind::DiscreteGpu(n)), format!("wgpu:{n}")),
                }
            }
        }
    }
}
