//! Every kernel that this CPU supports against the oracle, on every named shape.

mod common;

use common::{SHAPES, assert_close, data, kernels, packed, plan, unpacked};
use tweedie_kernels::naive::Shape;
use tweedie_kernels::{Activation, Layout, naive};

/// Of the largest value: f32 sums of up to 9 * 128 terms through Winograd's transforms, whose worst errors among
/// 50,000 outputs were 1e-5 (the rms is a tenth of that).
const TOLERANCE: f64 = 2e-5;

/// Fails unless everything outside the images is zero.
fn assert_padding(what: &str, layout: Layout, values: &[f32]) {
    let clean = packed(layout, &unpacked(layout, values));
    let same = |(a, b): (&f32, &f32)| a == b || (a.is_nan() && b.is_nan());
    assert!(values.iter().zip(&clean).all(same), "{what}: padding is not zero");
}

#[test]
fn forward() {
    let kernels = kernels();
    for &(name, shape) in SHAPES {
        let d = data(shape);
        for (bias, act) in [(None, Activation::None), (Some(&d.bias[..]), Activation::Relu)] {
            let expected = naive::forward(shape, &d.x, &d.weight, bias, act).unwrap();
            for &kernel in &kernels {
                let what = format!("{} {name} {act:?} bias {}", kernel.name(), bias.is_some());
                let conv = plan(shape, kernel);
                let u = conv.transform_forward(&d.weight).unwrap();
                let mut y = vec![f32::NAN; conv.output().len()];
                conv.forward(&packed(conv.input(), &d.x), &u, bias, act, &mut y)
                    .unwrap();
                assert_close(&what, &unpacked(conv.output(), &y), &expected, TOLERANCE);
                assert_padding(&what, conv.output(), &y);
            }
        }
    }
}

#[test]
fn input_grad() {
    let kernels = kernels();
    for &(name, shape) in SHAPES {
        let d = data(shape);
        for act in [None, Some(Activation::Relu)] {
            let dv = naive::gated(&d.dy, act.map(|act| (&d.y[..], act))).unwrap();
            let expected = naive::input_grad(shape, &dv, &d.weight).unwrap();
            for &kernel in &kernels {
                let what = format!("{} {name} {act:?}", kernel.name());
                let conv = plan(shape, kernel);
                let u = conv.transform_input_grad(&d.weight).unwrap();
                let (dy, y) = (packed(conv.output(), &d.dy), packed(conv.output(), &d.y));
                let mut dx = vec![f32::NAN; conv.input().len()];
                conv.input_grad(&dy, act.map(|act| (&y[..], act)), &u, &mut dx).unwrap();
                assert_close(&what, &unpacked(conv.input(), &dx), &expected, TOLERANCE);
                assert_padding(&what, conv.input(), &dx);
            }
        }
    }
}

#[test]
fn weight_grad() {
    let kernels = kernels();
    for &(name, shape) in SHAPES {
        let d = data(shape);
        for act in [None, Some(Activation::Relu)] {
            let dv = naive::gated(&d.dy, act.map(|act| (&d.y[..], act))).unwrap();
            let (expected_dw, expected_db) = naive::weight_grad(shape, &d.x, &dv).unwrap();
            for &kernel in &kernels {
                let what = format!("{} {name} {act:?}", kernel.name());
                let conv = plan(shape, kernel);
                let (x, dy) = (packed(conv.input(), &d.x), packed(conv.output(), &d.dy));
                let y = packed(conv.output(), &d.y);
                let gate = act.map(|act| (&y[..], act));
                let (mut dw, mut db) = (vec![f32::NAN; d.weight.len()], vec![f32::NAN; shape.cout]);
                conv.weight_grad(&x, &dy, gate, &mut dw, Some(&mut db)).unwrap();
                assert_close(&format!("{what} dw"), &dw, &expected_dw, TOLERANCE);
                assert_close(&format!("{what} db"), &db, &expected_db, TOLERANCE);
            }
        }
    }
}

/// One shape in every combination of what is optional.
#[test]
fn options() {
    let shape = Shape {
        n: 1,
        cin: 16,
        cout: 16,
        h: 7,
        w: 12,
    };
    let d = data(shape);
    for kernel in kernels() {
        let conv = plan(shape, kernel);
        let (x, dy, y) = (
            packed(conv.input(), &d.x),
            packed(conv.output(), &d.dy),
            packed(conv.output(), &d.y),
        );
        let u = conv.transform_forward(&d.weight).unwrap();
        for (bias, act) in [(None, Activation::Relu), (Some(&d.bias[..]), Activation::None)] {
            let expected = naive::forward(shape, &d.x, &d.weight, bias, act).unwrap();
            let mut y = vec![f32::NAN; conv.output().len()];
            conv.forward(&x, &u, bias, act, &mut y).unwrap();
            assert_close(kernel.name(), &unpacked(conv.output(), &y), &expected, TOLERANCE);
        }
        // A gate of no activation is no gate, and asking for the bias gradient changes no other.
        let run = |gate, with_bias: bool| {
            let u = conv.transform_input_grad(&d.weight).unwrap();
            let (mut dx, mut dw) = (vec![f32::NAN; conv.input().len()], vec![f32::NAN; d.weight.len()]);
            let mut db = vec![f32::NAN; shape.cout];
            conv.input_grad(&dy, gate, &u, &mut dx).unwrap();
            conv.weight_grad(&x, &dy, gate, &mut dw, with_bias.then_some(&mut db[..]))
                .unwrap();
            (dx, dw)
        };
        assert_eq!(
            run(None, true),
            run(Some((&y[..], Activation::None)), false),
            "{}",
            kernel.name()
        );
    }
}
