//! safetensors files, with any names, and with the metadata of our own exports.

use safetensors::tensor::{Dtype, SafeTensors};

use super::number::Number;
use crate::files::exported::{Exported, METADATA};
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};

pub(super) fn read(bytes: &[u8]) -> Result<(Weights, Option<Exported>), Wrong> {
    let refused = |error: safetensors::SafeTensorError| Wrong::new("a safetensors file", printable(&error.to_string()));
    let file = SafeTensors::deserialize(bytes).map_err(refused)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(refused)?;
    let exported = metadata
        .metadata()
        .as_ref()
        .and_then(|texts| texts.get(METADATA))
        .map(|json| serde_json::from_str(json))
        .transpose()
        .map_err(|error| Wrong::new("an architecture in the metadata", printable(&error.to_string())))?;
    let mut weights = Weights::new();
    for (name, view) in file.tensors() {
        let number = match view.dtype() {
            Dtype::F16 => Number::F16,
            Dtype::BF16 => Number::Bf16,
            Dtype::F32 => Number::F32,
            Dtype::F64 => Number::F64,
            // Counters, which no network needs.
            Dtype::BOOL
            | Dtype::U8
            | Dtype::I8
            | Dtype::I16
            | Dtype::U16
            | Dtype::I32
            | Dtype::U32
            | Dtype::I64
            | Dtype::U64 => continue,
            other => {
                let got = format!("{other:?}");
                return Err(Wrong::new(
                    format!("{} in f16, bf16, f32 or f64", printable(&name)),
                    got,
                ));
            }
        };
        let dims = view.shape().to_vec();
        let values = number.values(view.data());
        weights.insert(name, Values { dims, values });
    }
    Ok((weights, exported))
}
