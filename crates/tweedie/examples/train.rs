//! Trains a denoiser: `cargo run --release -p tweedie --example train -- datasets/train.toml runs/mine`

use std::path::Path;

use tweedie::{Checkpoint, Events, Training};

/// Prints what a run has to say.
struct Printer;

impl Events for Printer {
    fn note(&self, text: &str) {
        eprintln!("{text}");
    }
}

/// Trains with a configuration into a folder, or goes on with the run there; the folder is a checkpoint.
pub fn train(configuration: &Path, out: &Path) -> tweedie::Result<Checkpoint> {
    let mut training = Training::from_toml(configuration)?;
    training.out = out.to_path_buf();
    training.resume = true;
    let trained = training.run(&Printer)?;
    println!("{}: {} steps", trained.checkpoint, trained.steps);
    Checkpoint::find(&trained.checkpoint)
}

fn main() -> tweedie::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [configuration, out] => train(configuration.as_ref(), out.as_ref()).map(drop),
        _ => Err(tweedie::Error::Usage(
            "expected a configuration and a folder".to_owned(),
        )),
    }
}
