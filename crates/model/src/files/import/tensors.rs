//! The tensors of a file, taken one by one: what is left at the end was not understood.

use super::stack::wide;
use super::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};

/// Last parts of the names of parameters; what else a file holds (optimiser states, counters, the vectors of power
/// iterations) has no effect on a trained network.
const PARAMETERS: [&str; 9] = [
    "weight",
    "bias",
    "running_mean",
    "running_var",
    "kernel",
    "scale",
    "mean",
    "var",
    "alpha",
];

/// Named tensors.
#[derive(Debug)]
pub(super) struct Tensors(Weights);

impl Tensors {
    pub fn new(weights: Weights) -> Self {
        Self(weights)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names and shapes.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.0
            .iter()
            .map(|(name, values)| (name.as_str(), values.dims.as_slice()))
    }

    /// What stands before `end` in the only name that ends so.
    pub fn prefix_of(&self, end: &str) -> Option<&str> {
        let mut prefixes = self.0.keys().filter_map(|name| name.strip_suffix(end));
        let first = prefixes.next()?;
        prefixes.next().is_none().then_some(first)
    }

    /// The shape of a tensor that has values.
    pub fn dims(&self, name: &str) -> Option<&[usize]> {
        let values = self.0.get(name)?;
        (!values.values.is_empty()).then_some(values.dims.as_slice())
    }

    /// A tensor of this shape.
    pub fn shaped(&mut self, name: &str, dims: &[usize]) -> Result<Values, Wrong> {
        let values = self.take(name)?;
        if values.dims != dims {
            let got = format!("{:?}", values.dims);
            return Err(Wrong::new(format!("{} as {dims:?}", printable(name)), got));
        }
        Ok(values)
    }

    pub fn take(&mut self, name: &str) -> Result<Values, Wrong> {
        self.take_if(name)
            .ok_or_else(|| Wrong::new(format!("a tensor {}", printable(name)), "none"))
    }

    pub fn take_if(&mut self, name: &str) -> Option<Values> {
        self.0.remove(name)
    }

    /// The values of a tensor with one number per channel, whatever its dimensions.
    pub fn channels(&mut self, name: &str, count: usize) -> Result<Vec<f64>, Wrong> {
        let values = self.take(name)?;
        if values.values.len() != count {
            return Err(Wrong::new(
                format!("{count} values in {}", printable(name)),
                values.values.len().to_string(),
            ));
        }
        Ok(wide(&values.values))
    }

    /// As [`Self::channels`]; `missing` for each channel where there is no such tensor.
    pub fn channels_or(&mut self, name: &str, count: usize, missing: f64) -> Result<Vec<f64>, Wrong> {
        if self.has(name) {
            self.channels(name, count)
        } else {
            Ok(vec![missing; count])
        }
    }

    /// # Errors
    /// If parameters are left over.
    pub fn finish(self) -> Result<(), Wrong> {
        let last = |name: &str| name.rsplit(['.', '/']).next().unwrap_or_default().to_owned();
        let left: Vec<&String> = self
            .0
            .keys()
            .filter(|name| PARAMETERS.contains(&last(name).as_str()))
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = left.iter().take(4).map(|name| printable(name)).collect();
        Err(Wrong::new(
            "no further parameters",
            format!("{} more: {}", left.len(), shown.join(", ")),
        ))
    }
}
