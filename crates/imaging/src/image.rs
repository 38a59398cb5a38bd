//! The image tensor and its passage to and from host memory.

use burn::tensor::{Device, Tensor, TensorData};

use crate::Error;

/// A batch of images, `[N, C, H, W]`, f32, nominal range `[0, 1]`, autodiff off.
///
/// Values outside the range are legal (noise, over-shoot); nothing in Tweedie clips them silently.
pub type Image = Tensor<4>;

/// Makes an image from host values in `[N, C, H, W]` order.
///
/// # Errors
/// [`Error::Shape`] if `values.len()` is not the product of `dims`.
pub fn image_from_vec(values: Vec<f32>, dims: [usize; 4], device: &Device) -> Result<Image, Error> {
    let expected: usize = dims.iter().product();
    if values.len() != expected {
        return Err(Error::Shape {
            operation: "image_from_vec",
            expected: format!("{expected} values for {dims:?}"),
            got: format!("{} values", values.len()),
        });
    }
    Ok(Tensor::from_data(TensorData::new(values, dims), device))
}

/// Host copy of an image in `[N, C, H, W]` order.
///
/// # Errors
/// [`Error::Device`] if the device fails to deliver its data.
pub fn vec_from_image(image: &Image) -> Result<Vec<f32>, Error> {
    image.clone().try_into_vec_as::<f32>().map_err(|error| Error::Device {
        reason: error.to_string(),
    })
}

/// Checks that an image has the `[C, H, W]` that an operation expects; any batch size passes.
///
/// # Errors
/// [`Error::Shape`] naming `operation`.
pub fn require_dims(operation: &'static str, image: &Image, expected: [usize; 3]) -> Result<(), Error> {
    let got = image.dims();
    if got[1..] == expected {
        return Ok(());
    }
    Err(Error::Shape {
        operation,
        expected: format!("[N, {}, {}, {}]", expected[0], expected[1], expected[2]),
        got: format!("{got:?}"),
    })
}
