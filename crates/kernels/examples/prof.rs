use std::hint::black_box;
use tweedie_kernels::{Activation, Conv3x3, Layout, active_kernel};
fn cpu() -> f64 {
    unsafe extern "C" {
        fn clock_gettime(id: i32, ts: *mut [i64; 2]) -> i32;
    }
    let mut t = [0i64; 2];
    unsafe { clock_gettime(3, &mut t) };
    t[0] as f64 + t[1] as f64 * 1e-9
}
fn best(reps: usize, mut f: impl FnMut()) -> f64 {
    f();
    let mut b = f64::INFINITY;
    for _ in 0..reps {
        let s = cpu();
        f();
        b = b.min(cpu() - s);
    }
    b
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let reps = args.get(1).and_then(|v| v.parse().ok()).unwrap_or(20);
    let filter = args.get(2).cloned().unwrap_or_default();
    println!("{}", active_kernel().unwrap().name());
    let all = [
        [1, 64, 64, 256],
        [16, 64, 64, 48],
        [32, 64, 64, 32],
        [1, 96, 96, 128],
        [1, 48, 48, 256],
        [1, 128, 128, 128],
        [16, 64, 64, 24],
        [32, 64, 64, 16],
        [64, 64, 64, 8],
        [1, 1, 64, 256],
        [1, 64, 1, 256],
        [1, 5, 64, 256],
        [1, 64, 4, 256],
        [1, 64, 8, 256],
        [1, 13, 96, 256],
        [1, 96, 12, 256],
    ];
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .unwrap();
    for [n, cin, cout, s] in all {
        let name = format!("{cin}->{cout} {n}x{s}");
        if !name.contains(&filter) {
            continue;
        }
        let conv = Conv3x3::new(Layout::new(n, cin, s, s).unwrap(), cout).unwrap();
        let vals = |len: usize| -> Vec<f32> { (0..len).map(|i| (i % 17) as f32 / 17.0 - 0.3).collect() };
        let w = vals(9 * cin * cout);
        let off: usize = std::env::var("OFF").ok().and_then(|v| v.parse().ok()).unwrap_or(4);
        let mk = |len: usize| -> &'static mut [f32] {
            let v = vec![0.25f32; len + 64].leak();
            let a = (v.as_ptr() as usize / 4) % 16;
            let o = (16 - a) % 16 + off;
            &mut v[o..o + len]
        };
        let (x, dx) = (mk(conv.input().len()), mk(conv.input().len()));
        let (dy, mut y) = (mk(conv.output().len()), mk(conv.output().len()));
        let bias = vec![0.1; cout];
        let u = conv.transform_forward(&w).unwrap();
        let ut = conv.transform_input_grad(&w).unwrap();
        let mut dw = vec![0.0; w.len()];
        let mut db = vec![0.0; cout];
        let f = best(reps, || {
            conv.forward(&*x, &u, Some(&bias), Activation::Relu, black_box(&mut *y))
                .unwrap()
        });
        let g = Some((&y[..], Activation::Relu));
        let i = best(reps, || conv.input_grad(&*dy, g, &ut, black_box(&mut *dx)).unwrap());
        let wg = best(reps, || {
            conv.weight_grad(&*x, &*dy, g, black_box(&mut dw), Some(&mut db))
                .unwrap()
        });
        let fl = (18 * cin * conv.output().unpadded_len()) as f64 * 1e-9;
        println!(
            "{name:18} fwd {:7.3} ms {:4.0} GF | igrad {:7.3} ms {:4.0} | wgrad {:7.3} ms {:4.0}",
            f * 1e3,
            fl / f,
            i * 1e3,
            fl / i,
            wg * 1e3,
            fl / wg
        );
    }
}
