//! Where checkpoints and data sets are looked up.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// See [`bring`].
static BROUGHT: OnceLock<PathBuf> = OnceLock::new();

/// Names the folder that holds the `checkpoints/` and `datasets/` which come with the caller, such as that of an installed
/// package. The first call counts.
pub fn bring(folder: PathBuf) {
    let _ = BROUGHT.set(folder);
}

/// Folders in which a name is looked up, most important first:
///
/// 1. `KIND/` in the working folder,
/// 2. the folder that the environment variable `TWEEDIE_KIND` names,
/// 3. `KIND/` beside the program or above it: an unpacked release, or `target/release` of a source tree,
/// 4. `KIND/` in the folder of [`bring`].
///
/// `kind` is `checkpoints` or `datasets`. Folders that are not there are left out.
pub fn folders(kind: &str) -> Vec<PathBuf> {
    let variable = std::env::var_os(format!("TWEEDIE_{}", kind.to_uppercase())).map(PathBuf::from);
    let program = std::env::current_exe().ok();
    // The program itself, its folder, target/release, target and the root of a source tree.
    let beside = program
        .iter()
        .flat_map(|program| program.ancestors().skip(1).take(4))
        .map(|folder| folder.join(kind));
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in [Some(PathBuf::from(kind)), variable]
        .into_iter()
        .flatten()
        .chain(beside)
        .chain(BROUGHT.get().map(|folder| folder.join(kind)))
    {
        let is_new = || !found.iter().any(|known| is_same(known, &folder));
        if folder.is_dir() && is_new() {
            found.push(folder);
        }
    }
    found
}

/// What [`folders`] looks at, for error messages.
pub fn description(kind: &str) -> String {
    format!(
        "{kind}/ in the working folder, the folder TWEEDIE_{}, or {kind}/ beside the program",
        kind.to_uppercase()
    )
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
