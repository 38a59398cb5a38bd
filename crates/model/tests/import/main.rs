//! Files of other programs: published ones against reference outputs, small ones made here against the definitions, and
//! hostile ones.

mod definition;
mod golden;
mod hdf5;
mod hostile;
mod levels;
mod made;
mod mutation;
mod set12;
mod small;
