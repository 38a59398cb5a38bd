//! Training without clean pictures, and with penalties on the Jacobian: short runs on made-up pictures.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use tweedie_imaging::noise::gaussian_values;
use tweedie_imaging::{Denoiser, DifferentiableDenoiser, Sigma, psnr};
use tweedie_model::train::{TrainConfig, Trainer, TrainingSet};
use tweedie_model::{Checkpoint, NetworkDenoiser};

const SIDE: usize = 48;

const PICTURES: u64 = 40;

const CONFIG: &str = r#"
[data]
folders = ["unused"]
patch = 24
[noise]
min = 25.0
max = 25.0
[training]
steps = 250
batch = 8
loss = "l2"
[optimizer]
learning_rate = 3e-3
warmup_steps = 10
[validation]
sigma = []
[architecture]
kind = "dncnn"
depth = 4
width = 16
"#;

/// A disc and a ramp: an edge to keep and flat regions to smooth, somewhere else in every picture.
fn picture(index: u64) -> Vec<f32> {
    let place = gaussian_values(3, 6.0, 11, index);
    (0..SIDE * SIDE)
        .map(|pixel| {
            let (i, j) = ((pixel / SIDE) as f32 - 24.0, (pixel % SIDE) as f32 - 24.0);
            let inside = (i - place[0]).hypot(j - place[1]) < 12.0 + place[2].abs();
            0.3 + 0.004 * j + if inside { 0.4 } else { 0.0 }
        })
        .collect()
}

fn run(folder: &Path, name: &str, extra: &str, set: TrainingSet) -> NetworkDenoiser {
    let out = folder.join(name);
    std::fs::create_dir_all(&out).unwrap();
    let file = out.join("train.toml");
    std::fs::write(&file, format!("{CONFIG}\n{extra}")).unwrap();
    let config = TrainConfig::load(&file).unwrap();
    let (hash, device) = ("hash".to_owned(), Device::flex());
    let mut trainer = Trainer::new(config, &out, set, TrainingSet::default(), hash, &device).unwrap();
    while !trainer.is_finished() {
        trainer.step().unwrap();
    }
    Checkpoint::load(&out, &device)
        .unwrap()
        .denoiser(name, &device)
        .unwrap()
}

fn pictures() -> TrainingSet {
    let mut set = TrainingSet::default();
    (0..PICTURES).for_each(|index| set.push([1, SIDE, SIDE], picture(index)).unwrap());
    set
}

fn sigma() -> Sigma {
    Sigma::from_grey_levels(25.0).unwrap()
}

fn image(values: Vec<f32>) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, [1, 1, SIDE, SIDE]), &Device::flex())
}

fn noisy(index: u64) -> Tensor<4> {
    image(picture(index)) + image(gaussian_values(SIDE * SIDE, sigma().value(), 5, index))
}

/// Mean PSNR on pictures that no run sees.
fn psnr_db(denoiser: &NetworkDenoiser) -> f64 {
    let scores = (200..204).map(|index| {
        let estimate = denoiser.denoise(noisy(index), sigma()).unwrap();
        psnr(&estimate, &image(picture(index))).unwrap()[0]
    });
    scores.sum::<f64>() / 4.0
}

fn scalar(x: Tensor<4>) -> f64 {
    x.into_data().iter::<f32>().map(f64::from).sum()
}

/// The noisy pictures have 20.2 dB.
#[test]
fn noisy_pictures_alone_train_a_denoiser() {
    let folder = tempfile::tempdir().unwrap();
    let clean = psnr_db(&run(folder.path(), "clean", "", pictures()));
    let pair = psnr_db(&run(
        folder.path(),
        "n2n",
        "[supervision]\nkind = \"noise2noise\"",
        pictures(),
    ));
    let sure = psnr_db(&run(
        folder.path(),
        "sure",
        "[supervision]\nkind = \"sure\"",
        pictures(),
    ));
    // What users have: the noise is in the pictures already.
    let (mut first, mut pairs) = (TrainingSet::default(), TrainingSet::default());
    for index in 0..PICTURES {
        let add = |stream| {
            let noise = gaussian_values(SIDE * SIDE, sigma().value(), 21, stream);
            picture(index)
                .iter()
                .zip(noise)
                .map(|(value, noise)| value + noise)
                .collect::<Vec<_>>()
        };
        first.push([1, SIDE, SIDE], add(2 * index)).unwrap();
        pairs
            .push_pair([1, SIDE, SIDE], add(2 * index), add(2 * index + 1))
            .unwrap();
    }
    let given = "[supervision]\nkind = \"noise2noise\"\nsecond = [\"unused\"]";
    let given_pair = psnr_db(&run(folder.path(), "pairs", given, pairs));
    let given_noisy = psnr_db(&run(
        folder.path(),
        "noisy",
        "[supervision]\nkind = \"sure\"\nnoisy = true",
        first,
    ));
    println!("clean {clean:.2} n2n {pair:.2} sure {sure:.2} pairs {given_pair:.2} noisy {given_noisy:.2} dB");
    assert!(clean > 27.0, "{clean}");
    for other in [pair, given_pair] {
        assert!(other > clean - 1.0, "{other} against {clean}");
    }
    // One probe of the divergence makes SURE's gradients noisy, and these runs are short; without the divergence they would
    // end at the noisy pictures.
    for other in [sure, given_noisy] {
        assert!(other > 25.5, "{other} against {clean}");
    }
}

#[test]
fn pictures_that_do_not_fit_the_supervision_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let load = |extra: &str| {
        let file = folder.path().join("train.toml");
        std::fs::write(
            &file,
            format!("{}\n{extra}", CONFIG.replace("max = 25.0", "max = 50.0")),
        )
        .unwrap();
        TrainConfig::load(&file)
    };
    let message = |extra: &str| load(extra).expect_err(extra).to_string();
    assert!(message("[supervision]\nkind = \"sure\"\nnoisy = true").contains("'noise'"));
    assert!(message("[supervision]\nkind = \"hope\"").contains("hope"));
    assert!(message("[penalty]").contains("'penalty'"));
    let file = folder.path().join("scales.toml");
    let scaled = CONFIG.replace("[noise]", "scales = [0.5]\n[noise]");
    for kind in ["noise2noise", "sure"] {
        std::fs::write(&file, format!("{scaled}\n[supervision]\nkind = \"{kind}\"")).unwrap();
        assert!(
            TrainConfig::load(&file)
                .expect_err(kind)
                .to_string()
                .contains("data.scales")
        );
    }
    std::fs::write(&file, &scaled).unwrap();
    assert_eq!(TrainConfig::load(&file).unwrap().data.scales, [0.5]);
    assert!(message("[penalty]\nsymmetry = -1.0").contains("penalty.symmetry"));
    let config = load("[supervision]\nkind = \"noise2noise\"").unwrap();
    let mut pairs = TrainingSet::default();
    pairs.push_pair([1, SIDE, SIDE], picture(0), picture(0)).unwrap();
    let result = Trainer::new(
        config,
        folder.path(),
        pairs,
        TrainingSet::default(),
        String::new(),
        &Device::flex(),
    );
    assert!(result.err().unwrap().to_string().contains("supervision.second"));
}

/// J v by a central difference, J^T v by automatic differentiation.
fn products(denoiser: &NetworkDenoiser, x: &Tensor<4>, v: &Tensor<4>) -> (Tensor<4>, Tensor<4>) {
    let at = |t: f64| denoiser.denoise(x.clone() + v.clone() * t, sigma()).unwrap();
    let tracked = x.clone().autodiff().require_grad();
    let y = denoiser.forward(tracked.clone(), sigma()).unwrap();
    let gradients = (y * v.clone().autodiff()).sum().backward();
    let transposed = tracked.grad(&gradients).unwrap().without_autodiff();
    ((at(1e-3) - at(-1e-3)) / 2e-3, transposed)
}

#[test]
fn a_penalty_lowers_what_it_measures() {
    let folder = tempfile::tempdir().unwrap();
    let plain = run(folder.path(), "plain", "", pictures());
    let symmetric = run(folder.path(), "symmetric", "[penalty]\nsymmetry = 0.1", pictures());
    let contracted = run(
        folder.path(),
        "norm",
        "[penalty.norm]\nweight = 0.05\nlimit = 0.9",
        pictures(),
    );
    let probe = |index| image(gaussian_values(SIDE * SIDE, 1.0, 31, index));
    // ||J v - J^T v||^2 / ||J v||^2 for a random v.
    let asymmetry = |denoiser: &NetworkDenoiser| {
        let (product, transposed) = products(denoiser, &noisy(300), &probe(0));
        scalar((product.clone() - transposed).square()) / scalar(product.square())
    };
    // ||J - I|| by power iteration.
    let norm = |denoiser: &NetworkDenoiser| {
        let (x, mut v) = (noisy(300), probe(1));
        let mut norm = 0.0;
        for _ in 0..30 {
            v = v.clone() / scalar(v.square()).sqrt() * SIDE as f64;
            let w = products(denoiser, &x, &v).0 - v.clone();
            norm = scalar(w.clone().square()).sqrt() / SIDE as f64;
            v = products(denoiser, &x, &w).1 - w;
        }
        norm
    };
    let (before, after) = (asymmetry(&plain), asymmetry(&symmetric));
    println!("asymmetry {before:.4} to {after:.4}");
    assert!(after < 0.5 * before, "{before} to {after}");
    let (before, after) = (norm(&plain), norm(&contracted));
    println!("norm {before:.4} to {after:.4}");
    assert!(after < 0.95 * before, "{before} to {after}");
}
