//! Named tensors in a safetensors file.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use burn::tensor::{DType, TensorData, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use tweedie_imaging::{read_bytes, write_atomic};

use crate::Error;
use crate::error::checkpoint;
use crate::weights::{Values, Weights};

/// The largest file that is read: hundreds of times what a network of this kind holds.
const MAX_BYTES: u64 = 2 << 30;

/// How weights are stored; they are always computed with in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to 11 significant bits, at half the size.
    F16,
}

/// The file's bytes: parameters and, apart from them, byte strings and texts.
pub(crate) fn encode(
    path: &Path,
    weights: &Weights,
    precision: Precision,
    blobs: &[(&str, &[u8])],
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, Error> {
    let mut values = Vec::new();
    for (name, tensor) in weights {
        let floats = tensor.values.iter();
        let bytes: Vec<u8> = match precision {
            Precision::F32 => floats.flat_map(|value| value.to_le_bytes()).collect(),
            Precision::F16 => floats.flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect(),
        };
        let largest = tensor
            .values
            .iter()
            .fold(0.0_f32, |largest, value| largest.max(value.abs()));
        if precision == Precision::F16 && largest > f16::MAX.to_f32() {
            let expected = format!("values of at most {} in {name}, as f16 has them", f16::MAX);
            return Err(checkpoint(path, &expected, &largest.to_string()));
        }
        values.push((name.clone(), tensor.dims.clone(), bytes));
    }
    let dtype = match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
    };
    let invalid =
        |error: safetensors::SafeTensorError| checkpoint(path, "tensors that can be stored", &error.to_string());
    let mut views = Vec::new();
    for (name, dims, bytes) in &values {
        views.push((
            name.clone(),
            TensorView::new(dtype, dims.clone(), bytes).map_err(invalid)?,
        ));
    }
    for (name, bytes) in blobs {
        views.push((
            (*name).to_owned(),
            TensorView::new(Dtype::U8, vec![bytes.len()], bytes).map_err(invalid)?,
        ));
    }
    serialize(views, metadata).map_err(invalid)
}

/// Writes bytes under a name that never stands for half of them.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    Ok(write_atomic(path, |file| file.write_all(bytes))?)
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    Ok(read_bytes(path, MAX_BYTES)?)
}

/// The parameters (f32 or f16) and byte strings of a file; values that are not finite are refused.
pub(crate) fn decode(path: &Path, bytes: &[u8]) -> Result<(Weights, HashMap<String, Vec<u8>>), Error> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| checkpoint(path, "a safetensors file", &error.to_string()))?;
    let (mut weights, mut blobs) = (Weights::new(), HashMap::new());
    for (name, view) in file.tensors() {
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::U8 => {
                blobs.insert(name, view.data().to_vec());
                continue;
            }
            other => {
                return Err(checkpoint(
                    path,
                    &format!("{name} in f32 or f16"),
                    &format!("{other:?}"),
                ));
            }
        };
        let values = TensorData::from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), dtype)
            .convert::<f32>()
            .try_into_vec::<f32>()
            .map_err(|_| checkpoint(path, &format!("{name} in f32 or f16"), "other data"))?;
        if let Some(first) = values.iter().position(|value| !value.is_finite()) {
            return Err(checkpoint(
                path,
                &format!("finite values in {name}"),
                &format!("{} at {first}", values[first]),
            ));
        }
        weights.insert(
            name,
            Values {
                dims: view.shape().to_vec(),
                values,
            },
        );
    }
    Ok((weights, blobs))
}
