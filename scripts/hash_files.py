#!/usr/bin/env python3
"""Prints the `files` list of datasets/manifest.toml for a folder of pictures.

    scripts/hash_files.py FOLDER [--extension .png]...
"""

import argparse
import hashlib
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extension", action="append", metavar=".EXT", help="only files with this ending")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        sys.exit(f"error: {arguments.folder}: no such folder")
    print("files = [")
    for path in sorted(arguments.folder.rglob("*")):
        if not path.is_file() or (arguments.extension and path.suffix not in arguments.extension):
            continue
        content = path.read_bytes()
        name = path.relative_to(arguments.folder).as_posix()
        print(f'  {{ path = "{name}", sha256 = "{hashlib.sha256(content).hexdigest()}", bytes = {len(content)} }},')
    print("]")


if __name__ == "__main__":
    main()
