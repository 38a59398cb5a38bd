//! fast convolution
