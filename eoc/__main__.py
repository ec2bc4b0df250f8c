"""``python -m eoc`` is the same as ``eoc``."""

from eoc.cli import main

if __name__ == "__main__":
    main()
