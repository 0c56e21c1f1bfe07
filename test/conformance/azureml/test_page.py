import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_readme_has_the_figure_of_the_page():
    page = (ROOT / "docs" / "reference" / "azureml-examples.md").read_text()
    able, ran = re.search(
        r"command jobs, (\d+) need nothing that is not here; (\d+) of these ran", page
    ).groups()
    assert f"{ran} of {able} run" in (ROOT / "README.md").read_text()
