"""Pictures of letters: each is there once, and stays for as long as a letter or a piece shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign, picture, snippet
from listkeeper.campaigns.picture import LetterPicture
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.rendering.pictures import picture_file
from listkeeper.rendering.pictures.picture_file import PictureFile
from listkeeper.sending import planning
from tests.makers import cafe, pictures
from tests.makers.cafe import Cafe


@pytest.fixture(scope="module")
def drawn() -> PictureFile:
    return picture_file.ready(pictures.written(pictures.drawing(), "PNG"))


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


def _keep(session: Session, house: Cafe, folder: Path, drawn: PictureFile, title: str = "buns.png") -> LetterPicture:
    return picture.keep(session, house.organisation, folder, drawn, title)


def test_the_same_picture_is_there_once(session: Session, house: Cafe, tmp_path: Path, drawn: PictureFile) -> None:
    folder = tmp_path / "media"
    kept = _keep(session, house, folder, drawn)
    assert (kept.width, kept.height, kept.size, kept.title) == (200, 100, len(drawn.content), "buns.png")
    assert _keep(session, house, folder, drawn, "again.png").id == kept.id
    assert [file.name for file in folder.iterdir()] == [drawn.name]
    assert (folder / drawn.name).read_bytes() == drawn.content
    other = PictureFile(b"another one", "jpg", 3, 2)
    newer = _keep(session, house, folder, other)
    assert picture.all_of(session, house.organisation) == [newer, kept]
    assert picture.all_of(session, house.organisation, skip=1, most=1) == [kept]
    assert picture.identified(session, house.organisation, kept.public_id) == kept
    with pytest.raises(NotFound):
        picture.identified(session, house.organisation, "pic_nobody")


_TITLES = {
    "C:\\holiday\\our oven.jpg": "our oven.jpg",
    "../../etc/passwd": "passwd",
    "a\x00b\n c\ud800.png": "a b c .png",
    "å" * 300: "å" * 200,
}


def test_its_title_is_the_name_of_its_file_in_one_line(session: Session, house: Cafe, tmp_path: Path) -> None:
    for number, (given, title) in enumerate(_TITLES.items()):
        kept = _keep(session, house, tmp_path, PictureFile(b"%d" % number, "png", 1, 1), given)
        assert kept.title == title
    unnamed = PictureFile(b"unnamed", "png", 1, 1)
    assert _keep(session, house, tmp_path, unnamed, " \t").title == unnamed.name


def test_what_it_shows_is_said_in_a_sentence(session: Session, house: Cafe, tmp_path: Path, drawn: PictureFile) -> None:
    kept = _keep(session, house, tmp_path, drawn)
    picture.describe(kept, "  Two buns\n on a plate ")
    assert kept.alt == "Two buns on a plate"
    with pytest.raises(Invalid, match="500"):
        picture.describe(kept, "x" * 501)
    assert kept.alt == "Two buns on a plate"


def test_it_stays_while_a_draft_or_a_piece_shows_it(
    session: Session, house: Cafe, tmp_path: Path, drawn: PictureFile
) -> None:
    kept = _keep(session, house, tmp_path, drawn)
    words = f"# Buns\n\n![Two buns](/media/{drawn.name})"
    letter = cafe.draft(session, house, subject="Buns", markdown=words)
    with pytest.raises(Conflict, match="“Buns”") as refused:
        picture.forget(session, tmp_path, kept)
    assert refused.value.code == "picture_in_use"
    campaign.write(session, letter, Draft("Buns", "", "Only words"), base=1)
    piece = snippet.keep(session, house.organisation, "Plate", markdown=words)
    with pytest.raises(Conflict, match="“Plate”"):
        picture.forget(session, tmp_path, kept)
    snippet.forget(session, piece)
    picture.forget(session, tmp_path, kept)
    assert picture.all_of(session, house.organisation) == []
    # The first version of the letter can be brought back, and shows it.
    assert (tmp_path / drawn.name).is_file()


def test_it_is_found_in_blocks_as_well(session: Session, house: Cafe, tmp_path: Path, drawn: PictureFile) -> None:
    kept = _keep(session, house, tmp_path, drawn)
    block = {"id": "b0123456789", "type": "image", "picture": {"src": f"/media/{drawn.name}", "alt": "Buns"}}
    snippet.keep(session, house.organisation, "Plate", blocks=[block])
    with pytest.raises(Conflict, match="“Plate”"):
        picture.forget(session, tmp_path, kept)


def test_it_stays_for_ever_in_a_letter_that_has_left(
    session: Session, house: Cafe, tmp_path: Path, drawn: PictureFile
) -> None:
    cafe.subscribe(session, house, "anna@example.example")
    kept = _keep(session, house, tmp_path, drawn)
    letter = cafe.draft(session, house, markdown=f"# Buns\n\n![Buns](http://localhost:8025/media/{drawn.name})\n\nBye.")
    planning.send_campaign(session, house.organisation, letter, site="http://localhost:8025")
    with pytest.raises(Conflict, match="has left") as refused:
        picture.forget(session, tmp_path, kept)
    assert refused.value.code == "picture_sent"
    assert (tmp_path / drawn.name).is_file()


def test_one_that_nothing_names_goes_with_its_file(
    session: Session, house: Cafe, tmp_path: Path, drawn: PictureFile
) -> None:
    kept = _keep(session, house, tmp_path, drawn)
    picture.forget(session, tmp_path, kept)
    assert not (tmp_path / drawn.name).exists()
    # The logo may be the very same file.
    kept = _keep(session, house, tmp_path, drawn)
    house.organisation.logo = drawn.name
    session.flush()
    picture.forget(session, tmp_path, kept)
    assert (tmp_path / drawn.name).is_file()
