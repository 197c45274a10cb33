"""The browsers inside apps, by the names they give themselves."""

from __future__ import annotations

import pytest

from listkeeper.standards import in_app_browser

_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
_ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; SM-A145R; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126 "
)


@pytest.mark.parametrize(
    ("said", "app"),
    [
        (f"{_PHONE}Mobile/15E148 Instagram 334.0.0.42.95 (iPhone14,5; iOS 17_5; da_DK)", "instagram"),
        (f"{_PHONE}Mobile/15E148 Instagram 334.0 (…) NW/3 [FBAN/FBIOS;FBAV/334.0]", "instagram"),
        (f"{_ANDROID}Mobile Safari/537.36 Instagram 334.0.0.42.95 Android", "instagram"),
        (f"{_PHONE}Mobile/15E148 [FBAN/FBIOS;FBAV/469.0.0.40.103;FBDV/iPhone14,5]", "facebook"),
        (f"{_ANDROID}Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/469.0.0.52.103;]", "facebook"),
        (f"{_PHONE}Mobile/15E148 [FBAN/MessengerForiOS;FBAV/460.0]", "messenger"),
        (f"{_PHONE}Mobile/15E148 musical_ly_35.3.0 JsSdk/2.0 NetType/WIFI", "tiktok"),
        (f"{_ANDROID}Mobile Safari/537.36 trill_350302 BytedanceWebview/d8a21c6", "tiktok"),
        (f"{_PHONE}Version/17.5 Mobile/15E148 Safari/604.1", None),
        (f"{_ANDROID}Mobile Safari/537.36", None),
        ("", None),
        (None, None),
    ],
)
def test_an_app_is_known_by_its_mark(said: str | None, app: str | None) -> None:
    assert in_app_browser.name_of(said) == app
