//! Time of the data steps next to which a network's evaluation stands: `cargo bench -p tweedie-operators`.

use std::sync::Arc;

use burn::tensor::Device;
use tweedie_imaging::{Image, image_from_vec};
use tweedie_operators::{
    Blur, Boundary, DataFidelity, Downsampling, Field, Kernel, L2, LinearOperator, Mask, Mri, Radon, cartesian_mask,
};

fn main() {
    divan::main();
}

fn image([c, h, w]: [usize; 3]) -> Image {
    let values = (0..c * h * w).map(|n| (n * 31 % 255) as f32 / 255.0).collect();
    image_from_vec(values, [1, c, h, w], &Device::flex()).unwrap()
}

fn operator(task: &str, domain: [usize; 3]) -> Arc<dyn LinearOperator> {
    let kernel = Kernel::gaussian(1.6, 19).unwrap();
    match task {
        "blur" => Arc::new(Blur::new(domain, &kernel, Boundary::Circular).unwrap()),
        "replicate" => Arc::new(Blur::new(domain, &kernel, Boundary::Replicate).unwrap()),
        "sr2" => Arc::new(Downsampling::new(domain, 2, &kernel, Boundary::Circular).unwrap()),
        "mri" => {
            let mask = cartesian_mask([domain[1], domain[2]], 0.3, 0.1, 1).unwrap();
            Arc::new(Mri::new(Field::Real, [domain[1], domain[2]], &mask).unwrap())
        }
        "radon" => Arc::new(Radon::new(domain, 60).unwrap()),
        _ => Arc::new(Mask::random(domain, 0.3, 1).unwrap()),
    }
}

const CASES: [(&str, [usize; 3]); 7] = [
    ("blur", [1, 256, 256]),
    ("replicate", [1, 256, 256]),
    ("sr2", [1, 256, 256]),
    ("mask", [1, 256, 256]),
    ("mri", [1, 256, 256]),
    ("blur", [1, 512, 512]),
    ("blur", [3, 321, 481]),
];

#[divan::bench(args = CASES, sample_count = 20)]
fn gradient(bencher: divan::Bencher, (task, domain): (&str, [usize; 3])) {
    let operator = operator(task, domain);
    let l2 = L2::new(operator.clone(), image(operator.codomain())).unwrap();
    let x = image(domain);
    bencher.bench(|| l2.grad(x.clone()).unwrap());
}

#[divan::bench(args = CASES, sample_count = 20)]
fn prox(bencher: divan::Bencher, (task, domain): (&str, [usize; 3])) {
    let operator = operator(task, domain);
    let l2 = L2::new(operator.clone(), image(operator.codomain())).unwrap();
    let z = image(domain);
    bencher.bench(|| l2.prox(z.clone(), 10.0).unwrap());
}

#[divan::bench(sample_count = 5)]
fn radon_construction() -> Arc<dyn LinearOperator> {
    operator("radon", [1, 256, 256])
}

#[divan::bench(sample_count = 10)]
fn radon_gradient(bencher: divan::Bencher) {
    let operator = operator("radon", [1, 256, 256]);
    let l2 = L2::new(operator.clone(), image(operator.codomain())).unwrap();
    let x = image([1, 256, 256]);
    bencher.bench(|| l2.grad(x.clone()).unwrap());
}
