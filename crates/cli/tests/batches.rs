//! Several inputs at once: bad ones, equal names, runs that go on.

mod common;

use std::fs;
use std::path::Path;

use common::{json, names, root, small, succeed, tweedie};

const RESTORE: &str = "restore --task sr --scale 2 --checkpoint gray --iterations 1 --quiet --out";

#[test]
fn one_bad_input_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let picture = small(folder.path());
    fs::create_dir(at("in")).unwrap();
    for name in ["a.npy", "c.npy"] {
        fs::copy(&picture, at("in").join(name)).unwrap();
    }
    fs::write(at("in/b.png"), "no image").unwrap();
    for (command, results) in [
        (RESTORE, 5),
        ("denoise --checkpoint median --sigma 5 --quiet --out", 3),
        ("simulate --task inpaint --keep 0.5 --quiet --out", 7),
    ] {
        let out = at(command.split(' ').next().unwrap());
        let report = at("report.json");
        let run = tweedie(command, &[&out, Path::new("--json"), &report, &at("in")]);
        assert_eq!(run.status, Some(1), "{command}");
        assert!(
            run.stderr.contains("1 of 3 inputs failed") && run.stderr.contains("b.png"),
            "{}",
            run.stderr
        );
        assert_eq!(names(&out).len(), results, "{command}: {:?}", names(&out));
        let document: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        assert_eq!(document["status"], "failed");
        assert_eq!(document["results"].as_array().map(Vec::len), Some(2));
        assert_eq!(document["failed"][0]["name"], "b.png");
        assert!(
            document["failed"][0]["error"]
                .as_str()
                .is_some_and(|error| error.contains("b.png"))
        );
    }
    // A single input is no batch: the error is its own.
    let run = tweedie(RESTORE, &[&at("single"), &at("in/b.png")]);
    assert_eq!(run.status, Some(1));
    assert!(!run.stderr.contains("inputs failed"), "{}", run.stderr);
}

#[test]
fn names_that_differ_in_their_endings_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("in")).unwrap();
    fs::copy(root().join("datasets/samples/camera.png"), at("in/a.png")).unwrap();
    fs::copy(small(folder.path()), at("in/a.npy")).unwrap();
    let denoise = "denoise --checkpoint median --sigma 5 --out";
    succeed(denoise, &[&at("out"), &at("in")]);
    assert_eq!(names(&at("out")), ["a.npy.png", "a.png.png", "results.jsonl"]);
    // The same name from two folders is still refused: noise is drawn by it.
    fs::create_dir(at("other")).unwrap();
    fs::copy(at("in/a.png"), at("other/a.png")).unwrap();
    let run = tweedie(denoise, &[&at("never"), &at("in/a.png"), &at("other/a.png")]);
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("expected different names"), "{}", run.stderr);
}

#[test]
fn a_batch_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let picture = small(folder.path());
    fs::create_dir(at("in")).unwrap();
    for name in ["a.npy", "b.npy", "c.npy"] {
        fs::copy(&picture, at("in").join(name)).unwrap();
    }
    for command in [RESTORE, "denoise --checkpoint median --quiet --sigma 5 --out"] {
        let out = at(command.split(' ').next().unwrap());
        let run = |options: &str| {
            let line = command.replace("--quiet", &format!("--skip-existing {options}"));
            let done = succeed(&line, &[&out, &at("in")]);
            done.stderr.matches(" is there").count()
        };
        succeed(command, &[&out, &at("in")]);
        let before = fs::read(out.join("a.png")).unwrap();
        fs::remove_file(out.join("b.png")).unwrap();
        assert_eq!(
            run(""),
            2,
            "what is there is left out, also of a run that was not told so"
        );
        assert!(out.join("b.png").is_file());
        assert_eq!(run("--color rgb"), 0, "other settings");
        assert_eq!(run("--color rgb"), 3);
        let document = json(
            &command.replace("--quiet", "--skip-existing --color rgb"),
            &[&out, &at("in")],
        );
        assert_eq!(
            document["results"].as_array().map(Vec::len),
            Some(3),
            "of earlier runs, too"
        );
        assert_eq!(run(""), 0);
        assert_eq!(fs::read(out.join("a.png")).unwrap(), before);
        // Another picture under the same name.
        fs::copy(root().join("datasets/samples/camera.png"), at("in/c.npy")).unwrap();
        assert_eq!(run(""), 2);
        fs::copy(&picture, at("in/c.npy")).unwrap();
    }
    let run = tweedie(
        "denoise --skip-existing --checkpoint median --sigma 5 --out",
        &[&at("one.png"), &picture],
    );
    assert_eq!(run.status, Some(2), "{}", run.stderr);
}

/// Gray pictures are better off with `gray`, colour pictures with `color`, whatever stands first.
#[test]
fn the_default_checkpoint_is_that_of_each_picture() {
    let folder = tempfile::tempdir().unwrap();
    let line = "restore datasets/samples/coffee.png datasets/samples/camera.png --simulate --task denoise --noise 25 --iterations 1";
    let run = |options: &str, name: &str| {
        let line = format!("{line} {options} --out");
        succeed(&line, &[&folder.path().join(name)]);
    };
    run("", "default");
    run("--checkpoint gray", "gray");
    run("--checkpoint color", "color");
    let same = |name: &str, picture: &str| {
        let [a, b] = ["default", name].map(|part| fs::read(folder.path().join(part).join(picture)).unwrap());
        a == b
    };
    assert!(same("color", "coffee.png") && same("gray", "camera.png"));
    assert!(!same("gray", "coffee.png") && !same("color", "camera.png"));
}

#[test]
fn denoising_chooses_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let noisy = at("noisy");
    succeed(
        "simulate datasets/samples/coffee.png datasets/samples/camera.png --task denoise --noise 15 --out",
        &[&noisy],
    );
    for (picture, checkpoint) in [("coffee.png", "color"), ("camera.png", "gray")] {
        let document = json(
            "denoise --depth float --out",
            &[&at("chosen.npy"), &noisy.join(picture)],
        );
        let sigma = document["results"][0]["sigma"].as_f64().unwrap();
        assert!((12.0..18.0).contains(&sigma), "{picture}: {sigma}");
        let line = format!("denoise --depth float --sigma {sigma} --checkpoint {checkpoint} --out");
        succeed(&line, &[&at("named.npy"), &noisy.join(picture)]);
        assert_eq!(fs::read(at("chosen.npy")).unwrap(), fs::read(at("named.npy")).unwrap());
    }
}

/// A wrong kernel: the page tells what the terminal does, and names the checkpoint that was used.
#[test]
fn the_page_has_the_warnings_and_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let line = "restore datasets/samples/coffee.png --task deblur --kernel disc:6 --noise 1 --boundary circular --report --out";
    let run = succeed(line, &[&out]);
    assert!(run.stderr.contains("warning: coffee.png"), "{}", run.stderr);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Warning: coffee.png: the result oscillates"));
    assert!(page.contains("<title>Restoration: deblur with color and pnp-hqs</title>"));
}
