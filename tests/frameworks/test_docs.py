"""The sessions in the documentation are what Python prints, and commands what they print."""

import pytest
from pages import check_sample, check_session, samples, sessions

SAMPLES, SESSIONS = samples(frameworks=True), sessions(frameworks=True)


@pytest.mark.parametrize("page", SESSIONS.values(), ids=SESSIONS)
def test_sessions_are_what_python_prints(page, tmp_path):
    check_session(page, tmp_path)


@pytest.mark.parametrize(("command", "shown"), SAMPLES.values(), ids=SAMPLES)
def test_commands_print_what_is_shown(command, shown):
    check_sample(command, shown)
