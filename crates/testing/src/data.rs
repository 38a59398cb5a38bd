//! Test data that is not part of the repository.

use std::path::{Path, PathBuf};

/// A file or folder of the shared test data, for tests that are `#[ignore = "needs TWEEDIE_SHARED"]`: `scripts/check` runs
/// them.
///
/// The data lies in the folder that the environment variable `TWEEDIE_SHARED` names, by default `../shared`; a relative
/// name counts from the root of the repository. `relative` is a path inside that folder, such as `data/images/Set12`.
///
/// # Panics
/// If there is no such file: a test without its data tests nothing.
pub fn shared_data(relative: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("TWEEDIE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = root.join(folder).join(relative);
    assert!(
        path.exists(),
        "no {}: set TWEEDIE_SHARED to the folder with the test data",
        path.display()
    );
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "set TWEEDIE_SHARED to the folder")]
    fn absent_data_is_told() {
        shared_data("no/such/file");
    }
}
