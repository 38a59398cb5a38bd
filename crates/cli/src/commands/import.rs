//! `tweedie import`

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use tweedie::import::{self, Imported};
use tweedie::model::{Family, NoiseRange};
use tweedie::settings;

use crate::Outcome;
use crate::options::Common;
use crate::session::Session;

/// Turn the weights of another program into a checkpoint
///
/// Reads PyTorch (.pth, .pt; also of before 1.6), safetensors, MatConvNet in MATLAB 7.3 (.mat) and Flax MessagePack (.mpk).
/// Nothing in a file is executed. The network is recognised by the names and shapes of its parameters; batch
/// normalisation is folded into the convolutions, and scale, residual and padding become part of the checkpoint. Files that
/// are not known by their sha256 need --noise: they do not say for which noise they were trained.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Import {
    /// File of weights
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the new checkpoint, in checkpoints/ in the working folder; or a path, with a slash
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// Kind of network: dncnn, ffdnet, bf-cnn, bias-free-dncnn, scico-dncnn, crr or tweedie [default: what is recognised]
    #[arg(long, value_name = "A", value_parser = family)]
    architecture: Option<Family>,
    /// Noise levels of its training, in 8-bit grey levels [default: those of a published file]
    #[arg(long, value_name = "MIN[..MAX]")]
    noise: Option<Levels>,
    /// Replace an imported checkpoint of this name
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie import FFDNet_gray.mat --as ffdnet-gray
  tweedie import mine.pth --as mine --noise 0..50
  tweedie import mine.safetensors --as runs/mine --architecture dncnn --noise 25";

/// `MIN..MAX`, or one level.
#[derive(Clone, Copy, Debug)]
struct Levels(NoiseRange);

impl FromStr for Levels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let level = |text: &str| {
            text.parse()
                .map_err(|_| format!("expected MIN..MAX or a number, got '{text}'"))
        };
        let range = NoiseRange {
            min: level(min)?,
            max: level(max)?,
        };
        range.support().map_err(|error| error.to_string())?;
        Ok(Self(range))
    }
}

fn family(name: &str) -> Result<Family, String> {
    Family::from_name(name).ok_or_else(|| format!("expected {}", Family::ALL.map(Family::name).join(", ")))
}

impl Import {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("import", &self.common)?;
        settings::sections(&self.common.settings, [])?;
        let import = import::Import {
            file: self.file,
            name: self.name,
            family: self.architecture,
            noise: self.noise.map(|levels| levels.0),
            force: self.force,
        };
        import.folder()?;
        session.run(|results| {
            session.claim([], [import.file.clone()])?;
            let imported: Imported = import.run(&session.device, &session)?;
            session.say(&imported.recognised);
            session.say(&imported.network);
            session.say(format_args!("written to {}", imported.folder));
            results.push(imported)?;
            Ok(Outcome::Done)
        })
    }
}
