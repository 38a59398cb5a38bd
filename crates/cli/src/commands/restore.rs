//! `tweedie restore`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tweedie::choice::Choice;
use tweedie::finished::Finished;
use tweedie::gallery::Gallery;
use tweedie::imaging::ColorMode;
use tweedie::jobs::{self, Job};
use tweedie::measurement_folder::manifest_path;
use tweedie::scores::{Scores, write_sweep, write_trace};
use tweedie::solver::Solver;
use tweedie::solvers::{StopReason, find};
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
/// NAME.strengths.csv (what was tried), for several inputs results.jsonl, by which --skip-existing knows what is finished; files that
/// are there are replaced.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Restore {
    /// Measurements, or clean images with --simulate; files or folders
    #[arg(value_name = "INPUT", required_unless_present = "help_solver")]
    inputs: Vec<PathBuf>,
    /// Folder of the results
    #[arg(long, value_name = "DIR", required_unless_present = "help_solver")]
    out: Option<PathBuf>,
    /// Name of a checkpoint (see `tweedie checkpoints list`), or its folder [default: gray for gray images, color for others]
    #[arg(long, value_name = "C")]
    checkpoint: Option<String>,
    /// The inputs are clean: degrade them first, and score the results
    #[arg(long)]
    simulate: bool,
    /// Leave out inputs whose results of the same settings are in --out already
    #[arg(long)]
    skip_existing: bool,
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
        if self.skip_existing && self.report {
            return Err(usage(
                "--skip-existing: a report needs every picture; leave out --report",
            ));
        }
        // A folder of measurements brings its task; else the options must give it.
        let pictures = match self.task.is_empty() && self.inputs.iter().all(|input| manifest_path(input).is_some()) {
            true => None,
            false => {
                let task = self.task.resolve(session, self.seed.unwrap_or(0), self.simulate)?;
                Some((Arc::new(task), (!self.simulate).then(|| self.task.unknowns())))
            }
        };
        if let (true, Some(noise)) = (self.simulate, self.task.estimated_noise()) {
            return Err(usage(format!(
                "--noise {noise}: expected a number or a model with --simulate"
            )));
        }
        let jobs = jobs::list(&self.inputs, pictures, session)?;
        self.check(&jobs, &solver)?;
        if self.checkpoint.is_none() {
            session.note(Choice::DEFAULT);
        }
        let name = self.checkpoint.as_deref();
        let mut restoring = Restoring {
            options: self,
            session,
            denoisers: Choice::load(name, &denoiser_settings, &session.device, session)?,
            used: Vec::new(),
            solver,
            out,
            gallery: self.report.then(Gallery::default),
        };
        let recorded = self.skip_existing || jobs.len() > 1;
        let record = recorded.then(|| Finished::file(out));
        let page = self.report.then(|| out.join("report.html"));
        let searches = restoring.solver.search.is_some();
        let results_of = |job: &Job| job.outputs(out, self.precision.depth, searches);
        let outputs: Vec<PathBuf> = jobs.iter().flat_map(results_of).collect();
        session.claim(outputs.into_iter().chain(record).chain(page), {
            let files = jobs.iter().flat_map(Job::files);
            files.chain(self.task.files()).chain(restoring.denoisers.files())
        })?;
        output::folder(out)?;
        let finished = match recorded {
            true => Some(Finished::open(out, &restoring.identity()?, self.skip_existing)?),
            false => None,
        };
        let outcome = results.each(
            &jobs,
            |job| &job.input,
            |job| {
                let name = format!("{}.{}", job.input.stem(), output::ending_of(self.precision.depth));
                Finished::or(finished.as_ref(), &name, &job.files(), session, || restoring.one(job))
            },
        )?;
        if let Outcome::Interrupted = outcome {
            return Ok(outcome);
        }
        say_means(session, results.items());
        let settings = restoring.settings(&jobs);
        if let Some(gallery) = restoring.gallery {
            let path = out.join("report.html");
            let task = results
                .items()
                .first()
                .map_or_else(String::new, |scores| format!(": {}", scores.task));
            let (checkpoints, solver) = (restoring.used.join(", "), restoring.solver.entry.about.name);
            let title = format!("Restoration{task} with {checkpoints} and {solver}");
            gallery.write(&path, &title, settings, &session.provenance())?;
            session.say(format_args!("report: {}", path.display()));
        }
        Ok(Outcome::Done)
    }

    /// Refuses options that change nothing, or miss another one.
    fn check(&self, jobs: &[Job], solver: &Solver) -> anyhow::Result<()> {
        let is_random = |job: &Job| job.task().is_some_and(|task| task.degradation.is_random());
        if self.seed.is_some() && !self.simulate && !jobs.iter().any(is_random) && !solver.is_random() {
            return Err(usage(
                "--seed: it has no effect without --simulate, --keep, --ratio or a random solver",
            ));
        }
        if self.reading.color != ColorMode::AsStored && jobs.iter().any(|job| job.task().is_none()) {
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
        Ok(())
    }
}

/// What is at hand while images are restored.
struct Restoring<'a> {
    options: &'a Restore,
    session: &'a Session,
    solver: Solver,
    denoisers: Choice,
    /// Names of those that were used.
    used: Vec<String>,
    out: &'a Path,
    gallery: Option<Gallery>,
}

impl Restoring<'_> {
    /// Restores an image and writes its files; `None` if it was interrupted.
    fn one(&mut self, job: &Job) -> tweedie::Result<Option<Scores>> {
        let color = self.options.reading.color;
        let (measurement, origin) = job.measurement(color, &self.session.device, self.session)?;
        let channels = measurement.operator.domain()[0];
        let denoiser = self.denoisers.of_channels(channels);
        if !self.used.contains(&denoiser.name) {
            self.used.push(denoiser.name.clone());
        }
        denoiser.note_channels(channels, self.session);
        let stem = job.input.stem();
        let trace_path = output::path_in(self.out, &stem, ".trace.csv")?;
        let prior = denoiser.prior(channels)?;
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
        if restored.stop == StopReason::Interrupted {
            return Ok(None);
        }
        output::write_in(self.out, &stem, &restored.image, self.options.precision.into(), &origin)?;
        write_trace(&trace_path, &restored.trace)?;
        if !restored.sweep.is_empty() {
            write_sweep(&output::path_in(self.out, &stem, ".strengths.csv")?, &restored.sweep)?;
        }
        if let Some(gallery) = &mut self.gallery {
            let picture = format!("{stem}.{}", output::ending_of(self.options.precision.depth));
            gallery.add(&measurement, &restored, &[picture, format!("{stem}.trace.csv")])?;
        }
        self.session.say(&restored.scores);
        Ok(Some(restored.scores))
    }

    /// What the results depend on besides their inputs, as text.
    fn identity(&self) -> tweedie::Result<String> {
        let Restore {
            simulate,
            seed,
            reading,
            precision,
            task,
            solver,
            common,
            ..
        } = self.options;
        let files = Finished::digest(&task.files(), self.session)?;
        let options = (simulate, seed, reading, precision, task, solver, &common.settings);
        Ok(format!("{options:?} {files} {}", self.denoisers.identity()))
    }

    /// What a reader needs to know to run it again.
    fn settings(&self, jobs: &[Job]) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        let mut add = |name: &str, value: String| settings.push((name.to_owned(), value));
        if let Some(task) = jobs.first().and_then(Job::task) {
            add("task", task.degradation.kind().name().to_owned());
            let noise = match &self.options.task.noise {
                Some(noise) => noise.to_string(),
                None if self.options.simulate => "0".to_owned(),
                None => "not given".to_owned(),
            };
            add("measurement's noise (grey levels)", noise);
            add("seed", task.seed.to_string());
        }
        add("solver", self.solver.entry.about.name.to_owned());
        for (name, value) in self.solver.described() {
            add(&name, value);
        }
        settings.extend(self.denoisers.described(&self.used));
        settings
    }
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
