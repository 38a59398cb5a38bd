//! What a study of the approximation error says of each rule.

use serde::Serialize;
use tweedie_report::Table;
use tweedie_solver::study::{PowerFit, Rule, fit_power};

use super::points::{Chosen, Point};
use crate::output::mean;

/// A rule over all images and noise levels, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct OfRule {
    /// The rule.
    pub rule: Rule,
    /// Exponent of the geometric mean of `error_rms` over the images against the noise level.
    pub fit: Option<PowerFit>,
    /// Images in the mean: those for which the rule found a strength at every level.
    pub images: usize,
    /// Over all images and levels at which the rule found a strength.
    pub mean_loss_db: Option<f64>,
    /// The largest of them.
    pub max_loss_db: Option<f64>,
    /// Images and levels at which it found none.
    pub none_found: usize,
    /// Images and levels at which it chose the first or last strength of the grid.
    pub at_edge: usize,
    /// At each level.
    pub levels: Vec<AtLevel>,
}

impl OfRule {
    /// A table of rules as text.
    pub fn table(fits: &[Self]) -> String {
        let mut table = Table::new(["rule", "exponent", "R2", "loss dB", "worst dB", "none found", "at edge"]);
        let decibels = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.3}"));
        for fit in fits {
            let (exponent, r_squared) = fit.fit.map_or(("-".to_owned(), String::new()), |fit| {
                let exponent = format!("{:.3} +- {:.3}", fit.exponent, fit.exponent_stderr);
                (exponent, format!("{:.4}", fit.r_squared))
            });
            table.row([
                fit.rule.name().to_owned(),
                exponent,
                r_squared,
                decibels(fit.mean_loss_db),
                decibels(fit.max_loss_db),
                fit.none_found.to_string(),
                fit.at_edge.to_string(),
            ]);
        }
        table.plain()
    }
}

/// A rule at a noise level.
#[derive(Clone, Debug, Serialize)]
pub struct AtLevel {
    /// The level.
    pub noise_grey_levels: f64,
    /// Geometric mean over the images of the fit; null if there is none.
    pub error_rms: Option<f64>,
    /// Mean over the images for which the rule found a strength.
    pub loss_db: Option<f64>,
    /// Geometric mean over the same images.
    pub strength: Option<f64>,
}

/// Collects the points by rule, and fits.
pub fn of_rules(points: &[Point], rules: &[Rule]) -> Vec<OfRule> {
    let mut noises: Vec<f64> = points.iter().map(|point| point.noise_grey_levels).collect();
    noises.sort_by(f64::total_cmp);
    noises.dedup();
    let of_rule = |&rule: &Rule| {
        let choices: Vec<(&Point, &Chosen)> = points
            .iter()
            .filter_map(|point| Some((point, point.choices.iter().find(|chosen| chosen.rule == rule)?)))
            .collect();
        // An image that is missing at one level would bend the curve of the mean.
        let whole = |image: &str| {
            let found = choices
                .iter()
                .filter(|(point, chosen)| point.image == image && chosen.error_rms.is_some());
            found.count() == noises.len()
        };
        let levels: Vec<AtLevel> = noises
            .iter()
            .map(|&noise| {
                let here = || {
                    choices
                        .iter()
                        .filter(move |(point, _)| point.noise_grey_levels == noise)
                };
                let errors = here()
                    .filter(|(point, _)| whole(&point.image))
                    .filter_map(|(_, chosen)| chosen.error_rms);
                AtLevel {
                    noise_grey_levels: noise,
                    error_rms: geometric_mean(errors),
                    loss_db: mean(here().filter_map(|(_, chosen)| chosen.loss_db)),
                    strength: geometric_mean(here().filter_map(|(_, chosen)| chosen.strength)),
                }
            })
            .collect();
        let losses = || choices.iter().filter_map(|(_, chosen)| chosen.loss_db);
        let mut images: Vec<&str> = choices.iter().map(|(point, _)| point.image.as_str()).collect();
        images.dedup();
        OfRule {
            rule,
            fit: fit_power(
                levels
                    .iter()
                    .filter_map(|at| Some((at.noise_grey_levels, at.error_rms?))),
            ),
            images: images.into_iter().filter(|image| whole(image)).count(),
            mean_loss_db: mean(losses()),
            max_loss_db: losses().reduce(f64::max),
            none_found: choices.iter().filter(|(_, chosen)| chosen.strength.is_none()).count(),
            at_edge: choices
                .iter()
                .filter(|(_, chosen)| chosen.at_edge == Some(true))
                .count(),
            levels,
        }
    };
    rules.iter().map(of_rule).collect()
}

fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    mean(values.into_iter().map(f64::ln)).map(f64::exp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(image: &str, noise: f64, error: Option<f64>) -> Point {
        Point {
            image: image.to_owned(),
            noise_grey_levels: noise,
            tried: 3,
            choices: vec![Chosen {
                rule: Rule::Sure,
                strength: error,
                at_edge: error.map(|_| noise == 1.0),
                error_rms: error,
                psnr_db: error,
                loss_db: error,
            }],
        }
    }

    #[test]
    fn an_image_that_a_rule_misses_once_is_left_out_of_the_fit() {
        let levels = [1.0, 10.0, 100.0];
        let mut points: Vec<Point> = levels
            .iter()
            .map(|&d| point("a", d, Some(0.01 * d.powf(0.5))))
            .collect();
        points.extend(levels.iter().map(|&d| point("b", d, (d > 1.0).then_some(1.0))));
        let [sure] = &of_rules(&points, &[Rule::Sure])[..] else {
            panic!()
        };
        assert_eq!((sure.images, sure.none_found, sure.at_edge), (1, 1, 1));
        let fit = sure.fit.unwrap();
        assert!((fit.exponent - 0.5).abs() < 1e-12 && fit.points == 3, "{fit:?}");
        assert_eq!(sure.max_loss_db, Some(1.0));
    }

    #[test]
    fn one_level_has_a_loss_and_no_exponent() {
        let [sure] = &of_rules(&[point("a", 5.0, Some(0.1))], &[Rule::Sure])[..] else {
            panic!()
        };
        assert!(sure.fit.is_none());
        assert_eq!(sure.mean_loss_db, Some(0.1));
    }
}
