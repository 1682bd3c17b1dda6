"""``python -m dlc_core`` is ``dlc``."""

from dlc_core.cli import main

if __name__ == "__main__":
    main()
