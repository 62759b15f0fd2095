# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with fal.ai, by name: the fact that an error carries. ``sentences`` says each to the user."""

from __future__ import annotations

from enum import StrEnum, auto


class Problem(StrEnum):
    # the key and the account
    NO_KEY = auto()
    KEY_NOT_PLAIN = auto()
    KEY_REFUSED = auto()
    KEY_WITHOUT_SCOPE = auto()
    BALANCE_USED_UP = auto()

    # how fal answered
    ENDPOINT_UNKNOWN = auto()
    ENDPOINT_GONE = auto()
    INPUTS_REFUSED = auto()
    INPUTS_DRIFTED = auto()
    CONTENT_REFUSED = auto()
    NOTHING_MADE = auto()
    SERVER_FAULT = auto()
    NOT_BEGUN = auto()
    STOPPED = auto()
    REQUEST_NOT_FOUND = auto()
    NOT_CLEARLY_DONE = auto()
    CONFLICT = auto()
    TOO_MANY_REQUESTS = auto()
    STATUS_UNKNOWN = auto()
    STATE_UNKNOWN = auto()
    GATEWAY = auto()
    RESULT_UNREADABLE = auto()
    RESULT_WITHOUT_FILE = auto()
    PICTURE_BLANKED = auto()
    STORAGE_UNREADABLE = auto()
    STORAGE_ADDRESS = auto()
    LIST_UNREADABLE = auto()
    LIST_ENDLESS = auto()
    ROSTER_DOUBTFUL = auto()
    ANSWER_UNREADABLE = auto()

    # no answer
    UNREACHABLE = auto()
    UNREACHABLE_LIST = auto()
    SLOW_LIST = auto()
    NO_USABLE_ANSWER = auto()
    OVERDUE = auto()

    # answers that are refused on sight
    FOREIGN_HOST = auto()
    ENDLESS = auto()
    COMPRESSED = auto()
    NO_ADDRESS = auto()

    # whether fal accepted it is not known
    LOST = auto()
    MAYBE_ACCEPTED = auto()
    ANOTHERS_REQUEST = auto()

    # files
    FILE_OF_OTHER_KIND = auto()
    FILE_TOO_LARGE = auto()
    FILE_DAMAGED = auto()
    FILE_GONE = auto()
    FILE_GONE_OF = auto()
    FILE_EXPIRED = auto()
    FILE_ENDLESS = auto()
    FILE_ADDRESS = auto()
    FILE_STATUS = auto()
    FILE_COMPRESSED = auto()
    FILE_REDIRECTS = auto()
    DOWNLOAD_BROKE_OFF = auto()
    DOWNLOAD_SLOW = auto()
    DOWNLOAD_UNREACHABLE = auto()
