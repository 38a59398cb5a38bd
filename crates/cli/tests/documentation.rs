//! What the documentation refers to exists.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files with the given extension in a folder of the repository.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

/// A file and an item in it, from the text before and after what stands between them.
fn place<'a>(around: &[&'a str]) -> (String, &'a str) {
    let file = around[0].rsplit('`').next().unwrap();
    let item = around[1].split('`').next().unwrap();
    (format!("{file}.rs"), item)
}

#[test]
fn the_map_from_papers_to_code_names_what_exists() {
    let map = fs::read_to_string(root().join("docs/paper-to-code.md")).unwrap();
    let rows = map.lines().filter(|line| line.starts_with('|'));
    let places: Vec<(String, &str)> = rows
        .flat_map(|row| {
            row.split(".rs`: `")
                .collect::<Vec<_>>()
                .windows(2)
                .map(place)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(places.len() > 50, "{}", places.len());
    for (file, item) in places {
        let source = fs::read_to_string(root().join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let is_whole_name = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        assert!(
            source
                .match_indices(item)
                .any(|(at, _)| is_whole_name(&source[at + item.len()..])),
            "{file}: expected `{item}`"
        );
    }
}

#[test]
fn every_method_is_in_the_map() {
    let map = fs::read_to_string(root().join("docs/paper-to-code.md")).unwrap();
    for folder in [
        "crates/solver/src/methods",
        "crates/operators/src/fidelity",
        "crates/denoisers/src",
    ] {
        for file in files(folder, "rs") {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            // Shared code without an equation of its own.
            if ![
                "by_plane.rs",
                "classical.rs",
                "lib.rs",
                "measurement.rs",
                "planes.rs",
                "pnp_fista.rs",
            ]
            .contains(&name.as_str())
            {
                assert!(map.contains(&format!("{folder}/{name}")), "{folder}/{name}");
            }
        }
    }
}

#[test]
fn links_lead_to_files() {
    let mut pages = files("docs", "md");
    pages.extend(files(".", "md"));
    let mut links = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") {
                assert!(
                    page.parent().unwrap().join(path).exists(),
                    "{}: {target}",
                    page.display()
                );
                links += 1;
            }
        }
    }
    assert!(links > 10, "{links}");
}
