"""The `preau` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from preau_stack import control
from preau_stack.data_folder import DEFAULT, AlreadyRunningError, DataFolder

_DEFAULT_PORT = 8080


def main() -> int:
    """Parse, run the verb, answer its exit code."""
    options = _parser().parse_args()
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except AlreadyRunningError as error:
        print(f"Préau already runs on {error}. See `preau status`; stop it with `preau down`.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `preau status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="preau", description="The whole platform on one machine.")

    def explain(_options: argparse.Namespace) -> int:
        parser.print_help()
        return 2

    parser.set_defaults(run=explain)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=text, description=text)
        verb.set_defaults(run=run)
        default = Path(os.environ.get("PREAU_DATA", DEFAULT))
        verb.add_argument(
            "--data", type=Path, default=default, metavar="DIR", help=f"the platform's folder (default {default})"
        )
        return verb

    up = add("up", _up, "Start the platform and keep it running until Ctrl-C.")
    port = int(os.environ.get("PORT") or _DEFAULT_PORT)
    up.add_argument(
        "--port", type=int, default=port, metavar="N", help=f"the gateway's port (default {port}; 0 takes a free one)"
    )
    up.add_argument("--no-demo", action="store_true", help="load no demo towns")
    up.add_argument("--detach", action="store_true", help="answer when it is ready and leave it running")
    status = add("status", _status, "Say what runs, where, and whether it answers.")
    status.add_argument("--json", action="store_true", help="for programs")
    add("down", lambda options: control.down(DataFolder(options.data)), "Stop the platform.")
    add(
        "demo",
        lambda options: control.demo(DataFolder(options.data)),
        "Load the demo towns; what is there stays as it is.",
    )
    add(
        "poll",
        lambda options: control.poll(DataFolder(options.data)),
        "Ask the payment provider for the result of every open payment now.",
    )
    add(
        "trace",
        lambda options: control.address(DataFolder(options.data), "traces"),
        "Print the address of the page that shows the last traces.",
    )
    add(
        "metrics",
        lambda options: control.address(DataFolder(options.data), "metrics"),
        "Print the address at which a Prometheus reads the platform's metrics; /series beside it is for people.",
    )
    town = add("town", _town, "Make towns of their files, or bring them up to date.")
    town.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a town's file (docs/examples/town.toml)")
    town.add_argument("--check", action="store_true", help="only read the files and say what is wrong in them")
    town.add_argument(
        "--at",
        default="",
        metavar="NAME=HOST:PORT,...",
        help="a platform elsewhere: identity, agenda, billing and payment; the operator's secret in PREAU_OPERATOR_SECRET",
    )
    reset = add(
        "reset",
        lambda options: control.reset(DataFolder(options.data), is_sure=options.yes),
        "Delete the platform's data.",
    )
    reset.add_argument("--yes", action="store_true", help="do not ask")
    backup = add("backup", _backup, "Save everything in one archive, whether the platform runs or not.")
    backup.add_argument("target", type=Path, metavar="FILE|DIR", help="the archive, or a folder to put it in")
    restore = add("restore", _restore, "Make the platform of an archive, in a folder that holds none.")
    restore.add_argument("source", type=Path, metavar="FILE|DIR", help="the archive, or a folder whose newest is taken")
    add("doctor", _doctor, "Say what is missing on this machine, and how to get it.")
    return parser


def _up(options: argparse.Namespace) -> int:
    if options.detach:
        return control.detach(DataFolder(options.data), options.port, with_demo=not options.no_demo)
    from preau_stack.up import PlatformRun, UpOptions

    return PlatformRun(UpOptions(options.data, options.port, not options.no_demo, dict(os.environ))).run()


def _status(options: argparse.Namespace) -> int:
    from preau_stack.status import status

    return status(DataFolder(options.data), as_json=options.json)


def _backup(options: argparse.Namespace) -> int:
    from preau_stack.backup import backup

    return backup(DataFolder(options.data), options.target)


def _restore(options: argparse.Namespace) -> int:
    from preau_stack.restore import restore

    return restore(DataFolder(options.data), options.source)


def _town(options: argparse.Namespace) -> int:
    from preau_stack.town_command import town

    return town(DataFolder(options.data), options.files, options.at, is_check=options.check)


def _doctor(options: argparse.Namespace) -> int:
    from preau_stack.doctor import doctor

    return doctor(options.data)


if __name__ == "__main__":
    sys.exit(main())
