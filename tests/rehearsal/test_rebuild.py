"""A destroyed installation, and its rebuild with all data."""

import pytest

from tests.rehearsal.environment import BUCKET, Environment

pytestmark = pytest.mark.rehearsal
LONGEST = True


def test_fr09_installation_is_destroyed(environment: Environment) -> None:
    """Deps is deployed on a published network, gets a row and an object, and is destroyed."""
    environment.stand_in_for_network()
    environment.installation.deploy("deps")
    environment.put_in_a_row("1")
    environment.aws.client("s3").put_object(Bucket=BUCKET, Key="events/one.json", Body=b"{}")
    environment.installation.destroy("deps")


def test_fr28_network_comes_back(environment: Environment) -> None:
    """Network is deployed again, in a workspace that existed."""
    environment.installation.deploy("network")


def test_fr28_deps_comes_back_with_its_data(environment: Environment) -> None:
    """Deps restores that snapshot into the new VPC, and finds bucket and secret; no changes."""
    secrets = environment.application_secrets()
    (snapshot,) = environment.snapshots()
    assert environment.row_in(snapshot) == "1"
    environment.installation.deploy("deps")
    database = environment.database_in_state()
    assert database["snapshot_identifier"] == snapshot
    assert database["final_snapshot_identifier"] != snapshot
    assert environment.application_secrets() == secrets
    objects = environment.aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [each["Key"] for each in objects] == ["events/one.json"]
    environment.installation.assert_nothing_to_do("network", "deps")
