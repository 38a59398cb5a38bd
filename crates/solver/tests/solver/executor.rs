//! The executor: stopping, divergence, failures, timing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use tweedie_imaging::{Error as ImagingError, Image, Sigma};
use tweedie_solver::{
    Discrepancy, Error, Executor, Observer, ObserverError, Prior, Restoration, StopReason, StopRules, TraceRow,
    split_batch,
};

use super::support::{N, build, counting, fidelity, image, linear, problem, smoothing, truth, values};

const RED: &str = "strength = 2\nsigma = 0.1\n";

fn red(iterations: u32, prior: Prior, rules: StopRules) -> Restoration {
    let algorithm = build("red-gd", &format!("{RED}iterations = {iterations}"), problem(prior));
    Executor::new(algorithm.as_ref())
        .rules(rules)
        .run(image(&truth()))
        .unwrap()
}

fn tolerance(value: f64) -> StopRules {
    StopRules {
        tolerance: Some(value),
        ..StopRules::default()
    }
}

#[test]
fn without_rules_all_iterations_are_done() {
    let run = red(7, linear(smoothing(0.2)), StopRules::default());
    assert_eq!((run.stop, run.trace.len()), (StopReason::MaxIters, 7));
    assert_eq!(
        run.trace.iter().map(|r| r.work.denoiser_calls).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7]
    );
    assert!(
        run.trace
            .iter()
            .all(|r| r.psnr_db.is_none() && r.objective.is_none() && r.data_value.is_none())
    );
}

#[test]
fn stops_at_the_first_residual_within_the_tolerance() {
    let run = red(5000, linear(smoothing(0.2)), tolerance(1e-5));
    assert_eq!(run.stop, StopReason::Converged);
    let (last, before) = run.trace.split_last().unwrap();
    assert!(last.fixed_point_residual <= 1e-5);
    assert!(before.iter().all(|r| r.fixed_point_residual > 1e-5) && !before.is_empty());
}

#[test]
fn the_residual_of_red_gd_is_what_one_step_changes() {
    let run = |iterations| red(iterations, linear(smoothing(0.2)), StopRules::default());
    let (five, six) = (run(5), run(6));
    let step: f64 = values(&six.image)
        .iter()
        .zip(values(&five.image))
        .map(|(a, b)| (a - b).powi(2))
        .sum();
    let rms = (step / N as f64).sqrt();
    let reported = six.trace[5].fixed_point_residual;
    // f32 images, and the step is a hundredth of their size: five digits are lost to cancellation at most.
    assert!((reported - rms).abs() < 1e-3 * rms, "{reported} against {rms}");
}

#[test]
fn a_tolerance_that_could_not_act_is_refused() {
    let algorithm = build("pnp-hqs", "", problem(linear(smoothing(0.2))));
    let run = Executor::new(algorithm.as_ref())
        .rules(tolerance(1e-3))
        .run(image(&truth()));
    let failure = run.unwrap_err();
    assert!(matches!(
        failure.source,
        Error::Parameter {
            solver: "pnp-hqs",
            parameter: "tolerance",
            ..
        }
    ));
    // With a constant tail it can.
    let algorithm = build(
        "pnp-hqs",
        "sigma = [0.2, 0.1]\niterations = 50",
        problem(linear(smoothing(0.2))),
    );
    assert!(
        Executor::new(algorithm.as_ref())
            .rules(tolerance(1e-3))
            .run(image(&truth()))
            .is_ok()
    );
}

#[test]
fn a_tolerance_is_refused_where_no_iteration_is_ever_settled() {
    // Both say that they settle at u32::MAX, that is never.
    for (name, parameters) in [("diffpir", ""), ("red-pro", "")] {
        let algorithm = build(name, parameters, problem(linear(smoothing(0.2))));
        let run = Executor::new(algorithm.as_ref())
            .rules(tolerance(1e-3))
            .run(image(&truth()));
        let error = run.unwrap_err().source.to_string();
        assert!(
            error.contains("tolerance") && error.contains("no fixed point"),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_discrepancy_that_could_not_be_reached_is_refused() {
    let algorithm = build("red-gd", RED, problem(linear(smoothing(0.2))));
    for noise in [0.0, f64::MIN_POSITIVE] {
        let rules = StopRules {
            discrepancy: Some(Discrepancy::gaussian(fidelity(), Sigma::new(noise).unwrap(), 1.0, N)),
            ..StopRules::default()
        };
        let run = Executor::new(algorithm.as_ref()).rules(rules).run(image(&truth()));
        let error = run.unwrap_err().source.to_string();
        assert!(error.contains("discrepancy"), "{error}");
    }
}

#[test]
fn bad_rules_and_starts_are_refused() {
    let algorithm = build("red-gd", RED, problem(linear(smoothing(0.2))));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            Executor::new(algorithm.as_ref())
                .rules(tolerance(bad))
                .run(image(&truth()))
                .is_err()
        );
    }
    let budget = StopRules {
        budget_s: Some(f64::NAN),
        ..StopRules::default()
    };
    assert!(
        Executor::new(algorithm.as_ref())
            .rules(budget)
            .run(image(&truth()))
            .is_err()
    );
    let batch = Tensor::cat(vec![image(&truth()), image(&truth())], 0);
    let failure = Executor::new(algorithm.as_ref()).run(batch).unwrap_err();
    assert!(failure.source.to_string().contains("one image"), "{}", failure.source);
    let mut start = truth();
    start[5] = f64::NAN;
    let failure = Executor::new(algorithm.as_ref()).run(image(&start)).unwrap_err();
    assert!(matches!(
        failure.source,
        Error::Imaging(ImagingError::NonFinite { count: 1, first: 5, .. })
    ));
}

#[test]
fn a_run_that_grows_is_diverged_long_before_it_overflows() {
    // The denoiser amplifies instead of shrinking: x - D(x) = -9 x drives the iterates up.
    let runaway = || counting(Box::new(|_, x| Ok(x * 10.0)));
    let run = red(5000, runaway(), StopRules::default());
    assert_eq!(run.stop, StopReason::Diverged);
    assert!(run.trace.len() < 100, "{}", run.trace.len());
    assert!(values(&run.image).iter().all(|v| v.is_finite()));
    assert!(run.trace.iter().all(|r| r.fixed_point_residual.is_finite()));
}

#[test]
fn growth_of_the_residual_alone_is_divergence() {
    // An oscillation that grows by 5 % an iteration, found while the image still has a normal size.
    let run = red(
        5000,
        counting(Box::new(|call, x| {
            let sign = if call % 2 == 0 { 1.0 } else { -1.0 };
            Ok(x + sign * 0.003 * 1.05_f64.powi(call as i32))
        })),
        StopRules::default(),
    );
    assert_eq!(run.stop, StopReason::Diverged);
    assert!(values(&run.image).iter().all(|v| v.abs() < 10.0));
}

#[test]
fn a_converged_run_that_goes_on_is_not_diverged() {
    let run = red(3000, linear(smoothing(0.2)), StopRules::default());
    assert_eq!(run.stop, StopReason::MaxIters);
    assert!(run.trace[2999].fixed_point_residual < 1e-6);
}

#[test]
fn a_nan_gives_the_last_finite_image_and_the_whole_trace() {
    let prior = || counting(Box::new(|call, x| Ok(if call == 4 { x * f64::NAN } else { x * 0.9 })));
    let diverged = red(10, prior(), StopRules::default());
    assert_eq!((diverged.stop, diverged.trace.len()), (StopReason::Diverged, 4));
    assert!(diverged.trace[3].fixed_point_residual.is_nan());
    assert_eq!(
        values(&diverged.image),
        values(&red(3, prior(), StopRules::default()).image)
    );
}

#[test]
fn a_run_that_diverges_gives_its_calmest_estimate() {
    // It calms down for 30 iterations, then an oscillation grows.
    let prior = || {
        counting(Box::new(|call, x| {
            let size = 0.3 * 0.8_f64.powi(call.min(30) as i32) * 1.3_f64.powi(call.saturating_sub(30) as i32);
            let sign = if call % 2 == 0 { 1.0 } else { -1.0 };
            Ok(x + sign * size)
        }))
    };
    let run = red(5000, prior(), StopRules::default());
    assert_eq!(run.stop, StopReason::Diverged);
    let residuals: Vec<f64> = run.trace.iter().map(|row| row.fixed_point_residual).collect();
    let calmest = (0..residuals.len())
        .min_by(|&i, &j| residuals[i].total_cmp(&residuals[j]))
        .unwrap();
    assert!(calmest > 5 && calmest + 5 < residuals.len(), "{residuals:?}");
    // The estimate of that iteration is what a run that ends there gives.
    let until = red(calmest as u32 + 1, prior(), StopRules::default());
    assert_eq!(values(&run.image), values(&until.image));
}

#[test]
fn a_failing_denoiser_keeps_the_trace() {
    let prior = counting(Box::new(|call, x| match call {
        4 => Err(ImagingError::Device {
            reason: "lost".to_owned(),
        }),
        _ => Ok(x * 0.9),
    }));
    let algorithm = build("red-gd", RED, problem(prior));
    let failure = Executor::new(algorithm.as_ref()).run(image(&truth())).unwrap_err();
    assert_eq!(failure.trace.len(), 3);
    assert!(failure.source.to_string().contains("lost"));
}

#[test]
fn every_image_of_a_batch_stops_by_itself() {
    // One image starts at the solution, the other far from it.
    let near = red(5000, linear(smoothing(0.2)), tolerance(1e-6)).image;
    let far = image(&truth()) * -1.0 + 1.0;
    let algorithm = build(
        "red-gd",
        &format!("{RED}iterations = 5000"),
        problem(linear(smoothing(0.2))),
    );
    let run = |x0: Image| {
        Executor::new(algorithm.as_ref())
            .rules(tolerance(1e-5))
            .run(x0)
            .unwrap()
    };
    let runs: Vec<_> = split_batch(&Tensor::cat(vec![near, far.clone()], 0))
        .into_iter()
        .map(run)
        .collect();
    assert_eq!(runs[0].trace.len(), 1);
    assert!(runs[1].trace.len() > 10);
    assert!(runs.iter().all(|r| r.stop == StopReason::Converged));
    assert_eq!(values(&runs[1].image), values(&run(far).image));
}

#[test]
fn discrepancy_stops_at_the_first_value_within_the_noise() {
    let noise = Sigma::new(0.03).unwrap();
    let rule = Discrepancy::gaussian(fidelity(), noise, 1.1, N);
    let threshold = 0.5 * (1.1_f64 * 0.03).powi(2) * N as f64;
    assert!((rule.threshold - threshold).abs() < 1e-12);
    let algorithm = build("red-gd", "strength = 0.1\nsigma = 0.1", problem(linear(smoothing(0.2))));
    let rules = StopRules {
        discrepancy: Some(rule),
        ..StopRules::default()
    };
    let run = Executor::new(algorithm.as_ref())
        .rules(rules)
        .run(image(&truth()) * 0.0)
        .unwrap();
    assert_eq!(run.stop, StopReason::Discrepancy);
    let (last, before) = run.trace.split_last().unwrap();
    assert!(last.data_value.unwrap() <= threshold);
    assert!(before.iter().all(|r| r.data_value.unwrap() > threshold) && !before.is_empty());
}

#[test]
fn the_truth_fills_psnr_and_changes_nothing_else() {
    let algorithm = build("red-gd", RED, problem(linear(smoothing(0.2))));
    let truth = image(&truth());
    let blind = Executor::new(algorithm.as_ref())
        .rules(tolerance(1e-4))
        .run(truth.clone() * 0.5)
        .unwrap();
    let scored = Executor::new(algorithm.as_ref())
        .rules(tolerance(1e-4))
        .truth(&truth)
        .run(truth.clone() * 0.5)
        .unwrap();
    assert_eq!(values(&blind.image), values(&scored.image));
    assert_eq!(blind.trace.len(), scored.trace.len());
    assert!(
        scored
            .trace
            .iter()
            .all(|r| r.psnr_db.is_some_and(|p| p > 5.0 && p < 60.0))
    );
}

/// Sleeps, counts, and may raise a flag or fail at a row.
#[derive(Default)]
struct Watcher {
    sleep: Duration,
    rows: u32,
    ends: u32,
    raise_at: Option<(u32, Arc<AtomicBool>)>,
    fail_at: Option<u32>,
}

impl Observer for Watcher {
    fn on_row(&mut self, row: &TraceRow, _: &Image) -> Result<(), ObserverError> {
        std::thread::sleep(self.sleep);
        self.rows += 1;
        assert_eq!(row.iter, self.rows);
        if let Some((at, flag)) = &self.raise_at {
            flag.store(row.iter >= *at, Ordering::Relaxed);
        }
        if self.fail_at == Some(row.iter) {
            Err("disk full".into())
        } else {
            Ok(())
        }
    }

    fn on_end(&mut self, _: &Restoration) -> Result<(), ObserverError> {
        self.ends += 1;
        Ok(())
    }
}

#[test]
fn solver_time_excludes_observers() {
    let algorithm = build(
        "red-gd",
        &format!("{RED}iterations = 5"),
        problem(linear(smoothing(0.2))),
    );
    let mut watcher = Watcher {
        sleep: Duration::from_millis(200),
        ..Watcher::default()
    };
    let clock = Instant::now();
    let run = Executor::new(algorithm.as_ref())
        .observe(&mut watcher)
        .run(image(&truth()))
        .unwrap();
    let wall_s = clock.elapsed().as_secs_f64();
    let solver_s = run.trace[4].solver_s;
    // Five iterations on 64 pixels take milliseconds, the observer a second; half of it allows for a busy machine.
    assert!(
        wall_s >= 1.0 && solver_s > 0.0 && solver_s < 0.5,
        "{solver_s} of {wall_s}"
    );
    assert!(run.trace.windows(2).all(|w| w[0].solver_s < w[1].solver_s));
    assert_eq!((watcher.rows, watcher.ends), (5, 1));
}

#[test]
fn an_interrupt_ends_the_run_before_the_next_iteration() {
    let flag = Arc::new(AtomicBool::new(false));
    let algorithm = build("red-gd", RED, problem(linear(smoothing(0.2))));
    let rules = StopRules {
        interrupt: Some(flag.clone()),
        ..StopRules::default()
    };
    let mut watcher = Watcher {
        raise_at: Some((3, flag)),
        ..Watcher::default()
    };
    let run = Executor::new(algorithm.as_ref())
        .rules(rules)
        .observe(&mut watcher)
        .run(image(&truth()))
        .unwrap();
    assert_eq!(
        (run.stop, run.trace.len(), watcher.ends),
        (StopReason::Interrupted, 3, 1)
    );
}

#[test]
fn a_failing_observer_ends_the_run_and_keeps_the_trace() {
    let algorithm = build("red-gd", RED, problem(linear(smoothing(0.2))));
    let mut watcher = Watcher {
        fail_at: Some(2),
        ..Watcher::default()
    };
    let failure = Executor::new(algorithm.as_ref())
        .observe(&mut watcher)
        .run(image(&truth()))
        .unwrap_err();
    assert_eq!(failure.trace.len(), 2);
    assert!(matches!(failure.source, Error::Observer(_)));
}

#[test]
fn the_budget_counts_solver_time() {
    let slow = counting(Box::new(|_, x| {
        std::thread::sleep(Duration::from_millis(20));
        Ok(x * 0.9)
    }));
    let rules = StopRules {
        budget_s: Some(0.05),
        ..StopRules::default()
    };
    let run = red(100, slow, rules);
    assert_eq!(run.stop, StopReason::Budget);
    assert!((1..=3).contains(&run.trace.len()), "{}", run.trace.len());
    assert!(run.trace.last().unwrap().solver_s > 0.05);
}
