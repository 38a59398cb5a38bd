//! `tweedie checkpoints`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tweedie::checkpoint::{channels_text, levels_text};
use tweedie::checkpoints::{self, Found};
use tweedie::denoisers::Classical;
use tweedie::settings;

use crate::Outcome;
use crate::options::Common;
use crate::session::{Results, Session};

/// List checkpoints, check and show one, or export it for PyTorch or as ONNX
///
/// A checkpoint is a folder with model.safetensors and config.toml. A name is looked up in checkpoints/ in the working
/// folder, in the folder that the environment variable TWEEDIE_CHECKPOINTS names, and in checkpoints/ beside the program
/// or above it.
///
/// median, haar, nlm and tv are denoisers without weights that are always there; a folder of such a name is meant by its
/// path, ./median.
#[derive(Args)]
pub struct Checkpoints {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Names of the checkpoints that are found, and what they are for
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Write a checkpoint as safetensors with PyTorch's names, or as an ONNX model
    ///
    /// The metadata of the safetensors hold the architecture; scripts/load_in_pytorch.py builds a network from them. The
    /// ONNX model (dncnn, ffdnet, unet) takes the images `noisy`, white at 1, and one `sigma` for each in the same units, and
    /// gives the images `denoised`.
    Export {
        /// Name or folder
        #[arg(value_name = "C")]
        checkpoint: String,
        /// The file, FILE.safetensors or FILE.onnx
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Check the files of a checkpoint and print what is known of it
    Show {
        /// Name or folder
        #[arg(value_name = "C")]
        checkpoint: String,
        #[command(flatten)]
        common: Common,
    },
}

impl Checkpoints {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let (Action::List { common } | Action::Show { common, .. } | Action::Export { common, .. }) = &self.action;
        let session = Session::start("checkpoints", common)?;
        settings::sections(&common.settings, [])?;
        session.run(|results| match &self.action {
            Action::List { .. } => list(&session, results),
            Action::Show { checkpoint, .. } => show(&session, checkpoint, results),
            Action::Export { checkpoint, out, .. } => export(&session, checkpoint, out, results),
        })
    }
}

fn list(session: &Session, results: &mut Results<'_, Found>) -> anyhow::Result<Outcome> {
    let found = checkpoints::list(session)?;
    session.claim([], found.iter().flat_map(Found::files))?;
    for item in found {
        results.push(item)?;
    }
    session.say(checkpoints::table(results.items()).plain().trim_end());
    Ok(Outcome::Done)
}

fn show(session: &Session, name: &str, results: &mut Results<'_, Found>) -> anyhow::Result<Outcome> {
    session.claim([], checkpoints::files_of(name)?)?;
    let shown = checkpoints::show(name, &session.device, session)?;
    match (&shown.config, Classical::from_name(name)) {
        (Some(config), _) => {
            let support = config.architecture.sigma_support(config.noise.support()?);
            session.say(format_args!(
                "{}: whole, sha256 of the weights as recorded",
                shown.found.folder.as_deref().unwrap_or(name)
            ));
            session.say(format_args!(
                "{} images, noise levels {}, receptive field {} pixels\n",
                channels_text(config.architecture.channels()),
                levels_text(support),
                config.architecture.receptive_field()
            ));
            session.say(toml::to_string(config)?);
        }
        (None, Some(classical)) => session.say(format_args!("{name}: {} (no weights)", classical.description())),
        (None, None) => {}
    }
    results.push(shown.found)?;
    Ok(Outcome::Done)
}

fn export(session: &Session, name: &str, out: &Path, results: &mut Results<'_, Found>) -> anyhow::Result<Outcome> {
    session.claim([out.to_path_buf()], checkpoints::files_of(name)?)?;
    let found = checkpoints::export(name, out, &session.device, session)?;
    let folder = found.folder.as_deref().unwrap_or(name);
    session.say(format_args!("{folder} written to {}", out.display()));
    results.push(found)?;
    Ok(Outcome::Done)
}
