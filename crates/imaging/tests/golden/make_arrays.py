"""Arrays as NumPy writes them. Run in this folder with numpy: writes fortran.npy and arrays.npz."""

import numpy as np

counting = np.arange(24.0).reshape(2, 3, 4)
np.save("fortran.npy", np.asfortranarray(counting))
np.savez_compressed("arrays.npz", mask=np.eye(3, dtype=bool), kernel=np.array([[1, -2], [3, 2**53]]))
