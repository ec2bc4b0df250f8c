"""The deep-learning frameworks are optional: nothing else imports them, and what needs one says which."""

import subprocess
import sys

import pytest


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["torch", "jax", "keras"])
def test_a_missing_framework_is_named_with_the_extra_that_installs_it(name):
    done = python(f"import sys; sys.modules[{name!r}] = None; import eoc.initializers; eoc.initializers.{name}")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert f"eoc.initializers.{name} needs {name}, which is not installed" in last
    assert f'pip install "eoc[{name}]"' in last


def test_the_base_install_imports_none_of_them():
    done = python(
        "import sys, eoc, eoc.cli, eoc.operating_point, eoc.sweeps\n"
        "print({'torch', 'jax', 'flax', 'keras', 'sklearn'} & set(sys.modules))"
    )
    assert done.stdout == "set()\n", done.stderr
