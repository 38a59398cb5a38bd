//! Weights of other programs: a file is read ([`Format`]), its network recognised ([`Family`]), and its parameters brought
//! into the form of a checkpoint of ours.

mod formats;
mod networks;
mod norm;
mod peer;
mod published;
pub(crate) mod source;
pub(crate) mod stack;
mod tensors;
mod wrong;

pub use formats::Format;
pub use networks::Family;
pub use peer::Peer;
pub use source::SourceRecord;
