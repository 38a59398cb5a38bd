//! What is known about a denoiser from how it is built, and what follows from it.

/// What is known about a denoiser from how it is built.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// D = x - grad g with g known, by construction.
    pub gradient_step: bool,
    /// That g is bounded below, and its gradient locally Lipschitz continuous.
    pub regular_potential: bool,
    /// The convex function whose proximal operator D is.
    pub proximal: Option<&'static str>,
    /// What gives D kinks, so that it is differentiable almost everywhere only.
    pub kinks: Option<&'static str>,
    /// A Lipschitz constant of D that follows from the weights.
    pub lipschitz: Option<f64>,
    /// A Lipschitz constant of D - I that follows from the weights.
    pub residual_lipschitz: Option<f64>,
    /// An alpha < 1 for which D = (1 - alpha) I + alpha N with a nonexpansive N, by its weights.
    pub averaged: Option<f64>,
}

impl Known {
    /// The least proven alpha in (0, 1) for which D = (1 - alpha) I + alpha N with a nonexpansive N, and how it is proven.
    ///
    /// A proximal operator has 1/2 (Moreau 1965), a map with the Lipschitz constant c < 1 has (1 + c)/2, since
    /// N = (D - (1 - alpha) I) / alpha has at most (c + 1 - alpha) / alpha = 1.
    pub(super) fn averaged_by(&self) -> Option<(f64, String)> {
        let by_prox = self
            .proximal
            .map(|function| (0.5, format!("D is the proximal operator of {function}")));
        let by_weights = self.averaged.filter(|&alpha| alpha < 1.0).map(|alpha| {
            let evidence = format!("its weights prove it with alpha = {alpha:.4}");
            (alpha, evidence)
        });
        let by_contraction = self.lipschitz.filter(|&c| c < 1.0).map(|c| {
            let alpha = 0.5 * (1.0 + c);
            let evidence = format!("its Lipschitz constant {c:.4} proves it with alpha = {alpha:.4}");
            (alpha, evidence)
        });
        [by_prox, by_weights, by_contraction]
            .into_iter()
            .flatten()
            .min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Why D is firmly nonexpansive, that is averaged with alpha = 1/2.
    pub(super) fn firmly_nonexpansive(&self) -> Option<String> {
        self.averaged_by()
            .filter(|(alpha, _)| *alpha <= 0.5)
            .map(|(_, why)| why)
    }

    /// Why D is averaged.
    pub(super) fn averaged(&self) -> Option<String> {
        self.averaged_by().map(|(_, why)| why)
    }

    /// Why D is nonexpansive.
    pub(super) fn nonexpansive(&self) -> Option<String> {
        let by_weights = self.lipschitz.filter(|&bound| bound <= 1.0);
        by_weights
            .map(|bound| format!("its weights bound its Lipschitz constant by {bound}"))
            .or_else(|| self.averaged())
    }

    /// Why D - I is a contraction: by its own bound, or as 2 alpha < 1 for an averaged D.
    pub(super) fn contractive_residual(&self) -> Option<String> {
        let by_weights = self.residual_lipschitz.filter(|&bound| bound < 1.0);
        let averaged = self.averaged.map(|alpha| 2.0 * alpha).filter(|&bound| bound < 1.0);
        by_weights
            .or(averaged)
            .map(|bound| format!("its weights bound its Lipschitz constant by {bound:.4}"))
    }

    /// Why its Jacobian is symmetric wherever there is one.
    pub(super) fn symmetric(&self) -> Option<String> {
        match (self.gradient_step, self.proximal) {
            (true, _) => Some("D = x - grad g by construction".to_owned()),
            (false, function) => function.map(|function| format!("D is the proximal operator of {function}")),
        }
    }

    /// The largest share w in (0, 1] for which (1 - w) I + w D is proven firmly nonexpansive: 1/(2 alpha) for an averaged
    /// D, 1/2 for one that is nonexpansive; `None` where neither is proven.
    pub fn firm_share(&self) -> Option<f64> {
        let nonexpansive = self.lipschitz.filter(|&bound| bound <= 1.0).map(|_| 1.0);
        let alpha = self.averaged_by().map(|(alpha, _)| alpha).or(nonexpansive)?;
        Some((0.5 / alpha).min(1.0))
    }

    /// What is known of (1 - w) I + w D, 0 < `w` <= 1.
    pub fn relaxed(self, w: f64) -> Self {
        let nonexpansive = self.lipschitz.filter(|&bound| bound <= 1.0).map(|_| w);
        Self {
            lipschitz: self.lipschitz.map(|bound| 1.0 - w + w * bound),
            residual_lipschitz: self.residual_lipschitz.map(|bound| w * bound),
            averaged: self
                .averaged_by()
                .map(|(alpha, _)| w * alpha)
                .or(nonexpansive)
                .filter(|&alpha| alpha < 1.0),
            // w g in place of g keeps all else; a share of a proximal operator is one of another function.
            proximal: self.proximal.filter(|_| w == 1.0).or(self
                .proximal
                .map(|_| "a convex function: a share of a proximal operator is one")),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contraction_is_averaged_and_not_firmly_nonexpansive() {
        // D = -c I: N = (D - (1 - alpha) I) / alpha has norm 1 at alpha = (1 + c)/2 and no less below.
        let known = Known {
            lipschitz: Some(0.32),
            ..Known::default()
        };
        let (alpha, _) = known.averaged_by().unwrap();
        assert!((alpha - 0.66).abs() < 1e-12);
        assert!(known.averaged().is_some() && known.firmly_nonexpansive().is_none());
        assert!((known.firm_share().unwrap() - 0.5 / 0.66).abs() < 1e-12);
        let relaxed = known.relaxed(known.firm_share().unwrap());
        assert!(relaxed.firmly_nonexpansive().is_some(), "{relaxed:?}");
    }

    #[test]
    fn half_of_a_nonexpansive_map_is_firmly_nonexpansive() {
        let known = Known {
            lipschitz: Some(1.0),
            ..Known::default()
        };
        assert!(known.nonexpansive().is_some() && known.averaged().is_none());
        assert_eq!(known.firm_share(), Some(0.5));
        assert!(known.relaxed(0.5).firmly_nonexpansive().is_some());
        assert!(known.relaxed(0.6).firmly_nonexpansive().is_none());
        assert_eq!(Known::default().firm_share(), None);
    }
}
