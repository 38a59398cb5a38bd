//! The program is a user of the library like any other: the same job gives the same bytes.

mod common;

use std::path::Path;

use common::{root, small, succeed};
use tweedie::degradation::Border;
use tweedie::imaging::{ColorMode, read_image};
use tweedie::{Checkpoint, Kernel, Measurement, PnpAdmm, RedGd, Restorer, Rule, Sigma, Strength, Task, write_image};

/// A checkpoint of the repository.
fn find(name: &str) -> Checkpoint {
    std::env::set_current_dir(root()).unwrap();
    Checkpoint::find(name).unwrap()
}

fn read(path: &Path) -> tweedie::Image {
    let loaded = read_image(path, ColorMode::AsStored).unwrap();
    loaded.image(&tweedie::Device::default()).unwrap()
}

fn task() -> Task {
    Task::deblur(Kernel::gaussian(1.6, 15).unwrap()).noise(Sigma::from_grey_levels(7.65).unwrap())
}

#[test]
fn denoising() {
    let folder = tempfile::tempdir().unwrap();
    let input = small(folder.path());
    let [program, library] = ["program.npy", "library.npy"].map(|name| folder.path().join(name));
    let line = "denoise --checkpoint gray --sigma 15 --out";
    succeed(line, &[&program, &input]);
    let gray = find("gray");
    let clean = gray
        .denoise(&read(&input), Sigma::from_grey_levels(15.0).unwrap())
        .unwrap();
    write_image(&library, &clean).unwrap();
    assert!(common::same_bytes(&program, &library));
}

#[test]
fn restoration_of_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let input = small(folder.path());
    let (out, library) = (folder.path().join("out"), folder.path().join("library.npy"));
    let line = "restore --task deblur --kernel gaussian:1.6 --noise 7.65 --sigma 25 --iterations 4 --strength 0.7 \
                --checkpoint gray --depth float --out";
    succeed(line, &[&out, &input]);
    let gray = find("gray");
    let restored = Restorer::new(&gray)
        .sigma(Sigma::from_grey_levels(25.0).unwrap())
        .iterations(4)
        .strength(Strength::Given(0.7))
        .restore(&task(), &read(&input))
        .unwrap();
    write_image(&library, &restored.image).unwrap();
    assert!(common::same_bytes(&out.join("small.npy"), &library));
}

#[test]
fn restoration_of_a_simulated_measurement_by_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let input = small(folder.path());
    let (out, library) = (folder.path().join("out"), folder.path().join("library.npy"));
    let line = "restore --simulate --task deblur --kernel gaussian:1.6 --noise 7.65 --solver red-gd --iterations 3 \
                --seed 5 --strength auto:discrepancy --checkpoint median --depth float --out";
    succeed(line, &[&out, &input]);
    let median = find("median");
    let measurement =
        Measurement::simulate("small.npy", task().boundary(Border::Circular).seed(5), read(&input)).unwrap();
    let restored = Restorer::new(&median)
        .solver(RedGd::default())
        .iterations(3)
        .strength(Strength::Auto(Rule::Discrepancy))
        .restore_measurement(&measurement)
        .unwrap();
    write_image(&library, &restored.image).unwrap();
    assert!(common::same_bytes(&out.join("small.npy"), &library));
}

#[test]
fn parameters_of_a_solver() {
    let folder = tempfile::tempdir().unwrap();
    let input = small(folder.path());
    let (out, library) = (folder.path().join("out"), folder.path().join("library.npy"));
    let line = "restore --task deblur --kernel gaussian:1.6 --noise 7.65 --solver pnp-admm -C solver.strength=0.4 \
                --iterations 3 --checkpoint median --depth float --out";
    succeed(line, &[&out, &input]);
    let median = find("median");
    let solver = PnpAdmm {
        strength: 0.4,
        ..PnpAdmm::default()
    };
    let restorer = Restorer::new(&median).solver(solver).iterations(3);
    let restored = restorer.restore(&task(), &read(&input)).unwrap();
    write_image(&library, &restored.image).unwrap();
    assert!(common::same_bytes(&out.join("small.npy"), &library));
}
