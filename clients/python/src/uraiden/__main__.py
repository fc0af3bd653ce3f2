"""`python -m uraiden` is `uraiden-pay`."""

from uraiden.cli import exit_with

if __name__ == "__main__":
    exit_with("python -m uraiden")
