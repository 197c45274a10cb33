"""Reports as receivers make them, and the ways in which they are packed."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from typing import Any

_ROW = (
    "<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition>"
    "<dkim>{dkim}</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>shop.example</header_from>"
    "</identifiers><auth_results><dkim><domain>shop.example</domain><selector>lk1</selector><result>{dkim}</result>"
    "</dkim><spf><domain>bounce.example</domain><scope>mfrom</scope><result>pass</result></spf></auth_results></record>"
)


def row(ip: str = "192.0.2.1", count: int | str = 1, dkim: str = "pass") -> str:
    """Return a record."""
    return _ROW.format(ip=ip, count=count, dkim=dkim)


def xml(*rows: str, begin: str = "1795392000", end: str = "1795478399", start: str = "<feedback>") -> bytes:
    """Return an aggregate report, of one row when none is given; ``start`` is what stands before the metadata."""
    return (
        f"{start}<report_metadata><org_name>Receiver</org_name><email>dmarc@receiver.example</email>"
        f"<report_id>r-1</report_id><date_range><begin>{begin}</begin><end>{end}</end></date_range></report_metadata>"
        f"<policy_published><domain>shop.example</domain><p>none</p></policy_published>"
        f"{''.join(rows or (row(),))}</feedback>"
    ).encode()


def tls(**changed: Any) -> bytes:  # noqa: ANN401 - whatever JSON can say
    """Return a TLS report with one policy and one kind of failure."""
    policy = {"policy-type": "sts", "policy-domain": "shop.example", "policy-string": ["version: STSv1"]}
    failure = {"result-type": "certificate-expired", "receiving-mx-hostname": "mx.shop.example"}
    report = {
        "organization-name": "Sender",
        "date-range": {"start-datetime": "2026-11-22T00:00:00Z", "end-datetime": "2026-11-22T23:59:59Z"},
        "contact-info": "tls@sender.example",
        "report-id": "t-1",
        "policies": [
            {
                "policy": {**policy, "mx-host": "*.shop.example"},
                "summary": {"total-successful-session-count": 7, "total-failure-session-count": 2},
                "failure-details": [{**failure, "failed-session-count": 2}],
            }
        ],
    }
    return json.dumps(report | changed).encode()


def failure(**changed: str) -> bytes:
    """Return a failure report; a field is changed by its name with underscores, and empty it is left out."""
    said = {
        "Feedback-Type": "auth-failure", "Version": "1", "User-Agent": "Receiver/1.0", "Auth-Failure": "dmarc",
        "Delivery-Result": "reject", "Identity-Alignment": "none", "Source-IP": "192.0.2.9",
        "Reported-Domain": "shop.example", "Arrival-Date": "Sun, 22 Nov 2026 10:00:00 +0100",
    } | {name.replace("_", "-"): text for name, text in changed.items()}  # fmt: skip
    fields = "".join(f"{name}: {text}\r\n" for name, text in said.items() if text)
    original = "From: shop@shop.example\r\nSubject: Not from us\r\n\r\nWords of a person.\r\n"
    return mail(("text/plain", b"A report."), ("message/feedback-report", fields.encode())).replace(
        b"--=_b--", b"--=_b\r\nContent-Type: message/rfc822\r\n\r\n" + original.encode() + b"--=_b--"
    )


def _entry(name: str) -> zipfile.ZipInfo:
    """Return a file of one and the same moment: tests are named after what they are given."""
    return zipfile.ZipInfo(name, (2026, 11, 23, 8, 0, 0))


def zipped(content: bytes, name: str = "report.xml", *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive with one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr(_entry(name), content, method)
    return packed.getvalue()


def streamed(content: bytes) -> bytes:
    """Return an archive that states sizes and check sum behind the data, as programs write that cannot go back."""

    class _Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry("report.xml"), content, zipfile.ZIP_DEFLATED)
    return pipe.getvalue()


def gzipped(content: bytes) -> bytes:
    """Return a gzip file."""
    return gzip.compress(content, mtime=0)


def mail(*parts: tuple[str, bytes]) -> bytes:
    """Return a mail of parts, each with the media type it claims; those that are not text are in base64."""
    lines = [b"From: dmarc@receiver.example", b'Content-Type: multipart/mixed; boundary="=_b"', b""]
    for kind, content in parts:
        plain = kind.startswith(("text/plain", "message/"))
        encoding = b"7bit" if plain else b"base64"
        body = content if plain else base64.encodebytes(content).replace(b"\n", b"\r\n")
        lines += [b"--=_b", b"Content-Type: " + kind.encode(), b"Content-Transfer-Encoding: " + encoding, b"", body]
    return b"\r\n".join([*lines, b"--=_b--", b""])
