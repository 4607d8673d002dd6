"""What is special about a directory as a store: other programs, odd names, and that it cannot be left."""

import errno
import json
import os
import resource
import shutil
import stat
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bucketrelay.abilities import Part, Upload
from bucketrelay.clouds.local import files as local_files
from bucketrelay.clouds.local.paths import decode_key, encode_key, plain
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.errors import ObjectGone, SourceChanged, StoreRefused, StoreUnavailable
from bucketrelay.model import Address, Meta
from thorough import examples

TEXT = Meta(content_type="text/plain", user={"a": "b"})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "bucket").mkdir()
    return tmp_path / "bucket"


@pytest.fixture
def store(place: Path) -> LocalStore:
    return LocalStore(Address("file", str(place)))


def keys(store: LocalStore) -> list[str]:
    return [info.key for info in store.list()]


def files(place: Path) -> set[str]:
    """Everything outside of the hidden directory."""
    found = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith(".bucketrelay/")}


class TestNames:
    @pytest.mark.parametrize("key", ["a", "in/a b.jpg", "ü/日本.txt", "a+b%2Fc", ".hidden", "a.b/..c", "line\nbreak"])
    def test_an_ordinary_key_is_a_file_of_that_name(self, store, place, key):
        store.put(key, b"1", TEXT)
        assert (place / key).read_bytes() == b"1"

    @pytest.mark.parametrize(
        "key", ["a//b", "/a", "a/", "..", "../a", "a/./b", ".bucketrelay/odd/a", "x" * 256, "nul\0"]
    )
    def test_any_other_key_is_a_file_below_the_hidden_directory(self, store, place, key):
        store.put(key, b"1", TEXT)
        assert files(place) == set()
        assert files(place.parent) == {
            str(path.relative_to(place.parent)) for path in place.rglob("*") if path.is_file()
        }
        assert keys(store) == [key]

    @given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=400))
    def test_a_hidden_name_leads_back_to_its_key_and_can_be_any_files_name(self, key):
        names = encode_key(key)
        assert decode_key(names) == key
        assert all(name not in (".", "..") and len(name) <= 255 and name.isascii() for name in names)
        assert all(name.endswith("+") for name in names[:-1])
        assert not names[-1].endswith("+")

    @given(st.text(st.sampled_from(["a", "b", ".", "/", "\0"]), min_size=1, max_size=8))
    def test_a_plain_key_stays_below_its_directory(self, key):
        if plain(key):
            assert os.path.normpath(f"/top/{key}") == f"/top/{key}"

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.text(st.sampled_from("ab/."), min_size=1, max_size=5), min_size=1, max_size=6, unique=True))
    def test_keys_that_are_in_each_others_way_all_live(self, tmp_path_factory, names):
        store = LocalStore(Address("file", str(tmp_path_factory.mktemp("bucket"))))
        for key in names:
            store.put(key, key.encode(), TEXT)
        assert keys(store) == sorted(names)
        for key in names:
            assert store.fetch(key, 10).body == key.encode()
            assert store.look(key).meta == TEXT
        for key in names[:-1]:
            store.delete(key)
        assert keys(store) == names[-1:]
        assert store.fetch(names[-1], 10).body == names[-1].encode()

    def test_a_key_moves_to_its_own_name_once_the_way_is_free(self, store, place):
        store.put("a/b", b"1", TEXT)
        store.put("a", b"2", TEXT)
        assert files(place) == {"a/b"}
        store.delete("a/b")
        store.put("a", b"3", TEXT)
        assert files(place) == {"a"}
        assert keys(store) == ["a"]
        assert store.fetch("a", 1).body == b"3"

    def test_the_last_key_of_a_directory_takes_the_directory_with_it(self, store, place):
        store.put("a/b/c", b"1", TEXT)
        store.put("a//b", b"1", TEXT)
        store.delete("a/b/c")
        store.delete("a//b")
        assert not (place / "a").exists()
        assert not (place / ".bucketrelay" / "odd").exists()


class TestOtherPrograms:
    def test_their_files_are_objects(self, store, place):
        (place / "in").mkdir()
        (place / "in" / "their file").write_bytes(b"12345")
        info = store.look("in/their file")
        assert (info.size, info.meta, info.checksums) == (5, Meta(), {})
        assert list(store.list()) == [info]
        assert store.read(info, 1, 3) == b"234"
        store.delete("in/their file")
        assert files(place) == set()

    def test_their_rewrite_of_our_object_is_another_version_without_our_metadata(self, store, place):
        store.put("a", b"12345", TEXT)
        ours = store.look("a")
        (place / "a").write_bytes(b"54321")
        theirs = store.look("a")
        assert theirs.etag != ours.etag
        assert theirs.meta == Meta()
        with pytest.raises(SourceChanged):
            store.read(ours, 0, 5)

    def test_our_rewrite_of_their_file_has_our_metadata(self, store, place):
        (place / "a").write_bytes(b"theirs")
        store.put("a", b"ours", TEXT)
        assert store.look("a").meta == TEXT
        assert (place / "a").read_bytes() == b"ours"

    def test_a_rewrite_in_place_while_it_is_read_is_seen(self, store, place, monkeypatch):
        (place / "a").write_bytes(b"12345")
        info = store.look("a")
        unchanged = local_files.Opened.unchanged

        def rewritten_meanwhile(opened: local_files.Opened) -> bool:
            (place / "a").write_bytes(b"1234567")
            return unchanged(opened)

        monkeypatch.setattr(local_files.Opened, "unchanged", rewritten_meanwhile)
        with pytest.raises(SourceChanged, match="while it was read"):
            store.read(info, 0, 5)

    def test_directories_and_pipes_are_no_objects(self, store, place):
        (place / "directory").mkdir()
        os.mkfifo(place / "pipe")
        assert keys(store) == []
        assert store.look("directory") is None
        assert store.look("pipe") is None

    @pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux takes names that are no text")
    def test_a_name_that_is_no_text_is_refused_not_left_out(self, store, place):
        Path(os.fsdecode(os.fsencode(place) + b"/\xff")).write_bytes(b"")
        with pytest.raises(StoreRefused, match="rename"):
            keys(store)


class TestLeaving:
    @pytest.fixture
    def outside(self, tmp_path):
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "secret").write_bytes(b"secret")
        return tmp_path / "outside"

    def test_a_link_to_a_file_is_neither_read_nor_written_nor_listed(self, store, place, outside):
        (place / "link").symlink_to(outside / "secret")
        for call in (
            lambda: store.look("link"),
            lambda: store.fetch("link", 10),
            lambda: store.put("link", b"1", TEXT),
            lambda: store.delete("link"),
            lambda: keys(store),
        ):
            with pytest.raises(StoreRefused, match="symbolic link"):
                call()
        assert (outside / "secret").read_bytes() == b"secret"
        assert (place / "link").is_symlink()

    def test_a_link_to_a_directory_is_not_followed(self, store, place, outside):
        (place / "link").symlink_to(outside)
        for call in (
            lambda: store.look("link/secret"),
            lambda: store.put("link/secret", b"1", TEXT),
            lambda: store.put("link/new/deep", b"1", TEXT),
            lambda: store.delete("link/secret"),
            lambda: keys(store),
        ):
            with pytest.raises(StoreRefused, match="symbolic link"):
                call()
        assert [path.name for path in outside.iterdir()] == ["secret"]
        assert (outside / "secret").read_bytes() == b"secret"

    def test_a_link_in_place_of_the_hidden_directory_is_not_followed(self, store, place, outside):
        (place / ".bucketrelay").symlink_to(outside)
        with pytest.raises(StoreRefused, match="symbolic link"):
            store.put("a", b"1", TEXT)
        assert [path.name for path in outside.iterdir()] == ["secret"]

    def test_the_directory_itself_may_be_reached_by_a_link(self, place, tmp_path):
        (tmp_path / "alias").symlink_to(place)
        store = LocalStore(Address("file", str(tmp_path / "alias")))
        store.put("a", b"1", TEXT)
        assert files(place) == {"a"}
        assert keys(store) == ["a"]

    def test_dots_do_not_lead_out(self, store, place, outside):
        for key in ("../outside/secret", "/etc/passwd", "a/../../outside/secret"):
            assert store.look(key) is None
            store.put(key, b"mine", TEXT)
            store.delete(key)
        assert (outside / "secret").read_bytes() == b"secret"
        assert files(place) == set()

    @pytest.mark.parametrize("id_", ["../../outside", "..", "/etc", "0" * 31, ""])
    def test_an_upload_that_a_checkpoint_names_wrongly_does_not_lead_out(self, store, outside, id_):
        upload = Upload("a", id_)
        for call in (
            lambda: list(store.parts(upload)),
            lambda: store.put_part(upload, 1, b"1"),
            lambda: store.commit(upload, [Part(1, "0" * 32, 1)]),
        ):
            with pytest.raises(ObjectGone):
                call()
        store.abandon(upload)
        assert (outside / "secret").exists()

    def test_an_upload_serves_its_own_key_alone(self, store):
        upload = store.begin("a", TEXT)
        with pytest.raises(ObjectGone):
            store.put_part(Upload("b", upload.id), 1, b"1")

    def test_a_part_that_is_named_wrongly_does_not_lead_out(self, store, outside):
        upload = store.begin("a", TEXT)
        held = store.put_part(upload, 1, b"1")
        with pytest.raises(StoreRefused):
            store.commit(upload, [held, Part(2, "../../../../outside/secret", 6)])
        assert store.look("a") is None


class TestWriting:
    def test_a_write_that_fails_leaves_the_old_object_and_no_litter(self, store, place, monkeypatch):
        store.put("a", b"old", TEXT)

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(StoreUnavailable, match=r"No space left.*free some space"):
                store.put("a", b"new", TEXT)
        assert store.fetch("a", 10).body == b"old"
        assert store.look("a").meta == TEXT
        assert list((place / ".bucketrelay" / "new").iterdir()) == []

    def test_what_a_killed_process_was_writing_is_removed_a_day_later_and_nothing_younger(self, store, place):
        store.put("a", b"1", TEXT)
        new = place / ".bucketrelay" / "new"
        for name in ("torn", "young"):
            (new / name).write_bytes(b"half of a bo")
        (new / "upload").mkdir()
        (new / "upload" / "00001-part").write_bytes(b"1")
        for name in ("torn", "upload"):
            os.utime(new / name, (1, time.time() - 90_000))

        LocalStore(store.address).put("b", b"2", TEXT)
        assert [each.name for each in new.iterdir()] == ["young"]
        assert (store.fetch("a", 9).body, store.fetch("b", 9).body) == (b"1", b"2")

    def test_an_upload_that_is_over_is_gone_at_once_however_slowly_its_parts_are(self, store, place, monkeypatch):
        """Killed while they were removed one by one, the note of the upload was gone, and nobody found the rest."""
        upload = store.begin("a", TEXT)
        store.put_part(upload, 1, b"1")

        class Killed(BaseException):
            pass

        def killed(*_: object, **__: object) -> None:
            raise Killed

        monkeypatch.setattr(shutil, "rmtree", killed)
        with pytest.raises(Killed):
            store.abandon(upload)
        assert list((place / ".bucketrelay" / "uploads").iterdir()) == []
        assert list(store.uploads()) == []

    def test_a_write_is_one_new_file_never_a_change_of_the_old(self, store, place):
        store.put("a", b"old", TEXT)
        with (place / "a").open("rb") as reader:
            store.put("a", b"new", TEXT)
            assert reader.read() == b"old"

    def test_only_the_metadata_of_the_present_version_is_kept(self, store, place):
        for number in range(3):
            store.put("a", b"%d" % number, TEXT)
        notes = list((place / ".bucketrelay" / "meta" / "a").iterdir())
        assert len(notes) == 1
        assert json.loads(notes[0].read_bytes())["meta"]["user"] == {"a": "b"}
        store.delete("a")
        assert not (place / ".bucketrelay" / "meta" / "a").exists()

    def test_the_same_content_has_the_same_etag_in_any_directory(self, store, tmp_path):
        (tmp_path / "other").mkdir()
        other = LocalStore(Address("file", str(tmp_path / "other")))
        assert store.put("a", b"12345", TEXT) == other.put("b", b"12345", Meta())

    def test_more_metadata_than_fits_is_refused(self, store):
        with pytest.raises(StoreRefused, match="metadata"):
            store.put("a", b"", Meta(user={"a": "x" * 70_000}))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_directory_that_may_not_be_written_is_refused(self, store, place):
        place.chmod(stat.S_IRUSR | stat.S_IXUSR)
        with pytest.raises(StoreRefused, match="grant the permission"):
            store.put("a", b"", TEXT)

    def test_a_directory_that_vanishes_is_never_an_empty_one(self, store, place):
        store.put("a", b"1", TEXT)
        place.rename(place.with_name("elsewhere"))
        for call in (lambda: store.look("a"), lambda: keys(store), lambda: store.put("a", b"", TEXT)):
            with pytest.raises(StoreRefused, match="no such directory"):
                call()


@pytest.mark.parametrize("size", [4096, 200_000])
def test_a_write_that_the_disk_ends_is_told_in_one_line_and_leaves_nothing(store, place, size):
    """However large: what a buffer still holds is not written once more when the file is closed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        with pytest.raises(StoreRefused, match="File too large: grant the permission or mend the directory"):
            store.put("a", b"x" * size, Meta())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.look("a") is None
    assert list((place / ".bucketrelay" / "new").iterdir()) == []
