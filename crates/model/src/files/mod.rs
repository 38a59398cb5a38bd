//! Files: checkpoints, weights of other programs, exports.

pub(crate) mod checkpoint;
mod export;
pub(crate) mod exported;
pub(crate) mod import;
pub(crate) mod noise_range;
pub(crate) mod onnx;
pub(crate) mod tensor_file;
