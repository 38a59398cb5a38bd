//! Runs that are cut off and go on, and checkpoints that are damaged.

use std::fs;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use tweedie_imaging::noise::gaussian_values;
use tweedie_imaging::{Denoiser as _, Sigma};
use tweedie_model::train::{TrainConfig, Trainer, TrainingSet};
use tweedie_model::{CONFIG_FILE, Checkpoint, WEIGHTS_FILE, load_config};

const CONFIG: &str = r#"
seed = 5
[data]
folders = ["unused"]
patch = 16
[noise]
min = 5.0
max = 50.0
[training]
steps = 8
batch = 4
[optimizer]
warmup_steps = 2
[validation]
every = 4
[architecture]
kind = "ffdnet"
depth = 3
width = 16
"#;

fn trainer(folder: &Path) -> Trainer {
    trainer_with(folder, CONFIG)
}

fn trainer_with(folder: &Path, config: &str) -> Trainer {
    let file = folder.join("train.toml");
    fs::create_dir_all(folder).unwrap();
    fs::write(&file, config).unwrap();
    let config = TrainConfig::load(&file).unwrap();
    let mut set = TrainingSet::default();
    for image in 0..3 {
        let values = gaussian_values(24 * 20, 0.2, 9, image)
            .into_iter()
            .map(|value| value + 0.5)
            .collect();
        set.push([1, 24, 20], values).unwrap();
    }
    Trainer::new(config, folder, set.clone(), set, "hash".to_owned(), &Device::flex()).unwrap()
}

fn run(mut trainer: Trainer, until: u64) -> Trainer {
    while trainer.steps_done() < until {
        trainer.step().unwrap();
    }
    trainer
}

#[test]
fn an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one() {
    for kind in ["adam", "adamw", "muon"] {
        let folder = tempfile::tempdir().unwrap();
        let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
        let config = CONFIG.replace("warmup_steps = 2", &format!("kind = \"{kind}\"\nwarmup_steps = 2"));
        run(trainer_with(&whole, &config), 8);
        run(trainer_with(&cut, &config), 3).save().unwrap();
        // Steps after the save are lost, as when the process is killed.
        run(trainer_with(&cut, &config).resume().unwrap(), 5);
        run(trainer_with(&cut, &config).resume().unwrap(), 8);
        assert_eq!(
            fs::read(whole.join(WEIGHTS_FILE)).unwrap(),
            fs::read(cut.join(WEIGHTS_FILE)).unwrap(),
            "{kind}"
        );
    }
}

#[test]
fn batches_crops_and_rates_may_change_on_the_way_but_not_the_network() {
    let folder = tempfile::tempdir().unwrap();
    run(trainer(folder.path()), 3).save().unwrap();
    let larger = CONFIG
        .replace("patch = 16", "patch = 20")
        .replace("batch = 4", "batch = 2")
        .replace("warmup_steps = 2", "learning_rate = 1e-4\nclip_norm = 0.1");
    let resumed = trainer_with(folder.path(), &larger).resume().unwrap();
    assert_eq!(run(resumed, 8).steps_done(), 8);
    let wider = CONFIG.replace("width = 16", "width = 24");
    assert!(trainer_with(folder.path(), &wider).resume().is_err());
}

/// Half precision has 11 significant bits, so that no weight moves by more than 2^-11 of itself.
#[test]
fn weights_in_half_precision_are_the_rounded_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (full, half) = (folder.path().join("full"), folder.path().join("half"));
    let precision = format!("{CONFIG}\n[save]\nprecision = \"f16\"\n");
    run(trainer(&full), 8);
    run(trainer_with(&half, &precision), 8);
    let size = |folder: &Path| fs::metadata(folder.join(WEIGHTS_FILE)).unwrap().len();
    assert!(10 * size(&half) < 6 * size(&full), "{} {}", size(&half), size(&full));
    let estimate = |folder: &Path| {
        let device = Device::flex();
        let denoiser = Checkpoint::load(folder, &device)
            .unwrap()
            .denoiser("own", &device)
            .unwrap();
        let x: Tensor<4> = Tensor::full([1, 1, 8, 8], 0.5, &device);
        let estimate = denoiser.denoise(x, Sigma::from_grey_levels(25.0).unwrap()).unwrap();
        estimate.into_data().try_into_vec::<f32>().unwrap()
    };
    let (full, half) = (estimate(&full), estimate(&half));
    let largest = full.iter().zip(&half).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest > 0.0 && largest < 2e-3, "{largest}");
    let proven = precision.replace(
        "kind = \"ffdnet\"\ndepth = 3\nwidth = 16",
        "kind = \"lipschitz\"\nblocks = 1\nwidth = 4\nsegments = 4",
    );
    let file = folder.path().join("proven.toml");
    fs::write(&file, proven).unwrap();
    let message = TrainConfig::load(&file).expect_err("proven").to_string();
    assert!(message.contains("save.precision"), "{message}");
}

#[test]
fn a_run_starts_from_the_parameters_that_fit() {
    let folder = tempfile::tempdir().unwrap();
    let (gray, other) = (folder.path().join("gray"), folder.path().join("other"));
    run(trainer(&gray), 8);
    let from = format!("batch = 4\ninitial = {gray:?}");
    // One layer more: the first layers have the same names and shapes, the last one is the fourth now.
    let deeper = CONFIG.replace("batch = 4", &from).replace("depth = 3", "depth = 4");
    let mut trainer = trainer_with(&other, &deeper);
    assert_eq!(trainer.start_from_initial().unwrap(), 4);
    trainer.save().unwrap();
    drop(trainer);
    let taken = load_config(&other).unwrap().training.unwrap().initial_sha256;
    assert_eq!(taken, Some(load_config(&gray).unwrap().weights.sha256));
    // Goes on without asking for it again.
    fs::remove_dir_all(&gray).unwrap();
    trainer_with(&other, &deeper).resume().unwrap();
    let message = trainer_with(&other, &deeper)
        .start_from_initial()
        .expect_err("gone")
        .to_string();
    assert!(message.contains("gray"), "{message}");
}

#[test]
fn the_first_validation_comes_early() {
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG
        .replace("steps = 8", "steps = 200")
        .replace("every = 4", "every = 1000");
    let trainer = run(trainer_with(folder.path(), &config), 6);
    let measured: Vec<u64> = trainer.rows().iter().map(|row| row.step).collect();
    // 2 % of the steps.
    assert_eq!(measured, [4]);
    assert!(
        trainer.rows()[0]
            .validation
            .iter()
            .all(|entry| entry.psnr_db.is_finite())
    );
}

#[test]
fn a_run_of_some_minutes_chooses_its_steps_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG
        .replace("steps = 8", "steps = 8\nminutes = 0.02")
        .replace("every = 4", "every = 1000");
    let mut trainer = trainer_with(folder.path(), &config);
    let started = std::time::Instant::now();
    while trainer.steps().is_none() {
        trainer.step().unwrap();
    }
    let (steps, done) = (trainer.steps().unwrap(), trainer.steps_done());
    assert!(done >= 10 && steps > done, "{done} of {steps}");
    trainer.save().unwrap();
    let resumed = trainer_with(folder.path(), &config).resume().unwrap();
    assert_eq!(resumed.steps(), Some(steps));
    while !trainer.is_finished() {
        trainer.step().unwrap();
    }
    assert_eq!(trainer.steps_done(), steps);
    // 1.2 s; a machine that is busy with other tests may take longer.
    assert!(started.elapsed().as_secs_f64() > 0.3, "{:?}", started.elapsed());
    // Other minutes ask anew.
    let longer = config.replace("0.02", "0.03");
    assert_eq!(trainer_with(folder.path(), &longer).resume().unwrap().steps(), None);
}

const PHOTO: &str = r#"
seed = 5
[data]
folders = ["unused"]
patch = 16
[noise]
min = 0.0
max = 50.0
[training]
steps = 4
batch = 4
[degradation]
resize = 1.0
[architecture]
kind = "unet"
channels = 3
widths = [8, 8]
blocks = 1
told = 12.0
"#;

#[test]
fn degraded_crops_are_drawn_and_measured_reproducibly() {
    let rows = |folder: &Path| {
        let file = folder.join("photo.toml");
        fs::write(&file, PHOTO).unwrap();
        let config = TrainConfig::load(&file).unwrap();
        let mut set = TrainingSet::default();
        let values = gaussian_values(3 * 24 * 20, 0.1, 9, 1);
        set.push([3, 24, 20], values.iter().map(|value| value + 0.5).collect())
            .unwrap();
        let trainer = Trainer::new(config, folder, set.clone(), set, "hash".to_owned(), &Device::flex()).unwrap();
        let rows = run(trainer, 4).rows().to_vec();
        rows.into_iter()
            .map(|row| (row.step, row.loss, row.degraded_psnr_db))
            .collect::<Vec<_>>()
    };
    let [one, other] = [0, 1].map(|_| rows(tempfile::tempdir().unwrap().path()));
    assert_eq!(one, other);
    assert!(
        one.iter()
            .all(|(_, _, psnr_db)| psnr_db.is_some_and(|db| (5.0..60.0).contains(&db)))
    );
}

#[test]
fn degradations_need_a_blind_colour_network() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("photo.toml");
    for (from, to, named) in [
        ("told = 12.0", "", "degradation"),
        ("channels = 3", "channels = 1", "degradation"),
        ("resize = 1.0", "resize = 1.5", "degradation.resize"),
        ("resize = 1.0", "grain = 1", "grain"),
        ("told = 12.0", "told = 300.0", "architecture.told"),
    ] {
        fs::write(&file, PHOTO.replace(from, to)).unwrap();
        let result =
            TrainConfig::load(&file).and_then(|config| config.architecture.init(0, &Device::flex()).map(|_| ()));
        let message = result.expect_err(named).to_string();
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn training_lowers_the_loss() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = trainer(folder.path());
    let first = trainer.step().unwrap().loss;
    let last = run(trainer, 7).step().unwrap().loss;
    assert!(last < first, "{first} to {last}");
}

#[test]
fn unknown_keys_and_bad_values_name_the_file_or_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train.toml");
    for (from, to, named) in [
        ("patch = 16", "patch = 16\npatches = 3", "patches"),
        ("patch = 16", "patch = 15", "data.patch"),
        ("patch = 16", "patch = 16\nscales = [0.5, 1.0]", "data.scales"),
        ("max = 50.0", "max = 1.0", "noise.max"),
        ("width = 16", "width = 0", "architecture.width"),
        ("batch = 4", "batch = 0", "training.batch"),
        ("batch = 4", "batch = 4\nl2_last = 2", "training.l2_last"),
        ("batch = 4", "batch = 4\nminutes = 0", "training.minutes"),
        ("max = 50.0", "max = 50.0\nzero = -1", "noise.zero"),
    ] {
        fs::write(&file, CONFIG.replace(from, to)).unwrap();
        let result =
            TrainConfig::load(&file).and_then(|config| config.architecture.init(0, &Device::flex()).map(|_| ()));
        let message = result.expect_err(named).to_string();
        assert!(message.contains(named) && message.lines().count() == 1, "{message}");
    }
}

#[test]
fn a_damaged_checkpoint_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    run(trainer(folder.path()), 8);
    let device = Device::flex();
    Checkpoint::load(folder.path(), &device).unwrap();
    let weights = folder.path().join(WEIGHTS_FILE);
    let config = folder.path().join(CONFIG_FILE);
    let (good_weights, good_config) = (fs::read(&weights).unwrap(), fs::read_to_string(&config).unwrap());
    let refused = |file: &str| {
        let message = Checkpoint::load(folder.path(), &device).expect_err(file).to_string();
        assert!(message.contains(file) && message.lines().count() == 1, "{message}");
    };
    let mut flipped = good_weights.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bad in [&flipped[..], &good_weights[..100], &[]] {
        fs::write(&weights, bad).unwrap();
        refused(WEIGHTS_FILE);
    }
    fs::write(&weights, &good_weights).unwrap();
    for (from, to) in [
        ("format = 1", "format = 2"),
        ("depth = 3", "depth = 4"),
        ("[noise]", "[noises]"),
    ] {
        fs::write(&config, good_config.replacen(from, to, 1)).unwrap();
        assert!(Checkpoint::load(folder.path(), &device).is_err(), "{from} -> {to}");
    }
    fs::remove_file(&config).unwrap();
    refused(CONFIG_FILE);
}

#[test]
fn the_configurations_to_start_from_are_understood() {
    let datasets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let training = fs::read_dir(datasets.join("training")).unwrap();
    let files = training
        .map(|entry| entry.unwrap().path())
        .chain([datasets.join("train.toml")]);
    let kinds: Vec<String> = files
        .map(|file| {
            let config = TrainConfig::load(&file).unwrap();
            config.architecture.init(0, &Device::flex()).unwrap();
            format!("{:?} {:?}", config.supervision, config.architecture)
        })
        .collect();
    for kind in ["GradientStep", "Lipschitz", "Ridge", "Noise2noise", "Sure", "Clean"] {
        assert!(kinds.iter().any(|found| found.contains(kind)), "{kind}");
    }
}

/// A step that ruins the weights is not saved: the run ends with an error, its rows stay, and so do the last good weights.
#[test]
fn a_diverged_run_keeps_its_last_good_weights_and_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let good = CONFIG.replace("warmup_steps = 2", "warmup_steps = 0") + "[save]\nsteps = 1\n";
    let good = good.replace("steps = 8", "steps = 20");
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    run(trainer_with(folder.path(), &good), 4);
    let saved = [WEIGHTS_FILE, CONFIG_FILE, "state.safetensors"].map(read);
    let rows = read("train.csv");
    for rate in ["1e15", "1e4"] {
        let wild = good.replace(
            "warmup_steps = 0",
            &format!("warmup_steps = 0\nlearning_rate = {rate}\nclip_norm = 0.0"),
        );
        let mut trainer = trainer_with(folder.path(), &wild).resume().unwrap();
        let error = (0..16).find_map(|_| trainer.step().err()).expect("it diverges");
        assert!(matches!(error, tweedie_model::Error::Diverged { .. }), "{error}");
        assert!(error.to_string().contains("learning_rate"), "{error}");
        drop(trainer);
        assert_eq!(
            [WEIGHTS_FILE, CONFIG_FILE, "state.safetensors"].map(read),
            saved,
            "{rate}"
        );
        let kept = String::from_utf8(read("train.csv")).unwrap();
        assert!(kept.starts_with(std::str::from_utf8(&rows).unwrap()), "{kept}");
        assert!(
            kept.lines().count() > std::str::from_utf8(&rows).unwrap().lines().count(),
            "{kept}"
        );
    }
    // It goes on from there.
    run(trainer_with(folder.path(), &good).resume().unwrap(), 6);
}

/// A run that ends without diverging and has learnt nothing says so.
#[test]
fn a_run_that_learnt_nothing_is_told_from_one_that_did() {
    let folder = tempfile::tempdir().unwrap();
    let base = CONFIG
        .replace("steps = 8", "steps = 60")
        .replace("width = 16", "width = 16\nresidual = true")
        .replace("ema_decay", "");
    let learnt = run(trainer_with(&folder.path().join("good"), &base), 60);
    assert!(!learnt.is_worse_than_nothing().unwrap());
    let wild = base.replace(
        "warmup_steps = 2",
        "warmup_steps = 0\nlearning_rate = 0.5\nfinal_learning_rate = 0.5",
    );
    let mut wild = trainer_with(&folder.path().join("bad"), &wild);
    while !wild.is_finished() {
        match wild.step() {
            Ok(_) => {}
            Err(tweedie_model::Error::Diverged { .. }) => return,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(wild.is_worse_than_nothing().unwrap());
}

#[test]
fn noise_levels_that_are_not_finite_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    run(trainer(folder.path()), 1).save().unwrap();
    let path = folder.path().join(CONFIG_FILE);
    let text = fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("max = 50.0", "max = inf"),
        ("max = 50.0", "max = nan"),
        ("min = 5.0", "min = -1.0"),
    ] {
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let message = load_config(folder.path()).expect_err(to).to_string();
        assert!(message.contains(CONFIG_FILE) && message.contains("noise"), "{message}");
    }
}
