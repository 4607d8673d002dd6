"""The demonstration keeps its promises, and says so."""

import subprocess
import sys


def test_the_demo_ends_with_every_target_equal_to_its_source():
    done = subprocess.run(
        [sys.executable, "-m", "bucketrelay", "demo"], capture_output=True, text=True, check=False, timeout=100
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "every target equals its source" in done.stdout
    assert "failed_object" in done.stdout
    assert "1 to come again" in done.stdout
    assert done.stderr == ""
