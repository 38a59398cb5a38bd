//! `tweedie simulate`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tweedie::imaging::read_image;
use tweedie::inputs::Input;
use tweedie::measurement::Measurement;
use tweedie::measurement_folder::{MANIFEST, Source, Writer};
use tweedie::task::{Task, single};
use tweedie::{Events as _, inputs, settings};

use crate::Outcome;
use crate::options::{Common, Reading};
use crate::session::{Results, Session};
use crate::task_options::TaskArgs;
use crate::usage::usage;

/// Make measurements of clean images: y = A x + noise
///
/// Into --out go NAME.npy (y in full precision), NAME.png (a picture of it), NAME.mask.png, NAME.sampling.npz (signs and coefficients of `compressed`) and
/// kernel.npy where the task has them, and measurements.toml, which `tweedie restore OUT` reads. The noise of an image depends on --seed and its
/// name alone.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Simulate {
    /// Clean images, or folders of images
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Folder of the measurements
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seed of masks and noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie simulate photo.png --task deblur --kernel gaussian:1.6 --noise 7.65 --out measured
  tweedie simulate photos/ --task inpaint --keep 0.3 --seed 1 --out measured
  tweedie restore measured --checkpoint gray --out restored";

/// One measurement, as the JSON has it.
#[derive(Serialize)]
struct Measured {
    name: String,
    task: &'static str,
    out: String,
    size: [usize; 3],
    measurement_size: [usize; 3],
}

impl Simulate {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("simulate", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Measured>) -> anyhow::Result<Outcome> {
        settings::sections(&self.common.settings, [])?;
        if let Some(noise) = self.task.estimated_noise() {
            return Err(usage(format!(
                "--noise {noise}: expected a number or a model, there is nothing to estimate it from"
            )));
        }
        let task = self.task.resolve(session, self.seed, true)?;
        let mut inputs = inputs::expand(&self.inputs, session)?;
        inputs::set_apart(&mut inputs)?;
        let stems: Vec<String> = inputs.iter().map(Input::stem).collect();
        session.claim(
            Writer::outputs(&self.out, &task, stems.iter().map(String::as_str)),
            inputs.iter().map(|input| input.path.clone()).chain(self.task.files()),
        )?;
        let mut writer = Writer::new(&self.out, &task)?;
        let outcome = results.each(
            &inputs,
            |input| input,
            |input| self.one(session, input, &task, &mut writer).map(Some),
        )?;
        if let Outcome::Interrupted = outcome {
            return Ok(outcome);
        }
        session.say(format_args!(
            "{} measurements, described by {}",
            results.items().len(),
            self.out.join(MANIFEST).display()
        ));
        Ok(Outcome::Done)
    }

    fn one(&self, session: &Session, input: &Input, task: &Task, writer: &mut Writer) -> tweedie::Result<Measured> {
        let loaded = read_image(&input.path, self.reading.color)?;
        session.file_read(&input.path, &loaded.sha256);
        let image = loaded.image(&session.device)?;
        let full = single(image.dims())?;
        let Measurement { operator, y, truth, .. } = Measurement::simulate(&input.name, task.clone(), image)?;
        let size = truth.map_or(Ok(full), |truth| single(truth.dims()))?;
        if size != full {
            session.note(&format!(
                "{}: cropped to {}x{}, what the task can measure",
                input.name, size[1], size[2]
            ));
        }
        let picture = task.picture(operator.as_ref(), y.clone())?;
        let source = Source {
            name: &input.name,
            stem: &input.stem(),
            size,
            sha256: &loaded.sha256,
        };
        let path = writer.add(task, source, &y, &picture)?;
        Ok(Measured {
            name: input.name.clone(),
            task: task.degradation.kind().name(),
            out: path.display().to_string(),
            size,
            measurement_size: operator.codomain(),
        })
    }
}
