"""Loads a scoring script and calls its init() and run()."""

import importlib.util
import inspect
import os
import sys
import traceback
from types import ModuleType

from atelier_serving import contrib, inference, inputs


def print_fault(fault):
    """Print a fault of the script as Python would, beginning with the script's own lines."""
    trace = fault.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    traceback.print_exception(type(fault), fault, trace or fault.__traceback__)
    sys.stderr.flush()


def _is_ours(filename):
    return filename.startswith("<frozen importlib") or filename.startswith(os.path.dirname(__file__) + os.sep)


#: The versions of OpenAPI that a document can be asked for in.
SCHEMA_VERSIONS = ["2", "3", "3.1"]


class ScriptError(Exception):
    """The script cannot be served. Code is Azure's word for why."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Script:
    """A scoring script: a file with init() and run()."""

    def __init__(self, app_root, entry):
        self.entry = entry
        self.path = os.path.join(app_root, entry)
        self.pages = {}  # beside those that every script has: their texts, by path

    def load(self):
        """Import the script and look at how its run() is declared."""
        if not os.path.isfile(self.path):
            raise ScriptError(
                "UserScriptImportError",
                "There is no scoring script %s in the code folder." % self.entry,
            )
        spec = importlib.util.spec_from_file_location("entry_module", self.path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["entry_module"] = module
        try:
            spec.loader.exec_module(module)
        except BaseException as fault:
            raise ScriptError("UserScriptImportError", _failed("Importing " + self.entry, fault)) from fault
        for name in ("init", "run"):
            if not callable(getattr(module, name, None)):
                raise ScriptError(
                    "UserScriptFunctionNotFound",
                    "The scoring script %s has no function %s()." % (self.entry, name),
                )
        self._init = module.init
        real = getattr(module, "driver_module", None)  # Azure's generated scripts call another one
        self._run = real.run if isinstance(real, ModuleType) and hasattr(real, "run") else module.run
        self._run_batch = getattr(module, "run_batch", None)
        self._infer = getattr(module, "infer", None)
        self.model = inference.model_of(os.environ)
        self._inspect()

    def init(self):
        """Call the script's init()."""
        try:
            self._init()
        except BaseException as fault:
            raise ScriptError("UserScriptInitFailed", _failed("init() of " + self.entry, fault)) from fault

    def arguments(self, request):
        """Return the arguments for run(); raises one of the faults in inputs."""
        if inference.asks(request.path):
            if not callable(self._infer):
                raise inference.Unknown("The scoring script %s has no function infer()." % self.entry)
            return inference.Question(request, self.model)
        arguments = self._parse(request)
        if self._wants_headers:
            arguments["request_headers"] = dict(request.headers.items())
        return arguments

    def run(self, arguments):
        """Call the script's run(), or its infer() with tensors."""
        if isinstance(arguments, inference.Question):
            return arguments.answer(inference.arrays(self._infer(arguments.inputs)))
        return self._run(**arguments)

    def allow_batches(self):
        """Make sure that several requests can be answered by one call."""
        if not callable(self._run_batch):
            raise _wrong(
                "The deployment has the property atelier.max_batch_size, but the scoring script %s "
                "has no function run_batch()." % self.entry
            )

    def group(self, arguments):
        """Return what requests that can be answered together have in common; None of those that cannot."""
        return None if isinstance(arguments, inference.Question) else True

    def run_together(self, many):
        """Call the script's run_batch() with the arguments of several requests, and return as
        many outputs. Where run() takes one thing, it is given a list of those."""
        inputs = [next(iter(one.values())) if len(one) == 1 else one for one in many]
        outputs = list(self._run_batch(inputs))
        if len(outputs) != len(many):
            message = "run_batch() was given %d inputs and returned %d outputs"
            raise ValueError(message % (len(many), len(outputs)))
        return outputs

    def schemas(self):
        """Return the input and output schema that inference_schema knows, or None."""
        if not self._decorated:
            return None
        from inference_schema.schema_util import get_input_schema, get_output_schema

        return get_input_schema(self._run), get_output_schema(self._run)

    def schema_versions(self):
        """Return the versions of OpenAPI in which the schemas can be written."""
        if not self._decorated:
            return SCHEMA_VERSIONS
        from inference_schema.schema_util import get_supported_versions

        known = [str(version) for version in get_supported_versions(self._run)]
        return [one for one in SCHEMA_VERSIONS if one in known or one + ".0" in known]

    def _inspect(self):
        parameters = list(inspect.signature(self._run).parameters.values())
        named = (
            inspect.Parameter.KEYWORD_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )
        if any(parameter.kind not in named for parameter in parameters):
            raise _wrong("run() cannot accept positional-only arguments, *args, or **kwargs.")
        self._wants_headers = any(parameter.name == "request_headers" for parameter in parameters)
        parameters = [parameter for parameter in parameters if parameter.name != "request_headers"]
        if not parameters:
            raise _wrong("run() needs to accept an argument for input data.")
        self._decorated = _is_decorated(self._run)
        if contrib.raw_functions and self._decorated:
            raise _wrong("run() cannot be decorated with both @rawhttp and @input_schema.")
        if contrib.raw_functions:
            self._parse = inputs.RawInput(parameters[0].name)
        elif self._decorated:
            self._parse = inputs.ObjectInput(parameters)
        else:
            self._parse = inputs.TextInput(parameters[0].name)


def _is_decorated(run):
    """Whether inference_schema decorated run; only scripts that import it can have done so."""
    if "inference_schema" not in sys.modules:
        return False
    from inference_schema.schema_util import is_schema_decorated

    return is_schema_decorated(run)


def _failed(what, fault):
    return "%s failed: %s: %s" % (what, type(fault).__name__, fault)


def _wrong(message):
    return ScriptError("UserScriptFunctionNotFound", message)
