"""Webhooks are asked over real TLS, and what they say is done."""

import socket

import pytest

from backend.machinery.client import CONFIGMAPS, GVR, NAMESPACES, PODS
from backend.meta.errors import ApiError
from tests.support.webhook_server import allow, patch, webhook_server

VALIDATING = GVR("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations")
MUTATING = GVR("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations")
RULE = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}


def hook(webhook, name="hook.example.com", **more):
    client = {"url": webhook.url + "/check", "caBundle": webhook.ca_bundle}
    base = {"name": name, "clientConfig": client, "rules": [RULE], "sideEffects": "None"}
    return {**base, "admissionReviewVersions": ["v1"], **more}


async def configure(cluster, gvr, *webhooks, name="hooks"):
    await cluster.client.create(gvr, {"metadata": {"name": name}, "webhooks": list(webhooks)})


async def refusal(cluster, **data) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await cluster.config_map("a", **data)
    return caught.value


async def test_a_validating_webhook_gets_a_review_and_may_let_it_pass(cluster, tmp_path):
    async with webhook_server(tmp_path) as webhook:
        await configure(cluster, VALIDATING, hook(webhook, timeoutSeconds=7))
        made = await cluster.config_map("a", key="value")
    (request,) = webhook.requests
    assert webhook.paths == ["/check?timeout=7s"]
    assert request["operation"] == "CREATE"
    assert (request["namespace"], request["name"]) == ("default", "a")
    assert request["kind"] == request["requestKind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert request["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert request["userInfo"]["username"] == "kubernetes-admin"
    assert request["object"]["data"] == {"key": "value"}
    assert request["object"]["metadata"]["uid"] == made["metadata"]["uid"]
    assert request["oldObject"] is None
    assert request["dryRun"] is False
    assert request["options"]["kind"] == "CreateOptions"


async def test_updates_and_deletions_show_what_was_there(cluster, tmp_path):
    await cluster.config_map("a", key="old")
    async with webhook_server(tmp_path) as webhook:
        await configure(cluster, VALIDATING, hook(webhook))
        await cluster.client.patch(CONFIGMAPS, "a", {"data": {"key": "new"}}, "default")
        await cluster.client.delete(CONFIGMAPS, "a", "default", {"gracePeriodSeconds": 5})
    update, delete = webhook.requests
    assert (update["operation"], delete["operation"]) == ("UPDATE", "DELETE")
    assert (update["oldObject"]["data"], update["object"]["data"]) == ({"key": "old"}, {"key": "new"})
    assert update["options"]["kind"] == "PatchOptions"
    assert (delete["oldObject"]["data"], delete["object"]) == ({"key": "new"}, None)
    assert delete["options"]["gracePeriodSeconds"] == 5


async def test_a_refusal_has_the_webhooks_words_code_and_reason(cluster, tmp_path):
    status = {"code": 418, "reason": "Teapot", "message": "no coffee"}

    async with webhook_server(tmp_path, lambda _: {"allowed": False, "status": status}) as webhook:
        await configure(cluster, VALIDATING, hook(webhook))
        error = await refusal(cluster)
        assert error.message == 'admission webhook "hook.example.com" denied the request: no coffee'
        assert (error.code, error.reason) == (418, "Teapot")
        webhook.answer = lambda _: {"allowed": False}
        error = await refusal(cluster)
        assert error.message == 'admission webhook "hook.example.com" denied the request without explanation'
        assert error.code == 400
    assert cluster.store.get("core/configmaps/default/a") is None


async def test_warnings_go_out_beside_the_answer(cluster, tmp_path):
    async with webhook_server(tmp_path, lambda _: {"allowed": True, "warnings": ["think twice"]}) as webhook:
        await configure(cluster, VALIDATING, hook(webhook))
        answer = await cluster.send("create", "configmaps", body={"metadata": {"name": "a"}})
    assert answer.warnings == ("think twice",)


async def test_a_mutating_webhook_patches_what_is_stored(cluster, tmp_path):
    added = {"op": "add", "path": "/data", "value": {"from": "webhook"}}
    async with webhook_server(tmp_path, lambda _: patch(added)) as webhook:
        await configure(cluster, MUTATING, hook(webhook))
        made = await cluster.config_map("a")
    assert made["data"] == {"from": "webhook"}
    assert "uid" in made["metadata"]


async def test_what_a_webhook_adds_gets_defaults_and_is_validated(cluster, tmp_path):
    container = {"name": "extra", "image": "busybox"}
    rule = {**RULE, "resources": ["pods"], "operations": ["CREATE"]}
    async with webhook_server(
        tmp_path, lambda _: patch({"op": "add", "path": "/spec/containers/-", "value": container})
    ) as webhook:
        await configure(cluster, MUTATING, hook(webhook, rules=[rule]))
        made = await cluster.pod("p")
        assert made["spec"]["containers"][1]["imagePullPolicy"] == "Always"
        container["name"] = "c"
        with pytest.raises(ApiError, match=r"spec.containers\[1\].name: Duplicate value: \"c\""):
            await cluster.pod("q")


async def test_webhooks_run_again_if_a_later_one_changed_the_object(cluster, tmp_path):
    def count(request):
        seen = (request["object"].get("data") or {}).get(request_of[0], "")
        return patch(
            {"op": "add", "path": "/data", "value": {**(request["object"].get("data") or {}), "seen": seen}}
        )

    def change(request):
        return patch({"op": "add", "path": "/data", "value": {**request["object"]["data"], "late": "yes"}})

    request_of = ["late"]
    async with webhook_server(tmp_path, count) as first:
        second_folder = tmp_path / "second"
        second_folder.mkdir()
        async with webhook_server(second_folder, change) as second:
            await configure(
                cluster,
                MUTATING,
                hook(first, "first.example.com", reinvocationPolicy="IfNeeded"),
                hook(second, "second.example.com"),
            )
            made = await cluster.config_map("a", x="1")
    assert made["data"] == {"x": "1", "late": "yes", "seen": "yes"}
    assert (len(first.requests), len(second.requests)) == (2, 1)


async def test_a_webhook_that_cannot_be_reached_fails_the_request_or_not(cluster):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        client = {"url": f"https://127.0.0.1:{port}/x"}
        broken = {
            "name": "hook.example.com", "clientConfig": client, "rules": [RULE], "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }  # fmt: skip
        await configure(cluster, VALIDATING, broken)
        error = await refusal(cluster)
        assert error.message == (
            'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: '
            f'Post "https://127.0.0.1:{port}/x?timeout=10s": dial tcp 127.0.0.1:{port}: connect: connection refused'
        )
        assert (error.code, error.reason) == (500, "InternalError")
        await cluster.client.delete(VALIDATING, "hooks")
        await configure(cluster, VALIDATING, {**broken, "failurePolicy": "Ignore"})
        await cluster.config_map("a")


async def test_a_webhook_that_does_not_answer_is_given_its_time_and_no_more(cluster, tmp_path):
    async with webhook_server(tmp_path, lambda _: None) as webhook:
        await configure(cluster, VALIDATING, hook(webhook, timeoutSeconds=1))
        error = await refusal(cluster)
        assert error.message.endswith('/check?timeout=1s": context deadline exceeded')


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(cluster, tmp_path):
    async with webhook_server(tmp_path) as webhook:
        await configure(cluster, VALIDATING, hook(webhook, clientConfig={"url": webhook.url}))
        error = await refusal(cluster)
        assert error.message.endswith(
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        )
        assert webhook.requests == []


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
         "failed to call webhook: the server could not find the requested resource"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nboom",
         'failed to call webhook: an error on the server ("boom") has prevented the request from being successful'),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", "received invalid webhook response: webhook response was absent"),
        (b"", "EOF"),
        ({"allowed": True, "uid": "x"}, "received invalid webhook response: expected response.uid="),
        ({"allowed": True, "patch": "e30="},
         "received invalid webhook response: validating webhook may not return response.patch"),
    ],
)  # fmt: skip
async def test_answers_that_are_no_reviews(cluster, tmp_path, reply, why):
    async with webhook_server(tmp_path, lambda _: reply) as webhook:
        await configure(cluster, VALIDATING, hook(webhook))
        error = await refusal(cluster)
        assert error.message.startswith('Internal error occurred: failed calling webhook "hook.example.com": ')
        assert why in error.message


async def test_a_patch_that_does_not_fit_is_the_servers_error(cluster, tmp_path):
    async with webhook_server(tmp_path, lambda _: patch({"op": "remove", "path": "/nothing"})) as webhook:
        await configure(cluster, MUTATING, hook(webhook))
        error = await refusal(cluster)
        assert error.code == 500


async def test_a_dry_run_asks_only_webhooks_without_side_effects(cluster, tmp_path):
    async with webhook_server(tmp_path) as webhook:
        await configure(cluster, VALIDATING, hook(webhook, sideEffects="NoneOnDryRun"))
        await cluster.send("create", "configmaps", body={"metadata": {"name": "a"}}, query={"dryRun": "All"})
    assert webhook.requests[0]["dryRun"] is True
    assert webhook.requests[0]["options"]["dryRun"] == ["All"]


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({"rules": [{**RULE, "resources": ["*"]}]}, 1),
        ({"rules": [{**RULE, "resources": ["*/*"]}]}, 1),
        ({"rules": [{**RULE, "resources": ["configmaps/status"]}]}, 0),
        ({"rules": [{**RULE, "operations": ["UPDATE"]}]}, 0),
        ({"rules": [{**RULE, "scope": "Cluster"}]}, 0),
        ({"rules": [{**RULE, "apiGroups": ["apps"]}]}, 0),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, 1),
        ({"namespaceSelector": {"matchLabels": {"team": "a"}}}, 0),
        ({"objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]}}, 1),
        ({"objectSelector": {"matchLabels": {"wanted": "yes"}}}, 0),
    ],
)
async def test_a_webhook_is_asked_about_what_its_rules_and_selectors_choose(cluster, tmp_path, more, asked):
    async with webhook_server(tmp_path) as webhook:
        await configure(cluster, VALIDATING, hook(webhook, **more))
        await cluster.config_map("a")
    assert len(webhook.requests) == asked


async def test_a_namespace_is_selected_by_its_own_labels(cluster, tmp_path):
    rule = {**RULE, "resources": ["namespaces"], "operations": ["CREATE"]}
    async with webhook_server(tmp_path) as webhook:
        wanted = {"matchLabels": {"team": "a"}}
        await configure(cluster, VALIDATING, hook(webhook, rules=[rule], namespaceSelector=wanted))
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "one", "labels": {"team": "a"}}})
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "two"}})
    assert [(request["name"], request["namespace"]) for request in webhook.requests] == [("one", "one")]


async def test_no_webhook_is_asked_about_webhooks(cluster, tmp_path):
    rule = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}
    async with webhook_server(tmp_path, lambda _: {"allowed": False}) as webhook:
        await configure(cluster, VALIDATING, hook(webhook, rules=[rule]))
        await cluster.client.delete(VALIDATING, "hooks")
        await cluster.config_map("a")


async def test_evictions_bindings_and_connections_are_reviewed(cluster, tmp_path):
    from backend.meta.types import ApiRequest

    await cluster.pod("p")
    rule = {**RULE, "resources": ["pods/*"], "operations": ["CREATE", "CONNECT"]}
    async with webhook_server(tmp_path) as webhook:
        await configure(cluster, VALIDATING, hook(webhook, rules=[rule]))
        request = ApiRequest("create", "", "v1", "pods", "default", "p", "exec")
        options = {"kind": "PodExecOptions", "apiVersion": "v1", "command": ["sh"]}
        await cluster.handler.admit_connect(request, options)
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
        await cluster.send("create", "pods", "p", body, subresource="eviction")
    connect, evict = webhook.requests
    assert (connect["operation"], connect["subResource"], connect["kind"]["kind"]) == (
        "CONNECT", "exec", "PodExecOptions",
    )  # fmt: skip
    assert (evict["operation"], evict["subResource"]) == ("CREATE", "eviction")
    assert evict["kind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}


async def test_a_service_is_found_by_its_ready_pods(cluster, tmp_path):
    services = GVR("", "v1", "services")
    async with webhook_server(tmp_path, allow, "hook.default.svc") as webhook:
        reference = {"name": "hook", "namespace": "default", "path": "/v"}
        client = {"service": reference, "caBundle": webhook.ca_bundle}
        await configure(cluster, VALIDATING, hook(webhook, clientConfig=client))
        error = await refusal(cluster)
        assert error.message.endswith(
            'Post "https://hook.default.svc:443/v?timeout=10s": service "hook" not found'
        )
        spec = {"selector": {"app": "hook"}, "ports": [{"port": 443, "targetPort": webhook.port}]}
        await cluster.client.create(services, {"metadata": {"name": "hook"}, "spec": spec}, "default")
        error = await refusal(cluster)
        assert error.message.endswith('no endpoints available for service "hook"')
        pod = await cluster.client.create(
            PODS,
            {
                "metadata": {"name": "p", "labels": {"app": "hook"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
            "default",
        )
        conditions = [{"type": "Ready", "status": "True"}]
        status = {**pod["status"], "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}], "conditions": conditions}
        await cluster.client.update(PODS, {**pod, "status": status}, "status")
        await cluster.config_map("a")
    assert webhook.paths == ["/v?timeout=10s"]


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("object.data.key == 'value'", 1),
        ("request.operation == 'DELETE'", 0),
        ("!('system:nodes' in request.userInfo.groups)", 1),
        ("request.kind.kind == 'ConfigMap' && request.namespace.startsWith('def')", 1),
    ],
)
async def test_match_conditions_decide_whether_a_webhook_is_asked(cluster, tmp_path, expression, asked):
    async with webhook_server(tmp_path) as webhook:
        conditions = [{"name": "c", "expression": expression}]
        await configure(cluster, VALIDATING, hook(webhook, matchConditions=conditions))
        await cluster.config_map("a", key="value")
    assert len(webhook.requests) == asked


async def test_a_condition_that_fails_is_a_failure_unless_another_is_false(cluster, tmp_path):
    failing = {"name": "fails", "expression": "object.nothing.there == 1"}
    async with webhook_server(tmp_path) as webhook:
        await configure(cluster, VALIDATING, hook(webhook, matchConditions=[failing]))
        error = await refusal(cluster)
        assert error.code == 403
        assert error.message == (
            "configmaps \"a\" is forbidden: expression 'object.nothing.there == 1' resulted in error: no such key:"
            " nothing"
        )
        await cluster.client.delete(VALIDATING, "hooks")
        false = {"name": "false", "expression": "1 == 2"}
        await configure(cluster, VALIDATING, hook(webhook, matchConditions=[failing, false]))
        await cluster.config_map("a")
    assert webhook.requests == []


async def test_a_condition_must_compile_and_be_true_or_false(cluster, tmp_path):
    async with webhook_server(tmp_path) as webhook:
        for expression, why in (
            ("object.", "compilation failed: ERROR: <input>:1:8: Syntax error"),
            ("request.nothing", "undefined field 'nothing'"),
            ("'text'", "must evaluate to bool"),
        ):
            conditions = [{"name": "c", "expression": expression}]
            with pytest.raises(ApiError) as caught:
                await configure(cluster, VALIDATING, hook(webhook, matchConditions=conditions))
            assert "webhooks[0].matchConditions[0].expression: Invalid value" in caught.value.message
            assert why in caught.value.message
