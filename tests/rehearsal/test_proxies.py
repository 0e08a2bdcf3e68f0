"""A network whose only way out is a proxy that reads along: who goes through it, trusting whom."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.helpers.checkout import clean_environment
from tests.helpers.proxy import Proxy, listening

pytestmark = pytest.mark.rehearsal

# Seconds. A program that is refused may try again for longer than that.
LONGEST: Final = 60


class Network:
    """Runs programs in a folder of its own, with the proxy's variables and further ones."""

    def __init__(self, proxy: Proxy, folder: Path) -> None:
        self.proxy = proxy
        self.folder = folder

    def versions(self) -> set[str]:
        """Nothing: which provider is asked makes no difference."""
        return set()

    def reached(self, *command: str, **variables: str) -> tuple[set[str], set[str]]:
        """Return the hosts that a command asked the proxy for, and those that it trusted."""
        self.proxy.asked.clear()
        self.proxy.trusted.clear()
        environment = {
            **clean_environment(),
            "HOME": str(self.folder),
            "CHECKPOINT_DISABLE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "HTTPS_PROXY": self.proxy.url,
            **variables,
        }
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return set(self.proxy.asked), set(self.proxy.trusted)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with listening(tmp_path_factory.mktemp("proxy")) as proxy:
        yield Network(proxy, tmp_path_factory.mktemp("home"))


def hosts(found: set[str]) -> set[str]:
    return {each.removesuffix(":443") for each in found}


def test_terraform_and_its_providers(environment: Network, mirror: Path) -> None:
    """Terraform's backend, and the providers of AWS, Terraform Cloud and Helm, trust SSL_CERT_FILE.

    Cannot prove: macOS, where Go's programs trust what the keychain does.
    """
    ca = str(environment.proxy.authority)
    folder = environment.folder
    backend = {"remote": {"hostname": "app.terraform.io", "organization": "a"}}
    backend["remote"]["workspaces"] = {"name": "b"}  # type: ignore[assignment]
    (folder / "main.tf.json").write_text(json.dumps({"terraform": {"backend": backend}}))
    asked, trusted = environment.reached(
        "terraform",
        "init",
        "-input=false",
        SSL_CERT_FILE=ca,
        TF_TOKEN_app_terraform_io="t",  # noqa: S106
    )
    assert hosts(asked) == hosts(trusted) == {"app.terraform.io"}
    document = {
        "terraform": {
            "required_providers": {
                name: {"source": f"hashicorp/{name}"} for name in ("aws", "helm", "tfe")
            }
        },
        "provider": {
            "aws": {"region": "us-east-1"},
            "tfe": {"hostname": "tfe.example.com", "token": "t"},
        },
        "data": {
            "aws_caller_identity": {"me": {}},
            "tfe_organizations": {"all": {}},
            "helm_template": {
                "a": {"name": "a", "chart": "a", "repository": "https://charts.example.com"}
            },
        },
    }
    (folder / "main.tf.json").write_text(json.dumps(document), encoding="utf-8")
    path = json.dumps(str(mirror / "providers"))
    config = folder / "terraform.rc"
    config.write_text(f"provider_installation {{\n filesystem_mirror {{ path = {path} }}\n}}\n")
    variables = {"SSL_CERT_FILE": ca, "TF_CLI_CONFIG_FILE": str(config)}
    environment.reached("terraform", "init", "-input=false", **variables)
    _, trusted = environment.reached("terraform", "plan", "-input=false", **variables)
    assert hosts(trusted) == {
        "sts.us-east-1.amazonaws.com",
        "tfe.example.com",
        "charts.example.com",
    }
    del variables["SSL_CERT_FILE"]
    _, trusted = environment.reached(
        "terraform", "plan", "-input=false", **variables, AWS_CA_BUNDLE=ca
    )
    assert hosts(trusted) == {"sts.us-east-1.amazonaws.com"}


def test_kubectl(environment: Network) -> None:
    """Kubectl goes through the proxy, but not to hosts of NO_PROXY."""
    ask = ("kubectl", "--server=https://k8s.example.com", "--token=t", "get", "--raw=/version")
    ca = str(environment.proxy.authority)
    _, trusted = environment.reached(*ask, SSL_CERT_FILE=ca)
    assert hosts(trusted) == {"k8s.example.com"}
    asked, _ = environment.reached(*ask, SSL_CERT_FILE=ca, NO_PROXY="k8s.example.com")
    assert not asked


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_aws_cli(environment: Network, variable: str) -> None:
    """The AWS CLI trusts AWS_CA_BUNDLE and REQUESTS_CA_BUNDLE, not SSL_CERT_FILE."""
    ask = ("aws", "sts", "get-caller-identity", "--region=us-east-1", "--cli-connect-timeout=5")
    ca = str(environment.proxy.authority)
    _, trusted = environment.reached(*ask, **{variable: ca})
    assert hosts(trusted) == {"sts.us-east-1.amazonaws.com"}
    asked, trusted = environment.reached(*ask, SSL_CERT_FILE=ca, AWS_MAX_ATTEMPTS="1")
    assert asked
    assert not trusted


def test_npm(environment: Network) -> None:
    """Npm trusts NODE_EXTRA_CA_CERTS beside the public authorities."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not on PATH")
    ask = ("npm", "view", "cdktf", "--registry=https://npm.example.com", "--fetch-retries=0")
    ca = str(environment.proxy.authority)
    _, trusted = environment.reached(*ask, NODE_EXTRA_CA_CERTS=ca)
    assert hosts(trusted) == {"npm.example.com"}
    _, trusted = environment.reached(*ask)
    assert not trusted
