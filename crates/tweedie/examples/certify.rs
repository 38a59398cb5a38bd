//! Checks what theory needs: `cargo run --release -p tweedie --example certify -- gray datasets/samples/camera.png`

use std::path::Path;

use tweedie::{Certificate, Checkpoint, Sigma, read_image};

/// Measures a denoiser on patches of a picture, and prints what holds of each theorem.
pub fn certify(checkpoint: &str, image: &Path) -> tweedie::Result<Certificate> {
    let checkpoint = Checkpoint::find(checkpoint)?;
    let levels = [Sigma::from_grey_levels(25.0)?];
    let certificate = Certificate::measure(&checkpoint, &[read_image(image)?], &levels)?;
    for theorem in &certificate.theorems {
        println!("{}", theorem.name);
        for condition in &theorem.conditions {
            println!("  {}: {:?}", condition.statement, condition.status);
        }
    }
    Ok(certificate)
}

fn main() -> tweedie::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [checkpoint, image] => certify(checkpoint, image.as_ref()).map(drop),
        _ => Err(tweedie::Error::Usage("expected a checkpoint and an image".to_owned())),
    }
}
