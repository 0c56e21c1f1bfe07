"""Makes `from azureml.contrib.services.aml_request import rawhttp` work.

The modules that scripts import are answered by contrib.py, whether Azure's own
packages are installed or not: theirs need Flask and a server of their own. The
packages above them are made up only where nothing real is installed.
"""

import importlib.abc
import importlib.machinery
import sys
import types

from atelier_serving import contrib

_MODULES = {
    "azureml.contrib.services.aml_request",
    "azureml.contrib.services.aml_response",
    "azureml_inference_server_http.api.aml_request",
    "azureml_inference_server_http.api.aml_response",
}
_PACKAGES = {
    "azureml",
    "azureml.contrib",
    "azureml.contrib.services",
    "azureml_inference_server_http",
    "azureml_inference_server_http.api",
}


class _Loader(importlib.abc.Loader):
    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        if spec.name in _MODULES:
            for name in ("rawhttp", "AMLRequest", "AMLResponse"):
                setattr(module, name, getattr(contrib, name))
        return module

    def exec_module(self, module):
        pass


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, names, package):
        self._names, self._package = names, package

    def find_spec(self, name, path=None, target=None):
        if name not in self._names:
            return None
        return importlib.machinery.ModuleSpec(name, _Loader(), is_package=self._package)


def install():
    """Put the shims in place, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(_MODULES, package=False))
        sys.meta_path.append(_Finder(_PACKAGES, package=True))
