"""The mistakes students make, planted one at a time in a copy of nn_core: the tests must go red."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What stands in nn_core.py, the mistake, and the tests of test_nn_core.py that are to notice.
GRADIENT = "equals_central_differences"
OPTIMIZER = "equals_the_plain_formula_over_25_steps"
BUGS = {
    "momentum ignores beta": ("np.multiply(V, self.beta, out=V)", "V[...] = 0", OPTIMIZER),
    "Adam without bias correction": ("/ (1 - self.beta1**t)", "/ 1", OPTIMIZER),
    "He with 1/n": ("math.sqrt(2 / n_in)", "math.sqrt(1 / n_in)", "has_its_variance"),
    "ReLU' of the wrong sign": ("np.sign(a) if", "-np.sign(a) if", GRADIENT),
    "L2 left out of the gradient": ("+= (l2 / m) *", "+= 0 *", GRADIENT),
    "L2's 1/m missing": ("+= (l2 / m) *", "+= l2 *", GRADIENT),
    "the mean's 1/m missing": (" / self._count", "", GRADIENT),
    "the output's slope without (1 − h)": (" * h * (_ONE - h)", " * h", GRADIENT),
    "sigmoid' without its factor": ("    delta *= a\n", "", GRADIENT),
    "batches never shuffled": ("rng.permutation(m)", "np.arange(m)", "every_sample_once_an_epoch"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_unit_tests_catch(bug, tmp_path):
    text = (ROOT / "nn_core.py").read_text(encoding="utf-8")
    right, wrong, tests = BUGS[bug]
    assert text.count(right) == 1
    (tmp_path / "nn_core.py").write_text(text.replace(right, wrong), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", tests]
    paths = f"pythonpath={tmp_path} {ROOT} {ROOT / 'tests'}"
    run = subprocess.run(
        [*command, "-o", paths, str(ROOT / "tests" / "test_nn_core.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # they take seconds to load
        check=False,
    )
    assert run.returncode == 1 and " failed" in run.stdout, run.stdout[-2000:]
