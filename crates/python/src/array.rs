//! Arrays on their way in and out.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tweedie::Image;
use tweedie::burn::tensor::Device;
use tweedie::imaging::{image_from_vec, vec_from_image};

/// Values that numpy takes over without a copy: `numpy.asarray(array)`.
#[pyclass(module = "tweedie._native")]
pub struct Array {
    values: Vec<f32>,
    dims: [usize; 4],
}

#[pymethods]
impl Array {
    /// numpy's array interface, version 3; numpy keeps this object for as long as it uses the values.
    #[getter(__array_interface__)]
    fn interface<'py>(mut slf: PyRefMut<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(slf.py());
        let [n, c, h, w] = slf.dims;
        interface.set_item("version", 3)?;
        interface.set_item("shape", (n, c, h, w))?;
        interface.set_item("typestr", if cfg!(target_endian = "big") { ">f4" } else { "<f4" })?;
        interface.set_item("data", (slf.values.as_mut_ptr() as usize, false))?;
        Ok(interface)
    }
}

impl Array {
    /// The values of an image.
    pub fn of(image: &Image) -> tweedie::Result<Self> {
        Ok(Self {
            values: vec_from_image(image)?,
            dims: image.dims(),
        })
    }

    /// One array of images of the same size.
    pub fn joined(parts: Vec<Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next()?;
        for part in parts {
            all.values.extend(part.values);
            all.dims[0] += part.dims[0];
        }
        Some(all)
    }
}

/// An array as Python hands it over: the bytes of f32 values in `[N, C, H, W]` order, and the shape.
#[derive(FromPyObject)]
pub struct Input<'py>(Bound<'py, pyo3::types::PyBytes>, [usize; 4]);

impl Input<'_> {
    /// A copy of the values, which the job keeps while the interpreter goes on.
    pub fn values(&self) -> PyResult<Values> {
        let values = numbers(self.0.as_bytes());
        if values.len() != self.1.iter().product::<usize>() {
            return Err(PyValueError::new_err(format!(
                "{} values for {:?}",
                values.len(),
                self.1
            )));
        }
        Ok(Values { values, dims: self.1 })
    }
}

/// f32 values of the machine's byte order.
pub fn numbers(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().map(|number| f32::from_ne_bytes(*number)).collect()
}

/// The values of a batch.
pub struct Values {
    values: Vec<f32>,
    dims: [usize; 4],
}

impl Values {
    /// Its shape.
    pub fn dims(&self) -> [usize; 4] {
        self.dims
    }

    /// The batch.
    pub fn image(self) -> tweedie::Result<Image> {
        Ok(image_from_vec(self.values, self.dims, &Device::flex())?)
    }
}
