"""`-o`: which printer a command's output goes through.

Source: k8s.io/cli-runtime/pkg/genericclioptions (print_flags.go and the flags of each printer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any, Protocol

from minikctl.client.errors import Failure
from minikctl.command import Flag
from minikctl.flags import go_quote

FORMATS = (
    "json", "yaml", "kyaml", "name", "go-template", "go-template-file", "template", "templatefile",
    "jsonpath", "jsonpath-as-json", "jsonpath-file",
)  # fmt: skip
"""The formats that every command with -o knows."""

COLUMN_FORMATS = ("custom-columns", "custom-columns-file")


def output_flags(formats: Sequence[str] = FORMATS) -> tuple[Flag, ...]:
    """--output, --template, --allow-missing-template-keys and --show-managed-fields."""
    return (
        Flag(
            "allow-missing-template-keys", "bool", True,
            "If true, ignore any errors in templates when a field or map key is missing in the template. Only applies"
            " to golang and jsonpath output formats.",
        ),
        Flag("output", "string", "", f"Output format. One of: ({', '.join(formats)}).", short="o"),
        Flag(
            "show-managed-fields", "bool", False,
            "If true, keep the managedFields when printing objects in JSON or YAML format.",
        ),
        Flag(
            "template", "string", "",
            "Template string or path to template file to use when -o=go-template, -o=go-template-file. The template"
            " format is golang templates [http://golang.org/pkg/text/template/#pkg-overview].",
        ),
    )  # fmt: skip


class Printer(Protocol):
    """Writes objects one after the other; keeps what lies between them (yaml's `---`)."""

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        """Write one object, or a List. `obj` is not changed."""


def make_printer(
    flags: Mapping[str, Any],
    *,
    operation: str = "",
    formats: Sequence[str] = FORMATS,
    dry_run: str = "none",
    typed: bool = False,
) -> Printer:
    """The printer for a command's `output`, `template`... flags.

    Without -o it prints `secret/x OPERATION`. `dry_run` (none, client, server) is said after `operation`. `typed`
    keeps JSON's keys in their order (kubectl prints what it made itself in its structs' order), else they are sorted.
    Failure for a format that is not among `formats`, or one that cannot be parsed.
    """
    output: str = flags.get("output") or ""
    template: str = flags.get("template") or ""
    if not output and template:
        output = "go-template"
    if dry_run == "client":
        operation += " (dry run)"
    elif dry_run == "server":
        operation += " (server dry run)"
    if output in ("", "name"):
        from minikctl.output.name import NamePrinter

        return NamePrinter("" if output else operation)
    if output in ("json", "yaml", "kyaml"):
        return _document_printer(output, bool(flags.get("show-managed-fields")), typed)
    kind, equals, argument = output.partition("=")
    if kind in formats and kind in _ARGUMENT_FORMATS:
        return _template_printer(kind, argument if equals else template, flags)
    allowed = ",".join(sorted(formats))
    raise Failure(
        f"unable to match a printer suitable for the output format {go_quote(output)}, allowed formats are: {allowed}"
    )


_ARGUMENT_FORMATS = frozenset({*FORMATS[4:], *COLUMN_FORMATS})


def _document_printer(output: str, show_managed_fields: bool, typed: bool) -> Printer:
    if output == "json":
        from minikctl.output.json_out import JsonPrinter

        return JsonPrinter(show_managed_fields, sort_keys=not typed)
    if output == "yaml":
        from minikctl.output.yaml_out import YamlPrinter

        return YamlPrinter(show_managed_fields)
    from minikctl.output.kyaml import KyamlPrinter

    return KyamlPrinter(show_managed_fields, sort_keys=not typed)


def _template_printer(kind: str, argument: str, flags: Mapping[str, Any]) -> Printer:
    lenient = flags.get("allow-missing-template-keys", True)
    if kind.startswith("jsonpath"):
        if not argument:
            raise Failure("template format specified but no template given")
        from minikctl.output.jsonpath_out import JsonPathPrinter

        if kind == "jsonpath-file":
            argument = read_template(argument)
        return JsonPathPrinter(argument, allow_missing=lenient, as_json=kind == "jsonpath-as-json")
    if kind in COLUMN_FORMATS:
        from minikctl.output.custom_columns import ColumnsPrinter, columns_from_file, columns_from_spec

        columns = columns_from_file(argument) if kind.endswith("-file") else columns_from_spec(argument)
        return ColumnsPrinter(columns, no_headers=bool(flags.get("no-headers")))
    if not argument:
        raise Failure("template format specified but no template given")
    from minikctl.output.gotemplate import GoTemplatePrinter

    if kind in ("go-template-file", "templatefile"):
        argument = read_template(argument)
    return GoTemplatePrinter(argument, allow_missing=lenient)


def read_template(path: str) -> str:
    """A template file's text."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"error reading --template {path}, open {path}: {(error.strerror or '').lower()}") from None


def without_managed_fields(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """`obj` (or a List's items) without metadata.managedFields; shares what it does not change."""
    if isinstance(obj.get("items"), list) and str(obj.get("kind", "")).endswith("List"):
        return {**obj, "items": [without_managed_fields(item) for item in obj["items"]]}
    meta = obj.get("metadata")
    if isinstance(meta, dict) and "managedFields" in meta:
        return {**obj, "metadata": {key: value for key, value in meta.items() if key != "managedFields"}}
    return obj
