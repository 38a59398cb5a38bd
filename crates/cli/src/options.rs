//! Options that every command with work takes.

use std::time::Instant;

use anyhow::{Context, bail};
use burn::tensor::Device;
use clap::Args;
use serde::Serialize;

use crate::output;

/// `--device`, `--threads`, `--json`, `--quiet`.
#[derive(Args, Clone)]
pub struct Common {
    /// Where to compute: auto, flex (CPU), or ndarray and wgpu where they were built in
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Threads of the CPU; all cores by default
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Write results as JSON to this file, or to standard output for "-"
    #[arg(long, value_name = "FILE")]
    pub json: Option<String>,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// A command at work.
pub struct Session {
    pub device: Device,
    device_name: String,
    threads: usize,
    started: Instant,
    json: Option<String>,
    /// Whether results are printed for people.
    pub talk: bool,
    /// Whether a progress bar may be shown.
    pub quiet: bool,
}

#[derive(Serialize)]
struct Report<'a, T> {
    schema: u32,
    command: &'a str,
    tweedie: &'a str,
    device: &'a str,
    threads: usize,
    seconds: f64,
    results: &'a [T],
    files: &'a [FileHash],
}

/// sha256 of a file that was read.
#[derive(Clone, Serialize)]
pub struct FileHash {
    pub path: String,
    pub sha256: String,
}

impl Common {
    /// Opens the device and sets the number of threads.
    pub fn start(&self) -> anyhow::Result<Session> {
        tweedie_kernels::active_kernel().context("choosing the CPU's convolution kernel")?;
        let threads = match self.threads {
            Some(0) => bail!("--threads: expected at least 1, got 0"),
            Some(threads) => threads,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("starting threads")?;
        let (device, device_name) = device(&self.device)?;
        Ok(Session {
            device,
            device_name,
            threads,
            started: Instant::now(),
            json: self.json.clone(),
            talk: !self.quiet && self.json.as_deref() != Some("-"),
            quiet: self.quiet,
        })
    }
}

impl Session {
    /// Writes the JSON report if one was asked for.
    pub fn finish<T: Serialize>(&self, command: &str, results: &[T], files: &[FileHash]) -> anyhow::Result<()> {
        let Some(target) = &self.json else { return Ok(()) };
        let report = Report {
            schema: 1,
            command,
            tweedie: env!("CARGO_PKG_VERSION"),
            device: &self.device_name,
            threads: self.threads,
            seconds: self.started.elapsed().as_secs_f64(),
            results,
            files,
        };
        output::json(target, &report)
    }
}

fn device(name: &str) -> anyhow::Result<(Device, String)> {
    let built = ["flex", #[cfg(feature = "ndarray")] "ndarray", #[cfg(feature = "wgpu")] "wgpu"];
    match name {
        "auto" | "flex" => Ok((Device::flex(), "flex".to_owned())),
        #[cfg(feature = "ndarray")]
        "ndarray" => Ok((Device::ndarray(), name.to_owned())),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok((Device::wgpu(burn::tensor::DeviceKind::DefaultDevice), name.to_owned())),
        _ => bail!("--device: expected auto or one of those built in ({}), got '{name}'", built.join(", ")),
    }
}
