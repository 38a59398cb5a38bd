//! What a denoiser is wrapped in: `-C denoiser.relaxation` and `-C denoiser.equivariant`.

mod equivariant;
mod relaxed;

use std::sync::Arc;

use toml::{Table, Value};
use tweedie_imaging::{Denoiser, DifferentiableDenoiser, GradientDenoiser};

pub use equivariant::{Equivariant, Symmetries};
pub use relaxed::Relaxed;

use crate::Result;
use crate::error::usage;

/// Wraps a denoiser in a share of itself, and in flips and turns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wrapping {
    /// The share w of (1 - w) I + w D, in (0, 1).
    pub relaxation: Option<f64>,
    /// Flips and turns.
    pub symmetries: Option<Symmetries>,
}

/// What `denoiser.relaxation` asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// This share.
    Given(f64),
    /// The largest one that is proven to be firmly nonexpansive.
    Proven,
}

/// The settings of a wrapping, before the share is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// `denoiser.relaxation`.
    pub share: Option<Share>,
    /// `denoiser.equivariant` and `denoiser.seed`.
    pub symmetries: Option<Symmetries>,
}

impl Settings {
    /// Takes its keys out of the section `denoiser`.
    ///
    /// # Errors
    /// Wrong usage: names the key and what it takes.
    pub fn take(settings: &mut Table) -> Result<Self> {
        let share = match settings.remove("relaxation") {
            None => None,
            Some(Value::String(text)) if text == "auto" => Some(Share::Proven),
            Some(value) => match number(&value).filter(|&w| w > 0.0 && w <= 1.0) {
                Some(w) => Some(Share::Given(w)),
                None => {
                    return Err(usage(format!(
                        "-C denoiser.relaxation: expected a share in (0, 1], or auto, got {value}"
                    )));
                }
            },
        };
        let equivariant = settings.remove("equivariant");
        let is_random = matches!(&equivariant, Some(Value::String(text)) if text == "random");
        let seed = match settings.remove("seed") {
            Some(_) if !is_random => {
                return Err(usage(
                    "-C denoiser.seed: it has no effect without denoiser.equivariant=random",
                ));
            }
            Some(Value::Integer(seed)) if seed >= 0 => seed.unsigned_abs(),
            Some(other) => {
                return Err(usage(format!(
                    "-C denoiser.seed: expected a whole number >= 0, got {other}"
                )));
            }
            None => 0,
        };
        let symmetries = match equivariant {
            None => None,
            Some(Value::String(text)) if text == "all" => Some(Symmetries::All),
            Some(Value::String(text)) if text == "random" => Some(Symmetries::Random { seed }),
            Some(other) => {
                return Err(usage(format!(
                    "-C denoiser.equivariant: expected random or all, got {other}"
                )));
            }
        };
        Ok(Self { share, symmetries })
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|n| n as f64))
}

impl Wrapping {
    /// The wrapped denoiser.
    pub fn denoiser(&self, denoiser: Arc<dyn Denoiser>) -> Arc<dyn Denoiser> {
        let denoiser: Arc<dyn Denoiser> = match self.relaxation {
            Some(w) => Arc::new(Relaxed::new(denoiser, w)),
            None => denoiser,
        };
        match self.symmetries {
            Some(symmetries) => Arc::new(Equivariant::new(denoiser, symmetries)),
            None => denoiser,
        }
    }

    /// The wrapped denoiser with its potential; `None` for random flips and turns, which have none.
    pub fn potential(&self, denoiser: Arc<dyn GradientDenoiser>) -> Option<Arc<dyn GradientDenoiser>> {
        let denoiser: Arc<dyn GradientDenoiser> = match self.relaxation {
            Some(w) => Arc::new(Relaxed::new(denoiser, w)),
            None => denoiser,
        };
        match self.symmetries {
            Some(Symmetries::Random { .. }) => None,
            Some(symmetries @ Symmetries::All) => Some(Arc::new(Equivariant::new(denoiser, symmetries))),
            None => Some(denoiser),
        }
    }

    /// The wrapped denoiser with its derivatives; `None` for random flips and turns, which are no function to differentiate.
    pub fn differentiable(&self, denoiser: Arc<dyn DifferentiableDenoiser>) -> Option<Arc<dyn DifferentiableDenoiser>> {
        let denoiser: Arc<dyn DifferentiableDenoiser> = match self.relaxation {
            Some(w) => Arc::new(Relaxed::new(denoiser, w)),
            None => denoiser,
        };
        match self.symmetries {
            Some(Symmetries::Random { .. }) => None,
            Some(symmetries @ Symmetries::All) => Some(Arc::new(Equivariant::new(denoiser, symmetries))),
            None => Some(denoiser),
        }
    }

    /// Whether it changes nothing.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// What it does, for reports; "" where it does nothing.
    pub fn text(&self) -> String {
        let share = self.relaxation.map(|w| format!("share {w:.4} of the denoiser"));
        let symmetries = self.symmetries.map(|symmetries| match symmetries {
            Symmetries::All => "averaged over all flips and turns".to_owned(),
            Symmetries::Random { seed } => format!("flipped and turned at random, seed {seed}"),
        });
        let parts: Vec<String> = share.into_iter().chain(symmetries).collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &str) -> Result<Settings> {
        let mut table = toml::from_str::<Table>(text).unwrap();
        let settings = Settings::take(&mut table);
        assert!(settings.is_err() || table.is_empty(), "{table:?}");
        settings
    }

    #[test]
    fn settings_are_read_or_named() {
        assert_eq!(take("").unwrap(), Settings::default());
        assert_eq!(take("relaxation = 1").unwrap().share, Some(Share::Given(1.0)));
        assert_eq!(take("relaxation = 'auto'").unwrap().share, Some(Share::Proven));
        assert_eq!(take("equivariant = 'all'").unwrap().symmetries, Some(Symmetries::All));
        let random = take("equivariant = 'random'\nseed = 4").unwrap().symmetries;
        assert_eq!(random, Some(Symmetries::Random { seed: 4 }));
        for bad in [
            "relaxation = 0",
            "relaxation = 1.5",
            "relaxation = nan",
            "relaxation = 'most'",
            "equivariant = true",
            "equivariant = 'some'",
            "seed = 1",
            "equivariant = 'all'\nseed = 1",
            "equivariant = 'random'\nseed = -1",
        ] {
            assert!(take(bad).is_err(), "{bad}");
        }
    }
}
