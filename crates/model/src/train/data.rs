//! Training batches: random crops, flipped and turned, with fresh noise.

use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rayon::prelude::*;
use tweedie_imaging::noise::gaussian_values;
use tweedie_imaging::random::generator;

use super::degradation::{DegradationConfig, Degraded, Source};
use super::{Supervision, TrainConfig};
use crate::Error;

/// One photograph in host memory.
#[derive(Clone, Debug)]
struct Photograph {
    /// `[C, H, W]`.
    dims: [usize; 3],
    values: Vec<f32>,
    /// A second noisy version of a noisy photograph.
    second: Option<Vec<f32>>,
    /// The level of the noise in `values`, in [0, 1] units; none where they are clean.
    sigma: Option<f64>,
}

/// Photographs to train on or to measure on.
#[derive(Clone, Debug, Default)]
pub struct TrainingSet {
    photographs: Vec<Photograph>,
}

/// A batch on the device.
pub(super) struct Batch {
    /// What the estimate is compared with, if anything, `[N, C, P, P]`.
    pub target: Option<Tensor<4>>,
    /// What the network is given, `[N, C, P, P]`.
    pub noisy: Tensor<4>,
    /// `[N]`, in [0, 1] units.
    pub sigma: Tensor<1>,
}

/// One crop on the host.
struct Crop {
    /// Empty for none.
    target: Vec<f32>,
    noisy: Vec<f32>,
    sigma: f64,
}

impl TrainingSet {
    /// Adds a photograph, values in [0, 1] in the order `[C, H, W]`.
    ///
    /// # Errors
    /// If the number of values is not the product of `dims`.
    pub fn push(&mut self, dims: [usize; 3], values: Vec<f32>) -> Result<(), Error> {
        check_count(dims, &values)?;
        self.photographs.push(Photograph {
            dims,
            values,
            second: None,
            sigma: None,
        });
        Ok(())
    }

    /// Adds two noisy versions of a photograph, for [`Supervision::Noise2noise`] with given pictures.
    ///
    /// # Errors
    /// As [`TrainingSet::push`].
    pub fn push_pair(&mut self, dims: [usize; 3], first: Vec<f32>, second: Vec<f32>) -> Result<(), Error> {
        check_count(dims, &first)?;
        check_count(dims, &second)?;
        self.photographs.push(Photograph {
            dims,
            values: first,
            second: Some(second),
            sigma: None,
        });
        Ok(())
    }

    /// What a run with this configuration may see: the photographs, or noisy versions of them in their place, with noise
    /// that depends on the seed and the photograph's place alone.
    ///
    /// # Errors
    /// [`Error::Config`] if pairs are needed and there are none, or the other way round.
    pub(super) fn observed(mut self, config: &TrainConfig) -> Result<Self, Error> {
        let simulated = !config.supervision.takes_noisy_pictures();
        let pairs = matches!(config.supervision, Supervision::Noise2noise { .. });
        for (index, photograph) in self.photographs.iter_mut().enumerate() {
            if photograph.second.is_some() != (pairs && !simulated) {
                return Err(Error::Config {
                    key: "supervision.second",
                    expected: "pairs of pictures for noise2noise with given second versions, single ones else"
                        .to_owned(),
                    got: if pairs { "single pictures" } else { "pairs" }.to_owned(),
                });
            }
            if config.supervision.is_clean() {
                continue;
            }
            // From the end of the streams, whose beginning belongs to the crops.
            let stream = u64::MAX - 3 * index as u64;
            let noise = |sigma: f64, stream: u64| gaussian_values(photograph.values.len(), sigma, config.seed, stream);
            let draw = generator(config.seed);
            let sigma = config.noise.level(&mut on_stream(draw, stream)) / 255.0;
            if simulated {
                let (first, second) = (noise(sigma, stream - 1), pairs.then(|| noise(sigma, stream - 2)));
                photograph.second = second.map(|noise| sum(&photograph.values, &noise));
                photograph.values = sum(&photograph.values, &first);
            }
            photograph.sigma = Some(sigma);
        }
        Ok(self)
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
        self.photographs.iter().map(move |photograph| {
            let [c, h, w] = photograph.dims;
            Tensor::from_data(TensorData::new(photograph.values.clone(), [1, c, h, w]), device)
        })
    }

    /// The photographs, each with a degraded version of its own size, always the same for a configuration.
    pub(super) fn degraded(
        &self,
        config: &TrainConfig,
        degradation: &DegradationConfig,
        device: &Device,
    ) -> impl Iterator<Item = [Tensor<4>; 2]> {
        self.photographs.iter().enumerate().map(move |(index, photograph)| {
            let [c, h, w] = photograph.dims;
            // From the middle of the streams: their beginning belongs to the crops.
            let stream = (1 << 63) + 2 * index as u64;
            let mut rng = on_stream(generator(config.seed), stream);
            let sigma = config.noise.level(&mut rng) / 255.0;
            let source = Source {
                rng: &mut rng,
                seed: config.seed,
                stream: stream + 1,
                sigma,
            };
            let Degraded { clean, noisy } = degradation.degrade(photograph.values.clone(), [h, w], [h, w], source);
            [clean, noisy].map(|values| Tensor::from_data(TensorData::new(values, [1, c, h, w]), device))
        })
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
            target: (!crops[0].target.is_empty())
                .then(|| tensor(crops.iter().flat_map(|crop| crop.target.iter().copied()).collect())),
            noisy: tensor(crops.iter().flat_map(|crop| crop.noisy.iter().copied()).collect()),
            sigma: Tensor::from_data(TensorData::new(sigma, [n]), device),
        }
    }

    /// The crop with this number in the run, from a random stream of its own.
    fn crop(&self, config: &TrainConfig, number: u64) -> Crop {
        let patch = config.data.patch;
        let mut rng = on_stream(generator(config.seed), 2 * number);
        let photograph = &self.photographs[below(&mut rng, self.photographs.len())];
        let [c, h, w] = photograph.dims;
        let window = match &config.degradation {
            Some(degradation) => degradation.window(patch, [h, w], &mut rng),
            None => patch,
        };
        let mut below = |bound: usize| below(&mut rng, bound);
        let (top, left, turn) = (below(h - window + 1), below(w - window + 1), below(8));
        let cut = |values: &[f32]| {
            let mut crop = Vec::with_capacity(c * window * window);
            for channel in 0..c {
                for i in 0..window {
                    for j in 0..window {
                        let (i, j) = turned(turn, i, j, window);
                        crop.push(values[(channel * h + top + i) * w + left + j]);
                    }
                }
            }
            crop
        };
        let values = cut(&photograph.values);
        if let Some(sigma) = photograph.sigma {
            return Crop {
                target: photograph.second.as_deref().map_or_else(Vec::new, cut),
                noisy: values,
                sigma,
            };
        }
        let sigma = config.noise.level(&mut rng) / 255.0;
        let (seed, stream) = (config.seed, 2 * number + 1);
        if let Some(degradation) = &config.degradation {
            let rng = &mut rng;
            let source = Source {
                rng,
                seed,
                stream,
                sigma,
            };
            let Degraded { clean, noisy } = degradation.degrade(values, [window; 2], [patch; 2], source);
            return Crop {
                target: clean,
                noisy,
                sigma,
            };
        }
        let noise = gaussian_values(values.len(), sigma, seed, stream);
        Crop {
            noisy: sum(&values, &noise),
            target: values,
            sigma,
        }
    }
}

fn check_count(dims: [usize; 3], values: &[f32]) -> Result<(), Error> {
    let expected: usize = dims.iter().product();
    if values.len() == expected {
        return Ok(());
    }
    Err(tweedie_imaging::Error::Shape {
        operation: "TrainingSet::push",
        expected: format!("{expected} values for {dims:?}"),
        got: format!("{} values", values.len()),
    }
    .into())
}

fn on_stream(mut rng: ChaCha8Rng, stream: u64) -> ChaCha8Rng {
    rng.set_stream(stream);
    rng
}

/// A bound is tiny against 2^64: the bias of the remainder is below 1e-15.
fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    (rng.next_u64() % bound as u64) as usize
}

fn sum(values: &[f32], noise: &[f32]) -> Vec<f32> {
    values.iter().zip(noise).map(|(value, noise)| value + noise).collect()
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
