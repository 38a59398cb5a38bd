//! What published files do not say themselves: noise levels, and the steps of regularisers.

use crate::NoiseRange;

/// sha256 of a file, smallest and largest standard deviation of the noise in its training, in grey levels.
#[rustfmt::skip]
const LEVELS: [(&str, f64, f64); 31] = [
    // cszn/DnCNN: sigma=10, 15, 25, 50, GD_Gray_Blind, GD_Color_Blind
    ("6102fda4d425360dd08a98c08ebaedd3daab06b6688f3bdddf02d02c1365bdbb", 10.0, 10.0),
    ("657d5115fa05d371dbf0df1f0a931eff274dae29d08a9cc0824a28caf2460e21", 15.0, 15.0),
    ("5a5404c9e3ef14e353760e14b885439408a654618e14f13b2e97b99b9835020b", 25.0, 25.0),
    ("517dc0b55a8da2c129704ed7921b8557aac40cf3aae9f700dc41a9e25cad0983", 50.0, 50.0),
    ("37f76da0b71dd2b2789ce91848fe2f184ab486203c9af9ac1b98199b60ea02b0", 0.0, 55.0),
    ("57db5437a44037e7675a99042fe7b14d3dcdf1c333d3ec665855566e8a59795c", 0.0, 55.0),
    // cszn/FFDNet: gray, colour
    ("14c231e87a444a9bd85b0b5e174e73b4f6ac50bf4050e75a0d3f4d69f77a2093", 0.0, 75.0),
    ("a4b5a9da21294ab9ba6ed5c6cc459c46dff20c025eb7d3ab82e8e0bb00541793", 0.0, 75.0),
    // uclaopt/Provable_Plug_and_Play: DnCNN 5, 15, 40; SimpleCNN 5, 15, 40; RealSN_SimpleCNN 15, 40. (The file
    // RealSN_SimpleCNN_noise5.pth is that of 15.)
    ("c51321e57bc267800f800de424fdf511403005edf8ec9f30d2980519b7d563f5", 5.0, 5.0),
    ("1ab0a864fcbd318bff80cf6ffe0e8db531e2a0f36d527cb726d71d90494b1cc7", 15.0, 15.0),
    ("e580fd4114f754abb7226d5ce26b0c1e50aa0804d4fbcdaf8da40c449ab9cf36", 40.0, 40.0),
    ("dacae8ca4939458b0fa316151c3ed9137759fae1fcc92f1b41a7d9f31cc66beb", 5.0, 5.0),
    ("e6ed844ede107c8d4efa8f9ff87bab36c327436484cb683b60e93640cc71720f", 15.0, 15.0),
    ("88353dd94c1ed340cfe94bcad5ffff086712c3f6d45139790a49bd3d457642e5", 40.0, 40.0),
    ("1609664862d49d4edd73a5463e9b5dfd95b66c69448ffd971a493766ba7abeeb", 15.0, 15.0),
    ("61685dd19fcfeb338c9240c2edb1e934f55d89137f4485cc86d93ed571548f1f", 40.0, 40.0),
    // LabForComputationalVision/bias_free_denoising
    ("a21e6541a39f3975f421142f5d3845bc858e89881118be647ad9208cb61126e5", 0.0, 100.0),
    // LabForComputationalVision/universal_inverse_problem: BSD400_gray, BSD300_color
    ("cb99c1acae801b4ecc361e113b510e11000fcb7e365e19be993c3ec3986e7bcf", 0.0, 100.0),
    ("24254895bb92d929f6f8365e29fb89b41085685d0b1ee3759a5999c5617c1bab", 0.0, 100.0),
    // lanl/scico-data: dncnn6 and dncnn17, L, M, H, N
    ("f9c4d897d9051377bb5523301b28197b8bccb08a651a652624753eacdefbec19", 15.3, 15.3),
    ("91a4c184bd67a44b4ca717ffdfadda77c54762abfc672236b481cdc98c0a9b68", 25.5, 25.5),
    ("cdd0a720adf45523be646867a28b36386a4d6b3b94986f6f982d835934508007", 51.0, 51.0),
    ("e30dcdd9f5c35a36598560b95b759f35506632c35fc2acf361731f1e8e00d899", 0.0, 51.0),
    ("640d7a1f74d88fba6af6b05882049d1fdf44372d039aead1c491266c3fe5ef23", 15.3, 15.3),
    ("1b92262ccb8d7c9fc6cb7328fd1e0922499d2325afba65c2b161556deb7447cf", 25.5, 25.5),
    ("f3178a60f871ae5c4f423a5a9cc0158206375b568d272c79a30640e3a1737507", 51.0, 51.0),
    ("92f6710a43588ceab25275eaedceda81bca99f814c3f825651087a4e24a71ad7", 0.0, 51.0),
    // axgoujon/convex_ridge_regularizers: Sigma_5_t_10, Sigma_25_t_10
    (CRR_5, 5.0, 5.0),
    (CRR_25, 25.0, 25.0),
    // axgoujon/weakly_convex_ridge_regularizer: WCRR-CNN, CRR-CNN
    (WCRR, 0.0, 30.0),
    (CRR_SOLVED, 0.0, 30.0),
];

const CRR_5: &str = "fe72319d21bdaf3c0cb9b3b09075f62b1d632bb3d80e80547c8229447b9c1a4a";
const CRR_25: &str = "38365006e69a10a13a43faee276d0e26ab6f10cbfc1a96c4204e4e95f7839d7c";

const WCRR: &str = "d47dd1aa603d5c2ab55592e53e35c4ea6148dfbc0962aea87c28843afe2c651f";
const CRR_SOLVED: &str = "171d2e5438de17019af83ce9295973af57e458446a60aed7f3eac771dc924392";

/// The norm of the filters of a regulariser that is solved, as its authors compute it before use: the root of what 200
/// power iterations from a random image of 256x256 pixels give.
pub(super) fn filter_norm(sha256: &str) -> Option<f64> {
    match sha256 {
        WCRR => Some(396.055_f64.sqrt()),
        CRR_SOLVED => Some(302.913_f64.sqrt()),
        _ => None,
    }
}

/// Gradient steps of a convex ridge regulariser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub count: usize,
    /// L, as the authors compute it anew before use: 200 power iterations from a random image of 400x400 pixels. They end
    /// 0.4 % below the limit, and with it the steps differ by more than rounding, so the value is kept.
    pub lipschitz: f64,
}

/// The steps of a file with this sha256, if it is known.
pub(super) fn steps(sha256: &str) -> Option<Steps> {
    match sha256 {
        CRR_5 => Some(1.0580989697530874),
        CRR_25 => Some(1.6179763928562638),
        _ => None,
    }
    .map(|lipschitz| Steps { count: 10, lipschitz })
}

/// The levels of a file with this sha256, if it is known.
pub(super) fn noise(sha256: &str) -> Option<NoiseRange> {
    LEVELS
        .iter()
        .find(|(known, _, _)| *known == sha256)
        .map(|&(_, min, max)| NoiseRange { min, max })
}
