//! What must hold beyond matching the oracle: adjoint gradients, results that do not depend on threads, batch or
//! what the buffers held before, and errors instead of panics.

mod common;

use common::{SHAPES, data, fast_kernels, packed, plan, unpacked};
use tweedie_kernels::naive::Shape;
use tweedie_kernels::{Activation, Conv3x3, Error, Kernel, Layout};

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn norm(a: &[f32]) -> f64 {
    dot(a, a).sqrt()
}

/// `<conv(x), dy> = <x, input_grad(dy)> = <weight, weight_grad(x, dy)>`: all three are one trilinear form.
#[test]
fn gradients_are_adjoint() {
    for kernel in fast_kernels() {
        for &(name, shape) in SHAPES {
            let d = data(shape);
            let conv = plan(shape, kernel);
            let (x, dy) = (packed(conv.input(), &d.x), packed(conv.output(), &d.dy));
            let mut y = vec![0.0; conv.output().len()];
            let u = conv.transform_forward(&d.weight).unwrap();
            conv.forward(&x, &u, None, Activation::None, &mut y).unwrap();
            let mut dx = vec![0.0; conv.input().len()];
            conv.input_grad(&dy, None, &conv.transform_input_grad(&d.weight).unwrap(), &mut dx)
                .unwrap();
            let mut dw = vec![0.0; d.weight.len()];
            conv.weight_grad(&x, &dy, None, &mut dw, None).unwrap();

            let forward = dot(&y, &dy);
            let scale = norm(&y) * norm(&dy);
            for (which, value) in [("input", dot(&x, &dx)), ("weight", dot(&d.weight, &dw))] {
                let gap = (forward - value).abs() / scale;
                assert!(
                    gap < 1e-6,
                    "{} {name}: relative gap of the {which} gradient {gap:e}",
                    kernel.name()
                );
            }
        }
    }
}

/// Everything that one layer computes.
fn all_results(conv: &Conv3x3, shape: Shape) -> Vec<Vec<f32>> {
    let d = data(shape);
    let (x, dy) = (packed(conv.input(), &d.x), packed(conv.output(), &d.dy));
    let mut y = vec![0.0; conv.output().len()];
    let u = conv.transform_forward(&d.weight).unwrap();
    conv.forward(&x, &u, Some(&d.bias), Activation::Relu, &mut y).unwrap();
    let gate = Some((&y[..], Activation::Relu));
    let mut dx = vec![0.0; conv.input().len()];
    conv.input_grad(&dy, gate, &conv.transform_input_grad(&d.weight).unwrap(), &mut dx)
        .unwrap();
    let (mut dw, mut db) = (vec![0.0; d.weight.len()], vec![0.0; shape.cout]);
    conv.weight_grad(&x, &dy, gate, &mut dw, Some(&mut db)).unwrap();
    vec![y, dx, dw, db]
}

#[test]
fn threads_do_not_change_a_bit() {
    let shapes = [
        (
            "Winograd, several chunks",
            Shape {
                n: 3,
                cin: 16,
                cout: 48,
                h: 50,
                w: 60,
            },
        ),
        (
            "thin input, several chunks",
            Shape {
                n: 3,
                cin: 3,
                cout: 16,
                h: 50,
                w: 60,
            },
        ),
        (
            "thin output, several chunks",
            Shape {
                n: 3,
                cin: 16,
                cout: 4,
                h: 50,
                w: 60,
            },
        ),
    ];
    for kernel in fast_kernels() {
        for (name, shape) in shapes {
            let conv = plan(shape, kernel);
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| all_results(&conv, shape))
            };
            let one = run(1);
            for threads in [2, 3] {
                let bits = |results: &[Vec<f32>]| results.iter().flatten().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert!(
                    bits(&one) == bits(&run(threads)),
                    "{} {name}: {threads} threads differ",
                    kernel.name()
                );
            }
        }
    }
}

/// Outputs hold the last layer's values on entry; none may survive. NaN shows any that does.
#[test]
fn stale_buffers_do_not_matter() {
    for kernel in fast_kernels() {
        for &(name, shape) in SHAPES {
            let d = data(shape);
            let conv = plan(shape, kernel);
            let (x, dy) = (packed(conv.input(), &d.x), packed(conv.output(), &d.dy));
            let run = |stale: f32| {
                let mut y = vec![stale; conv.output().len()];
                let u = conv.transform_forward(&d.weight).unwrap();
                conv.forward(&x, &u, Some(&d.bias), Activation::None, &mut y).unwrap();
                let mut dx = vec![stale; conv.input().len()];
                conv.input_grad(&dy, None, &conv.transform_input_grad(&d.weight).unwrap(), &mut dx)
                    .unwrap();
                (y, dx)
            };
            let (clean, stale) = (run(0.0), run(f32::NAN));
            assert!(clean == stale, "{} {name}", kernel.name());
        }
    }
}

/// One layer after another, without leaving the layout: the halo that a layer writes is what the next one reads.
#[test]
fn layers_chain() {
    for kernel in fast_kernels() {
        let image = Layout::new(1, 1, 13, 20).unwrap();
        let layers = [
            Conv3x3::with_kernel(image, 17, kernel).unwrap(),
            Conv3x3::with_kernel(image.with_channels(17).unwrap(), 17, kernel).unwrap(),
            Conv3x3::with_kernel(image.with_channels(17).unwrap(), 1, kernel).unwrap(),
        ];
        let mut plain = common::random(11, image.unpadded_len());
        let mut values = packed(image, &plain);
        for (i, layer) in layers.iter().enumerate() {
            let (cin, cout) = (layer.input().c(), layer.output().c());
            let weight = common::random(20 + i as u64, 9 * cin * cout);
            let bias = common::random(30 + i as u64, cout);
            let mut out = vec![f32::NAN; layer.output().len()];
            let u = layer.transform_forward(&weight).unwrap();
            layer
                .forward(&values, &u, Some(&bias), Activation::Relu, &mut out)
                .unwrap();
            values = out;
            let shape = Shape {
                n: 1,
                cin,
                cout,
                h: 13,
                w: 20,
            };
            let expected =
                tweedie_kernels::naive::forward(shape, &plain, &weight, Some(&bias), Activation::Relu).unwrap();
            plain = expected.iter().map(|&v| v as f32).collect();
            common::assert_close(kernel.name(), &unpacked(layer.output(), &values), &expected, 1e-5);
        }
    }
}

/// Transformed weights serve every image size and batch with the same tile.
#[test]
fn transformed_weights_are_reusable() {
    for kernel in fast_kernels() {
        let shape = Shape {
            n: 1,
            cin: 16,
            cout: 16,
            h: 12,
            w: 12,
        };
        let larger = Shape {
            n: 2,
            h: 18,
            w: 30,
            ..shape
        };
        let d = data(shape);
        let u = plan(shape, kernel).transform_forward(&d.weight).unwrap();
        let conv = plan(larger, kernel);
        let x = packed(conv.input(), &data(larger).x);
        let run = |u| {
            let mut y = vec![0.0; conv.output().len()];
            conv.forward(&x, u, None, Activation::None, &mut y).map(|()| y)
        };
        assert_eq!(run(&u), run(&conv.transform_forward(&d.weight).unwrap()));
    }
}

#[test]
fn wrong_weights_are_refused() {
    let shape = Shape {
        n: 1,
        cin: 16,
        cout: 16,
        h: 12,
        w: 12,
    };
    let kernel = Kernel::fastest();
    let conv = plan(shape, kernel);
    let weight = data(shape).weight;
    let (x, mut y) = (vec![0.0; conv.input().len()], vec![0.0; conv.output().len()]);
    let other_tile = plan(Shape { h: 8, w: 8, ..shape }, kernel);
    let other_channels = plan(Shape { cin: 32, ..shape }, kernel);
    let other_kernel = plan(shape, Kernel::from_name("scalar").unwrap());
    for (what, u) in [
        ("direction", conv.transform_input_grad(&weight)),
        ("tile", other_tile.transform_forward(&weight)),
        ("channels", other_channels.transform_forward(&vec![0.0; 16 * 32 * 9])),
        ("kernel", other_kernel.transform_forward(&weight)),
    ] {
        let result = conv.forward(&x, &u.unwrap(), None, Activation::None, &mut y);
        if what == "kernel" && kernel.name() == "scalar" {
            println!("skipped: this CPU has no other kernel");
            continue;
        }
        assert!(
            matches!(
                result,
                Err(Error::Weights {
                    operation: "forward",
                    ..
                })
            ),
            "{what}: {result:?}"
        );
    }
    let error = conv.forward(
        &x,
        &conv.transform_input_grad(&weight).unwrap(),
        None,
        Activation::None,
        &mut y,
    );
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("the forward pass") && message.contains("the input gradient"),
        "{message}"
    );
}

#[test]
fn wrong_lengths_are_refused() {
    let shape = Shape {
        n: 1,
        cin: 3,
        cout: 16,
        h: 5,
        w: 5,
    };
    let conv = plan(shape, Kernel::fastest());
    let weight = data(shape).weight;
    let (u, ut) = (
        conv.transform_forward(&weight).unwrap(),
        conv.transform_input_grad(&weight).unwrap(),
    );
    let (x, y) = (vec![0.0; conv.input().len()], vec![0.0; conv.output().len()]);
    let (mut x_out, mut y_out) = (x.clone(), y.clone());
    let (short_x, short_y) = (&x[1..], &y[1..]);
    let gate = |y| Some((y, Activation::Relu));
    let (mut dw, mut db) = (weight.clone(), vec![0.0; 16]);
    let none = Activation::None;
    let results = [
        ("weight_oihw", conv.transform_forward(&weight[1..]).map(drop)),
        ("weight_oihw", conv.transform_input_grad(&weight[1..]).map(drop)),
        ("x", conv.forward(short_x, &u, None, none, &mut y_out)),
        ("out", conv.forward(&x, &u, None, none, &mut y_out[1..])),
        ("bias", conv.forward(&x, &u, Some(&[0.0; 17]), none, &mut y_out)),
        ("dy", conv.input_grad(short_y, None, &ut, &mut x_out)),
        ("gate", conv.input_grad(&y, gate(short_y), &ut, &mut x_out)),
        ("dx", conv.input_grad(&y, None, &ut, &mut x_out[1..])),
        ("x", conv.weight_grad(short_x, &y, None, &mut dw, None)),
        ("dy", conv.weight_grad(&x, short_y, None, &mut dw, None)),
        ("gate", conv.weight_grad(&x, &y, gate(short_y), &mut dw, None)),
        ("dweight_oihw", conv.weight_grad(&x, &y, None, &mut dw[1..], None)),
        ("dbias", conv.weight_grad(&x, &y, None, &mut dw, Some(&mut db[1..]))),
    ];
    for (expected, result) in results {
        match result {
            Err(Error::Length { argument, .. }) => assert_eq!(argument, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}
