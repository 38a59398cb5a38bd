//! `tweedie study approximation`

use tweedie::output;
use tweedie::study::approximation::ApproximationStudy;
use tweedie::study::approximation_page;
use tweedie::study::manifest::read;
use tweedie::study::points::{Point, write_points};
use tweedie::study::rules::{OfRule, of_rules};

use super::Files;
use crate::Outcome;
use crate::session::{Results, Session};

pub fn run(files: &Files) -> anyhow::Result<Outcome> {
    let session = Session::start("study approximation", &files.common)?;
    session.run(|results| work(&session, files, results))
}

fn work(session: &Session, files: &Files, results: &mut Results<'_, Point>) -> anyhow::Result<Outcome> {
    let study: ApproximationStudy = read(&files.manifest, &files.common.settings, session)?;
    let mut run = study.start(&files.manifest, &session.device, session)?;
    let outputs = ["results.csv", "results.json", "report.html"].map(|name| files.out.join(name));
    session.claim(outputs, run.inputs())?;
    output::folder(&files.out)?;
    session.also_json(&files.out.join("results.json"));
    session.fact("manifest", &run.study)?;
    session.say(Point::header(&run.rules));
    while let Some(point) = run.next(session)? {
        session.say(&point);
        results.push(point)?;
        write_points(&files.out.join("results.csv"), results.items())?;
    }
    let outcome = match session.is_interrupted() {
        true => Outcome::Interrupted,
        false => Outcome::Done,
    };
    if results.items().is_empty() {
        return Ok(outcome);
    }
    let fits = of_rules(results.items(), &run.rules);
    session.fact("rules", &fits)?;
    session.say(format_args!("\n{}", OfRule::table(&fits).trim_end()));
    let page = files.out.join("report.html");
    approximation_page::write(&page, &run, results.items(), &fits, &session.provenance())?;
    session.say(format_args!("\nreport: {}", page.display()));
    Ok(outcome)
}
