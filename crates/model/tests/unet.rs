//! The U-Net inside the denoiser, training and checkpoints.

use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};
use tweedie_imaging::noise::gaussian_values;
use tweedie_imaging::{Denoiser, Sigma, SigmaSupport};
use tweedie_model::{Architecture, Checkpoint, CheckpointConfig, NetworkDenoiser, NoiseRange};

const ARCHITECTURE: &str = r#"
kind = "unet"
widths = [16, 32]
blocks = 1
"#;

fn architecture() -> Architecture {
    toml::from_str(ARCHITECTURE).unwrap()
}

fn image(dims: [usize; 4], device: &Device) -> Tensor<4> {
    let values = gaussian_values(dims.iter().product(), 0.3, 5, 0);
    Tensor::from_data(TensorData::new(values, dims), device)
}

#[test]
fn tiles_give_the_whole_image() {
    let device = Device::flex();
    let denoiser = || {
        let network = architecture().init(2, &device).unwrap();
        NetworkDenoiser::new("unet", network, &architecture(), SigmaSupport::Blind, None, &device)
    };
    let (x, sigma) = (image([1, 1, 150, 131], &device), Sigma::new(0.1).unwrap());
    let whole = denoiser().with_tile_pixels(0).denoise(x.clone(), sigma).unwrap();
    let tiled = denoiser().with_tile_pixels(10_000).denoise(x.clone(), sigma).unwrap();
    // The noise that the network sees is what it changes; rounding differs with the place of Winograd tiles.
    let removed: f32 = (x - whole.clone()).abs().max().into_scalar();
    let difference: f32 = (tiled - whole).abs().max().into_scalar();
    assert!(difference < 1e-5 * removed, "{difference} of {removed}");
}

#[test]
fn a_checkpoint_gives_the_same_network_back() {
    let device = Device::flex();
    let folder = tempfile::tempdir().unwrap();
    let network = architecture().init(2, &device).unwrap();
    let (x, sigma) = (image([1, 1, 20, 30], &device), Tensor::<1>::full([1], 0.1, &device));
    let expected = network.forward(x.clone(), sigma.clone());
    let config = CheckpointConfig::new(architecture(), NoiseRange { min: 0.0, max: 50.0 }, None);
    Checkpoint { config, network }.save(folder.path()).unwrap();
    let loaded = Checkpoint::load(folder.path(), &device).unwrap();
    assert_eq!(loaded.config.architecture, architecture());
    loaded
        .network
        .forward(x, sigma)
        .into_data()
        .assert_eq(&expected.into_data(), true);
}

#[test]
fn bad_values_name_their_key() {
    for (from, to, named) in [
        ("blocks = 1", "blocks = 0", "architecture.blocks"),
        ("[16, 32]", "[]", "architecture.widths"),
        ("[16, 32]", "[16, 0]", "architecture.widths"),
        ("blocks = 1", "blocks = 1\nunshuffle = 3", "architecture.unshuffle"),
    ] {
        let bad: Architecture = toml::from_str(&ARCHITECTURE.replace(from, to)).unwrap();
        let message = bad.init(0, &Device::flex()).expect_err(named).to_string();
        assert!(message.contains(named), "{message}");
    }
    assert!(toml::from_str::<Architecture>(&ARCHITECTURE.replace("blocks", "block")).is_err());
}

/// DRUNet as published has 32.6 million parameters. Here its 2x2 kernels sit at the centre of 3x3 kernels, which makes
/// nine times as many of their 2 x 0.69 million.
#[test]
fn the_full_drunet_can_be_configured() {
    let drunet = r#"
kind = "unet"
unshuffle = 1
widths = [64, 128, 256, 512]
blocks = 4
residual = false
"#;
    let architecture: Architecture = toml::from_str(drunet).unwrap();
    let network = architecture.init(0, &Device::flex()).unwrap();
    assert_eq!(
        network.num_params(),
        32_638_656 + 8 * 2 * 4 * (64 * 128 + 128 * 256 + 256 * 512)
    );
}
