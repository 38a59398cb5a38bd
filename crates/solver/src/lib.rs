//! Algorithms that restore images with a denoiser as the prior.
#![forbid(unsafe_code)]
