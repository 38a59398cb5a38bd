//! Denoises a picture: `cargo run --release -p tweedie --example denoise -- noisy.png denoised.png`

use std::path::Path;

use tweedie::{Checkpoint, Sigma, read_image, write_image};

/// Denoises a picture whose noise has a standard deviation of 25 grey levels.
pub fn denoise(input: &Path, output: &Path) -> tweedie::Result<()> {
    let noisy = read_image(input)?;
    let gray = Checkpoint::find("gray")?;
    let clean = gray.denoise(&noisy, Sigma::from_grey_levels(25.0)?)?;
    write_image(output, &clean)
}

fn main() -> tweedie::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [input, output] => denoise(input.as_ref(), output.as_ref()),
        _ => Err(tweedie::Error::Usage("expected an input and an output".to_owned())),
    }
}
