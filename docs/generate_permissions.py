# ruff: noqa: INP001 - a script, no package
"""Prints docs/permissions.md, from what is known of each cloud (`clouds/*/permissions.py`).

python docs/generate_permissions.py > docs/permissions.md
"""

import sys
from collections.abc import Iterable

from bucketrelay.clouds.permissions import PURPOSES, Call, Grant
from bucketrelay.clouds.registry import permissions

AWS = """\
<!-- Generated: python docs/generate_permissions.py > docs/permissions.md -->
# Permissions

What the functions may do, and which call needs it. The templates grant exactly this (`tests/templates` compares), and
in the tests the function on AWS runs under these statements, each of which it then needs, but for those of heartbeats,
which the templates leave out unless they are told. Add prefixes, where you can: all keys below a store's prefix are
enough.

## AWS
`templates/sam`, `templates/terraform/aws`. `{source}`, `{target}`, `{log}` are the three buckets.

| statement | permission | needed by |
|---|---|---|
"""
ORACLE = """
Not granted: `s3:GetObjectVersion` (reads are pinned by ETag; granted, a large object that changes faster than it is
copied gets through, for an old version is then read by its id), `s3:PutObjectAcl` (add it where a store says `acl`),
anything with a `*`. What people run by hand needs more: `replay`, `reconcile` list and read; `wire` reads and writes
the bucket's notifications; `doctor` says what it lacks.

Where a route has `probe` ([status.md](status.md#heartbeats)), the function, or the worker, writes one object to the
source as well. For keys with `.bucketrelay-probe` in them it needs there `s3:PutObject` and `s3:DeleteObject`; on OBS
`obs:object:PutObject` and `obs:object:DeleteObject`; on Oracle `OBJECT_CREATE`, `OBJECT_OVERWRITE`, `OBJECT_DELETE`
(`where target.object.name = '*.bucketrelay-probe*'` narrows them). The templates grant it where their parameter says
so, `Heartbeats` (SAM) or `heartbeats` (Terraform): the statements about heartbeats in these tables are left out else.
`bucketrelay doctor` writes and removes such an object of nobody's, and says what it lacks.

## Oracle
`templates/terraform/oracle`; each line is one policy statement by its name there.

| statement | whom | what | needed by |
|---|---|---|---|
"""
HUAWEI = """
The function is known by a dynamic group, *all functions in the compartment*. New policies and groups take up to 15
minutes until a running function has them.

## Huawei
`templates/terraform/huawei`: one agency, delegated to FunctionGraph (`op_svc_cff`), as configuration and as execution
agency.

| permission | on | needed by |
|---|---|---|
"""
CALLS = """
To forward to OMS the key pair `hw_ak`, `hw_sk` needs `oms:synctask:createEvent` and `obs:object:PutObject` in the log
bucket; the agency is then for dead letters alone. Changes of an agency take about ten minutes.

## Calls
Every call that this program makes to a store, the permission that it takes in each cloud, and the place in the code
that makes it. What is not in the table is never called, but for one `HeadBucket` of the SDK's on S3, where a redirect
names no region. `tests/security/test_permissions.py` compares it with the calls that reach the clouds while
everything below is done, and runs the function on OBS under exactly the permissions of the section *Huawei* but those
of heartbeats, each of which it then needs.

| S3 | permission | OBS | permission | Oracle | permission | made by, for |
|---|---|---|---|---|---|---|
"""
FOOT = """
With the call goes, where it carries tags, `s3:PutObjectTagging`, `obs:object:PutObjectTagging`; where a key may be
missing, `s3:ListBucket`, `obs:bucket:ListBucket`: without them a missing key is 403, which is never taken for
*deleted*. `wire` also writes what it reads; see [doctor.md](doctor.md).
"""


def page() -> str:
    """The whole text."""
    aws, oracle, huawei = (permissions(scheme).grants for scheme in ("s3", "oci", "obs"))
    tables = [map(_aws, aws), map(_oracle, oracle), map(_huawei, huawei), map(_calls, PURPOSES)]
    heads = (AWS, ORACLE, HUAWEI, CALLS)
    return "".join(head + "".join(rows) for head, rows in zip(heads, tables, strict=True)) + FOOT


def _row(*cells: str) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells) + "\n"


def _aws(grant: Grant) -> str:
    where = f" on `{grant.on}`" if grant.on else ""
    return _row(grant.statement, f"`{grant.permission}`{where}", grant.needed_by)


def _oracle(grant: Grant) -> str:
    what = f"`{grant.permission}`" + (f" {grant.on}" if grant.on else "")
    return _row(grant.statement, grant.whom, what + (", five permissions" if grant.limited else ""), grant.needed_by)


def _huawei(grant: Grant) -> str:
    return _row(f"`{grant.permission}`", grant.on, grant.needed_by)


def _calls(purpose: str) -> str:
    cells: list[str] = []
    for scheme in ("s3", "obs", "oci"):
        made = [call for call in permissions(scheme).calls if call.purpose == purpose]
        cells += [_codes(name for call in made for name in call.names), _codes(_permissions(made))]
    return _row(*cells, PURPOSES[purpose])


def _permissions(calls: Iterable[Call]) -> Iterable[str]:
    return (permission for call in calls for permission in call.permissions)


def _codes(words: Iterable[str]) -> str:
    return " ".join(f"`{word}`" for word in words)


if __name__ == "__main__":
    sys.stdout.write(page())
