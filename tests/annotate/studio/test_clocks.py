"""The server's clock and this computer's may be a day apart: what is absent and what counts does not depend on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from fake_server import FakeServer
from fake_studio import OWNER
from physician import Physician, region
from studio_round import FRAMES, HEIGHT, PSOAS, WIDTH, Round, box

from dmr.annotate.errors import StudioError
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login
from dmr.annotate.workspace import Workspace

DAY = timedelta(days=1)
GANGLION = 40
APART = pytest.mark.parametrize("apart", [-DAY, timedelta(0), DAY], ids=["behind", "equal", "ahead"])


def add_class(round_: Round) -> None:
    path = round_.s.workspace.root / "dmr.toml"
    new = f'\n[[class]]\nid = {GANGLION}\nname = "ganglion"\ncolor = "#123456"\nz = 5\n'
    path.write_text(path.read_text(encoding="utf-8") + new, encoding="utf-8")
    round_.s.workspace = Workspace.at(round_.s.workspace.root)
    round_.s.catalogue.sync_classes(round_.s.workspace.settings.classes)


def covered(round_: Round, task: dict[str, object]) -> frozenset[int]:
    data = task["data"]
    assert isinstance(data, dict)
    head = round_.s.catalogue.head(data["frame_id"], OWNER)
    assert head is not None
    return head.record.annotation.covered


@APART
def test_a_class_is_absent_only_where_it_had_its_label_whatever_the_clocks_say(apart: timedelta, round_: Round) -> None:
    studio = round_.server.studio
    studio._clock = datetime.now(UTC) + apart
    round_.push()
    with round_.physician() as physician:
        before, open_one, after = physician.tasks()[:3]
        physician.submit(before, physician.draft_of(before), lead_time=0.5)
        studio._clock += timedelta(minutes=1)
        add_class(round_)
        round_.push()
        studio._clock += timedelta(minutes=1)
        physician.submit(open_one, physician.draft_of(open_one), lead_time=600.0)  # begun before the label was there
        physician.submit(after, physician.draft_of(after), lead_time=0.5)
    assert round_.pull().counts["revisions added"] == 3
    assert GANGLION not in covered(round_, before)
    assert GANGLION not in covered(round_, open_one)
    assert GANGLION in covered(round_, after)
    assert PSOAS in covered(round_, before)


@APART
def test_the_last_correction_counts_and_old_drafts_stay_for_their_time(apart: timedelta, round_: Round) -> None:
    studio = round_.server.studio
    studio._clock = datetime.now(UTC) + apart
    round_.push()
    with round_.physician() as physician:
        task = physician.tasks()[0]
        number = physician.submit(task, physician.draft_of(task))
        round_.pull()
        physician.update(number, [region("psoas_major", list(box(4.0, 4.0, 12.0)), height=HEIGHT, width=WIDTH)])
        round_.pull()
        head = round_.s.catalogue.head(task["data"]["frame_id"], OWNER)
        assert head is not None
        assert [s.class_id for s in head.record.annotation.shapes] == [PSOAS]
        held = physician.tasks()[1]
        round_.draw("v2", left=9.0)
        round_.push(model="v2")
        physician.submit(held, physician.draft_of(held))  # its draft was replaced meanwhile, and is there still
    assert round_.pull().counts["revisions added"] == 1


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "forth"])
def test_a_server_whose_clock_jumps_loses_no_correction(jump: timedelta, round_: Round, physician: Physician) -> None:
    task, other = physician.tasks()[:2]
    number = physician.submit(task, physician.draft_of(task))
    round_.pull()
    round_.server.studio._clock += jump
    physician.update(number, [region("psoas_major", list(box(4.0, 4.0, 12.0)), height=HEIGHT, width=WIDTH)])
    physician.submit(other, physician.draft_of(other))
    assert round_.pull().counts["revisions added"] == 2
    head = round_.s.catalogue.head(task["data"]["frame_id"], OWNER)
    assert head is not None
    assert [s.class_id for s in head.record.annotation.shapes] == [PSOAS]
    assert round_.pull().counts["revisions added"] == 0
    assert round_.states() == ["labelled", "labelled", "pushed", "pushed"]
    assert FRAMES == 4


def test_a_server_that_does_not_tell_its_time_is_taken_to_have_ours(client: StudioClient, server: FakeServer) -> None:
    server.fail("GET", "/version/", status=200, body={}, headers={"date": "yesterday"})
    said = datetime.fromisoformat(client.now())
    assert abs(said - datetime.now(UTC)) < timedelta(minutes=1)
    server.studio._clock = datetime(2030, 5, 6, 7, 8, 9, 500_000, tzinfo=UTC)
    assert client.now() == "2030-05-06T07:08:10.000000Z"


def personal(lasts: timedelta) -> str:
    claims = {"token_type": "refresh", "exp": datetime.now(UTC) + lasts}
    return jwt.encode(claims, "a key that is long enough for its algorithm", algorithm="HS256")


@pytest.mark.filterwarnings("ignore:The `parse_obj` method:DeprecationWarning")  # the SDK's
@pytest.mark.parametrize("call", ["whoami", "tasks"])
def test_a_short_lived_token_that_the_server_counts_as_expired_is_renewed_once(call: str, server: FakeServer) -> None:
    """By the clock of this computer, which is behind, it still holds."""
    with pytest.MonkeyPatch.context() as patch, StudioClient(Login(server.url, personal(30 * DAY))) as client:
        patch.setattr("fake_studio.TOKEN", personal(DAY))
        client.whoami()
        patch.setattr("fake_studio.TOKEN", personal(DAY + timedelta(minutes=5)))
        assert (client.whoami() if call == "whoami" else list(client.tasks(1))) in ((1, OWNER), [])
        assert server.count("POST", "/token/refresh/") == 2
        server.fail("POST", "/token/refresh/", status=401, body={"detail": "Token is blacklisted"})
        patch.setattr("fake_studio.TOKEN", personal(DAY + timedelta(minutes=9)))
        with pytest.raises(StudioError, match=r"refuses the token. Give it a valid one: dmr studio connect"):
            client.whoami() if call == "whoami" else list(client.tasks(1))


@pytest.mark.filterwarnings("ignore:The `parse_obj` method:DeprecationWarning")  # the SDK's
def test_a_short_lived_token_that_this_computer_counts_as_expired_still_serves(server: FakeServer) -> None:
    with pytest.MonkeyPatch.context() as patch, StudioClient(Login(server.url, personal(30 * DAY))) as client:
        patch.setattr("fake_studio.TOKEN", personal(timedelta(minutes=5) - DAY))
        assert client.whoami() == (1, OWNER)
        assert list(client.tasks(1)) == []
