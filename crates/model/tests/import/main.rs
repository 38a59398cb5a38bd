//! Files of other programs: published ones against reference outputs, small ones made here, and hostile ones.

mod golden;
mod set12;
