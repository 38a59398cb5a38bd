//! Denoisers without weights as priors, and certificates of them.

mod common;

use std::path::Path;

use common::{json, succeed, tweedie};

const NAMES: [&str; 4] = ["median", "haar", "nlm", "tv"];

#[test]
fn they_denoise_restore_and_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let listed = json("checkpoints list", &[]);
    for name in NAMES {
        let level = json(
            &format!("evaluate --checkpoint {name} --sigma 25 --data datasets/samples/camera.png"),
            &[],
        );
        let result = &level["results"][0];
        let [psnr, noisy] = ["psnr_db", "psnr_input_db"].map(|key| result[key].as_f64().unwrap());
        assert!(psnr > noisy + 2.0, "{name}: {noisy} -> {psnr}");
        assert!(level["files"].as_array().unwrap().len() == 1, "only the image was read");
        let out = folder.path().join(name);
        let line = format!(
            "restore datasets/samples/coffee.png --simulate --task inpaint --keep 0.5 --iterations 2 --checkpoint {name} --out"
        );
        succeed(&line, &[&out]);
        let found = listed["results"]
            .as_array()
            .unwrap()
            .iter()
            .find(|found| found["name"] == name);
        assert!(found.is_some_and(|found| found["sha256"].is_null()), "{name}");
        succeed(&format!("checkpoints show {name}"), &[]);
    }
    let run = tweedie(
        "denoise --checkpoint median -C denoiser.tile_pixels=9 --sigma 9 datasets/samples/camera.png --out",
        &[&folder.path().join("x.png")],
    );
    assert_eq!(run.status, Some(2), "{}", run.stderr);
}

#[test]
fn certificates_say_how_they_were_made() {
    for name in NAMES {
        let line = format!(
            "certify --checkpoint {name} --data datasets/samples --color gray --samples 2 --patch 8 --sigma 25"
        );
        let document = json(&line, &[]);
        let level = &document["results"][0];
        assert_eq!(level["derivatives"], "central-differences", "{name}");
        let asymmetry = level["jacobian_asymmetry"]["mean"].as_f64().unwrap();
        assert_eq!(asymmetry < 1e-6, matches!(name, "haar" | "tv"), "{name}: {asymmetry}");
    }
    let both = tweedie("certify --checkpoint median --data datasets/samples --noisy x.npy", &[]);
    assert_eq!(both.status, Some(2));
    let missing = tweedie("certify --checkpoint median --noisy", &[Path::new("no-such.npy")]);
    assert!(
        missing.status == Some(1) && missing.stderr.contains("no-such.npy"),
        "{}",
        missing.stderr
    );
}
