"""What is handed out works by itself: sdist -> wheel -> an environment of its own -> a report, without the network."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import ROOT, cli_environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the environment's layout below is that of POSIX")


class Built(NamedTuple):
    """The two files of a release; the wheel was built from the unpacked sdist, not from the checkout."""

    sdist: Path
    wheel: Path


def run(*command: object, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def plain_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    environment = cli_environment(tmp_path_factory.mktemp("wheel-lake"))
    del environment["PYTHONPATH"]
    return environment


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str]) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT, env=plain_env)
    (sdist,) = folder.glob("*.tar.gz")
    run(sys.executable, "-m", "tarfile", "-e", sdist, folder / "unpacked", cwd=folder, env=plain_env)
    (tree,) = (folder / "unpacked").iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=tree, env=plain_env)
    (wheel,) = folder.glob("*.whl")
    return Built(sdist, wheel)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str], built: Built) -> Path:
    """
    An empty environment with the wheel in it.

    Its packages come after it on the path, from the environment of these tests, so no network is needed. What a
    ``.pth`` file names is not searched for further ``.pth`` files, so the checkout's editable install stays out.
    """
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment, env=plain_env)
    python = environment / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(python, "-c", ask, cwd=environment, env=plain_env).strip())
    others = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (site / "packages-of-the-tests.pth").write_text("\n".join(others) + "\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--quiet")
    run(*pip, "install", "--no-deps", "--no-index", built.wheel, cwd=environment, env=plain_env)
    return environment


def files_below(folder: str, pattern: str = "*") -> set[str]:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found, f"{folder}/ is empty"
    return found


@pytest.mark.slow
def test_wheel_carries_code_sql_templates_and_sample(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = set(archive.namelist())
    data = {f"liqcli/_data/{name}" for name in files_below("templates") | files_below("sample_data")}
    code = files_below("liqcli", "*.py") | files_below("liqcli", "*.sql") | {"liqcli/py.typed"}
    assert code | data <= names
    assert not [name for name in names if name.startswith(("tests/", "scripts/", "docs/"))]


@pytest.mark.slow
def test_wheel_installs_man_page_and_completions(built: Built, installed: Path, plain_env: dict[str, str]) -> None:
    names = files_below("share")
    assert {name.split("/")[1] for name in names} == {"man", "bash-completion", "zsh", "fish"}
    with zipfile.ZipFile(built.wheel) as archive:
        held = {name.partition(".data/data/")[2] for name in archive.namelist()}
    assert names <= held
    for name in names:
        assert (installed / name).read_bytes() == (ROOT / name).read_bytes()
    assert "\n.SS liqcli heatmap " in (installed / "share/man/man1/liqcli.1").read_text(encoding="utf-8")


def test_bash_completes_with_the_installed_file(installed: Path, plain_env: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    script = (
        f"PATH={installed}/bin:$PATH; source {installed}/share/bash-completion/completions/liqcli; "
        'COMP_WORDS=(liqcli heat); COMP_CWORD=1; _liqcli_completion liqcli; echo "${COMPREPLY[@]}"; complete -p liqcli'
    )
    lines = run("bash", "-c", script, cwd=tmp_path, env=plain_env).splitlines()
    assert lines[0].split() == ["heatmap"]
    assert "_liqcli_completion liqcli" in lines[1]


def test_sdist_carries_what_a_developer_needs(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "requirements.txt", "Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"}
    wanted |= files_below("templates") | files_below("sample_data") | files_below("liqcli", "*.sql")
    wanted |= (
        files_below("share")
        | files_below("scripts", "*.py")
        | files_below("tests", "*.py")
        | files_below("docs", "*.md")
    )
    assert wanted <= names


@pytest.mark.slow
def test_installed_wheel_renders_a_report(installed: Path, plain_env: dict[str, str], tmp_path: Path) -> None:
    where = "import liqcli; print(liqcli.__file__)"
    imported = Path(run(installed / "bin" / "python", "-c", where, cwd=tmp_path, env=plain_env).strip())
    assert imported.is_relative_to(installed)

    assert "demo" in run(installed / "bin" / "liqcli", "--help", cwd=tmp_path, env=plain_env)
    one_page = (
        "import liqcli, liqcli.demo as d; sample = d.data_folder('sample_data') / 'liquidations.csv.gz'; "
        "d.import_files(d.Lake(d.Path('lake')), [sample], d.ImportOptions()); "
        "report = liqcli.Lake('lake').heatmap('BTCUSDT', until='latest', theme='dark', sections='map,data'); "
        "report.save('page.html')"
    )
    run(installed / "bin" / "python", "-c", one_page, cwd=tmp_path, env=plain_env)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1" in page
    assert "data:image/webp;base64," in page
    assert "synthetic" in page.lower()
