import pytest
import rules


def said(faults=(), **job):
    return {"value": job, "faults": [{"message": message} for message in faults]}


@pytest.mark.parametrize(
    ("file", "needs"),
    [
        (said(command="echo fine"), None),
        (said(command="x", compute="azureml:cpu-cluster"), None),
        (said(command="x", compute="azureml:gpu-cluster"), rules.GPU),
        (said(command="x", compute="low-pri-nc24s"), rules.GPU),
        (said(command="x", resources={"instance_type": "Standard_NC6s_v3"}), rules.GPU),
        (said(command="x", environment="azureml:AzureML-acpt-pytorch-2.8-cuda12.6@latest"), rules.GPU),
        (said(command="x", environment={"image": "nvidia/cuda:12"}), rules.GPU),
        (said(command="python a.py --cuda"), rules.GPU),
        (said(["RUN make is not offered: only pip, conda and apt-get install are read."]), rules.IMAGE),
        (said(['RUN holds the shell\'s "|", which is not read. Needs a container engine.']), rules.IMAGE),
        (said(["COPY --from=a is not offered. More needs a container engine."], command="x"), None),
        (
            said(['"graphviz" is a system package, which the Python package index does not have.']),
            rules.SYSTEM,
        ),
        (said(['"compute" still holds the placeholder "<a>".'], command="x"), rules.FILLING),
        (said(['"code" leads nowhere: /a'], command="x"), rules.FILES),
        (said(['Unknown key "colour".'], command="x"), None),
        (said(command="x", inputs={"a": {"path": "wasbs://c@a.blob.core.windows.net/b"}}), rules.INTERNET),
        (said(command="x", inputs={"a": "https://example.org/b.csv"}), rules.INTERNET),
        (said(command="x", inputs={"a": 0.1, "b": {"path": "/here/data"}}), None),
        (said(command="x", inputs={"a": {"path": "azureml:known@latest"}}), None),
        (said(command="x", inputs={"a": {"path": "azureml:other:1"}}), rules.ELSEWHERE),
        (said(command="x", inputs={"a": {"path": "azureml://datastores/d/paths/p"}}), rules.ELSEWHERE),
    ],
)
def test_what_a_job_needs(file, needs):
    assert rules.needs(file, {"known"}) == needs


@pytest.mark.parametrize(
    ("code", "needs"),
    [
        ("from azure.identity import X", rules.AZURE),
        ("import azureml.core", rules.AZURE),
        ("data = torchvision.datasets.CIFAR10('.')", rules.INTERNET),
        ('csv = "https://a.blob.core.windows.net/b.csv"', rules.INTERNET),
        ("import pandas  # azure", None),
    ],
)
def test_what_its_code_needs(tmp_path, code, needs):
    (tmp_path / "train.py").write_text(code)
    (tmp_path / "other.py").write_text("import azureml.core")
    assert rules.needs(said(command="python train.py", code=str(tmp_path)), set()) == needs


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("https://a.blob.core.windows.net/c/d/e.csv", "a.blob.core.windows.net/c/d/e.csv"),
        ("wasbs://c@a.blob.core.windows.net/d/", "a.blob.core.windows.net/c/d"),
        ("azureml://datastores/one/paths/d/", "datastores/one/d"),
        ("azureml:rows@latest", "data/rows"),
        ("runs:/a/b", None),
    ],
)
def test_where_a_stand_in_lies(place, name):
    assert rules.stand_in(place) == name


def test_what_a_job_turns_out_to_need():
    missing = "Dockerfile asks for Python 3.8. This machine has Python 3.11.7. Install that version."
    assert rules.lacks(missing) == rules.PYTHON
    assert rules.lacks("Dockerfile: the packages cannot be installed") is None
