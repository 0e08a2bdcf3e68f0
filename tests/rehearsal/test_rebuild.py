"""A life that was ended, and everything that comes back in the next one."""

import pytest

from tests.rehearsal.stage import BUCKET, Stage

pytestmark = pytest.mark.rehearsal
LONGEST = True


def test_fr09_a_life_ends(stage: Stage) -> None:
    """Deps is deployed on a network that is only published, filled, and destroyed."""
    stage.stand_in_for_network()
    stage.installation.deploy("deps")
    stage.put_in_a_row("1")
    stage.aws.client("s3").put_object(Bucket=BUCKET, Key="events/one.json", Body=b"{}")
    stage.installation.destroy("deps")


def test_fr28_network_comes_back(stage: Stage) -> None:
    """Network is deployed anew, in the workspace that it had."""
    stage.installation.deploy("network")


def test_fr28_deps_comes_back_with_its_data(stage: Stage) -> None:
    """Deps restores that snapshot into the new VPC and finds bucket and secret; no more to do."""
    secrets = stage.application_secrets()
    (snapshot,) = stage.snapshots()
    assert stage.row_in(snapshot) == "1"
    stage.installation.deploy("deps")
    database = stage.database_in_state()
    assert database["snapshot_identifier"] == snapshot
    assert database["final_snapshot_identifier"] != snapshot
    assert stage.application_secrets() == secrets
    objects = stage.aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [each["Key"] for each in objects] == ["events/one.json"]
    stage.installation.assert_nothing_to_do("network", "deps")
