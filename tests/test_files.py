"""Files are replaced as a whole; what killed processes left goes, what living ones have stays."""

import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from eoc.cli.common import check_file
from eoc.errors import EocError
from eoc.files import replacing, resolved

posix = pytest.mark.skipif(os.name != "posix", reason="locks of folders, links, pipes")


def write(path: Path, text: str) -> None:
    with replacing(path, "the text") as part:
        part.write_text(text)


def die_while_writing(path: Path) -> None:
    with replacing(path, "the text") as part:
        part.write_text("half")
        os._exit(9)


def kill(path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=die_while_writing, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == 9


@posix
def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path):
    target = tmp_path / "edge [1].png"
    write(target, "old")
    kill(target)
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    write(target, "new")
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_text() == "new"


@posix
def test_what_a_living_process_writes_is_left_alone(tmp_path):
    target = tmp_path / "edge.png"
    with replacing(target, "the text") as slow:
        slow.write_text("slow")
        write(target, "quick")
        assert slow.exists()
    assert target.read_text() == "slow"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_of_other_names_are_nobody_s(tmp_path):
    for name in (".edge.png.backup", ".edge.png.eocene", ".other.png.eoc-abc", ".edge.png.abcd1234"):
        (tmp_path / name).mkdir()
    write(tmp_path / "edge.png", "new")
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("name", ["a\nb.txt", "\u00e4" * 100 + ".txt", "x" * 250, "-.txt", " .txt"])
def test_names_are_what_the_system_allows(tmp_path, name):
    write(tmp_path / name, "text")
    assert [one.name for one in tmp_path.iterdir()] == [name]
    with pytest.raises(EocError, match=r"cannot (write|use)"):
        write(tmp_path / ("x" * 300), "text")


@posix
def test_devices_and_pipes_are_written_to(tmp_path):
    null, pipe = tmp_path / "null.txt", tmp_path / "pipe.txt"
    null.symlink_to(os.devnull)
    os.mkfifo(pipe)
    write(null, "nothing")
    assert not Path(os.devnull).is_file()
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write(pipe, "through")
    reader.join()
    assert read == ["through"]
    assert pipe.is_fifo()
    if Path("/dev/full").exists():
        full = tmp_path / "full.txt"
        full.symlink_to("/dev/full")
        with pytest.raises(EocError, match="No space left on device"):
            write(full, "text")


@posix
def test_links_in_a_circle_and_a_folder_that_is_gone(tmp_path, monkeypatch):
    loop = tmp_path / "loop.txt"
    loop.symlink_to(loop)
    with pytest.raises(EocError, match=r"cannot use .*loop\.txt: "):
        write(loop, "text")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(EocError, match="the current folder does not exist any more"):
        resolved(Path("new.txt"))


def test_files_are_checked_before_anything_is_computed(tmp_path):
    for path, message in (
        (tmp_path / "out.xyz", "its name must end in one of csv, npz"),
        (tmp_path / "no" / "out.csv", "there is no folder"),
        (tmp_path.with_suffix(".csv"), None),
    ):
        if message is None:
            check_file(path, "it", ("csv", "npz"))
            continue
        with pytest.raises(EocError, match=message):
            check_file(path, "it", ("csv", "npz"))
