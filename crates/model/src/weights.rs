//! A network's parameters by name.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::Error;

/// Shape and values of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values {
    pub dims: Vec<usize>,
    pub values: Vec<f32>,
}

/// Parameters by name, such as `layers.0.weight`, in the order of their names.
pub(crate) type Weights = BTreeMap<String, Values>;

/// A host copy of all parameters.
///
/// # Errors
/// If the device fails to deliver them.
pub(crate) fn weights_from_network(network: &impl Module) -> Result<Weights, Error> {
    let mut reader = Reader {
        path: Path::default(),
        weights: Weights::new(),
        failure: None,
    };
    network.visit(&mut reader);
    match reader.failure {
        Some(reason) => Err(tweedie_imaging::Error::Device { reason }.into()),
        None => Ok(reader.weights),
    }
}

/// What differs between the parameters of a network and those of a file, empty if they fit.
pub(crate) fn differences(network: &Weights, file: &Weights) -> Vec<String> {
    let missing = network
        .iter()
        .filter(|(name, _)| !file.contains_key(*name))
        .map(|(name, _)| format!("{name} is missing"));
    let unknown = file
        .keys()
        .filter(|name| !network.contains_key(*name))
        .map(|name| format!("{name} is unknown"));
    let shapes = network.iter().filter_map(|(name, own)| {
        let other = file.get(name)?;
        (own.dims != other.dims).then(|| format!("{name} is {:?} instead of {:?}", other.dims, own.dims))
    });
    missing.chain(unknown).chain(shapes).collect()
}

/// The network with other parameter values; names and shapes must fit ([`differences`]).
pub(crate) fn network_with_weights<M: Module>(network: M, weights: &Weights) -> M {
    network.map(&mut Writer {
        path: Path::default(),
        weights,
    })
}

/// The names of the modules around a parameter. The variant of an enum is left out, such as that of
/// [`Network`](crate::Network): it says nothing that the architecture does not.
#[derive(Default)]
struct Path(Vec<Option<String>>);

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.push((!container.starts_with("Enum:")).then(|| name.to_owned()));
    }

    fn name(&self) -> String {
        let names: Vec<&str> = self.0.iter().flatten().map(String::as_str).collect();
        names.join(".")
    }
}

struct Reader {
    path: Path,
    weights: Weights,
    failure: Option<String>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.0.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let dims = tensor.dims().to_vec();
        match tensor.try_into_vec_as::<f32>() {
            Ok(values) => {
                self.weights.insert(self.path.name(), Values { dims, values });
            }
            Err(error) => self.failure = Some(error.to_string()),
        }
    }
}

struct Writer<'a> {
    path: Path,
    weights: &'a Weights,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.0.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(new) = self.weights.get(&self.path.name()) else {
            return param;
        };
        param.map(|old| {
            let tracked = old.is_require_grad();
            let tensor = Tensor::from_data(TensorData::new(new.values.clone(), new.dims.clone()), &old.device());
            if tracked { tensor.require_grad() } else { tensor }
        })
    }
}
