"""Mode ``users``: edits the users file (``users add|remove|key|list``)."""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gradio_app.base.errors import AppError
from gradio_app.web.auth.users import User, UsersFileBroken, bad_name, hash_key, hash_password, read, write

_SHORTEST = 8


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the mode: exit code 1, with a sentence, when nothing was changed."""
    args = _parser().parse_args(argv)
    path = Path(args.users).expanduser()
    try:
        users = read(path) if path.exists() else {}
        print(args.run(args, users))
        if args.command != "list":
            write(path, users)
    except AppError as error:
        raise SystemExit(error.message) from None
    except OSError as error:
        raise SystemExit(f"{path} cannot be written: {error.strerror}.") from None


def _add(args: argparse.Namespace, users: dict[str, User]) -> str:
    if why := bad_name(args.name):
        raise UsersFileBroken(f"{why}.")
    password = _ask(args.password_stdin)
    if len(password) < _SHORTEST:
        raise UsersFileBroken(f"A password has at least {_SHORTEST} characters.")
    known = users.get(args.name)
    admin = args.admin or bool(known and known.admin)
    users[args.name] = User(args.name, hash_password(password), admin, known.key if known else "")
    done = "has a new password" if known else "may sign in"
    return f"{args.name} {done}. A server with --users {args.users} knows it at once."


def _ask(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise UsersFileBroken("The two are not the same. Nothing was changed.")
    return password


def _remove(args: argparse.Namespace, users: dict[str, User]) -> str:
    _known(args.name, users)
    del users[args.name]
    return f"{args.name} cannot sign in any more; open sessions have ended. Their documents stay."


def _key(args: argparse.Namespace, users: dict[str, User]) -> str:
    user = _known(args.name, users)
    key = "mo-" + secrets.token_urlsafe(32)
    users[args.name] = replace(user, key=hash_key(key))
    return f"{key}\nThis key for scripts is shown once (Authorization: Bearer KEY); an older one is void."


def _list(_args: argparse.Namespace, users: dict[str, User]) -> str:
    rows = [
        f"{user.name:<24} {'admin' if user.admin else 'user':<6} {'key' if user.key else ''}".rstrip()
        for user in users.values()
    ]
    return "\n".join(rows) or "There are no users yet."


def _known(name: str, users: dict[str, User]) -> User:
    if name not in users:
        raise UsersFileBroken(f"There is no user {name!r}.")
    return users[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="start_mineru_optimized.sh users",
        description="Who may sign in by name. The server notices changes by itself.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--users",
        metavar="FILE",
        default=os.environ.get("MINERU_APP_USERS") or "users.txt",
        help="the users file (default: MINERU_APP_USERS, else users.txt)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="a new user, or a new password for one")
    add.set_defaults(run=_add)
    add.add_argument("name")
    add.add_argument("--admin", action="store_true", help="sees all documents, may pause the queue")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    for run, name, text in (
        (_remove, "remove", "delete a user"),
        (_key, "key", "make a key for scripts"),
    ):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        command.add_argument("name")
    commands.add_parser("list", help="show all users").set_defaults(run=_list)
    return parser
