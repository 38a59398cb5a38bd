//! `tweedie compare`

mod common;

use std::fs;

use common::{json, names, small, tweedie};

#[test]
fn every_combination_on_the_same_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let picture = small(folder.path());
    fs::create_dir(at("in")).unwrap();
    for name in ["a.npy", "b.npy"] {
        fs::copy(&picture, at("in").join(name)).unwrap();
    }
    let line = "compare --task deblur --kernel gaussian:1.2x9 --noise 5 --seed 3 --checkpoint gray,median --solver pnp-hqs,red-gd \
                --iterations 3 --vary solver.strength=0.1,0.3 --data";
    let document = json(line, &[&at("in"), "--out".as_ref(), &at("out")]);
    let results = document["results"].as_array().unwrap();
    assert_eq!(results.len(), 2 * 2 * 2 * 2);
    let methods: std::collections::BTreeSet<&str> = results.iter().map(|r| r["method"].as_str().unwrap()).collect();
    assert_eq!(methods.len(), 8);
    assert!(methods.contains("median, red-gd, solver.strength=0.3"), "{methods:?}");
    assert_eq!(
        names(&at("out")),
        [
            "images.csv",
            "psnr.svg",
            "report.html",
            "table.csv",
            "table.md",
            "table.tex"
        ]
    );
    // One method alone gives the same figure as `restore`.
    let alone = json(
        "restore --simulate --task deblur --kernel gaussian:1.2x9 --noise 5 --seed 3 --checkpoint gray --solver pnp-hqs --iterations 3 \
         --strength 0.3 --out",
        &[&at("alone"), &at("in")],
    );
    let one = |name: &str| {
        let found = results
            .iter()
            .find(|r| r["method"] == "gray, pnp-hqs, solver.strength=0.3" && r["name"] == name);
        found.unwrap()["psnr_db"].clone()
    };
    for result in alone["results"].as_array().unwrap() {
        assert_eq!(result["psnr_db"], one(result["name"].as_str().unwrap()));
    }
    let mean = (one("a.npy").as_f64().unwrap() + one("b.npy").as_f64().unwrap()) / 2.0;
    let table = fs::read_to_string(at("out/table.csv")).unwrap();
    let row = table
        .lines()
        .find(|line| line.starts_with("\"gray, pnp-hqs, solver.strength=0.3\""))
        .unwrap();
    assert!(row.contains(&format!(",{mean:.2},")), "{row}");
    let page = fs::read_to_string(at("out/report.html")).unwrap();
    assert_eq!(page.matches("data-title=").count(), 2, "an entry for each image");
}

#[test]
fn wrong_combinations_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let picture = small(folder.path());
    let line = "compare --task sr --scale 2 --checkpoint median";
    for (options, status, word) in [
        ("--vary solver.strength", 2, "expected KEY=VALUE,VALUE"),
        ("--vary solver.nothing=1,2", 1, "nothing"),
        ("--solver pnp-hqs,none", 2, "none"),
        ("--noise auto", 2, "--noise auto"),
    ] {
        let run = tweedie(
            &format!("{line} {options} --out"),
            &[&folder.path().join("out"), "--data".as_ref(), &picture],
        );
        assert!(
            run.status == Some(status) && run.stderr.contains(word),
            "{options}: {:?} {}",
            run.status,
            run.stderr
        );
    }
}
