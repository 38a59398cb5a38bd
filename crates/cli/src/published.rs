//! Denoising results that papers print, to stand beside ours.

use std::path::Path;

use serde::Serialize;

/// The noise levels of the tables, in grey levels.
const LEVELS: [f64; 3] = [15.0, 25.0, 50.0];

/// Mean PSNR in dB that a paper prints for a set of images and a level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Published {
    pub method: &'static str,
    pub psnr_db: f64,
    pub source: &'static str,
}

/// A set by the name of its folder, its number of images, and the methods' rows.
struct Table {
    set: &'static str,
    images: usize,
    rows: &'static [Row],
}

struct Row {
    method: &'static str,
    source: &'static str,
    psnr_db: [f64; 3],
}

const DNCNN: &str = "Zhang et al. 2017, Beyond a Gaussian denoiser, IEEE TIP 26";
const FFDNET: &str = "Zhang et al. 2018, FFDNet, IEEE TIP 27";
const DRUNET: &str = "Zhang et al. 2022, Plug-and-play image restoration with deep denoiser prior, IEEE TPAMI 44";

const fn row(method: &'static str, source: &'static str, psnr_db: [f64; 3]) -> Row {
    Row {
        method,
        source,
        psnr_db,
    }
}

/// DnCNN has one network for each level here (colour: FFDNet's paper), the others one for all.
const TABLES: [Table; 4] = [
    Table {
        set: "Set12",
        images: 12,
        rows: &[
            row("BM3D", FFDNET, [32.37, 29.97, 26.72]),
            row("DnCNN", DNCNN, [32.86, 30.44, 27.18]),
            row("FFDNet", FFDNET, [32.75, 30.43, 27.32]),
            row("DRUNet", DRUNET, [33.25, 30.94, 27.90]),
        ],
    },
    Table {
        set: "BSD68",
        images: 68,
        rows: &[
            row("BM3D", FFDNET, [31.07, 28.57, 25.62]),
            row("DnCNN", DNCNN, [31.73, 29.23, 26.23]),
            row("FFDNet", FFDNET, [31.63, 29.19, 26.29]),
            row("DRUNet", DRUNET, [31.91, 29.48, 26.59]),
        ],
    },
    Table {
        set: "CBSD68",
        images: 68,
        rows: &[
            row("CBM3D", FFDNET, [33.52, 30.71, 27.38]),
            row("CDnCNN", FFDNET, [33.89, 31.23, 27.92]),
            row("FFDNet", FFDNET, [33.87, 31.21, 27.96]),
            row("DRUNet", DRUNET, [34.30, 31.69, 28.51]),
        ],
    },
    Table {
        set: "Kodak24",
        images: 24,
        rows: &[
            row("CBM3D", FFDNET, [34.28, 31.68, 28.46]),
            row("CDnCNN", FFDNET, [34.48, 32.03, 28.85]),
            row("FFDNet", FFDNET, [34.63, 32.13, 28.98]),
            row("DRUNet", DRUNET, [35.31, 32.89, 29.86]),
        ],
    },
];

/// What papers print for the images of a folder, known by its name and their number. `channels` are those of the images
/// as they were scored: gray sets have 1, colour sets 3.
pub fn for_folder(folder: &Path, images: usize, channels: usize, sigma: f64) -> Vec<Published> {
    let name = folder
        .canonicalize()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let colour = |table: &Table| table.rows[0].method == "CBM3D";
    let known = |table: &&Table| {
        Some(table.set) == name.as_deref() && table.images == images && colour(table) == (channels == 3)
    };
    let level = LEVELS.iter().position(|&level| level == sigma);
    let rows = TABLES.iter().find(known).map_or(&[][..], |table| table.rows);
    let at = |level: usize| {
        rows.iter().map(move |row| Published {
            method: row.method,
            psnr_db: row.psnr_db[level],
            source: row.source,
        })
    };
    level.map(at).into_iter().flatten().collect()
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
