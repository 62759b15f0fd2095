# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the user reads of each problem with fal.ai: one sentence with the cure, for the command line and for Blender.

Only words are here; which problem it is, and what is known of its bill, are facts of the error (``errors.FalError``).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..pipeline.run.attempt import Billed
from .problems import Problem

BILLS = {
    Billed.NO: "Nothing was billed.",
    Billed.MAYBE: "It may have been billed.",
    Billed.YES: "It was billed.",
}
NOT_LOST = "The request is not lost."  # where a key fails on the way to a request that fal has
OF_THE_KEY = (Problem.KEY_REFUSED, Problem.KEY_WITHOUT_SCOPE, Problem.BALANCE_USED_UP)

SENTENCES: dict[Problem, str] = {
    Problem.NO_KEY: "there is no fal.ai key; set FAL_KEY or enter one in the preferences",
    Problem.KEY_NOT_PLAIN: (
        "a fal.ai key is made of plain letters and digits; copy it again from fal.ai/dashboard/keys"
    ),
    Problem.KEY_REFUSED: "fal.ai does not accept this key; check it at fal.ai/dashboard/keys, then resume.",
    Problem.KEY_WITHOUT_SCOPE: "fal.ai refuses this key for this endpoint; use a key with the API scope.",
    Problem.BALANCE_USED_UP: (
        "the fal.ai account's balance is used up; top it up at fal.ai/dashboard/billing and resume."
    ),
    Problem.ENDPOINT_UNKNOWN: (
        "fal.ai knows no such endpoint; choose one of those that are offered, or correct its id."
    ),
    Problem.ENDPOINT_GONE: (
        "fal.ai lists no endpoint {endpoint}, so nothing was sent; correct its id or choose another one "
        "(consistency endpoints --refresh shows what there is)"
    ),
    Problem.INPUTS_DRIFTED: (
        "{endpoint} {what}, by fal.ai's own description of today, so nothing was sent; set the field as it is now "
        "(--set {endpoint}.field=value, null leaves one out), choose another endpoint, or send it unchecked "
        "(--no-check-inputs; in Blender, Check Inputs First)"
    ),
    Problem.INPUTS_REFUSED: (
        "fal.ai refused the request's inputs; correct the endpoint's fields, or choose another endpoint."
    ),
    Problem.CONTENT_REFUSED: ("fal's content check refused this picture or prompt; change the prompt and retry."),
    Problem.NOTHING_MADE: "the model made nothing of this request; retry with another seed or endpoint.",
    Problem.SERVER_FAULT: "fal.ai failed on its side (HTTP {status}); resume to try again.",
    Problem.NOT_BEGUN: "fal.ai did not begin in time; resume to try again.",
    Problem.STOPPED: (
        "this request was cancelled while fal.ai worked on it; --retry-failed buys it again (in Blender, Retry Job)."
    ),
    Problem.REQUEST_NOT_FOUND: (
        "fal.ai does not find this request, so its result can't be fetched now; resume asks again, and fal's own "
        "history shows what became of it."
    ),
    Problem.NOT_CLEARLY_DONE: ("fal.ai says both that this request is done and that it is not; resume to ask again."),
    Problem.CONFLICT: "fal.ai answered 409 Conflict; resume later.",
    Problem.TOO_MANY_REQUESTS: ("fal.ai is taking no more requests at the moment (HTTP 429); resume in a few minutes."),
    Problem.STATUS_UNKNOWN: ("fal.ai answered HTTP {status}, which this version does not understand; resume later."),
    Problem.STATE_UNKNOWN: (
        "fal.ai keeps sending a status that this version does not understand; resume later: the request is not lost"
    ),
    Problem.GATEWAY: "fal.ai's gateway answers HTTP {status}; resume later: the request is not lost",
    Problem.RESULT_UNREADABLE: "fal.ai sent a result that can't be read; resume to ask for it again",
    Problem.RESULT_WITHOUT_FILE: "fal's result holds no {place}; look at the request in fal's history",
    Problem.PICTURE_BLANKED: ("fal's safety check blanked this picture; change the prompt and retry. It was billed"),
    Problem.STORAGE_UNREADABLE: (
        "fal.ai's storage sent an answer that can't be read; resume to try again. Nothing was billed"
    ),
    Problem.STORAGE_ADDRESS: (
        "fal.ai's storage named an address that is not fal's; resume to try again. Nothing was billed"
    ),
    Problem.LIST_UNREADABLE: "fal.ai's request list can't be read; try again later",
    Problem.LIST_ENDLESS: "fal.ai's list does not end; try again later",
    Problem.ROSTER_DOUBTFUL: (
        "fal.ai's list of models has only {models} of ours and lacks most of what it had, so the one before is kept; "
        "try again later"
    ),
    Problem.ANSWER_UNREADABLE: "fal.ai sent a list that can't be read; try again later",
    Problem.UNREACHABLE: "fal.ai can't be reached ({why}); check the network or proxy, then resume",
    Problem.UNREACHABLE_LIST: "fal.ai can't be reached ({why}); check the network or proxy, then try again",
    Problem.SLOW_LIST: "fal.ai has not answered within {seconds:g} s; try again later",
    Problem.NO_USABLE_ANSWER: (
        "fal.ai gives no usable answer about this request ({why}); it is not lost: resume to ask again"
    ),
    Problem.OVERDUE: ("fal.ai took too long; it was asked to stop, and resume fetches the result if it still comes"),
    Problem.FOREIGN_HOST: "fal.ai pointed to {host}, which is not fal's; the key was not sent there",
    Problem.ENDLESS: "{host} sent an answer that does not end; it was not read",
    Problem.COMPRESSED: "{host} sent a compressed answer that was not asked for",
    Problem.NO_ADDRESS: "fal.ai named an address that is none",
    Problem.LOST: (
        "this request got no clear answer ({why}); fal.ai may have accepted it and may bill it, so it is not sent "
        "again. Look in fal's own history; if it is not there, send it again (--send-again; in Blender, Retry Job)"
    ),
    Problem.MAYBE_ACCEPTED: (
        "whether fal.ai accepted the request for {key} is not known, so it is not sent again; look in fal's own "
        "history, and if it is not there, send it again (--send-again; in Blender, Retry Job; {stake} at stake)"
    ),
    Problem.ANOTHERS_REQUEST: (
        "fal.ai answered with the request {request}, which is another's; whether it accepted this one is not known"
    ),
    Problem.FILE_OF_OTHER_KIND: "the file is not {media} but {found}; resume to download it again",
    Problem.FILE_TOO_LARGE: "the file is larger than {mebibytes} MiB, which no result of this kind is",
    Problem.FILE_DAMAGED: "the file is damaged ({why}); resume to download it again",
    Problem.FILE_GONE: "the file is gone from the run folder and its address at fal.ai is not known",
    Problem.FILE_GONE_OF: "{what}: {key}, {price}",
    Problem.FILE_EXPIRED: (
        "fal.ai does not keep this result's file any more; look in fal's own history before buying again"
    ),
    Problem.FILE_ENDLESS: "the file at {url} does not end; it was not kept",
    Problem.FILE_ADDRESS: ("fal.ai named an address that is not a public https one for a result; it was not opened"),
    Problem.FILE_STATUS: "the result's address answers HTTP {status}; resume to try again",
    Problem.FILE_COMPRESSED: "the result came compressed though that was not asked for; resume to try again",
    Problem.FILE_REDIRECTS: "the result's address redirects without end; it was not opened",
    Problem.DOWNLOAD_BROKE_OFF: "the download broke off; resume to fetch it again",
    Problem.DOWNLOAD_SLOW: "the result was not downloaded within {seconds:g} s; resume to fetch it again",
    Problem.DOWNLOAD_UNREACHABLE: "the result could not be downloaded ({why}); check the network, then resume",
}


def in_words(problem: Problem, facts: Mapping[str, str | float], said: str, accepted: bool) -> str:
    """The sentence of ``problem``; ``said``: fal's own words; not ``accepted``: fal had not taken the request."""
    text = SENTENCES[problem].format(**facts)
    if not accepted:
        text += f" {BILLS[Billed.NO]}"
    elif problem in OF_THE_KEY:
        text += f" {NOT_LOST}"
    return f"{text} fal says: {said}" if said else text


# What ends or holds up a purchase without being a fault of fal's.

UNPRICED = "the price of {endpoint} is not known, so no limit can be kept with it; choose another endpoint or remove the limits"
DESCRIPTION_UNSURE = (
    "fal.ai's description of {endpoint} doesn't take what is to be sent, and can't be asked again at the moment to make sure, "
    "so nothing was sent; resume later"
)
PRICE_ROSE = (
    "fal.ai now asks {asked} for {key}, and {agreed} was agreed to, so it was not bought; "
    "resume to see today's prices and agree to them"
)
CANT_BE_LOOKED_UP = "whether fal.ai accepted the request for {key} can't be looked up at the moment, so it is not sent again; resume later"
NOT_WRITTEN_DOWN = "fal.ai has accepted request {request} for {key}, and that could not be written down: {why}"
BUYS_AGAIN = "{message}; --retry-failed buys it again (in Blender, Retry Job)"
CHILD_ENDED = "the process that talks to fal.ai ended unexpectedly; try again"
CHILD_ENDED_IN_A_RUN = "the process that talks to fal.ai ended unexpectedly; resume to go on: nothing paid is lost"
CHILD_SILENT = "fal.ai does not answer; try again later"
NOT_SENT = "not sent, since the program is closing; resume to go on"

CANCELLED_BEFORE = "cancelled before it was sent; nothing was billed"
CANCELLED_WHILE_LOOKING = "cancelled while fal's request list was being asked; resume looks again"
CANCELLED_REMOVED = "removed from fal's queue; not billed"
CANCELLED_UNHEARD = "fal.ai could not be told to stop, so it may finish this and bill it; resume fetches the result"
CANCELLED_GONE = "fal.ai does not find this request; whether it was billed stands in fal's own history"
CANCELLED_RUNNING = "fal was already running it and may bill it; resume fetches the result if there is one"
