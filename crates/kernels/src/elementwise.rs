//! Functions of the values at each place of buffers of one length.

use rayon::prelude::*;

use crate::Error;
use crate::error::check_len;

/// Values that a thread takes at a time.
const CHUNK: usize = 1 << 14;

/// `out[i] = f(inputs[0][i], inputs[1][i], ...)`.
///
/// # Errors
/// [`Error::Length`] unless all slices have the same length.
pub(crate) fn map<const K: usize>(
    operation: &'static str,
    inputs: [&[f32]; K],
    out: &mut [f32],
    f: impl Fn([f32; K]) -> f32 + Sync,
) -> Result<(), Error> {
    for input in inputs {
        check_len(operation, "input", out.len(), input.len())?;
    }
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(index, out)| {
        let first = index * CHUNK;
        let slices = inputs.map(|values| &values[first..first + out.len()]);
        for (at, out) in out.iter_mut().enumerate() {
            *out = f(slices.map(|values| values[at]));
        }
    });
    Ok(())
}
