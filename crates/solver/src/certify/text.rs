//! Certificates as text.

use std::fmt;

use super::{Derivatives, Estimate, LevelMeasures, Status, Theorem};

impl fmt::Display for LevelMeasures {
    /// A table: a line for each measure, with its mean, maximum and standard error over the patches.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: [(&str, &Estimate); 12] = [
            ("||J - J^T||_F^2 / ||J||_F^2", &self.jacobian_asymmetry),
            ("homogeneity 1", &self.homogeneity_1),
            ("homogeneity 2", &self.homogeneity_2),
            ("||J||", &self.spectral_norm_j),
            ("||J - I||", &self.spectral_norm_residual),
            ("||2 J - I||", &self.spectral_norm_reflection),
            ("largest eigenvalue of (J + J^T)/2", &self.symmetric_part_max),
            ("||D(x)|| / ||x||", &self.passivity),
            ("error of the derivative", &self.differentiability),
            ("||D(x) - D(z)|| / ||x - z||", &self.expansion),
            ("demicontractivity", &self.demicontractivity),
            ("fixed-point error of its p", &self.fixed_point_error),
        ];
        let level = (self.sigma.grey_levels() * 1e4).round() / 1e4;
        let head = format!("sigma {level}, {} patches{:>24}", self.samples, "mean");
        write!(f, "{head}  {:>10}  {:>10}", "max", "stderr")?;
        for (name, Estimate { mean, max, stderr, .. }) in rows {
            let stderr = stderr.map_or(String::new(), |stderr| format!("{stderr:.2e}"));
            write!(f, "\n  {name:<34}  {mean:>10.3e}  {max:>10.3e}  {stderr:>10}")?;
        }
        match self.derivatives {
            Derivatives::CentralDifferences => write!(f, "\n  (Jacobians by central differences)"),
            Derivatives::Autodiff => Ok(()),
        }
    }
}

impl fmt::Display for Theorem {
    /// The theorem, its conditions with what is known of each, and what it asks besides.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n  ({})", self.name, self.source)?;
        for condition in &self.conditions {
            let (word, evidence) = match &condition.status {
                Status::Proven(evidence) => ("proven", evidence),
                Status::Measured(evidence) => ("holds on all samples", evidence),
                Status::Fails(evidence) => ("FAILS", evidence),
                Status::NotDecided(evidence) => ("not decided", evidence),
            };
            writeln!(f, "  {}: {word} ({evidence})", condition.statement)?;
        }
        write!(f, "  it asks besides: {}", self.asks)
    }
}
