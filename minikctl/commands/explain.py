"""`minikctl explain`. Source: k8s.io/kubectl/pkg/cmd/explain/explain.go."""

from __future__ import annotations

from minikctl.client.errors import Failure, NoResourceMatch
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.flags import go_quote


def run(call: Invocation) -> int:
    flags = call.flags
    if not call.args:
        raise Failure(
            'You must specify the type of resource to explain. Use "minikctl api-resources" for a complete list of'
            " supported resources.\n"
        )
    if len(call.args) > 1:
        raise Failure("We accept only this format: explain RESOURCE\n")
    if flags["max-depth"] < 0:
        raise Failure("--max-depth must be non-negative")
    if flags["max-depth"] and not flags["recursive"]:
        raise Failure("--max-depth requires --recursive")
    mapping, fields = _find(call, call.args[0].removesuffix("."))
    group, version = _group_version(flags["api-version"]) if flags["api-version"] else mapping[:2]
    if flags["output"] == "plaintext-openapiv2":
        _explain_v2(call, group, version, mapping.kind, fields)
    else:
        _explain_v3(call, group, version, mapping.resource, fields)
    return 0


def _find(call: Invocation, argument: str) -> tuple[ResourceMapping, list[str]]:
    """(the resource, the fields' names) of `pods.spec` or, unless --api-version says it, `leases.GROUP.spec`."""
    name, *fields = argument.split(".")
    try:
        mapping = call.factory.mapper.find(name)
    except NoResourceMatch as error:
        raise CommandError(str(error)) from None
    if mapping.group and not call.flags["api-version"]:
        full = mapping.group_resource
        if argument == full or argument.startswith(f"{full}."):
            fields = argument[len(full) :].split(".")[1:]
    return mapping, fields


def _group_version(text: str) -> tuple[str, str]:
    if text.count("/") > 1:
        raise Failure(f"unexpected GroupVersion string: {text}")
    group, _, version = text.rpartition("/")
    return group, version


def _explain_v3(call: Invocation, group: str, version: str, resource: str, fields: list[str]) -> None:
    from minikctl.explain.plaintext import Explainer

    flags, client, out = call.flags, call.factory.client, call.streams.out
    where = f"{group}/{version}" if group else f"/{version}"
    paths = client.get("/openapi/v3").get("paths") or {}
    found = paths.get(f"apis/{group}/{version}" if group else f"api/{version}")
    if found is None:
        raise Failure(f"couldn't find resource for {go_quote(f'{where}, Resource={resource}')}")
    document = client.get(found["serverRelativeURL"])
    if flags["output"] != "plaintext":
        raise Failure(f"unrecognized format: {flags['output']}")
    explainer = Explainer(document, recursive=flags["recursive"], depth=flags["max-depth"])
    kind = explainer.kind_of(group, version, resource)
    head = f"GROUP:      {kind['group']}\n" if kind["group"] else ""
    out.write(f"{head}KIND:       {kind['kind']}\nVERSION:    {kind['version']}\n\n")
    out.write(explainer.explain(kind, fields))


def _explain_v2(call: Invocation, group: str, version: str, kind: str, fields: list[str]) -> None:
    from minikctl.explain.openapiv2 import ExplainerV2

    document = call.factory.client.get("/openapi/v2")
    explainer = ExplainerV2(document, recursive=call.flags["recursive"], depth=call.flags["max-depth"])
    schema = explainer.find({"group": group, "version": version, "kind": kind})
    api_version = f"{group}/{version}" if group else version
    if schema is None:
        where = api_version if group else f"/{version}"
        raise Failure(f"couldn't find resource for {go_quote(f'{where}, Kind={kind}')}")
    call.streams.out.write(explainer.explain(schema, kind, api_version, fields))


COMMAND = Command(
    use="explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group]"
    " [-o|--output=plaintext|plaintext-openapiv2]",
    short="Get documentation for a resource",
    long="Describe fields and structure of various resources.\n\n"
    "A field is named by its way from the resource, TYPE.FIELD[.FIELD]. What is printed is the server's own"
    ' description.\n\nUse "minikctl api-resources" for a complete list of supported resources.',
    examples="""
  # What a pod is made of
  minikctl explain pods

  # One field of it
  minikctl explain pods.spec.containers

  # All fields, without their descriptions
  minikctl explain pods --recursive

  # The same, two levels deep
  minikctl explain pods --recursive --max-depth=2

  # A given version of the API
  minikctl explain leases --api-version=coordination.k8s.io/v1

  # In another format
  minikctl explain secrets --output=plaintext-openapiv2""",
    run=run,
    flags=(
        Flag("api-version", "string", "", "Get different explanations for particular API version (API group/version)"),
        Flag(
            "max-depth", "int", 0,
            "Maximum recursion depth when printing nested fields with --recursive. 0 means no limit. Requires"
            " --recursive when greater than 0.",
        ),
        Flag(
            "output", "string", "plaintext", short="o", usage=
            "Format in which to render the schema (plaintext, plaintext-openapiv2)",
        ),
        Flag(
            "recursive", "bool", False, short="R", usage=
            "Print the fields of fields. Use --max-depth to cap the recursion depth.",
        ),
    ),
)  # fmt: skip
