"""Writes float.tif (gray floats) and pages.tif (two gray pages of 8 bits) with Pillow."""

import numpy as np
from PIL import Image

ramp = np.arange(6, dtype="f4").reshape(2, 3) / 4 - 0.5
Image.fromarray(ramp).save("float.tif")
pages = [Image.fromarray((np.arange(6, dtype="u1").reshape(2, 3) + 100 * k).astype("u1")) for k in range(2)]
pages[0].save("pages.tif", save_all=True, append_images=pages[1:])
