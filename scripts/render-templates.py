"""Renders chat templates as Hugging Face's transformers does, with Python's jinja2 (pip install jinja2==3.1.6).

One job a line on stdin, {"template", "now", "variables"}; one answer a line on stdout, {"text"} or {"error", "message"}.
"""

import datetime
import functools
import json
import sys

from jinja2 import TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    """{% generation %} prints its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        from jinja2 import nodes

        return nodes.CallBlock(self.call_method("_print"), [], [], body).set_lineno(line)

    def _print(self, caller):
        return caller()


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def refuse(message):
    raise TemplateError(message)


@functools.lru_cache(maxsize=4)
def compiled(template, date):
    now = datetime.datetime.fromisoformat(date)
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = now.strftime
    return environment.from_string(template)


def render(job):
    try:
        return {"text": compiled(job["template"], job["now"]).render(**job["variables"])}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}


for line in sys.stdin:
    print(json.dumps(render(json.loads(line))), flush=True)
