"""Messages of other projects' corpora: the results in them are found as the standard library finds the headers."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable

from listkeeper.standards import auth_results, pasted_headers
from tests.fakes.corpora import Corpora

_FOLDERS = ("bounce_sisimai", "bounce_bounceparser", "bounce_flufl", "arf_stalwart", "dkim_mail_dkim", "authheaders")
_KINDS = {".eml", ".msg", ".txt", ".message"}
_HEADERS = 113
_VERDICTS = 174
# Headers that break the grammar of RFC 8601 section 2.2, and how: each is read as far as it goes and says so.
_NO_NAME = {"lhost-office365-03.eml", "lhost-office365-13.eml", "rhost-microsoft-03.eml"}
_PROPERTY_WITHOUT_METHOD = {"arf-14.eml", "lhost-amazonses-15.eml", "lhost-amazonses-16.eml"} | {
    f"lhost-yahoo-{number}.eml" for number in ("01", "04", "05", "10", "11", "12")
}


def test_every_result_in_the_head_of_a_message_is_found_and_read(
    corpora: Corpora, summarise: Callable[[str], None]
) -> None:
    headers, verdicts = 0, 0
    named: dict[str, set[str]] = {}
    for folder in _FOLDERS:
        for path in sorted((corpora / folder).rglob("*")):
            if not path.is_file() or path.suffix not in _KINDS:
                continue
            raw = path.read_bytes()
            read = auth_results.read(raw)
            theirs = email.message_from_bytes(raw, policy=email.policy.compat32)
            expected = [" ".join(str(value).split()) for value in theirs.get_all("Authentication-Results", [])]
            ours = [value for name, value in pasted_headers.fields(raw) if name == auth_results.HEADER]
            assert ours == expected, path.name
            headers += len(read.results)
            verdicts += sum(len(one.verdicts) for one in read.results)
            if problems := {problem for one in read.results for problem in one.problems}:
                named[path.name] = problems
    summarise(
        f"Authentication-Results in 6 corpora: {headers} headers, {verdicts} verdicts, {len(named)} with problems"
    )
    assert set(named) == _NO_NAME | _PROPERTY_WITHOUT_METHOD
    assert all(named[name] == {"it does not say who wrote it"} for name in _NO_NAME)
    assert all("=" in problem for name in _PROPERTY_WITHOUT_METHOD for problem in named[name])
    assert headers == _HEADERS
    assert verdicts == _VERDICTS
