"""What is public does not change unnoticed, and all of it is documented."""

import tomllib
from importlib import import_module
from inspect import isclass, isroutine

import pytest
from public_api import LISTED, ROOT, WITH_FRAMEWORKS, lines, modules, names_of

import eoc


def test_what_is_public_does_not_change_unnoticed():
    now, before = set(lines()), set(LISTED.read_text(encoding="utf-8").splitlines())
    new = "\n".join(f"  + {line}" for line in sorted(now - before))
    gone = "\n".join(f"  - {line}" for line in sorted(before - now))
    assert now == before, (
        f"public names differ from tests/public_api.txt:\n{gone}\n{new}\nIf this is meant, see 'Public names' in "
        "CONTRIBUTING.md, say it in CHANGELOG.md, and run: python tests/public_api.py"
    )


def test_every_public_name_has_a_place_in_the_reference():
    groups = tomllib.loads((ROOT / "docs" / "reference.toml").read_text(encoding="utf-8"))["group"]
    listed = [name for group in groups if group.get("module") == "eoc" for name in group["names"]]
    assert len(listed) == len(set(listed))
    assert set(listed) <= set(eoc.__all__)
    # What is not listed yet the reference puts into a group of its own.


@pytest.mark.parametrize("module", [name for name in modules() if not name.startswith(WITH_FRAMEWORKS)])
def test_every_public_name_is_documented(module):
    found = import_module(module)
    values = {name: getattr(found, name) for name in names_of(module)}
    missing = [name for name, one in values.items() if (isclass(one) or isroutine(one)) and not one.__doc__]
    assert not missing
    assert found.__doc__
    if module == "eoc":
        assert all("Examples\n" in one.__doc__ for name, one in values.items() if name[0].islower())
