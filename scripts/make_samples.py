#!/usr/bin/env python3
"""Makes the bundled photographs of datasets/samples and datasets/train.

Every picture is a crop and reduction of a file which a package of a public registry ships. Packages, authors and
licences: datasets/README.md. To run it:

    pip install pillow==13.0.0 scikit-image==0.26.0 scikit-learn==1.9.1
    apt-get download lomiri-wallpapers-16.04=20.04.0-2       # Debian bookworm
    dpkg-deb -x lomiri-wallpapers-16.04_*.deb /tmp/lomiri
    scripts/make_samples.py --lomiri /tmp/lomiri             # writes the pictures
    scripts/make_samples.py --lomiri /tmp/lomiri --check     # compares with those in the repository

Each source file is checked by its SHA-256 before it is read. Pillow's Lanczos filter works in integers, so the pixels
do not depend on the machine; the bytes of a PNG depend on the zlib that wrote it, so `--check` compares pixels.
"""

import argparse
import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

from PIL import Image

DATASETS = Path(__file__).resolve().parent.parent / "datasets"


class Recipe(NamedTuple):
    """One picture: crop `box` (left, top, right, bottom) of the source, then reduce to `size` (width, height)."""

    output: str
    package: str
    source: str
    sha256: str
    box: tuple[int, int, int, int]
    size: tuple[int, int]


SKIMAGE = "skimage/data"
SKLEARN = "sklearn/datasets/images"
LOMIRI = "usr/share/backgrounds"

# A reduction by two or more removes most traces of the source's JPEG compression and colour interpolation, which a
# denoiser would otherwise learn; the sources of `samples` that are too small for that are kept for their content.
RECIPES = [
    Recipe("samples/camera.png", SKIMAGE, "camera.png",
           "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a", (0, 0, 512, 512), (256, 256)),
    Recipe("samples/brick.png", SKIMAGE, "brick.png",
           "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf", (0, 0, 512, 512), (256, 256)),
    Recipe("samples/astronaut.png", SKIMAGE, "astronaut.png",
           "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5", (60, 0, 440, 380), (256, 256)),
    Recipe("samples/chelsea.png", SKIMAGE, "chelsea.png",
           "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", (80, 0, 380, 300), (256, 256)),
    Recipe("samples/coffee.png", SKIMAGE, "coffee.png",
           "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", (90, 0, 490, 400), (256, 256)),
    Recipe("samples/temple.png", SKLEARN, "china.jpg",
           "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29", (60, 20, 460, 420), (256, 256)),
    Recipe("samples/mountain.png", LOMIRI, "picosdeeuropa_by_Aitzol_Berasategi.jpg",
           "414d0072b2f6f2c555deafeaef6e45c4fed6fa9ad26eba6560ca8803959cf97a", (400, 0, 2848, 2448), (256, 256)),
    Recipe("samples/dogs.png", LOMIRI, "friends_by_Aitzol_Berasategi.jpg",
           "cc40e313c74e421edffe3403def413c16878ce14661cce7ec5915baeab35538d", (300, 500, 1836, 2036), (256, 256)),
    Recipe("train/bowl.png", LOMIRI, "Picture_0B_by_freespace.jpg",
           "c8c0ab18e48d9e0419fe42881112137f3afafc27dfddc29ec3a6d54c56d225ad", (0, 0, 2572, 1740), (480, 324)),
    Recipe("train/brushes.png", LOMIRI, "Picture_1A_by_freespace.jpg",
           "89e86af38d04daaef975665dc2127e9fa76f0fd68f4eea105a2d0ae3390b010b", (0, 0, 1365, 1074), (480, 376)),
    Recipe("train/dandelion.png", LOMIRI, "seeding_by_Clements_Engelhardt.jpg",
           "a5634d1ab5e41a3568e92d4a894a500c92b891f9ff734e50bd224d6e185a605f", (0, 0, 5312, 2988), (480, 270)),
    Recipe("train/hills.png", LOMIRI, "aitzgorri_by_Aitzol_Berasategi.jpg",
           "66268e7b48f8854d36a28765fac6e23ec1aee251daa6da1f64715f201020ad36", (0, 0, 3088, 2056), (480, 320)),
    Recipe("train/room.png", LOMIRI, "Wine_by_Jakkub_Mede.jpg",
           "d2e96e6d4da40dd804b3d0ce295e94de04a2d7d9b6785d42cd9d92ba58bced74", (0, 0, 2560, 3837), (320, 480)),
    Recipe("train/stream.png", LOMIRI, "life_by_Aitzol_Berasategi.jpg",
           "4c119350ead80201fe256850c3d316309ddfb4bdf10b235ce982dcde0c667c05", (0, 0, 3088, 2056), (480, 320)),
    Recipe("train/sunset.png", LOMIRI, "sunset_by_Aitzol_Berasategi.jpg",
           "474dab6a4b9f94dc76c29dfe30e9f5db4af0fd2e33fe5d695f8152b371efca18", (0, 0, 4272, 2848), (480, 320)),
]


def package_folder(package: str, lomiri: Path) -> Path:
    """The folder which holds `package`'s pictures."""
    if package == LOMIRI:
        return lomiri / LOMIRI
    module, _, folder = package.partition("/")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        sys.exit(f"error: Python package {module} is not installed")
    return Path(spec.origin).parent / folder


def make(recipe: Recipe, lomiri: Path) -> Image.Image:
    """Reads, crops and reduces one picture."""
    path = package_folder(recipe.package, lomiri) / recipe.source
    if not path.is_file():
        sys.exit(f"error: {path}: no such file (see --help)")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != recipe.sha256:
        sys.exit(f"error: {path}: sha256 is {digest}, expected {recipe.sha256}")
    with Image.open(path) as source:
        picture = source.crop(recipe.box)
        return picture.resize(recipe.size, Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lomiri", type=Path, default=Path("/"), metavar="DIR",
                        help="root that lomiri-wallpapers-16.04 was unpacked to (default: /, where it is installed)")
    parser.add_argument("--check", action="store_true", help="compare with the repository's pictures, write nothing")
    arguments = parser.parse_args()
    different = []
    for recipe in RECIPES:
        picture = make(recipe, arguments.lomiri)
        path = DATASETS / recipe.output
        if arguments.check:
            with Image.open(path) as committed:
                if committed.mode != picture.mode or committed.tobytes() != picture.tobytes():
                    different.append(recipe.output)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, optimize=True, icc_profile=None, exif=b"")
            print(f"{recipe.output} {picture.mode} {picture.width}x{picture.height} {path.stat().st_size} bytes")
    if different:
        sys.exit(f"error: other pixels than the repository's: {', '.join(different)}")


if __name__ == "__main__":
    main()
