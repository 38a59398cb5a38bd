//! Single layers of the networks that this crate serves, one thread: `cargo bench --bench conv`.
//!
//! `TWEEDIE_KERNEL` chooses the kernel.

use divan::Bencher;
use divan::counter::ItemsCount;
use tweedie_kernels::{Activation, Conv3x3, Layout, active_kernel};

/// Name, batch, channels in and out, rows and columns.
const LAYERS: &[(&str, [usize; 4])] = &[
    ("64->64 1x256x256", [1, 64, 64, 256]),
    ("64->64 16x48x48", [16, 64, 64, 48]),
    ("64->64 32x32x32", [32, 64, 64, 32]),
    ("96->96 1x128x128", [1, 96, 96, 128]),
    ("48->48 1x256x256", [1, 48, 48, 256]),
    ("128->128 1x128x128", [1, 128, 128, 128]),
    ("64->64 16x24x24", [16, 64, 64, 24]),
    ("64->64 32x16x16", [32, 64, 64, 16]),
    ("64->64 64x8x8", [64, 64, 64, 8]),
    ("1->64 1x256x256", [1, 1, 64, 256]),
    ("64->1 1x256x256", [1, 64, 1, 256]),
    ("5->64 1x256x256", [1, 5, 64, 256]),
    ("64->4 1x256x256", [1, 64, 4, 256]),
    ("13->96 1x256x256", [1, 13, 96, 256]),
    ("96->12 1x256x256", [1, 96, 12, 256]),
];

fn main() {
    println!("kernel {:?}", active_kernel().map(|kernel| kernel.name()));
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("the first pool");
    divan::main();
}

/// A layer with its buffers.
struct Layer {
    conv: Conv3x3,
    weight: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
    dy: Vec<f32>,
}

impl Layer {
    fn new(name: &str) -> Self {
        let (_, [n, cin, cout, size]) = *LAYERS.iter().find(|layer| layer.0 == name).expect("a listed layer");
        let conv = Conv3x3::new(Layout::new(n, cin, size, size).expect("a shape"), cout).expect("a plan");
        let values = |len| (0..len).map(|i| (i % 17) as f32 / 17.0).collect();
        let y = vec![0.5; conv.output().len()];
        Self {
            conv,
            weight: values(9 * cin * cout),
            x: vec![0.25; conv.input().len()],
            dy: y.clone(),
            y,
        }
    }

    /// Multiplications and additions of a direct convolution.
    fn flops(&self) -> ItemsCount {
        ItemsCount::new(18 * self.conv.input().c() * self.conv.output().unpadded_len())
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|layer| layer.0)
}

#[divan::bench(args = names(), sample_count = 15, sample_size = 1)]
fn forward(bencher: Bencher, name: &str) {
    let mut layer = Layer::new(name);
    let u = layer.conv.transform_forward(&layer.weight).expect("weights");
    let bias = vec![0.1; layer.conv.output().c()];
    bencher.counter(layer.flops()).bench_local(|| {
        layer
            .conv
            .forward(&layer.x, &u, Some(&bias), Activation::Relu, &mut layer.y)
            .expect("a forward pass");
    });
}

#[divan::bench(args = names(), sample_count = 15, sample_size = 1)]
fn input_grad(bencher: Bencher, name: &str) {
    let mut layer = Layer::new(name);
    let u = layer.conv.transform_input_grad(&layer.weight).expect("weights");
    let gate = Some((&layer.y[..], Activation::Relu));
    bencher.counter(layer.flops()).bench_local(|| {
        layer
            .conv
            .input_grad(&layer.dy, gate, &u, &mut layer.x)
            .expect("an input gradient");
    });
}

#[divan::bench(args = names(), sample_count = 15, sample_size = 1)]
fn weight_grad(bencher: Bencher, name: &str) {
    let layer = Layer::new(name);
    let (mut dw, mut db) = (layer.weight.clone(), vec![0.0; layer.conv.output().c()]);
    let gate = Some((&layer.y[..], Activation::Relu));
    bencher.counter(layer.flops()).bench_local(|| {
        layer
            .conv
            .weight_grad(&layer.x, &layer.dy, gate, &mut dw, Some(&mut db))
            .expect("a weight gradient");
    });
}

#[divan::bench(args = names(), sample_count = 15, sample_size = 1)]
fn transform_forward(bencher: Bencher, name: &str) {
    let layer = Layer::new(name);
    bencher.bench_local(|| layer.conv.transform_forward(&layer.weight).expect("weights"));
}
