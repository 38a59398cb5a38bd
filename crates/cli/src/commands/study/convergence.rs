//! `tweedie study convergence`

use tweedie::output;
use tweedie::study::convergence::ConvergenceStudy;
use tweedie::study::convergence_page;
use tweedie::study::manifest::read;
use tweedie::study::studied::{Studied, write_rows};

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
            session.say(studied.header(&run.task));
        }
        session.say(&studied);
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
