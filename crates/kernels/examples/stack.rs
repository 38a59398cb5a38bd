//! Times the convolutions of a whole DnCNN: the forward pass at 256x256, and a training step's worth on 16 patches of
//! 48x48.
//!
//! ```text
//! cargo run --release --example stack [runs]
//! ```
//!
//! Prints the least wall time and the least CPU time of `runs` runs, and the rate in floating-point operations of
//! direct convolution (2 * 9 * cin * cout per pixel), which Winograd's method does not execute.

use std::time::Instant;

use tweedie_kernels::{Activation, AlignedAllocator, Conv3x3, Error, Layout, Transformed, active_kernel, pack, unpack};

/// Buffers that start at cache lines, about 5 % faster.
#[global_allocator]
static ALLOCATOR: AlignedAllocator = AlignedAllocator;

/// Hidden layers, and channels of each.
const HIDDEN: usize = 15;
const CHANNELS: usize = 64;

/// A DnCNN without batch normalisation: 17 layers of 64 channels.
struct Stack {
    layers: Vec<Conv3x3>,
    weights: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

impl Stack {
    fn new(n: usize, size: usize) -> Result<Self, Error> {
        let image = Layout::new(n, 1, size, size)?;
        let features = image.with_channels(CHANNELS)?;
        let mut layers = vec![Conv3x3::new(image, CHANNELS)?];
        for _ in 0..HIDDEN {
            layers.push(Conv3x3::new(features, CHANNELS)?);
        }
        layers.push(Conv3x3::new(features, 1)?);
        let mut seed = 1_u32;
        let mut weights = Vec::new();
        for layer in &layers {
            let len = 9 * layer.input().c() * layer.output().c();
            let scale = (6.0 / (9.0 * layer.input().c() as f32)).sqrt(); // He's initialisation
            weights.push((0..len).map(|_| scale * uniform(&mut seed)).collect());
        }
        Ok(Self {
            layers,
            weights,
            bias: vec![0.01; CHANNELS],
        })
    }

    fn flops(&self) -> f64 {
        let flops = |l: &Conv3x3| 18 * l.input().c() * l.output().unpadded_len();
        self.layers.iter().map(flops).sum::<usize>() as f64
    }

    fn activation(&self, layer: usize) -> Activation {
        if layer + 1 == self.layers.len() {
            Activation::None
        } else {
            Activation::Relu
        }
    }

    fn transforms(&self) -> Result<Vec<Transformed>, Error> {
        self.layers
            .iter()
            .zip(&self.weights)
            .map(|(layer, w)| layer.transform_forward(w))
            .collect()
    }

    /// Inference with the weights transformed beforehand and two buffers in turn.
    fn infer(&self, u: &[Transformed], images: &[f32], buffers: &mut [Vec<f32>; 2]) -> Result<Vec<f32>, Error> {
        let [a, b] = buffers;
        let image = self.layers[0].input();
        pack(&image, images, &mut a[..image.len()])?;
        for (i, layer) in self.layers.iter().enumerate() {
            let (input, output) = (layer.input().len(), layer.output().len());
            let bias = &self.bias[..layer.output().c()];
            layer.forward(&a[..input], &u[i], Some(bias), self.activation(i), &mut b[..output])?;
            std::mem::swap(a, b);
        }
        let mut out = vec![0.0; images.len()];
        unpack(&image, &a[..image.len()], &mut out)?;
        Ok(out)
    }

    /// The convolutions of a training step: transforms, forward pass with all activations kept, and all gradients but
    /// that of the input images.
    fn train(&self, activations: &mut [Vec<f32>], grads: &mut [Vec<f32>; 2], dw: &mut [f32]) -> Result<(), Error> {
        let u = self.transforms()?;
        for (i, layer) in self.layers.iter().enumerate() {
            let (before, after) = activations.split_at_mut(i + 1);
            let bias = &self.bias[..layer.output().c()];
            layer.forward(&before[i], &u[i], Some(bias), self.activation(i), &mut after[0])?;
        }
        let [dy, dx] = grads;
        let last = self.layers.len() - 1;
        dy[..activations[last + 1].len()].copy_from_slice(&activations[last + 1]);
        let mut db = [0.0; CHANNELS];
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let gate = Some((&activations[i + 1][..], self.activation(i)));
            let (x, dy_i) = (&activations[i], &dy[..layer.output().len()]);
            let (dw, db) = (&mut dw[..self.weights[i].len()], &mut db[..layer.output().c()]);
            layer.weight_grad(x, dy_i, gate, dw, Some(db))?;
            if i > 0 {
                let u = layer.transform_input_grad(&self.weights[i])?;
                layer.input_grad(dy_i, gate, &u, &mut dx[..layer.input().len()])?;
                std::mem::swap(dy, dx);
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    let runs = std::env::args().nth(1).and_then(|v| v.parse().ok()).unwrap_or(5);
    println!("kernel {}", active_kernel()?.name());
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a thread pool");
        pool.install(|| measure(threads, runs))?;
    }
    Ok(())
}

fn measure(threads: usize, runs: usize) -> Result<(), Error> {
    let stack = Stack::new(1, 256)?;
    let u = stack.transforms()?;
    let mut seed = 7;
    let image: Vec<f32> = (0..256 * 256).map(|_| uniform(&mut seed)).collect();
    let len = stack.layers[0].output().len();
    let mut buffers = [vec![0.0; len], vec![0.0; len]];
    report("forward 256x256", threads, runs, stack.flops(), || {
        stack.infer(&u, &image, &mut buffers).map(drop)
    })?;

    let stack = Stack::new(16, 48)?;
    let len = stack.layers[0].output().len();
    let mut activations = vec![vec![0.0; stack.layers[0].input().len()]];
    activations.extend(stack.layers.iter().map(|layer| vec![0.0; layer.output().len()]));
    let images: Vec<f32> = (0..16 * 48 * 48).map(|_| uniform(&mut seed)).collect();
    pack(&stack.layers[0].input(), &images, &mut activations[0])?;
    let mut grads = [vec![0.0; len], vec![0.0; len]];
    let mut dw = vec![0.0; 9 * CHANNELS * CHANNELS];
    report("training 16x48x48", threads, runs, 3.0 * stack.flops(), || {
        stack.train(&mut activations, &mut grads, &mut dw)
    })
}

fn report(
    what: &str,
    threads: usize,
    runs: usize,
    flops: f64,
    mut run: impl FnMut() -> Result<(), Error>,
) -> Result<(), Error> {
    run()?; // first touch of the memory
    let (mut wall_s, mut cpu_s) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..runs {
        let (start, cpu) = (Instant::now(), process_cpu_s());
        run()?;
        wall_s = wall_s.min(start.elapsed().as_secs_f64());
        cpu_s = cpu_s.min(process_cpu_s() - cpu);
    }
    let rate = flops / cpu_s * 1e-9;
    println!("{what}, {threads} threads: {wall_s:.4} s wall, {cpu_s:.4} s CPU, {rate:.0} GFLOP/s-eq per core");
    Ok(())
}

/// CPU seconds of all threads of this process; not a number where the system call is not known.
fn process_cpu_s() -> f64 {
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    {
        unsafe extern "C" {
            fn clock_gettime(clock: i32, time: *mut [i64; 2]) -> i32;
        }
        const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
        let mut time = [0; 2];
        // SAFETY: a `timespec` is two 64-bit integers on these targets, and `time` can hold it.
        if unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut time) } == 0 {
            return time[0] as f64 + time[1] as f64 * 1e-9;
        }
    }
    f64::NAN
}

/// Knuth's and Lewis's quick generator: values in `[-1, 1)`.
fn uniform(seed: &mut u32) -> f32 {
    *seed = seed.wrapping_mul(1664525).wrapping_add(1013904223);
    (*seed >> 8) as f32 / (1 << 23) as f32 - 1.0
}
