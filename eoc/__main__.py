"""``python -m eoc`` is the same as ``eoc``."""

import signal


def main() -> None:
    """Run the command line. Where nothing is under way, while Python imports or ends, Ctrl-C just ends it."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from eoc.cli import main as command

    signal.signal(signal.SIGINT, before)
    try:
        command()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
