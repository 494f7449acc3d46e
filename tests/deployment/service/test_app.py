"""The app, asked without a network: what it answers, whom it refuses, and that nothing that is asked makes it fail."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.deployment.bundle import load
from policybudget.deployment.service.app import Service, make_app
from policybudget.deployment.service.description import _action
from policybudget.deployment.service.logs import Log
from policybudget.deployment.service.settings import Settings
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.runs import files
from policybudget.units import Units

from .conftest import approve, ask

Made = Callable[..., Service]
TOKEN = "a-token-of-this-test"
SENT = (("content-type", "application/json"), ("host", "localhost:1"))


def with_token(token: str) -> tuple[tuple[str, str], ...]:
    return (*SENT, ("authorization", f"Bearer {token}"))


def test_actions_are_those_of_the_bundle(made: Made, sealed: Path) -> None:
    app, bundle = made(), load(sealed)
    for policy in (0, 1):
        found = ask(app, "/act", {"policy": policy, "observation": [0.5]})
        assert found.status == 200 and found.headers["content-type"] == "application/json"
        assert found.json == {"policy": policy, "sha256": bundle.policies[policy].record.sha256, "action": 5 + policy}
    rows = np.linspace(-1, 1, 7)[:, None]
    found = ask(app, "/act", {"user": "bob", "observations": rows.tolist()})
    assert found.json["policy"] == 1 and found.json["actions"] == bundle.policies[1].act(rows).tolist() == [6] * 7
    assert ask(app, "/act", {"policy": 1.0, "observation": [1]}).json["action"] == 6, "JSON has one kind of number"


def test_users_are_assigned_as_the_bundle_assigns_them(made: Made, sealed: Path) -> None:
    app, bundle = made(), load(sealed)
    for user in ("ann", "bob", "cem"):
        found, known = ask(app, "/assign", {"user": user}).json, bundle.assign(user)
        assert (found["policy"], found["expected"], found["gain"]) == (known.policy, known.expected, known.gain)
    assert ask(app, "/assign", {"user": "cem"}).json["sha256"] is None
    for weights in ([1.0, 8.0, 100.0], {"c": 100.0, "a": 1.0, "b": 8.0}):
        found = ask(app, "/assign", {"weights": weights}).json
        assert found == {"policy": 1, "sha256": bundle.policies[1].record.sha256, "expected": 8, "ci95": 0, "gain": 7}
    assert ask(app, "/assign", {"weights": [1, 2, 3]}).json["policy"] is None, "2 is below the floor of 4"


REFUSED: list[tuple[str, Any, int, str]] = [
    ("/act", {"policy": 2, "observation": [0]}, 404, "policy must be a whole number from 0 to 1, got 2"),
    ("/act", {"policy": -1, "observation": [0]}, 404, "from 0 to 1, got -1"),
    ("/act", {"policy": 0.5, "observation": [0]}, 422, "from 0 to 1, got 0.5"),
    ("/act", {"policy": 10**400, "observation": [0]}, 404, "got far more"),
    ("/act", {"user": "eve", "observation": [0]}, 404, "user must be one of the 3 users of the bundle"),
    ("/act", {"user": "cem", "observation": [0]}, 404, "no policy serves user 'cem'"),
    ("/act", {"observation": [0]}, 422, "expected either policy or user"),
    ("/act", {"policy": 0, "user": "ann", "observation": [0]}, 422, "expected either policy or user"),
    ("/act", {"policy": 0}, 422, "expected either observation, or observations"),
    ("/act", {"policy": 0, "observation": [0], "observations": [[0]]}, 422, "expected either observation"),
    ("/act", {"policy": 0, "observation": [0, 1]}, 422, "shape (1,), or (B, 1) for a batch, got shape (2,)"),
    ("/act", {"policy": 0, "observations": [[0], [0, 1]]}, 422, "observation must be finite numbers"),
    ("/act", {"policy": 0, "observations": []}, 422, "observations must be from 1 to 3, got 0"),
    ("/act", {"policy": 0, "observations": [[0]] * 4}, 422, "observations must be from 1 to 3, got 4"),
    ("/act", {"policy": 0, "observation": [1e39]}, 422, "observation must be finite numbers of shape (1,)"),
    ("/act", {"policy": 0, "observation": ["1"]}, 422, "expected float, got str - at observation[0]"),
    ("/act", {"policy": True, "observation": [1]}, 422, "at policy"),
    ("/act", {"policy": 0, "observation": [1], "more": 1}, 422, "unknown field more"),
    ("/act", {"policy": 0, "observation": [1], "sha256": "0" * 64}, 409, "policy 0 has another hash"),
    ("/act", {"policy": 0, "observation": [1], "sha256": "0"}, 422, "sha256"),
    ("/act", [], 422, "expected object, got array"),
    ("/act", b'{"policy":0,"observation":[NaN]}', 400, "the body must be JSON in UTF-8"),
    ("/act", b'{"policy":0,"observation":[1e999]}', 422, "number out of range"),
    ("/act", b'{"user":"\xff","observation":[1]}', 400, "the body must be JSON in UTF-8"),
    ("/act", b"", 400, "the body must be JSON in UTF-8"),
    ("/act", b'{"policy":' + b"[" * 200_000, 422, "expected int"),
    ("/act", b'{"policy":0,"observation":[1],"x":' + b"[" * 200_000, 422, "unknown field x"),
    ("/act", b"[" * 1_000_001, 413, "the body must be at most 1,000,000 bytes, got 1,000,001 or more"),
    ("/assign", {}, 422, "expected one of user, weights and parameters, got none"),
    ("/assign", {"user": "ann", "weights": [1, 2, 3]}, 422, "got user and weights"),
    ("/assign", {"user": "eve"}, 404, "user must be one of the 3 users"),
    ("/assign", {"weights": [1, 2]}, 422, "weights must be 3 numbers, got 2"),
    ("/assign", {"weights": [1, 2, 1e300]}, 422, "weights must be finite numbers from -1e+30 to 1e+30"),
    ("/assign", {"weights": {"a": 1, "b": 2, "d": 3}}, 422, "weights must be a, b, c, got a, b, d"),
    ("/assign", {"parameters": [1]}, 422, "this bundle takes users by name, or by weights, got parameters"),
    ("/assigned", {}, 404, "there is no '/assigned'; there are /, /health"),
    ("/health", {}, 405, "another method is expected, got POST"),
]


@pytest.mark.parametrize(("path", "body", "status", "words"), REFUSED)
def test_what_is_refused_is_one_line(made: Made, path: str, body: Any, status: int, words: str) -> None:
    found = ask(made(most_observations=3, most_bytes=1_000_000), path, body)
    line = found.json["error"]
    assert (found.status, words in line, "\n" in line, found.json.keys()) == (status, True, False, {"error"}), line


def test_a_policy_may_be_asked_for_by_its_hash(made: Made, sealed: Path) -> None:
    sha256 = load(sealed).policies[1].record.sha256
    assert ask(made(), "/act", {"policy": 1, "observation": [0], "sha256": sha256}).status == 200
    assert ask(made(), "/act", {"policy": 0, "observation": [0], "sha256": sha256}).status == 409


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_a_body_must_be_said_to_be_json(made: Made, kind: str) -> None:
    found = ask(made(), "/act", {"policy": 0, "observation": [0]}, headers=(("content-type", kind),))
    assert found.status == 415 and "content-type must be application/json" in found.json["error"]
    said = (("content-type", "Application/JSON; charset=utf-8"),)
    assert ask(made(), "/act", {"policy": 0, "observation": [0]}, headers=said).status == 200


def test_a_body_that_comes_in_chunks_is_bounded_too(made: Made) -> None:
    app, body = made(most_bytes=100), b'{"policy":0,"observation":[0.5]}'
    assert ask(app, "/act", chunks=[body[:9], b"", body[9:]]).json["action"] == 5
    assert ask(app, "/act", chunks=[body + b" " * 30] + [b" "] * 38).status == 200
    found = ask(app, "/act", chunks=[body + b" " * 30] + [b" "] * 39)
    assert found.status == 413 and found.headers["connection"] == "close"
    endless = [b" " * 100] * 20
    assert ask(app, "/act", chunks=endless).status == 413, "it is not read to its end"


def test_a_client_that_leaves_gets_nothing(made: Made) -> None:
    app = made()

    async def send(message: Any) -> None:
        raise AssertionError(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": "/act", "headers": [(b"content-type", b"application/json")]}
    asyncio.run(app(scope, receive, send))
    assert b'endpoint="/act",status="499"} 1.0' in app.metrics.text()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["ann", "a", 0, 1, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
names = ("policy", "user", "observation", "observations", "sha256", "weights", "parameters", "x")


@given(path=st.sampled_from(["/act", "/assign"]), body=st.dictionaries(st.sampled_from(names), values, max_size=4))
def test_whatever_is_asked_it_never_fails(shared: Service, path: str, body: dict[str, Any]) -> None:
    found = ask(shared, path, body)
    assert found.status in (200, 400, 404, 409, 422)
    if found.status > 200:
        assert found.json["error"].isprintable()


@pytest.fixture(scope="module")
def shared(sealed: Path) -> Service:
    return make_app(sealed, Settings(rate=0.0), log=Log(False))


def test_what_is_at_work(made: Made, bundle: Path) -> None:
    approve(bundle, 1)
    app, digest = made(bundle), files.sha256((bundle / "bundle.json").read_bytes())
    found = ask(app, "/policies").json
    assert (found["bundle"], found["users"], found["unserved"], found["floor"]) == (digest, 3, 1, 4.0)
    assert (found["takes"], found["columns"], found["observation_size"]) == ("weights", ["a", "b", "c"], 1)
    assert found["action"]["start"] == [5] and found["action"]["kind"] == "discrete"
    assert [one["policy"] for one in found["policies"]] == [0, 1]
    assert [one["users"] for one in found["policies"]] == [1, 1] and found["policies"][0]["promise"] == 10.0
    assert [one["approved"] and one["approved"]["by"] for one in found["policies"]] == [None, "Dr. Ada"]
    health = ask(app, "/health").json
    assert health == {"status": "ok", "bundle": digest, "policies": 2, "only_approved": False, "token": False}
    app.draining = True
    late = ask(app, "/health")
    assert (late.status, late.json["status"]) == (503, "draining")
    page = ask(app, "/")
    assert page.status == 200 and page.body.startswith(b"<!DOCTYPE html>")
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_policies_that_nobody_approved_act_for_nobody(made: Made, bundle: Path) -> None:
    with pytest.raises(PolicyBudgetError, match="says of none of its 2 policies who approved it"):
        made(bundle, only_approved=True)
    approve(bundle, 1)
    app = made(bundle, only_approved=True)
    assert ask(app, "/act", {"policy": 1, "observation": [0]}).json["action"] == 6
    for path, body in (
        ("/act", {"policy": 0, "observation": [0]}),
        ("/act", {"user": "ann", "observation": [0]}),
        ("/assign", {"user": "ann"}),
        ("/assign", {"weights": [9, 1, 0]}),
    ):
        found = ask(app, path, body)
        assert found.status == 403 and "policy 0 is not approved" in found.json["error"]
    assert ask(app, "/assign", {"user": "cem"}).json["policy"] is None
    assert [one["acts"] for one in ask(app, "/policies").json["policies"]] == [False, True]
    assert ask(app, "/health").json["policies"] == 1


def test_a_token_opens_all_but_the_page_and_health(made: Made, monkeypatch: pytest.MonkeyPatch, sealed: Path) -> None:
    monkeypatch.setenv("POLICYBUDGET_TOKEN", TOKEN)
    app = make_app(sealed, log=Log(False))
    far = ("203.0.113.9", 1)
    for path in ("/policies", "/metrics", "/openapi.json", "/nowhere"):
        found = ask(app, path, client=far)
        assert (
            found.status == 401 and found.headers["www-authenticate"] == "Bearer" and TOKEN not in found.body.decode()
        )
    for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
        assert ask(app, "/policies", headers=with_token(wrong), client=far).status == 401
    assert ask(app, "/policies", headers=(("authorization", f"Basic {TOKEN}"),)).status == 401
    assert ask(app, "/policies", headers=with_token(TOKEN), client=far).status == 200
    assert ask(app, "/", client=far).status == ask(app, "/health", client=far).status == 200
    assert ask(app, "/health").json["token"] is True
    for short in ("short", "", "a b" * 20, "é" * 20):
        monkeypatch.setenv("POLICYBUDGET_TOKEN", short)
        with pytest.raises(PolicyBudgetError, match="16 to 1000 printable characters of ASCII without spaces"):
            make_app(sealed)


def test_without_a_token_this_machine_alone_is_served(made: Made) -> None:
    app = made()
    for client, status in ((("127.0.0.1", 1), 200), (("::1", 1), 200), (None, 200), (("10.0.0.2", 1), 403)):
        assert ask(app, "/health", client=client).status == status
    for host, status in (("127.0.0.1:80", 200), ("[::1]:8000", 200), ("LOCALHOST", 200), ("evil.example", 403)):
        assert ask(app, "/policies", headers=(("host", host),)).status == status, "a page may call itself anything"
    assert ask(app, "/policies", headers=(("host", "localhost.evil.example"),)).status == 403


def test_who_asks_too_often_is_told_when_to_ask_again(made: Made) -> None:
    app = made(rate=0.5)
    assert ask(app, "/policies").status == 200
    found = ask(app, "/policies")
    assert found.status == 429 and found.headers["retry-after"] in ("1", "2")
    assert "at most 0.5 requests per second" in found.json["error"]
    assert ask(app, "/policies", client=("127.0.0.2", 1)).status == 200, "others may"
    assert ask(app, "/health").status == 200, "and health may always be asked for"


def test_a_bundle_is_replaced_as_a_whole_or_not_at_all(made: Made, bundle: Path, tmp_path: Path) -> None:
    app = made(bundle)
    before = ask(app, "/health").json["bundle"]
    approve(bundle, 0)
    assert ask(app, "/health").json["bundle"] == before, "nothing is read while nobody says so"
    app.reload()
    after = ask(app, "/health").json["bundle"]
    assert after == files.sha256((bundle / "bundle.json").read_bytes()) != before
    policy = bundle / "policies" / "00.safetensors"
    policy.write_bytes(policy.read_bytes()[:-1] + b"\x01")
    with pytest.raises(RunFolderError, match="does not match its hash"):
        app.reload()
    assert ask(app, "/health").json["bundle"] == after
    assert ask(app, "/act", {"policy": 0, "observation": [0]}).json["action"] == 5
    told = [line for line in map(json.loads, (tmp_path / "log").read_text().splitlines()) if line["event"] == "reload"]
    assert [line["done"] for line in told] == [True, False] and "does not match its hash" in told[1]["error"]
    counts = app.metrics.text().decode()
    assert 'policybudget_reloads_total{outcome="done"} 1.0' in counts and f'sha256="{after}"' in counts
    assert 'policybudget_reloads_total{outcome="refused"} 1.0' in counts


def test_whatever_goes_wrong_with_a_bundle_the_one_at_work_goes_on(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = made()
    monkeypatch.setattr("policybudget.deployment.service.app.prepared", lambda *_: {}["no such entry"])
    with pytest.raises(KeyError):
        app.reload()
    assert ask(app, "/act", {"policy": 0, "observation": [0]}).json["action"] == 5
    assert "no such entry" in json.loads((tmp_path / "log").read_text().splitlines()[0])["error"]


def test_a_bundle_with_other_units_needs_another_service(made: Made, bundle: Path) -> None:
    app = made(bundle)
    record = json.loads((bundle / "bundle.json").read_text())
    record["architecture"]["actions"]["start"] = [0]
    (bundle / "bundle.json").write_text(json.dumps(record))
    with pytest.raises(PolicyBudgetError, match="takes other observations or gives other actions"):
        app.reload()
    assert ask(app, "/act", {"policy": 0, "observation": [0]}).json["action"] == 5


def test_lines_say_what_was_asked_and_not_for_whom(made: Made, tmp_path: Path) -> None:
    app = made()
    ask(app, "/act", {"user": "ann", "observation": [0.123]})
    ask(app, "/act", {"user": "someone else", "observation": [0.123]})
    ask(app, "/assign", {"weights": [0.123, 1]})
    ask(app, "/no\nwhere" + "x" * 300)
    text = (tmp_path / "log").read_text()
    lines = list(map(json.loads, text.splitlines()))
    assert [line["status"] for line in lines] == [200, 404, 422, 404]
    assert all(line["event"] == "request" and line["client"] == "127.0.0.1" and line["ms"] > 0 for line in lines)
    assert lines[0]["policy"] == 0 and lines[0]["path"] == "/act" and lines[0]["time"].endswith("Z")
    assert not any(word in text for word in ("ann", "someone", "0.123")) and len(lines[3]["path"]) <= 100
    quiet = made(log="events")
    ask(quiet, "/health")
    assert (tmp_path / "log").read_text() == text


def test_what_prometheus_reads(made: Made) -> None:
    app = made()
    ask(app, "/act", {"policy": 1, "observations": [[0]] * 5})
    ask(app, "/act", {"policy": 1, "observation": [0]})
    ask(app, "/assign", {"user": "cem"})
    ask(app, "/elsewhere")
    found = ask(app, "/metrics")
    text = found.body.decode()
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'policybudget_requests_total{endpoint="/act",status="200"} 2.0',
        'policybudget_requests_total{endpoint="other",status="404"} 1.0',
        'policybudget_request_seconds_count{endpoint="/act"} 2.0',
        'policybudget_actions_total{policy="1"} 6.0',
        'policybudget_assignments_total{policy="none"} 1.0',
        "policybudget_requests_in_progress 1.0",
        "policybudget_policies 2.0",
    ):
        assert line in text.splitlines()


def test_an_error_of_its_own_is_logged_and_not_shown(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = made()
    monkeypatch.setattr(app, "serving", None)
    found = ask(app, "/act", {"policy": 0, "observation": [0]})
    assert (found.status, found.json["error"]) == (500, "the service failed; its log has more")
    first = json.loads((tmp_path / "log").read_text().splitlines()[0])
    assert first["event"] == "failure" and "Traceback" in first["traceback"]


def test_the_description_has_the_sizes_of_the_bundle(made: Made) -> None:
    found = ask(made(most_observations=7), "/openapi.json").json
    assert found["openapi"] == "3.1.0" and set(found["paths"]) == {
        "/act",
        "/assign",
        "/policies",
        "/health",
        "/metrics",
    }
    schemas = found["components"]["schemas"]
    first = schemas["Act"]["oneOf"][0]
    assert first["properties"]["observation"]["minItems"] == first["properties"]["observation"]["maxItems"] == 1
    assert first["properties"]["policy"]["maximum"] == 1 and len(schemas["Act"]["oneOf"]) == 4
    assert schemas["Act"]["oneOf"][1]["properties"]["observations"]["maxItems"] == 7
    assert schemas["Acted"]["properties"]["action"] == {"type": "integer"}
    assert {name for one in schemas["Assign"]["oneOf"] for name in one["properties"]} == {"user", "weights"}
    assert "securitySchemes" not in found["components"] and "401" not in found["paths"]["/act"]["post"]["responses"]
    closed = ask(made(token=TOKEN), "/openapi.json", headers=with_token(TOKEN)).json
    assert (
        closed["paths"]["/act"]["post"]["security"] == [{"token": []}]
        and "security" not in closed["paths"]["/health"]["get"]
    )


@pytest.mark.parametrize(
    ("units", "schema"),
    [
        (Units("discrete", (3,)), {"type": "integer"}),
        (Units("multi-discrete", (3, 2), shape=(2,)), {"type": "integer", "size": 2}),
        (Units("box", (2,), (-1.0, 0.0), (1.0, math.inf), True, (2,), "float32"), {"type": "number", "size": 2}),
        (Units("box", (1,), (0.0,), (9.0,), True, (), "uint8"), {"type": "integer"}),
    ],
)
def test_actions_are_described_in_the_units_of_the_environment(units: Units, schema: dict[str, Any]) -> None:
    size = schema.pop("size", None)
    whole = schema if size is None else {"type": "array", "items": schema, "minItems": size, "maxItems": size}
    assert _action(units) == whole


def test_an_app_may_be_mounted_in_another(made: Made) -> None:
    from fastapi import FastAPI

    outer = FastAPI()
    outer.mount("/room", made())
    assert ask(outer, "/room/act", {"policy": 1, "observation": [0]}).json["action"] == 6  # type: ignore[arg-type]
    assert ask(outer, "/room/health").status == 200  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"most_bytes": 0}, "most_bytes must be at least 1"),
        ({"connections": 10**9}, "connections must be at most 100,000"),
        ({"rate": -1.0}, "rate must be at least 0.001, or 0 for no limit"),
        ({"rate": math.nan}, "rate must be a finite number"),
        ({"patience": 0.0}, "patience must be above 0"),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any], line: str) -> None:
    with pytest.raises(PolicyBudgetError, match=line):
        Settings(**wrong)
