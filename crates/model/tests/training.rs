//! Runs that are cut off and go on, and checkpoints that are damaged.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use tweedie_imaging::noise::gaussian_values;
use tweedie_model::train::{TrainConfig, Trainer, TrainingSet};
use tweedie_model::{CONFIG_FILE, Checkpoint, WEIGHTS_FILE};

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
    let file = folder.join("train.toml");
    fs::create_dir_all(folder).unwrap();
    fs::write(&file, CONFIG).unwrap();
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
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    run(trainer(&whole), 8);
    run(trainer(&cut), 3).save().unwrap();
    // Steps after the save are lost, as when the process is killed.
    run(trainer(&cut).resume().unwrap(), 5);
    run(trainer(&cut).resume().unwrap(), 8);
    assert_eq!(
        fs::read(whole.join(WEIGHTS_FILE)).unwrap(),
        fs::read(cut.join(WEIGHTS_FILE)).unwrap()
    );
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
        ("max = 50.0", "max = 1.0", "noise.max"),
        ("width = 16", "width = 0", "architecture.width"),
        ("batch = 4", "batch = 0", "training.batch"),
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
