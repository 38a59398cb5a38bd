//! The parameter-choice rules by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A rule that chooses the strength of the prior; see [`tweedie_operators::rules`] for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The largest strength that explains the data: ||Ax - y|| <= s sqrt(m).
    Discrepancy,
    /// The strength around which the image changes least.
    QuasiOptimality,
    /// Lepskii's principle: the largest strength told from no smaller one by more than that one's noise.
    Balancing,
    /// The corner of ln ||x - D(x)|| over ln ||Ax - y||.
    LCurve,
    /// The smallest Monte-Carlo estimate of the predicted risk ||Ax - A x_true||^2.
    Sure,
    /// The largest PSNR: it sees the truth, and is there for comparison.
    Oracle,
}

impl Rule {
    /// All rules, the oracle last.
    pub const ALL: [Self; 6] = [
        Self::Discrepancy,
        Self::QuasiOptimality,
        Self::Balancing,
        Self::LCurve,
        Self::Sure,
        Self::Oracle,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discrepancy => "discrepancy",
            Self::QuasiOptimality => "quasi-optimality",
            Self::Balancing => "balancing",
            Self::LCurve => "l-curve",
            Self::Sure => "sure",
            Self::Oracle => "oracle",
        }
    }

    /// Whether it needs the noise level, so that it cannot be applied to data without noise.
    pub fn needs_noise(self) -> bool {
        matches!(self, Self::Discrepancy | Self::Balancing | Self::Sure)
    }

    /// Whether it needs each restoration a second time, of perturbed data.
    pub fn needs_probe(self) -> bool {
        matches!(self, Self::Balancing | Self::Sure)
    }

    /// Whether it sees the truth.
    pub fn needs_truth(self) -> bool {
        self == Self::Oracle
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Rule {
    type Err = Error;

    /// # Errors
    /// [`Error::UnknownRule`] with the names that there are.
    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|rule| rule.name() == text);
        found.ok_or_else(|| Error::UnknownRule {
            name: text.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for rule in Rule::ALL {
            assert_eq!(rule.name().parse::<Rule>().unwrap(), rule);
            assert_eq!(format!("\"{rule}\""), format!("{:?}", rule.name()));
        }
        let error = "best".parse::<Rule>().unwrap_err();
        assert!(matches!(&error, Error::UnknownRule { name, known } if name == "best" && known.contains("l-curve")));
    }
}
