"""Errors that are expected: their message is one line for the person at the terminal, saying what to do."""

from __future__ import annotations


class StreaklineError(Exception):
    """Something outside the program stands in the way: the command line prints this and exits with 1.

    Its notes (``add_note``) are printed below it: more for who wants to know why, such as the end of a log.
    """

    exit_status = 1


class SettingsError(StreaklineError):
    """A setting is wrong: the message names it, what is wrong and what is accepted. Exits with 2."""

    exit_status = 2
