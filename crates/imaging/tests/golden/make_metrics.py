"""Reference values of PSNR, SSIM and SNR, computed by scikit-image and NumPy in f64.

Run in this folder with numpy and scikit-image (made with numpy 2.4.6, scikit-image 0.26.0): writes metrics.csv and, for
each case, <name>_clean.npy and <name>_estimate.npy (f32). The estimates leave [0, 1]; PSNR and SSIM clip them.
"""

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

CASES = {
    "gray": (1, 24, 32),
    "odd": (1, 33, 17),
    "colour": (3, 20, 27),
    "smallest": (1, 11, 11),
}


def picture(rng, shape):
    """A smooth picture with an edge, in [0, 1]."""
    c, h, w = shape
    i, j = np.mgrid[0:h, 0:w]
    phase = rng.uniform(0, 6, size=(c, 1, 1))
    waves = 0.5 + 0.3 * np.sin(0.31 * i + 0.17 * j + phase)
    return np.clip(np.where(i + 2 * j > h, waves, waves - 0.4), 0, 1).astype(np.float32)


rows = ["name,psnr_db,ssim,snr_db"]
for seed, (name, shape) in enumerate(CASES.items()):
    rng = np.random.default_rng(seed)
    clean = picture(rng, shape)
    estimate = (clean + 0.1 * rng.standard_normal(shape)).astype(np.float32)
    np.save(f"{name}_clean.npy", clean)
    np.save(f"{name}_estimate.npy", estimate)

    clean, raw = clean.astype(np.float64), estimate.astype(np.float64)
    clipped = np.clip(raw, 0, 1)
    psnr = peak_signal_noise_ratio(clean, clipped, data_range=1.0)
    ssim = structural_similarity(
        clean,
        clipped,
        win_size=11,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        channel_axis=0,
    )
    snr = 10 * np.log10(np.sum(clean**2) / np.sum((clean - raw) ** 2))
    rows.append(f"{name},{psnr!r},{ssim!r},{snr!r}".replace("np.float64(", "").replace(")", ""))

with open("metrics.csv", "w") as file:
    file.write("\n".join(rows) + "\n")
