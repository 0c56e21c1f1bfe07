"""Makes `from azureml.contrib.services.aml_request import rawhttp` work, and
`from azureml.ai.monitoring import Collector`.

The modules that scripts import are answered by contrib.py and collector.py, whether
Azure's own packages are installed or not: theirs need Flask and a server of their
own, or a program beside the worker. The packages above them are made up only where
nothing real is installed.
"""

import importlib.abc
import importlib.machinery
import sys
import types

from atelier_serving import collector, contrib

_REQUESTS = (contrib, ("rawhttp", "AMLRequest", "AMLResponse"))
_CONTEXTS = (
    collector,
    ("CorrelationContext", "BasicCorrelationContext", "get_context", "get_context_wrapper"),
)
#: What each module holds, and where that really is.
_MODULES = {
    "azureml.contrib.services.aml_request": _REQUESTS,
    "azureml.contrib.services.aml_response": _REQUESTS,
    "azureml_inference_server_http.api.aml_request": _REQUESTS,
    "azureml_inference_server_http.api.aml_response": _REQUESTS,
    "azureml.ai.monitoring": (collector, ("Collector",)),
    "azureml.ai.monitoring.collector": (collector, ("Collector",)),
    "azureml.ai.monitoring.context": _CONTEXTS,
    "azureml.ai.monitoring.context.context": _CONTEXTS,
}
#: Modules that others lie in.
_FOLDERS = {"azureml.ai.monitoring", "azureml.ai.monitoring.context"}
_PACKAGES = {
    "azureml",
    "azureml.ai",
    "azureml.contrib",
    "azureml.contrib.services",
    "azureml_inference_server_http",
    "azureml_inference_server_http.api",
}


class _Loader(importlib.abc.Loader):
    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        source, names = _MODULES.get(spec.name, (None, ()))
        for name in names:
            setattr(module, name, getattr(source, name))
        return module

    def exec_module(self, module):
        pass


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, names, package):
        self._names, self._package = names, package

    def find_spec(self, name, path=None, target=None):
        if name not in self._names:
            return None
        package = self._package or name in _FOLDERS
        return importlib.machinery.ModuleSpec(name, _Loader(), is_package=package)


def install():
    """Put the shims in place, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(_MODULES, package=False))
        sys.meta_path.append(_Finder(_PACKAGES, package=True))
