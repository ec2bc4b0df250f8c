"""What README.md and the documentation show is what a user gets: commands, sessions, and the Python example."""

import re

import pytest
from pages import MADE, PAGES, ROOT, check_sample, check_session, samples, sessions, text_of

SAMPLES, SESSIONS = samples(frameworks=False), sessions(frameworks=False)


@pytest.mark.parametrize(("command", "shown"), SAMPLES.values(), ids=SAMPLES)
def test_console_samples_are_what_the_commands_print(command, shown):
    check_sample(command, shown)


@pytest.mark.parametrize("page", SESSIONS.values(), ids=SESSIONS)
def test_sessions_are_what_python_prints(page, tmp_path):
    check_session(page, tmp_path)


def test_links_lead_to_files():
    pages = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "figures" / "README.md"]
    for page in pages:
        for target in re.findall(
            r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)", re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
        ):
            made = page.parent.joinpath(target).resolve()
            if not {*MADE, "glossary.md"} & {*made.parts[-2:]}:
                assert made.exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", ["README.md", "docs/tour.md"])
def test_the_python_example_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", text_of(ROOT / page), re.DOTALL)
    names = {}
    exec(compile(example, page, "exec"), names)
    assert names["point"].sigma_w == pytest.approx(1.30414584006, rel=1e-11)
    assert len(names["run"].one_minus_c[0]) == 10
