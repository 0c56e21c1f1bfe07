import subprocess
import sys
import zipfile
from pathlib import Path


def test_the_wheel_holds_both_packages_and_no_test(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=Path(__file__).parents[1], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("atelier-*.whl"))) as wheel:
        names = wheel.namelist()
    assert {"atelier/__init__.py", "atelier/py.typed", "atelier_serving/__init__.py"} <= set(names)
    assert [name for name in names if "test" in name] == []
