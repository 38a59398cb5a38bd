//! Training batches: random crops, flipped and turned, with fresh noise.

use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use tweedie_imaging::noise::gaussian_values;

use super::TrainConfig;
use crate::Error;

/// One photograph in host memory.
#[derive(Clone, Debug)]
struct Photograph {
    /// `[C, H, W]`.
    dims: [usize; 3],
    values: Vec<f32>,
}

/// Photographs to train on or to measure on.
#[derive(Clone, Debug, Default)]
pub struct TrainingSet {
    photographs: Vec<Photograph>,
}

/// A batch on the device.
pub(super) struct Batch {
    /// `[N, C, P, P]`.
    pub clean: Tensor<4>,
    /// `clean` plus noise.
    pub noisy: Tensor<4>,
    /// `[N]`, in [0, 1] units.
    pub sigma: Tensor<1>,
}

/// One crop on the host.
struct Crop {
    clean: Vec<f32>,
    noisy: Vec<f32>,
    sigma: f64,
}

impl TrainingSet {
    /// Adds a photograph, values in [0, 1] in the order `[C, H, W]`.
    ///
    /// # Errors
    /// If the number of values is not the product of `dims`.
    pub fn push(&mut self, dims: [usize; 3], values: Vec<f32>) -> Result<(), Error> {
        let expected: usize = dims.iter().product();
        if values.len() != expected {
            return Err(tweedie_imaging::Error::Shape {
                operation: "TrainingSet::push",
                expected: format!("{expected} values for {dims:?}"),
                got: format!("{} values", values.len()),
            }
            .into());
        }
        self.photographs.push(Photograph { dims, values });
        Ok(())
    }

    /// Number of photographs.
    pub fn len(&self) -> usize {
        self.photographs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.photographs.is_empty()
    }

    /// Checks that crops of `patch` pixels with `channels` channels can be taken from every photograph.
    pub(super) fn check(&self, channels: usize, patch: usize) -> Result<(), Error> {
        if self.is_empty() {
            return Err(Error::Config {
                key: "data.folders",
                expected: "at least one image".to_owned(),
                got: "none".to_owned(),
            });
        }
        for photograph in &self.photographs {
            let [c, h, w] = photograph.dims;
            if c != channels || h.min(w) < patch {
                return Err(Error::Config {
                    key: "data.patch",
                    expected: format!("images of {channels} channels and at least {patch}x{patch} pixels"),
                    got: format!("one of {c} channels and {h}x{w} pixels"),
                });
            }
        }
        Ok(())
    }

    /// The photographs as images of batch size 1.
    pub(super) fn images(&self, device: &Device) -> impl Iterator<Item = Tensor<4>> {
        self.photographs.iter().map(
            move |Photograph {
                      dims: [c, h, w],
                      values,
                  }| { Tensor::from_data(TensorData::new(values.clone(), [1, *c, *h, *w]), device) },
        )
    }

    /// The batch of step `step`. It depends on the seed and the step alone, so a run can go on from any step.
    pub(super) fn batch(&self, config: &TrainConfig, step: u64, device: &Device) -> Batch {
        let (n, patch) = (config.training.batch, config.data.patch);
        let crops: Vec<Crop> = (0..n)
            .into_par_iter()
            .map(|index| self.crop(config, step * n as u64 + index as u64))
            .collect();
        let dims = [n, self.photographs[0].dims[0], patch, patch];
        let tensor = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, dims), device);
        let sigma: Vec<f32> = crops.iter().map(|crop| crop.sigma as f32).collect();
        Batch {
            clean: tensor(crops.iter().flat_map(|crop| crop.clean.iter().copied()).collect()),
            noisy: tensor(crops.iter().flat_map(|crop| crop.noisy.iter().copied()).collect()),
            sigma: Tensor::from_data(TensorData::new(sigma, [n]), device),
        }
    }

    /// The crop with this number in the run, from a random stream of its own.
    fn crop(&self, config: &TrainConfig, number: u64) -> Crop {
        let patch = config.data.patch;
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        rng.set_stream(2 * number);
        // A bound is tiny against 2^64: the bias of the remainder is below 1e-15.
        let mut below = |bound: usize| (rng.next_u64() % bound as u64) as usize;
        let Photograph {
            dims: [c, h, w],
            values,
        } = &self.photographs[below(self.photographs.len())];
        let (top, left, turn) = (below(h - patch + 1), below(w - patch + 1), below(8));
        let level =
            config.noise.min + (config.noise.max - config.noise.min) * below(1 << 32) as f64 / (1u64 << 32) as f64;
        let sigma = level / 255.0;
        let mut clean = Vec::with_capacity(c * patch * patch);
        for channel in 0..*c {
            for i in 0..patch {
                for j in 0..patch {
                    let (i, j) = turned(turn, i, j, patch);
                    clean.push(values[(channel * h + top + i) * w + left + j]);
                }
            }
        }
        let noise = gaussian_values(clean.len(), sigma, config.seed, 2 * number + 1);
        let noisy = clean.iter().zip(&noise).map(|(value, noise)| value + noise).collect();
        Crop { clean, noisy, sigma }
    }
}

/// Where pixel (i, j) of the result comes from under one of the 8 symmetries of the square.
fn turned(turn: usize, i: usize, j: usize, size: usize) -> (usize, usize) {
    let (i, j) = if turn & 1 == 0 { (i, j) } else { (j, i) };
    let i = if turn & 2 == 0 { i } else { size - 1 - i };
    let j = if turn & 4 == 0 { j } else { size - 1 - j };
    (i, j)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_eight_symmetries_differ_and_are_permutations() {
        let maps: HashSet<Vec<(usize, usize)>> = (0..8)
            .map(|turn| (0..9).map(|pixel| turned(turn, pixel / 3, pixel % 3, 3)).collect())
            .collect();
        assert_eq!(maps.len(), 8);
        for map in maps {
            assert_eq!(map.into_iter().collect::<HashSet<_>>().len(), 9);
        }
    }
}
