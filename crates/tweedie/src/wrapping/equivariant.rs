//! Denoisers that treat flipped and turned images alike.

use std::sync::Arc;

use burn::tensor::Tensor;
use tweedie_imaging::{
    Denoiser, DenoiserInfo, DifferentiableDenoiser, Error, GradientDenoiser, Image, Sigma, vec_from_image,
};

/// Flips and turns by 90 degrees: the eight symmetries T_g of the square.
const SYMMETRIES: u32 = 8;

/// Which symmetries a denoising uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetries {
    /// All eight, averaged: D'(x) = 1/8 sum_g T_g^-1 D(T_g x). Eight denoisings for one.
    All,
    /// One, drawn anew for each image that is denoised: D'(x) = T_g^-1 D(T_g x). The draw follows from the seed and the
    /// image's values, so that results depend neither on the order of images nor on what was denoised before.
    Random {
        /// Seed of the draws.
        seed: u64,
    },
}

/// A denoiser made equivariant to flips and turns (Terris, Moreau, Pustelnik and Tachella 2024, "Equivariant plug-and-play
/// image reconstruction"): it has no favourite direction, which iterations would amplify.
///
/// The average over all symmetries keeps what is known of D: a potential (the average of theirs), Lipschitz constants,
/// averagedness, being a proximal operator. A random one keeps the Lipschitz constant alone.
pub struct Equivariant<D: ?Sized> {
    denoiser: Arc<D>,
    symmetries: Symmetries,
}

impl<D: Denoiser + ?Sized> Equivariant<D> {
    /// The denoiser with these symmetries.
    pub fn new(denoiser: Arc<D>, symmetries: Symmetries) -> Self {
        Self { denoiser, symmetries }
    }

    /// The symmetries that denoising `x` uses.
    fn drawn(&self, x: &Image) -> Result<std::ops::Range<u32>, Error> {
        Ok(match self.symmetries {
            Symmetries::All => 0..SYMMETRIES,
            Symmetries::Random { seed } => {
                let g = draw(seed, &vec_from_image(x)?);
                g..g + 1
            }
        })
    }
}

/// A number below eight from the seed and the bits of the values: FNV-1a, mixed as in SplitMix64.
fn draw(seed: u64, values: &[f32]) -> u32 {
    let hash = values.iter().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 61) as u32
}

/// T_g x: flipped from left to right where g has the bit 4, then turned by g mod 4 quarters.
fn moved(x: Tensor<4>, g: u32) -> Tensor<4> {
    let flipped = if g & 4 == 0 { x } else { x.flip([3]) };
    turned(flipped, g % 4)
}

/// T_g^-1 x.
fn moved_back(x: Tensor<4>, g: u32) -> Tensor<4> {
    let back = turned(x, (4 - g % 4) % 4);
    if g & 4 == 0 { back } else { back.flip([3]) }
}

/// Turned by `quarters` of a full turn.
fn turned(x: Tensor<4>, quarters: u32) -> Tensor<4> {
    match quarters {
        1 => x.swap_dims(2, 3).flip([2]),
        2 => x.flip([2, 3]),
        3 => x.swap_dims(2, 3).flip([3]),
        _ => x,
    }
}

/// The mean over the symmetries of what `of` gives for the moved image, moved back.
fn mean_over(
    symmetries: std::ops::Range<u32>,
    x: &Tensor<4>,
    mut of: impl FnMut(Tensor<4>) -> Result<Tensor<4>, Error>,
) -> Result<Tensor<4>, Error> {
    let share = 1.0 / f64::from(symmetries.end - symmetries.start);
    let mut sum = x.zeros_like();
    for g in symmetries {
        sum = sum + moved_back(of(moved(x.clone(), g))?, g);
    }
    Ok(sum * share)
}

impl<D: Denoiser + ?Sized> Denoiser for Equivariant<D> {
    fn info(&self) -> &DenoiserInfo {
        self.denoiser.info()
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        mean_over(self.drawn(&x)?, &x, |moved| self.denoiser.denoise(moved, sigma))
    }
}

/// With all symmetries; a random one is no function that could be differentiated, and denoises as one.
impl<D: DifferentiableDenoiser + ?Sized> DifferentiableDenoiser for Equivariant<D> {
    fn forward(&self, x: Tensor<4>, sigma: Sigma) -> Result<Tensor<4>, Error> {
        mean_over(self.drawn(&x)?, &x, |moved| self.denoiser.forward(moved, sigma))
    }
}

/// g'(x) = 1/8 sum_g g(T_g x), with the gradient 1/8 sum_g T_g^-1 (grad g)(T_g x).
impl<D: GradientDenoiser + ?Sized> GradientDenoiser for Equivariant<D> {
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error> {
        let symmetries = self.drawn(&x)?;
        let share = 1.0 / f64::from(symmetries.end - symmetries.start);
        let mut potentials = vec![0.0; x.dims()[0]];
        let gradient = mean_over(symmetries, &x, |moved| {
            let (values, gradient) = self.denoiser.potential(moved, sigma)?;
            potentials
                .iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += share * value);
            Ok(gradient)
        })?;
        Ok((potentials, gradient))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::{SigmaSupport, image_from_vec};

    use super::*;

    /// D(x) = x with each row moved by one pixel: far from equivariant. g is not its potential, but enough to average.
    struct Shift(DenoiserInfo);

    fn shift() -> Arc<Shift> {
        Arc::new(Shift(DenoiserInfo {
            name: "shift".to_owned(),
            channels: 1,
            sigma: SigmaSupport::Blind,
            receptive_field: 3,
            weights_sha256: None,
        }))
    }

    impl Denoiser for Shift {
        fn info(&self) -> &DenoiserInfo {
            &self.0
        }

        fn denoise(&self, x: Image, _: Sigma) -> Result<Image, Error> {
            let width = x.dims()[3];
            let last = x.clone().narrow(3, width - 1, 1);
            Ok(Tensor::cat(vec![last, x.narrow(3, 0, width - 1)], 3))
        }
    }

    impl GradientDenoiser for Shift {
        fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error> {
            let weighted = self.denoise(x.clone(), sigma)?;
            Ok((vec![vec_from_image(&x)?.iter().map(|&v| f64::from(v)).sum()], weighted))
        }
    }

    fn picture() -> Image {
        let values = (0..35).map(|i| (i as f32 * 0.7).sin()).collect();
        image_from_vec(values, [1, 1, 5, 7], &Device::default()).unwrap()
    }

    fn values(x: &Image) -> Vec<f32> {
        vec_from_image(x).unwrap()
    }

    #[test]
    fn the_symmetries_are_eight_and_undone() {
        let x = picture();
        let mut seen = Vec::new();
        for g in 0..SYMMETRIES {
            let there = moved(x.clone(), g);
            assert_eq!(values(&moved_back(there.clone(), g)), values(&x), "{g}");
            let key = (there.dims(), values(&there));
            assert!(!seen.contains(&key), "{g} again");
            seen.push(key);
        }
    }

    #[test]
    fn the_average_is_equivariant() {
        let sigma = Sigma::new(0.1).unwrap();
        let all = Equivariant::new(shift(), Symmetries::All);
        let denoised = all.denoise(picture(), sigma).unwrap();
        assert_eq!(denoised.dims(), [1, 1, 5, 7]);
        for g in 0..SYMMETRIES {
            let of_moved = moved_back(all.denoise(moved(picture(), g), sigma).unwrap(), g);
            for (a, b) in values(&of_moved).iter().zip(values(&denoised)) {
                assert!((a - b).abs() < 1e-6, "{g}: {a} {b}");
            }
        }
        let (potential, gradient) = all.potential(picture(), sigma).unwrap();
        let sum: f64 = values(&picture()).iter().map(|&v| f64::from(v)).sum();
        assert!((potential[0] - sum).abs() < 1e-6);
        assert_eq!(values(&gradient), values(&denoised));
    }

    #[test]
    fn random_symmetries_follow_from_seed_and_image() {
        let sigma = Sigma::new(0.1).unwrap();
        let denoised = |seed, x: Image| {
            let random = Equivariant::new(shift(), Symmetries::Random { seed });
            values(&random.denoise(x, sigma).unwrap())
        };
        let candidates: Vec<Vec<f32>> = (0..SYMMETRIES)
            .map(|g| values(&moved_back(shift().denoise(moved(picture(), g), sigma).unwrap(), g)))
            .collect();
        let mut found = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let got = denoised(seed, picture());
            assert_eq!(got, denoised(seed, picture()));
            found.insert(candidates.iter().position(|c| *c == got).expect("one of the eight"));
        }
        // The shift has four images under the eight symmetries.
        assert_eq!(found.len(), 4);
        let draws: Vec<u32> = (0..8000).map(|seed| draw(seed, &[0.5, 0.25])).collect();
        for g in 0..SYMMETRIES {
            let count = draws.iter().filter(|&&draw| draw == g).count();
            // 1000 expected, with a standard deviation of 30.
            assert!((850..1150).contains(&count), "{g}: {count}");
        }
    }
}
