//! `tweedie study approximation`

use tweedie::output;
use tweedie::solvers::study::Rule;
use tweedie::study::approximation::ApproximationStudy;
use tweedie::study::approximation_page;
use tweedie::study::manifest::read;
use tweedie::study::points::{Chosen, Point, write_points};
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
    say_head(session, &run.rules);
    while let Some(point) = run.next(session)? {
        say_point(session, &point);
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
    say_rules(session, &fits);
    let page = files.out.join("report.html");
    approximation_page::write(&page, &run, results.items(), &fits, &session.provenance())?;
    session.say(format_args!("\nreport: {}", page.display()));
    Ok(outcome)
}

fn say_head(session: &Session, rules: &[Rule]) {
    let names: Vec<String> = rules.iter().map(|rule| format!("{:>18}", rule.name())).collect();
    session.say(format_args!(
        "{:<20}  {:>7}{}   (PSNR, dB)",
        "image",
        "noise",
        names.concat()
    ));
}

fn say_point(session: &Session, point: &Point) {
    let cell = |chosen: &Chosen| match chosen.psnr_db {
        Some(psnr) => format!("{psnr:>18.2}"),
        None => format!("{:>18}", "none found"),
    };
    let cells: Vec<String> = point.choices.iter().map(cell).collect();
    session.say(format_args!(
        "{:<20}  {:>7.3}{}",
        point.image,
        point.noise_grey_levels,
        cells.concat()
    ));
}

fn say_rules(session: &Session, fits: &[OfRule]) {
    session.say(format_args!(
        "\n{:<18}  {:>18}  {:>6}  {:>8}  {:>8}  {:>10}  {:>7}",
        "rule", "exponent", "R2", "loss dB", "worst dB", "none found", "at edge"
    ));
    for fit in fits {
        let power = fit.fit.map_or(("-".to_owned(), String::new()), |fit| {
            (
                format!("{:.3} +- {:.3}", fit.exponent, fit.exponent_stderr),
                format!("{:.4}", fit.r_squared),
            )
        });
        let decibels = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.3}"));
        session.say(format_args!(
            "{:<18}  {:>18}  {:>6}  {:>8}  {:>8}  {:>10}  {:>7}",
            fit.rule.name(),
            power.0,
            power.1,
            decibels(fit.mean_loss_db),
            decibels(fit.max_loss_db),
            fit.none_found,
            fit.at_edge
        ));
    }
}
