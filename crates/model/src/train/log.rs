//! What a run measured: the rows of `train.csv`.

use serde::{Deserialize, Serialize};

/// Mean PSNR of the validation images at one noise level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationPsnr {
    /// Noise level in grey levels.
    pub sigma: f64,
    /// Mean over the images of the PSNR in dB.
    pub psnr_db: f64,
}

/// One row: the mean loss since the last row and, where it was measured, the validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainRow {
    /// Steps done.
    pub step: u64,
    /// Seconds of training so far, over all runs.
    pub seconds: f64,
    /// Mean loss since the last row.
    pub loss: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// One entry per noise level; empty where nothing was measured.
    pub validation: Vec<ValidationPsnr>,
    /// Mean PSNR in dB of the validation images degraded by `[degradation]`, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded_psnr_db: Option<f64>,
}

/// The rows as CSV; PSNR columns are empty where nothing was measured.
pub fn csv_from_rows(rows: &[TrainRow]) -> String {
    let mut levels: Vec<f64> = rows
        .iter()
        .flat_map(|row| row.validation.iter().map(|entry| entry.sigma))
        .collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let header: String = levels.iter().map(|level| format!(",psnr_db_sigma_{level}")).collect();
    let degraded = rows.iter().any(|row| row.degraded_psnr_db.is_some());
    let last = if degraded { ",psnr_db_degraded" } else { "" };
    let mut csv = format!("step,seconds,loss,learning_rate{header}{last}\n");
    for row in rows {
        let TrainRow {
            step,
            seconds,
            loss,
            learning_rate,
            validation,
            degraded_psnr_db,
        } = row;
        csv.push_str(&format!("{step},{seconds:.1},{loss:.6},{learning_rate:.3e}"));
        for level in &levels {
            let psnr = validation.iter().find(|entry| entry.sigma == *level);
            csv.push_str(&psnr.map_or(",".to_owned(), |entry| format!(",{:.3}", entry.psnr_db)));
        }
        if degraded {
            csv.push_str(&degraded_psnr_db.map_or(",".to_owned(), |psnr_db| format!(",{psnr_db:.3}")));
        }
        csv.push('\n');
    }
    csv
}
