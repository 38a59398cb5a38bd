//! `tweedie restore`

use std::path::{Path, PathBuf};

use clap::Args;
use tweedie::checkpoint::{self, Checkpoint};
use tweedie::events::{Progress, Unit};
use tweedie::gallery::Gallery;
use tweedie::imaging::{ColorMode, Depth, read_image, read_image_and_alpha};
use tweedie::inputs::{self, Input};
use tweedie::measurement::Measurement;
use tweedie::measurement_folder::{MANIFEST, MeasurementSet, manifest_path};
use tweedie::picture::{self, Picture};
use tweedie::scores::{Scores, stop_text, write_sweep, write_trace};
use tweedie::solver::Solver;
use tweedie::solvers::{StopReason, find};
use tweedie::strength::strength_text;
use tweedie::task::Task;
use tweedie::{Events as _, output, settings};

use crate::Outcome;
use crate::options::{Common, Reading};
use crate::output::{Precision, print};
use crate::session::{Results, Session};
use crate::solver_options::SolverArgs;
use crate::task_options::TaskArgs;
use crate::usage::usage;

/// Restore measurements with a denoiser as the prior
///
/// Inputs are measurements: images, folders of images, or folders that `tweedie simulate` wrote (these bring their
/// task). With --simulate the inputs are clean: they are degraded first, and the results are scored.
///
/// Into --out go NAME.png (the restored image) and NAME.trace.csv (what each iteration did), with --strength auto also
/// NAME.strengths.csv (what was tried); files that are there are replaced.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Restore {
    /// Measurements, or clean images with --simulate; files or folders
    #[arg(value_name = "INPUT", required_unless_present = "help_solver")]
    inputs: Vec<PathBuf>,
    /// Folder of the results
    #[arg(long, value_name = "DIR", required_unless_present = "help_solver")]
    out: Option<PathBuf>,
    /// Name of a checkpoint (see `tweedie checkpoints list`), or its folder [default: gray or color, as the first input is]
    #[arg(long, value_name = "C")]
    checkpoint: Option<String>,
    /// The inputs are clean: degrade them first, and score the results
    #[arg(long)]
    simulate: bool,
    /// Write OUT/report.html: pictures with a slider, curves, all settings
    #[arg(long)]
    report: bool,
    #[command(flatten)]
    precision: Precision,
    /// Seed of masks, simulated noise and random solvers [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    solver: SolverArgs,
    /// Explain a solver and list its parameters
    #[arg(long, value_name = "A", exclusive = true, help_heading = "Solver")]
    help_solver: Option<String>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie restore small.jpg --task sr --scale 2 --out restored
  tweedie restore blurred.jpg --task deblur --kernel disc:3 --out restored
  tweedie restore scratched.png --task inpaint --mask scratches.png --mask-marks damaged --out restored
  tweedie restore blurred.png --task deblur --kernel kernel.npy --noise 7.65 --checkpoint gray --out restored
  tweedie restore datasets/samples --simulate --task sr --scale 2 --checkpoint gray --out trial --report
  tweedie restore measurements/ --solver pnp-admm --sigma 20 -C solver.anderson=4 --checkpoint gray --out restored
  tweedie restore photos/ --simulate --task deblur --kernel gaussian:1.6 --noise 7.65 --strength auto:discrepancy --checkpoint gray --out trial
  tweedie restore --help-solver red-gd";

/// The checkpoints that are taken where none is named.
const GRAY: &str = "gray";
const COLOR: &str = "color";

/// An image to restore, before it is read.
enum Job<'a> {
    /// An image file, clean or measured, for the task of the command line.
    Image(&'a Task, Input),
    /// A measurement of a manifest in a folder.
    Measured {
        folder: PathBuf,
        manifest: MeasurementSet,
        index: usize,
        input: Input,
    },
}

impl Job<'_> {
    /// The files that it reads, but for those of the command line's task.
    fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Image(_, input) => vec![input.path.clone()],
            Self::Measured { folder, manifest, .. } => {
                let mut files = manifest.files(folder);
                files.push(folder.join(MANIFEST));
                files
            }
        }
    }

    fn input(&self) -> &Input {
        match self {
            Self::Image(_, input) | Self::Measured { input, .. } => input,
        }
    }
}

impl Restore {
    pub fn run(self) -> anyhow::Result<Outcome> {
        if let Some(name) = &self.help_solver {
            let entry = find(name).map_err(|error| usage(error.to_string()))?;
            print(&entry.help())?;
            return Ok(Outcome::Done);
        }
        let Some(out) = &self.out else {
            return Err(usage("restore: expected --out"));
        };
        let session = Session::start("restore", &self.common)?;
        session.run(|results| self.work(&session, out, results))
    }

    fn work(&self, session: &Session, out: &Path, results: &mut Results<'_, Scores>) -> anyhow::Result<Outcome> {
        let [solver_settings, denoiser_settings] = settings::sections(&self.common.settings, ["solver", "denoiser"])?;
        let solver = self.solver.resolve(solver_settings, self.seed)?;
        // A folder of measurements brings its task; else the options must give it.
        let from_options = match self.task.is_empty() && self.inputs.iter().all(|input| manifest_path(input).is_some())
        {
            true => None,
            false => Some(self.task.resolve(session, self.seed.unwrap_or(0), self.simulate)?),
        };
        if self.simulate && self.task.noise_is_auto() {
            return Err(usage("--noise auto: expected a number with --simulate"));
        }
        let jobs = self.jobs(session, from_options.as_ref())?;
        self.check_seed(&jobs, &solver)?;
        if self.reading.color != ColorMode::AsStored && jobs.iter().any(|job| matches!(job, Job::Measured { .. })) {
            return Err(usage(
                "--color: it has no effect on measurements of `tweedie simulate`, which have their channels",
            ));
        }
        if let (Some(search), false) = (solver.search.filter(|search| search.rule.needs_truth()), self.simulate) {
            return Err(usage(format!(
                "--strength auto:{}: expected --simulate, since it sees the truth",
                search.rule
            )));
        }
        let checkpoint = self.checkpoint(session, &jobs)?;
        let mut restoring = Restoring {
            options: self,
            session,
            denoiser: checkpoint::load(&checkpoint, denoiser_settings, &session.device, session)?,
            solver,
            out,
            gallery: self.report.then(Gallery::default),
        };
        session.claim(self.outputs(out, &jobs, &restoring.solver), {
            let files = jobs.iter().flat_map(Job::files);
            files.chain(self.task.files()).chain(restoring.denoiser.files())
        })?;
        output::folder(out)?;
        session.progress(Progress::Begin {
            total: jobs.len() as u64,
            unit: Unit::Images,
        });
        for job in &jobs {
            if session.is_interrupted() {
                return Ok(Outcome::Interrupted);
            }
            let scores = restoring.one(job).map_err(|error| error.in_file(&job.input().path))?;
            if scores.stop == StopReason::Interrupted {
                return Ok(Outcome::Interrupted);
            }
            session.say(line(&scores));
            session.progress(Progress::Done(1));
            results.push(scores)?;
        }
        session.progress(Progress::End);
        say_means(session, results.items());
        let settings = restoring.settings(&jobs);
        if let Some(gallery) = restoring.gallery {
            let path = out.join("report.html");
            let title = format!("Restoration with {}", restoring.solver.entry.about.name);
            gallery.write(&path, &title, settings, &session.provenance())?;
            session.say(format_args!("report: {}", path.display()));
        }
        Ok(Outcome::Done)
    }

    /// The checkpoint that was named, or the one for images like the first.
    fn checkpoint(&self, session: &Session, jobs: &[Job<'_>]) -> tweedie::Result<String> {
        if let Some(name) = &self.checkpoint {
            return Ok(name.clone());
        }
        let Some(first) = jobs.first() else {
            return Ok(GRAY.to_owned());
        };
        let channels = || -> tweedie::Result<usize> {
            Ok(match first {
                Job::Image(_, input) if self.simulate => read_image(&input.path, self.reading.color)?.dims[1],
                Job::Image(task, input) => {
                    let [_, channels, rows, cols] = read_image_and_alpha(&input.path, self.reading.color)?.0.dims;
                    task.degradation.domain([channels, rows, cols])?[0]
                }
                Job::Measured {
                    folder,
                    manifest,
                    index,
                    ..
                } => {
                    let (.., size) = manifest.open(folder, &manifest.measurements[*index], &session.device, session)?;
                    size[0]
                }
            })
        };
        let name = match { channels }().map_err(|error| error.in_file(&first.input().path))? {
            3 => COLOR,
            _ => GRAY,
        };
        session.note(&format!("checkpoint {name} (--checkpoint was not given)"));
        Ok(name.to_owned())
    }

    fn jobs<'a>(&self, session: &Session, task: Option<&'a Task>) -> anyhow::Result<Vec<Job<'a>>> {
        let mut jobs = Vec::new();
        for path in &self.inputs {
            match (manifest_path(path), task) {
                (Some(path), None) if !self.simulate => {
                    let manifest = MeasurementSet::read(&path, session)?;
                    let folder = path.parent().unwrap_or(Path::new(".")).to_path_buf();
                    for (index, measured) in manifest.measurements.iter().enumerate() {
                        let input = Input {
                            path: folder.join(&measured.name),
                            name: measured.name.clone(),
                        };
                        jobs.push(Job::Measured {
                            folder: folder.clone(),
                            manifest: manifest.clone(),
                            index,
                            input,
                        });
                    }
                }
                (Some(path), _) => {
                    let what = if self.simulate {
                        "--simulate"
                    } else {
                        "--task and its options"
                    };
                    return Err(usage(format!(
                        "{}: measurements bring their own task; leave out {what}",
                        path.display()
                    )));
                }
                (None, Some(task)) => {
                    let inputs = inputs::expand(std::slice::from_ref(path))?;
                    jobs.extend(inputs.into_iter().map(|input| Job::Image(task, input)));
                }
                (None, None) => return Err(usage("--task: expected denoise, deblur, inpaint, sr, ..., got none")),
            }
        }
        let inputs: Vec<Input> = jobs.iter().map(|job| job.input().clone()).collect();
        inputs::require_different_stems(&inputs)?;
        Ok(jobs)
    }

    /// The files that it writes.
    fn outputs(&self, out: &Path, jobs: &[Job<'_>], solver: &Solver) -> Vec<PathBuf> {
        let mut endings = vec![
            format!(".{}", output::ending_of(self.precision.depth)),
            ".trace.csv".to_owned(),
        ];
        endings.extend(solver.search.map(|_| ".strengths.csv".to_owned()));
        let files = |job: &Job<'_>| {
            let stem = job.input().stem();
            let named = |ending: &String| out.join(format!("{stem}{ending}"));
            endings.iter().map(named).collect::<Vec<_>>()
        };
        let mut outputs: Vec<PathBuf> = jobs.iter().flat_map(files).collect();
        outputs.extend(self.report.then(|| out.join("report.html")));
        outputs
    }

    /// Refuses a seed that changes nothing.
    fn check_seed(&self, jobs: &[Job<'_>], solver: &Solver) -> anyhow::Result<()> {
        let random_task = jobs
            .iter()
            .any(|job| matches!(job, Job::Image(task, _) if task.degradation.is_random()));
        if self.seed.is_some() && !self.simulate && !random_task && !solver.is_random() {
            return Err(usage(
                "--seed: it has no effect without --simulate, --keep, --ratio or a random solver",
            ));
        }
        Ok(())
    }

    fn measurement(&self, session: &Session, job: &Job<'_>) -> tweedie::Result<(Measurement, Depth)> {
        match job {
            Job::Measured {
                folder,
                manifest,
                index,
                ..
            } => {
                let measured = &manifest.measurements[*index];
                let (task, y, size) = manifest.open(folder, measured, &session.device, session)?;
                let operator = task.operator(size)?;
                Ok((
                    Measurement {
                        name: measured.name.clone(),
                        task,
                        operator,
                        y,
                        truth: None,
                    },
                    Depth::Eight,
                ))
            }
            Job::Image(task, input) => {
                let (loaded, alpha) = match self.simulate {
                    true => (read_image(&input.path, self.reading.color)?, None),
                    false => read_image_and_alpha(&input.path, self.reading.color)?,
                };
                session.file_read(&input.path, &loaded.sha256);
                let image = loaded.image(&session.device)?;
                let measurement = if self.simulate {
                    Measurement::simulate(&input.name, (*task).clone(), image)?
                } else {
                    let picture = Picture {
                        path: &input.path,
                        name: &input.name,
                        image,
                        alpha,
                    };
                    picture::measurement(task, picture, self.task.unknowns(), session)?
                };
                Ok((measurement, loaded.depth))
            }
        }
    }
}

/// What is at hand while images are restored.
struct Restoring<'a> {
    options: &'a Restore,
    session: &'a Session,
    solver: Solver,
    denoiser: Checkpoint,
    out: &'a Path,
    gallery: Option<Gallery>,
}

impl Restoring<'_> {
    /// Restores an image and writes its files.
    fn one(&mut self, job: &Job<'_>) -> tweedie::Result<Scores> {
        let (measurement, depth) = self.options.measurement(self.session, job)?;
        let channels = measurement.operator.domain()[0];
        self.denoiser.note_channels(channels, self.session);
        let stem = job.input().stem();
        let trace_path = output::path_in(self.out, &stem, ".trace.csv")?;
        let prior = self.denoiser.prior(channels)?;
        let restored = match tweedie::restore(&self.solver, &measurement, prior, self.session) {
            Ok(restored) => restored,
            Err(error) => {
                if let Some(failure) = error.failure() {
                    write_trace(&trace_path, &failure.trace)?;
                }
                return Err(error);
            }
        };
        for warning in &restored.scores.warnings {
            self.session.note(&format!("warning: {}: {warning}", measurement.name));
        }
        if restored.stop != StopReason::Interrupted {
            output::write_in(self.out, &stem, &restored.image, self.options.precision.depth, depth)?;
            write_trace(&trace_path, &restored.trace)?;
            if !restored.sweep.is_empty() {
                write_sweep(&output::path_in(self.out, &stem, ".strengths.csv")?, &restored.sweep)?;
            }
            if let Some(gallery) = &mut self.gallery {
                gallery.add(&measurement, &restored)?;
            }
        }
        Ok(restored.scores)
    }

    /// What a reader needs to know to run it again.
    fn settings(&self, jobs: &[Job<'_>]) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        let mut add = |name: &str, value: String| settings.push((name.to_owned(), value));
        if let Some(Job::Image(task, _)) = jobs.first() {
            add("task", task.degradation.kind().name().to_owned());
            let unknowns = self.options.task.unknowns();
            let noise = match (unknowns.noise_auto, unknowns.noise && !self.options.simulate) {
                (true, _) => "auto".to_owned(),
                (_, true) => "not given".to_owned(),
                _ => task.noise_grey_levels.to_string(),
            };
            add("measurement's noise level (grey levels)", noise);
            add("seed", task.seed.to_string());
        }
        add("solver", self.solver.entry.about.name.to_owned());
        for (name, value) in self.solver.described() {
            add(&name, value);
        }
        add("checkpoint", self.denoiser.origin());
        if let Some(sha256) = &self.denoiser.info().weights_sha256 {
            add("sha256 of its weights", sha256.clone());
        }
        settings
    }
}

fn line(scores: &Scores) -> String {
    let gain = match (scores.psnr_input_db, scores.psnr_db) {
        (Some(before), Some(after)) => format!("{before:.2} -> {after:.2} dB, "),
        _ => String::new(),
    };
    let Scores {
        name,
        iterations,
        seconds,
        stop,
        strength,
        ..
    } = scores;
    let strength = match strength {
        None => String::new(),
        Some(found) => format!(", strength {} by {}", strength_text(found), found.rule),
    };
    format!(
        "{name}: {gain}{iterations} iterations, {seconds:.2} s, {}{strength}",
        stop_text(*stop)
    )
}

fn say_means(session: &Session, scores: &[Scores]) {
    let mean = |of: fn(&Scores) -> Option<f64>| output::mean(scores.iter().filter_map(of));
    if let (Some(before), Some(after), true) = (mean(|s| s.psnr_input_db), mean(|s| s.psnr_db), scores.len() > 1) {
        session.say(format_args!("mean of {}: {before:.2} -> {after:.2} dB", scores.len()));
    }
    let ended = |reason| scores.iter().filter(|scores| scores.stop == reason).count();
    let diverged = ended(StopReason::Diverged);
    if diverged > 0 {
        session.note(&format!(
            "{diverged} of {} runs diverged; their images before that were kept",
            scores.len()
        ));
    }
    let stalled = ended(StopReason::Stalled);
    if stalled > 0 {
        session.note(&format!(
            "{stalled} of {} runs stalled: no step lowers the energy that the denoiser states",
            scores.len()
        ));
    }
}
