"""The console as two people use it, in headless Chromium, with the server killed between them: `make browser-test`.

It brings its own PostgreSQL, Valkey and server and takes about a minute. Each chapter prints a line; the first broken
expectation ends the run with a picture of what both people saw. `--pictures FOLDER` saves the pictures of the README.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apps.common.tests.browser import stack
from apps.common.tests.browser.driver import Browser, BrowserError, browsers
from apps.console.tests.browser import account, chapters, company, hardships, letters, providers

ACCESS_SECONDS: Final = 24  # so short that tokens are renewed several times during the journey


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Two people and the server they visit."""

    ada: Browser
    carol: Browser
    server: stack.Stack
    pictures: Path | None


CHAPTERS: Final[tuple[Callable[[Journey], None], ...]] = (
    chapters.the_house_is_shown,
    chapters.the_audit_finds_what_is_planted,
    chapters.the_house_is_accessible,
    chapters.mistakes_are_told_beside_the_field,
    chapters.two_people_come_in,
    chapters.they_talk,
    chapters.text_stays_text,
    chapters.own_messages_are_changed_and_taken_back,
    chapters.the_keyboard_is_enough,
    chapters.pictures_are_taken,
    hardships.any_order_of_arrival_ends_in_one_order,
    hardships.a_killed_server_loses_nothing,
    hardships.a_kill_amid_a_burst_loses_nothing,
    hardships.a_cut_line_is_waited_out,
    hardships.history_is_paged,
    hardships.unread_messages_are_counted,
    hardships.a_private_room_is_not_seen,
    company.messages_are_answered,
    company.files_go_with_messages,
    company.a_refused_file_is_told,
    company.people_are_named,
    company.words_are_found,
    company.somebody_is_invited_and_kept_in_order,
    account.news_is_told,
    account.news_of_what_was_read_is_read,
    account.news_is_asked_for_without_the_socket,
    account.an_account_is_changed,
    hardships.a_copied_tab_does_not_end_the_session,
    hardships.sessions_outlive_their_tokens,
    hardships.a_reload_stays_where_it_was,
    hardships.a_phone_is_enough,
    hardships.colours_are_chosen,
    hardships.a_session_ended_elsewhere_ends_here,
    hardships.signing_out_leaves_nothing,
    letters.an_address_is_verified,
    letters.a_forgotten_password_is_replaced,
    letters.a_link_is_followed_while_signed_in,
    account.a_second_factor_is_set_up_and_asked_for,
    providers.a_provider_opens_the_door,
)


def travel(journey: Journey, failures: Path) -> bool:
    """Run all chapters in order. False when an expectation broke; what was seen is in the folder then."""
    for chapter in CHAPTERS:
        began = time.monotonic()
        name = chapter.__name__.replace("_", " ")
        try:
            chapter(journey)
        except (AssertionError, BrowserError) as error:
            sys.stdout.write(
                f"BROKEN  {name}\n  {error}\n  {shutil.copy(journey.server.log, failures / 'server.log')}\n"
            )
            for who, browser in (("ada", journey.ada), ("carol", journey.carol)):
                browser.picture(failures / f"{who}.png")
                sys.stdout.write(f"  {failures / who}.png\n")
                sys.stdout.writelines(
                    f"    {line}\n" for line in browser.complaints() if "CONNECTION_REFUSED" not in line
                )
            return False
        sys.stdout.write(f"ok  {time.monotonic() - began:5.1f} s  {name}\n")
        sys.stdout.flush()
    return True


def main() -> int:
    """Run the journey; 0 when everything held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="save pictures of the console into this folder")
    parser.add_argument(
        "--failures", type=Path, default=Path(tempfile.gettempdir()), help="where pictures of a failure go"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="console-journey-") as folder:
        try:
            with (
                browsers(2) as (ada, carol),
                stack.running(Path(folder), access_seconds=ACCESS_SECONDS) as server,
            ):
                journey = Journey(ada=ada, carol=carol, server=server, pictures=arguments.pictures)
                return 0 if travel(journey, arguments.failures) else 1
        except BrowserError as error:
            sys.stderr.write(f"{error}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main())
