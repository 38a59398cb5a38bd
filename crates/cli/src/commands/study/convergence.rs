//! `tweedie study convergence`

use tweedie::output;
use tweedie::study::convergence::ConvergenceStudy;
use tweedie::study::convergence_page;
use tweedie::study::manifest::read;
use tweedie::study::studied::{Studied, deviation_text, known_text, limit_text, rate_text, write_rows};
use tweedie::task::Task;

use super::Files;
use crate::Outcome;
use crate::session::{Results, Session};

pub fn run(files: &Files) -> anyhow::Result<Outcome> {
    let session = Session::start("study convergence", &files.common)?;
    session.run(|results| work(&session, files, results))
}

fn work(session: &Session, files: &Files, results: &mut Results<'_, Studied>) -> anyhow::Result<Outcome> {
    let study: ConvergenceStudy = read(&files.manifest, &files.common.settings, session)?;
    let mut run = study.start(&files.manifest, &session.device, session)?;
    let outputs = ["results.csv", "results.json", "report.html"].map(|name| files.out.join(name));
    session.claim(outputs, run.inputs())?;
    output::folder(&files.out)?;
    session.also_json(&files.out.join("results.json"));
    session.fact("manifest", &run.study)?;
    while let Some(studied) = run.next(session)? {
        if results.items().last().is_none_or(|last| last.image != studied.image) {
            say_head(session, &run.task, &studied);
        }
        say_row(session, &studied);
        results.push(studied)?;
        write_rows(&files.out.join("results.csv"), results.items())?;
    }
    let outcome = match session.is_interrupted() {
        true => Outcome::Interrupted,
        false => Outcome::Done,
    };
    if results.items().is_empty() {
        return Ok(outcome);
    }
    let page = files.out.join("report.html");
    convergence_page::write(&page, &run, results.items(), &session.provenance())?;
    session.say(format_args!("\nreport: {}", page.display()));
    Ok(outcome)
}

fn say_head(session: &Session, task: &Task, studied: &Studied) {
    let [channels, rows, cols] = studied.size;
    session.say(format_args!(
        "{}: {}, noise {}, {channels}x{rows}x{cols}\n{:<18}  {:<15}  {:<26}  {:<26}  {:<26}  {:>8}  {:>7}",
        studied.image,
        task.degradation.kind().name(),
        task.noise_grey_levels,
        "algorithm",
        "limit",
        "residual",
        "objective gap",
        "distance",
        "known",
        "off"
    ));
}

fn say_row(session: &Session, studied: &Studied) {
    let known = known_text(studied);
    let off = deviation_text(studied.distance_deviation.or(studied.residual_deviation));
    session.say(format_args!(
        "{:<18}  {:<15}  {:<26}  {:<26}  {:<26}  {known:>8}  {off:>7}",
        studied.algorithm,
        limit_text(studied),
        rate_text(studied.residual),
        rate_text(studied.objective_gap),
        rate_text(studied.distance),
    ));
}
