//! The convolution on burn's CPU backend, by `tweedie-kernels`.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::TensorData;
use burn_flex::FlexTensor;
use tweedie_kernels::{Activation, Conv3x3, Layout, pack, shuffle, unpack, unshuffle};

use super::cache::Kind;
use super::ops::{ConvGrads, ConvOps, ConvSpec};
use super::pool;

/// burn checks shapes before an operation runs and has no way to return an error from one.
pub(super) const SHAPES: &str = "shapes follow from the tensors' own";

impl ConvOps for Flex {
    fn conv_pack(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let layout = layout(dims);
        let x = contiguous(x);
        let mut packed = pool::take(layout.len());
        pack(&layout, values(&x), &mut packed).expect(SHAPES);
        tensor(packed, layout.dims())
    }

    fn conv_unpack(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let x = contiguous(x);
        let mut image = vec![0.0; dims.iter().product()];
        unpack(&layout(dims), values(&x), &mut image).expect(SHAPES);
        pool::recycle(x);
        tensor(image, dims)
    }

    fn conv_unshuffle(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let fine = layout(dims);
        let coarse = fine.unshuffled().expect(SHAPES);
        let x = contiguous(x);
        let mut y = pool::take(coarse.len());
        unshuffle(&fine, values(&x), &mut y).expect(SHAPES);
        pool::recycle(x);
        tensor(y, coarse.dims())
    }

    fn conv_shuffle(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let fine = layout(dims);
        let x = contiguous(x);
        let mut y = pool::take(fine.len());
        shuffle(&fine, values(&x), &mut y).expect(SHAPES);
        pool::recycle(x);
        tensor(y, fine.dims())
    }

    fn conv3x3(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: ConvSpec,
    ) -> FloatTensor<Self> {
        let (x, weight, bias) = (contiguous(x), contiguous(weight), contiguous(bias));
        let plan = plan(&spec);
        let kind = Kind {
            input_grad: false,
            tile: plan.input().tile_outputs(),
        };
        let transformed = spec
            .cache
            .get(&weight, kind, || plan.transform_forward(values(&weight)).expect(SHAPES));
        let mut y = pool::take(plan.output().len());
        plan.forward(values(&x), &transformed, Some(values(&bias)), spec.activation, &mut y)
            .expect(SHAPES);
        pool::recycle(x);
        tensor(y, plan.output().dims())
    }

    fn conv3x3_transposed(u: FloatTensor<Self>, weight: FloatTensor<Self>, spec: ConvSpec) -> FloatTensor<Self> {
        let u = contiguous(u);
        let x = adjoint(&u, None, weight, &spec);
        pool::recycle(u);
        x
    }
}

impl ConvGrads for Flex {
    fn conv3x3_input_grad(
        dy: FloatTensor<Self>,
        y: FloatTensor<Self>,
        _x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        spec: &ConvSpec,
    ) -> FloatTensor<Self> {
        let (dy, y) = (contiguous(dy), contiguous(y));
        let dx = adjoint(&dy, Some((values(&y), spec.activation)), weight, spec);
        pool::recycle(dy);
        dx
    }

    fn conv3x3_weight_grad(
        dy: FloatTensor<Self>,
        y: FloatTensor<Self>,
        x: FloatTensor<Self>,
        _weight: FloatTensor<Self>,
        _bias: FloatTensor<Self>,
        spec: &ConvSpec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (dy, y, x) = (contiguous(dy), contiguous(y), contiguous(x));
        let [_, cin, _, _] = spec.input;
        let mut dweight = vec![0.0; spec.cout * cin * 9];
        let mut dbias = vec![0.0; spec.cout];
        let gate = Some((values(&y), spec.activation));
        plan(spec)
            .weight_grad(values(&x), values(&dy), gate, &mut dweight, Some(&mut dbias))
            .expect(SHAPES);
        pool::recycle(dy);
        pool::recycle(y);
        (tensor(dweight, [spec.cout, cin, 3, 3]), tensor(dbias, [spec.cout]))
    }
}

/// weight^T * (gate dy).
fn adjoint(dy: &FlexTensor, gate: Option<(&[f32], Activation)>, weight: FlexTensor, spec: &ConvSpec) -> FlexTensor {
    let weight = contiguous(weight);
    let plan = plan(spec);
    let kind = Kind {
        input_grad: true,
        tile: plan.input().tile_outputs(),
    };
    let transformed = spec.cache.get(&weight, kind, || {
        plan.transform_input_grad(values(&weight)).expect(SHAPES)
    });
    let mut dx = pool::take(plan.input().len());
    plan.input_grad(values(dy), gate, &transformed, &mut dx).expect(SHAPES);
    tensor(dx, plan.input().dims())
}

fn layout([n, c, h, w]: [usize; 4]) -> Layout {
    Layout::new(n, c, h, w).expect(SHAPES)
}

fn plan(spec: &ConvSpec) -> Conv3x3 {
    Conv3x3::new(layout(spec.input), spec.cout).expect(SHAPES)
}

/// Takes the tensor, since a second handle to it would keep its buffer from being recycled.
pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32, as Tweedie's tensors are")
}

pub(super) fn tensor<const D: usize>(values: Vec<f32>, dims: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, dims))
}
