//! The shared kernels.

use tweedie_operators::Kernel;
use tweedie_testing::shared_data;

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn levin_kernels_read_as_they_are() {
    let folder = shared_data("data/kernels");
    for (number, size) in (1..=8).zip([19, 17, 15, 27, 13, 21, 23, 23]) {
        let kernel = Kernel::parse(&format!("levin:{number}"), &folder).unwrap();
        assert_eq!(kernel.dims(), [size, size]);
        assert!(kernel.values().iter().all(|&value| value >= 0.0));
    }
}
