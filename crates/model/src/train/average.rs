//! Moving averages of weights, on the device that holds them.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use crate::Network;

/// `average + share (network - average)`, parameter by parameter; both are of one architecture and without autodiff.
pub(super) fn moved_towards(average: Network, network: &Network, share: f32) -> Network {
    let mut reader = Reader::default();
    network.visit(&mut reader);
    average.map(&mut Mover {
        values: reader.values,
        share,
    })
}

/// The parameters of a network as vectors.
#[derive(Default)]
struct Reader {
    values: HashMap<ParamId, Tensor<1>>,
}

impl ModuleVisitor for Reader {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let count: usize = tensor.dims().iter().product();
        self.values.insert(param.id, tensor.reshape([count]));
    }
}

struct Mover {
    values: HashMap<ParamId, Tensor<1>>,
    share: f32,
}

impl ModuleMapper for Mover {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(new) = self.values.remove(&param.id) else {
            return param;
        };
        param.map(|old| {
            let new = new.reshape(old.dims());
            old.clone() + (new - old) * self.share
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::Architecture;
    use crate::weights::weights_from_network;

    #[test]
    fn every_parameter_moves_by_its_share() {
        let device = Device::flex();
        let architecture: Architecture =
            toml::from_str("kind = \"unet\"\nwidths = [4, 6]\nblocks = 1\nbias = true").unwrap();
        let (from, to) = (
            architecture.init(1, &device).unwrap(),
            architecture.init(2, &device).unwrap(),
        );
        let moved = weights_from_network(&moved_towards(from.clone(), &to, 0.25)).unwrap();
        let (from, to) = (weights_from_network(&from).unwrap(), weights_from_network(&to).unwrap());
        assert_eq!(moved.len(), from.len());
        for (name, moved) in &moved {
            for ((moved, from), to) in moved.values.iter().zip(&from[name].values).zip(&to[name].values) {
                let expected = from + 0.25 * (to - from);
                assert!((moved - expected).abs() < 1e-6, "{name}: {moved} and {expected}");
            }
        }
    }
}
