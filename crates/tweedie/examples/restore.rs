//! Deblurs a picture: `cargo run --release -p tweedie --example restore -- blurred.png restored.png`

use std::path::Path;

use tweedie::solvers::TraceRow;
use tweedie::{Checkpoint, Events, Kernel, PnpHqs, Restorer, Rule, Sigma, Strength, Task, read_image, write_image};

/// Prints what each iteration did.
struct Printer;

impl Events for Printer {
    fn iteration(&self, name: &str, row: &TraceRow) {
        println!(
            "{name}: iteration {}, change {:.1e}",
            row.iter, row.fixed_point_residual
        );
    }
}

/// Undoes a Gaussian blur of 1.6 pixels with noise of 2.55 grey levels; the discrepancy principle weighs the prior.
pub fn restore(input: &Path, output: &Path) -> tweedie::Result<()> {
    let blurred = read_image(input)?;
    let task = Task::deblur(Kernel::gaussian(1.6, 9)?).noise(Sigma::from_grey_levels(2.55)?);
    let gray = Checkpoint::find("gray")?;
    let restored = Restorer::new(&gray)
        .solver(PnpHqs::default())
        .strength(Strength::Auto(Rule::Discrepancy))
        .observe(&Printer)
        .restore(&task, &blurred)?;
    write_image(output, &restored.image)
}

fn main() -> tweedie::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [input, output] => restore(input.as_ref(), output.as_ref()),
        _ => Err(tweedie::Error::Usage("expected an input and an output".to_owned())),
    }
}
