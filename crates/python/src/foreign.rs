//! A linear operator that Python computes.

use pyo3::prelude::*;
use tweedie::Image;
use tweedie::operators::{Error, LinearOperator};

use crate::array::{Array, Input};

/// A and A^T as functions of Python, from an array to the bytes and the shape of one.
#[derive(Debug)]
pub struct Foreign {
    /// A.
    pub apply: Py<PyAny>,
    /// A^T.
    pub adjoint: Py<PyAny>,
    /// `[C, H, W]` of x.
    pub domain: [usize; 3],
    /// `[C, H, W]` of y.
    pub codomain: [usize; 3],
    /// An upper bound on ||A||^2.
    pub norm_sq: f64,
}

impl Foreign {
    fn call(
        &self,
        operation: &'static str,
        function: &Py<PyAny>,
        image: &Image,
        [from, to]: [[usize; 3]; 2],
    ) -> Result<Image, Error> {
        tweedie::imaging::require_dims(operation, image, from)?;
        let foreign = |reason: String| Error::Foreign { operation, reason };
        let batch = image.dims()[0];
        let array = Array::of(image).map_err(|error| foreign(error.one_line()))?;
        let values = Python::attach(|py| {
            let result = function.bind(py).call1((array,))?;
            result.extract::<Input<'_>>()?.values()
        });
        let values = values.map_err(|error| foreign(error.to_string()))?;
        let expected = [batch, to[0], to[1], to[2]];
        if values.dims() != expected {
            return Err(foreign(format!(
                "expected a result of {expected:?}, got {:?}",
                values.dims()
            )));
        }
        values.image().map_err(|error| foreign(error.one_line()))
    }
}

impl LinearOperator for Foreign {
    fn domain(&self) -> [usize; 3] {
        self.domain
    }

    fn codomain(&self) -> [usize; 3] {
        self.codomain
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        self.call("A", &self.apply, &x, [self.domain, self.codomain])
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        self.call("A_adjoint", &self.adjoint, &y, [self.codomain, self.domain])
    }

    fn norm_sq(&self) -> f64 {
        self.norm_sq
    }
}
