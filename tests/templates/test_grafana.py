"""The dashboard and the rules ask for what is there: every query names metrics and labels that are scraped."""

import json
import re
from pathlib import Path

import pytest
import yaml

from bucketrelay.drivers.metrics import ALARMS, BOOKS, METRICS, OUTCOMES

FOLDER = Path(__file__).parents[2] / "templates" / "grafana"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
RULES = yaml.safe_load((FOLDER / "rules.yaml").read_text("utf-8"))["groups"][0]["rules"]
VALUES = {"outcome": OUTCOMES, "kind": BOOKS, "alarm": ALARMS, "quantile": ("0.5", "0.99", "1")}
QUERIES = [
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
    *(variable["query"]["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"),
    *(rule["expr"] for rule in RULES),
]


def labels_of(name):
    return {"route", "target", *METRICS[name].labels}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_metrics_and_labels_that_are_scraped(query):
    names = re.findall(r"\bbucketrelay_\w+", query)

    assert names
    assert set(names) <= set(METRICS)
    for name, selector in re.findall(r"(bucketrelay_\w+)\{([^}]*)\}", query):
        for label, value in re.findall(r'(\w+)=~?"([^"]*)"', selector):
            assert label in labels_of(name), (name, label)
            if label in VALUES:
                assert set(value.split("|")) <= set(VALUES[label])
    for grouped in re.findall(r"by \(([^)]*)\)", query):
        assert {label.strip() for label in grouped.split(",")} <= set.union(*map(labels_of, names))


@pytest.mark.parametrize("query", QUERIES)
def test_what_only_grows_is_asked_for_its_rate_and_nothing_else_is(query):
    for name in re.findall(r"\bbucketrelay_\w+", query):
        counted = re.search(rf"(rate|increase)\({name}", query) is not None
        assert counted == (METRICS[name].kind == "counter"), name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_names_its_route_and_says_what_to_do(rule):
    words = rule["annotations"]["summary"] + rule["annotations"]["description"]
    assert "{{ $labels.route }}" in words
    assert "bucketrelay " in rule["annotations"]["description"] or "target" in rule["annotations"]["description"]
    used = set(re.findall(r"\$labels\.(\w+)", words))
    [name] = set(re.findall(r"\bbucketrelay_\w+", rule["expr"]))
    grouped = re.search(r"by \(([^)]*)\)", rule["expr"])
    assert used <= ({label.strip() for label in grouped[1].split(",")} if grouped else labels_of(name))


def test_every_metric_is_on_the_dashboard_or_in_a_rule_but_what_they_are_made_of():
    unused = set(METRICS) - set(re.findall(r"\bbucketrelay_\w+", " ".join(QUERIES)))
    assert unused == {"bucketrelay_books_complete"}


def test_panels_do_not_lie_on_each_other():
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
