//! Denoising results that papers print, to stand beside ours.

use std::path::Path;

use serde::Serialize;

/// The noise levels of the tables, in grey levels.
const LEVELS: [f64; 3] = [15.0, 25.0, 50.0];

/// Mean PSNR in dB that a paper prints for a set of images and a level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Published {
    /// The method.
    pub method: &'static str,
    /// In dB.
    pub psnr_db: f64,
    /// The paper.
    pub source: &'static str,
}

/// A set: the name of its folder, its number of images, their channels.
const SETS: [(&str, usize, usize); 4] = [
    ("Set12", 12, 1),
    ("BSD68", 68, 1),
    ("CBSD68", 68, 3),
    ("Kodak24", 24, 3),
];

const DNCNN: &str = "Zhang et al. 2017, Beyond a Gaussian denoiser, IEEE TIP 26";
const FFDNET: &str = "Zhang et al. 2018, FFDNet, IEEE TIP 27";
const DRUNET: &str = "Zhang et al. 2022, Plug-and-play image restoration with deep denoiser prior, IEEE TPAMI 44";

/// Set, method, paper, PSNR at the levels. DnCNN has one network for each level, the others one for all. The figures of
/// DnCNN and FFDNet for Set12, BSD68 and CBSD68 were met with their weights as far as docs/experiments.md has them; those of DRUNet and of
/// FFDNet on Kodak24 are also what Restormer's tables print (Zamir et al. 2022); the other rows are only quoted.
const ROWS: [(&str, &str, &str, [f64; 3]); 16] = [
    ("Set12", "BM3D", FFDNET, [32.37, 29.97, 26.72]),
    ("Set12", "DnCNN", DNCNN, [32.86, 30.44, 27.18]),
    ("Set12", "FFDNet", FFDNET, [32.75, 30.43, 27.32]),
    ("Set12", "DRUNet", DRUNET, [33.25, 30.94, 27.90]),
    ("BSD68", "BM3D", FFDNET, [31.07, 28.57, 25.62]),
    ("BSD68", "DnCNN", DNCNN, [31.73, 29.23, 26.23]),
    ("BSD68", "FFDNet", FFDNET, [31.63, 29.19, 26.29]),
    ("BSD68", "DRUNet", DRUNET, [31.91, 29.48, 26.59]),
    ("CBSD68", "CBM3D", FFDNET, [33.52, 30.71, 27.38]),
    ("CBSD68", "CDnCNN", FFDNET, [33.89, 31.23, 27.92]),
    ("CBSD68", "FFDNet", FFDNET, [33.87, 31.21, 27.96]),
    ("CBSD68", "DRUNet", DRUNET, [34.30, 31.69, 28.51]),
    ("Kodak24", "CBM3D", FFDNET, [34.28, 31.68, 28.46]),
    ("Kodak24", "CDnCNN", FFDNET, [34.48, 32.03, 28.85]),
    ("Kodak24", "FFDNet", FFDNET, [34.63, 32.13, 28.98]),
    ("Kodak24", "DRUNet", DRUNET, [35.31, 32.89, 29.86]),
];

/// What papers print at noise level `sigma`, in grey levels, for the images of a folder, known by its name, their number
/// and their channels as they were scored; empty for other folders and levels.
pub fn for_folder(folder: &Path, images: usize, channels: usize, sigma: f64) -> Vec<Published> {
    let path = folder.canonicalize().unwrap_or_default();
    let known = SETS
        .iter()
        .find(|&&(set, count, planes)| path.ends_with(set) && (count, planes) == (images, channels));
    let level = LEVELS.iter().position(|&level| level == sigma);
    let Some((&(set, ..), level)) = known.zip(level) else {
        return Vec::new();
    };
    ROWS.iter()
        .filter(|row| row.0 == set)
        .map(|&(_, method, source, psnr_db)| Published {
            method,
            psnr_db: psnr_db[level],
            source,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_known_by_its_name_number_and_channels() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("BSD68");
        std::fs::create_dir(&folder).unwrap();
        let found = for_folder(&folder, 68, 1, 25.0);
        let ffdnet = found.iter().find(|row| row.method == "FFDNet").unwrap();
        assert_eq!(ffdnet.psnr_db, 29.19);
        assert!(for_folder(&folder, 67, 1, 25.0).is_empty());
        assert!(for_folder(&folder, 68, 3, 25.0).is_empty());
        assert!(for_folder(&folder, 68, 1, 30.0).is_empty());
        assert!(for_folder(parent.path(), 68, 1, 25.0).is_empty());
    }
}
