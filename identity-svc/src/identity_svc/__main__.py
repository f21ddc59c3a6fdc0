"""``python -m identity_svc serve | work | migrate | all | rotate-keys``."""

from __future__ import annotations

import sys

from preau_chassis.clock import clock_from
from preau_chassis.service import run
from preau_chassis.settings import SettingsError, load_settings_or_exit

from identity_svc.bootstrap import DEFINITION, rotate_now
from identity_svc.entrypoints.cli import ROTATE_KEYS, run_rotate_keys
from identity_svc.settings import IdentitySettings


def main() -> int:
    if sys.argv[1:] == [ROTATE_KEYS]:
        settings = load_settings_or_exit(IdentitySettings)
        try:
            return run_rotate_keys(lambda: rotate_now(settings, clock_from(settings)))
        except SettingsError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    return run(DEFINITION)


if __name__ == "__main__":
    sys.exit(main())
