//! Data sets: a manifest that describes them, downloads that survive bad connections, archives that nobody vouches for, and
//! the comparison of files with recorded hashes.
//!
//! ```
//! use tweedie_datasets::{MANIFEST, Manifest};
//!
//! # fn main() -> Result<(), tweedie_datasets::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # std::fs::write(folder.path().join(MANIFEST), "[[set]]\nname = 'mine'\ndescription = ''\nkind = 'public'\nlicence = 'CC0-1.0'").unwrap();
//! let manifest = Manifest::read(&folder.path().join(MANIFEST))?;
//! let set = manifest.find("mine")?;
//! assert_eq!(set.licence, "CC0-1.0");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod download;
mod error;
mod fetch;
mod manifest;
mod progress;
mod summary;
mod unpack;
mod verify;

pub use download::{Client, Expected};
pub use error::Error;
pub use fetch::{Fetched, fetch};
pub use manifest::{Archive, File, Kind, MANIFEST, Manifest, Set};
pub use progress::Progress;
pub use summary::Summary;
pub use unpack::unpack;
pub use verify::{Verified, verify};
