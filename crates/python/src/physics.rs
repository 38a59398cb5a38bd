//! Forward models and their operators.

use std::num::NonZeroUsize;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tweedie::coils::Coils;
use tweedie::degradation::{Degradation, Pixels, TaskKind};
use tweedie::operators::{Complex, DataFidelity as _, Kernel, L2, LinearOperator, centred_phase};
use tweedie::task::Task;
use tweedie::task_options::TaskOptions;

use crate::array::{Array, Input, numbers};
use crate::failure::failure;
use crate::foreign::Foreign;
use crate::job::run;

/// The bytes of an array of f32, its rows and its columns.
type Plane<'py> = (Bound<'py, PyBytes>, usize, usize);

/// Channels, height, width.
type Sizes = (usize, usize, usize);

/// A forward model, without image sizes.
#[pyclass(frozen, module = "tweedie._native")]
pub struct Physics {
    /// The model.
    pub degradation: Degradation,
    /// Whether the kernel is to be estimated; then that of the model stands for none.
    pub kernel_is_auto: bool,
}

#[pymethods]
impl Physics {
    /// A task with its options, as JSON; a kernel (the bytes of f64 values), a mask, and the sensitivities of coils (the bytes of
    /// complex64 values `[coils, rows, columns]`, rows and columns) as arrays.
    #[new]
    #[pyo3(signature = (options, kernel=None, mask=None, coils=None))]
    fn new(
        options: &str,
        kernel: Option<Plane<'_>>,
        mask: Option<Plane<'_>>,
        coils: Option<Plane<'_>>,
    ) -> PyResult<Self> {
        let mut options: TaskOptions = wrong_values(serde_json::from_str(options))?;
        let kernel = kernel.map(kernel_of).transpose()?;
        let mask = mask.map(|(bytes, rows, cols)| Pixels::Given {
            rows,
            cols,
            values: numbers(bytes.as_bytes()),
            path: "mask".into(),
        });
        // Arrays take the place of what the options would name.
        if kernel.is_some() {
            options.kernel = Some("uniform:1".to_owned());
        }
        let mut degradation = match (options.task, mask) {
            (TaskKind::Csmri, Some(mask)) => Degradation::Fourier(mask, coils.map(coils_of).transpose()?),
            (TaskKind::Inpaint, Some(mask)) => Degradation::Holes(mask),
            _ => options.degradation(&()).map_err(|error| failure(&error))?,
        };
        match (&mut degradation, kernel) {
            (Degradation::Blur { kernel, .. }, Some(given)) => *kernel = given,
            (
                Degradation::Decimation {
                    factor, kernel, phase, ..
                },
                Some(given),
            ) => {
                // As kernels of files: centred where that is possible.
                let can_be_centred = given.dims().iter().all(|size| size % 2 == *factor % 2);
                *phase = if can_be_centred { centred_phase(*factor) } else { 0 };
                *kernel = given;
            }
            _ => {}
        }
        Ok(Self {
            degradation,
            kernel_is_auto: options.kernel_is_auto(),
        })
    }

    /// An operator on images of one size that Python computes: functions from an array to bytes and shape, `[C, H, W]` of x and y, and
    /// an upper bound on ||A||^2.
    #[staticmethod]
    fn of_functions(
        apply: Py<PyAny>,
        adjoint: Py<PyAny>,
        domain: [usize; 3],
        codomain: [usize; 3],
        norm_sq: f64,
    ) -> Self {
        let operator = Foreign {
            apply,
            adjoint,
            domain,
            codomain,
            norm_sq,
        };
        Self {
            degradation: Degradation::Operator(Arc::new(operator)),
            kernel_is_auto: false,
        }
    }

    /// `[C, H, W]` of the image behind a measurement of `[C, H, W]`.
    fn domain(&self, codomain: [usize; 3]) -> PyResult<Sizes> {
        let domain = self.degradation.picture(codomain);
        domain.map(Sizes::from).map_err(|error| failure(&error))
    }

    /// A on images of a size.
    fn operator(&self, py: Python<'_>, domain: [usize; 3], seed: u64, threads: NonZeroUsize) -> PyResult<Operator> {
        let task = Task::new(self.degradation.clone(), 0.0, seed).map_err(|error| failure(&error.into()))?;
        run(py, threads, None, move |_| Ok(Operator(task.camera(domain)?)))
    }

    /// The kernel: rows, columns, values; `None` where there is none.
    fn kernel(&self) -> Option<(usize, usize, Vec<f64>)> {
        match &self.degradation {
            Degradation::Blur { kernel, .. } | Degradation::Decimation { kernel, .. } => {
                let [rows, cols] = kernel.dims();
                Some((rows, cols, kernel.values().to_vec()))
            }
            _ => None,
        }
    }
}

fn kernel_of((bytes, rows, cols): Plane<'_>) -> PyResult<Kernel> {
    let (numbers, _) = bytes.as_bytes().as_chunks();
    let values = numbers.iter().map(|number| f64::from_ne_bytes(*number)).collect();
    Kernel::new(rows, cols, values).map_err(|error| failure(&error.into()))
}

fn coils_of((bytes, rows, cols): Plane<'_>) -> PyResult<Coils> {
    let parts = numbers(bytes.as_bytes());
    let (pairs, _) = parts.as_chunks();
    let values = pairs.iter().map(|&[re, im]| Complex::new(re, im)).collect();
    Coils::new([rows, cols], values).map_err(|error| failure(&error))
}

/// A value that Python's part should not have handed over.
pub fn wrong_values<T>(parsed: serde_json::Result<T>) -> PyResult<T> {
    parsed.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// A linear operator on images of one size.
#[pyclass(frozen, module = "tweedie._native")]
pub struct Operator(pub Arc<dyn LinearOperator>);

#[pymethods]
impl Operator {
    /// `[C, H, W]` of x.
    #[getter]
    fn domain(&self) -> Sizes {
        self.0.domain().into()
    }

    /// `[C', H', W']` of y.
    #[getter]
    fn codomain(&self) -> Sizes {
        self.0.codomain().into()
    }

    /// An upper bound on ||A||^2.
    #[getter]
    fn norm_sq(&self) -> f64 {
        self.0.norm_sq()
    }

    /// A x.
    fn apply(&self, py: Python<'_>, x: Input<'_>, threads: NonZeroUsize) -> PyResult<Array> {
        let (x, operator) = (x.values()?, Arc::clone(&self.0));
        run(py, threads, None, move |_| Array::of(&operator.apply(x.image()?)?))
    }

    /// A^T y.
    fn adjoint(&self, py: Python<'_>, y: Input<'_>, threads: NonZeroUsize) -> PyResult<Array> {
        let (y, operator) = (y.values()?, Arc::clone(&self.0));
        run(py, threads, None, move |_| Array::of(&operator.adjoint(y.image()?)?))
    }

    /// A first estimate of x from y.
    fn start(&self, py: Python<'_>, y: Input<'_>, threads: NonZeroUsize) -> PyResult<Array> {
        let (y, operator) = (y.values()?, Arc::clone(&self.0));
        run(py, threads, None, move |_| Array::of(&operator.start(y.image()?)?))
    }

    /// argmin_x 1/2 ||A x - y||^2 + 1/(2 gamma) ||x - z||^2.
    fn prox_l2(
        &self,
        py: Python<'_>,
        z: Input<'_>,
        y: Input<'_>,
        gamma: f64,
        threads: NonZeroUsize,
    ) -> PyResult<Array> {
        let (z, y, operator) = (z.values()?, y.values()?, Arc::clone(&self.0));
        run(py, threads, None, move |_| {
            let fidelity = L2::new(operator, y.image()?)?;
            Array::of(&fidelity.prox(z.image()?, gamma)?.0)
        })
    }
}
