"""What every answer to a request that nobody should send has in common."""

from __future__ import annotations

from tests.support.wire import Answer

LATER = (504, "Timeout")
"""kube-apiserver's answer to a resourceVersion that is yet to come."""


def check(sent: str, answer: Answer) -> None:
    """An answer is no fault of the server's, and a refusal is a Status or plain text. `sent` is shown if not."""
    if answer.code < 400:
        return
    media = {name.lower(): value for name, value in answer.headers.items()}["content-type"]
    if media == "application/json":
        status = answer.json
        assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", answer.code), sent
        assert status["message"], sent
        if (status["code"], status["reason"]) == LATER:
            return
    else:
        assert media.startswith("text/plain"), sent
    assert answer.code < 500, f"{sent}\n{answer.body[:1000]!r}"
