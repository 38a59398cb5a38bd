//! MessagePack files as Flax writes them: maps of maps, whose arrays are extensions of type 1 that hold
//! `[shape, dtype, bytes]`, again as MessagePack.

use rmp::decode;

use super::number::{Number, element_count};
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};

/// Deeper than any network nests its modules.
const MAX_DEPTH: usize = 16;
/// The extension type of arrays in `flax.serialization`.
const ARRAY: i8 = 1;

pub(super) fn read(mut bytes: &[u8]) -> Result<Weights, Wrong> {
    let mut weights = Weights::new();
    map(&mut bytes, &mut Vec::new(), &mut weights)?;
    match bytes.len() {
        0 => Ok(weights),
        rest => Err(malformed(format!("{rest} bytes behind the end"))),
    }
}

/// Names are the keys on the way, joined by slashes.
fn map<'a>(input: &mut &'a [u8], path: &mut Vec<&'a str>, weights: &mut Weights) -> Result<(), Wrong> {
    if path.len() > MAX_DEPTH {
        return Err(malformed(format!("more than {MAX_DEPTH} maps in each other")));
    }
    let entries = decode::read_map_len(input).map_err(no("a map"))?;
    for _ in 0..entries {
        let (key, rest) = decode::read_str_from_slice(*input).map_err(no("a key"))?;
        *input = rest;
        path.push(key);
        let mut ahead = *input;
        if decode::read_map_len(&mut ahead).is_ok() {
            map(input, path, weights)?;
        } else {
            let values = array(input).map_err(|wrong| malformed(format!("{} with {wrong}", printable(key))))?;
            if let Some(values) = values
                && weights.insert(path.join("/"), values).is_some()
            {
                return Err(malformed(format!("{} twice", printable(key))));
            }
        }
        path.pop();
    }
    Ok(())
}

/// An array, or `None` if its numbers are integers.
fn array(input: &mut &[u8]) -> Result<Option<Values>, String> {
    let meta = decode::read_ext_meta(input).map_err(|_| "no array")?;
    if meta.typeid != ARRAY {
        return Err(format!("the extension {}", meta.typeid));
    }
    let mut inner = split(input, meta.size as usize)?;
    let parts = decode::read_array_len(&mut inner).map_err(|_| "no shape")?;
    let rank = decode::read_array_len(&mut inner).map_err(|_| "no shape")?;
    if parts != 3 || rank > 8 {
        return Err("no shape".to_owned());
    }
    let dims: Vec<usize> = (0..rank)
        .map(|_| decode::read_int(&mut inner))
        .collect::<Result<_, _>>()
        .map_err(|_| "no shape")?;
    let (dtype, mut inner) = decode::read_str_from_slice(inner).map_err(|_| "no type")?;
    let number = match dtype {
        "float16" => Number::F16,
        "bfloat16" => Number::Bf16,
        "float32" => Number::F32,
        "float64" => Number::F64,
        _ => return Ok(None),
    };
    let length = decode::read_bin_len(&mut inner).map_err(|_| "no bytes")? as usize;
    let data = split(&mut inner, length)?;
    let expected = element_count(&dims).and_then(|count| count.checked_mul(number.size()));
    if expected != Some(data.len()) || !inner.is_empty() {
        return Err(format!("{} bytes for the shape {dims:?}", data.len()));
    }
    Ok(Some(Values {
        dims,
        values: number.values(data),
    }))
}

fn split<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], String> {
    let (taken, rest) = input
        .split_at_checked(count)
        .ok_or_else(|| format!("{count} bytes, beyond the end of the file"))?;
    *input = rest;
    Ok(taken)
}

fn no<E>(what: &'static str) -> impl Fn(E) -> Wrong {
    move |_| malformed(format!("something else than {what}"))
}

fn malformed(got: impl Into<String>) -> Wrong {
    Wrong::new("MessagePack maps of arrays, as Flax writes them", got)
}
