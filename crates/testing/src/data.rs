//! Test data that is not part of the repository.

use std::path::{Path, PathBuf};

/// A file or folder of the shared test data, or `None` (after printing `skipped: ...`) where it is absent.
///
/// The data lies in the folder that the environment variable `TWEEDIE_SHARED` names, by default `../shared`; a relative
/// name counts from the root of the repository. `relative` is a path inside that folder, such as `data/images/Set12`.
pub fn shared_data(relative: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("TWEEDIE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = root.join(folder).join(relative);
    if path.exists() {
        return Some(path);
    }
    println!(
        "skipped: no {} (set TWEEDIE_SHARED to the folder with the test data)",
        path.display()
    );
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_data_is_none() {
        assert_eq!(shared_data("no/such/file"), None);
    }
}
