"""Reads every form of a log with other people's tools and holds their figures against ours."""

import json
import logging
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import duckdb
import jsonschema
import pandas as pd
import pm4py
from pm4py.util import constants

constants.SHOW_PROGRESS_BAR = False
BIN = Path(sys.argv[1]).resolve()
ROOT = Path(__file__).resolve().parents[2]
# Public logs and schemas lie beside the checkout, or further up, and are not part of the project.
SHARED = next((up / "shared" for up in ROOT.parents if (up / "shared/logs").is_dir()), None)
DEMO_CASES = 300

passed = 0


def ok(what):
    global passed
    passed += 1
    print(f"  ok: {what}", flush=True)


def fail(what):
    sys.exit(f"FAILED: {what}")


def replay(*arguments):
    done = subprocess.run([BIN / "replay", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"replay {' '.join(map(str, arguments))}: {done.stderr}")
    return json.loads(done.stdout)


def same(name, theirs, ours):
    if theirs != ours:
        fail(f"{name}: {str(theirs)[:400]} is not {str(ours)[:400]}")


def near(name, theirs, ours):
    if abs(theirs - ours) > max(0.002, 1e-9 * abs(ours)):
        fail(f"{name}: {theirs} is not {ours}")


def compare(name, frame, ours):
    """Counts, directly-follows, variants and durations of a frame as pm4py has it."""
    same(f"{name} cases", int(frame["case:concept:name"].nunique()), ours["cases"])
    same(f"{name} events", len(frame), ours["events"])
    graph, starts, ends = pm4py.discover_dfg(frame)
    same(f"{name} directly-follows", {tuple(map(str, edge)): int(n) for edge, n in graph.items()},
         {(edge["from"], edge["to"]): edge["count"] for edge in ours["dfg"]})
    same(f"{name} starts", {str(k): int(v) for k, v in starts.items()}, ours["start_activities"])
    same(f"{name} ends", {str(k): int(v) for k, v in ends.items()}, ours["end_activities"])
    variants = pm4py.get_variants(frame)
    same(f"{name} variants", len(variants), ours["variants_total"])
    counted = {tuple(map(str, path)): int(n) for path, n in variants.items()}
    for variant in ours["variants_top20"]:
        same(f"{name} variant", counted.get(tuple(variant["activities"])), variant["count"])
    durations = sorted(pm4py.get_all_case_durations(frame))
    near(f"{name} sum of durations", float(sum(durations)), ours["case_duration_seconds"]["sum"])
    near(f"{name} median duration", float(pd.Series(durations).median()), ours["case_duration_seconds"]["median"])
    near(f"{name} longest duration", float(durations[-1]), ours["case_duration_seconds"]["max"])
    ok(f"{name}: {ours['cases']} cases, {ours['events']} events, {len(graph)} edges, {len(variants)} variants")


def formatted(frame):
    return pm4py.format_dataframe(frame, case_id="case:concept:name", activity_key="concept:name",
                                  timestamp_key="time:timestamp")


def lines(path):
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            for required in ("specversion", "id", "source", "type", "time", "sequence"):
                if required not in event:
                    fail(f"a line without {required}: {line[:200]}")
            if not event["partitionkey"].startswith("case-") or event["type"] == "legacy-case-opened":
                continue
            legacy = event["type"] == "legacy-activity-recorded"
            rows.append((event["subject"], event["data"]["activity"] if legacy else event["type"],
                         event["data"]["at"] if legacy else event["time"], int(event["sequence"])))
    frame = pd.DataFrame(rows, columns=["case:concept:name", "concept:name", "time:timestamp", "sequence"])
    frame["time:timestamp"] = pd.to_datetime(frame["time:timestamp"], utc=True, format="ISO8601")
    return formatted(frame.sort_values(["time:timestamp", "sequence"], kind="stable"))


def duck(path, reader, ours):
    found = duckdb.sql(f"""SELECT count(*), count(DISTINCT "case:concept:name"), any_value(typeof("time:timestamp")),
        any_value(typeof("seq")), epoch(max("time:timestamp")) - epoch(min("time:timestamp"))
        FROM {reader}('{path}')""").fetchall()[0]
    same(f"{path.name} in DuckDB, rows", found[0], ours["events"])
    same(f"{path.name} in DuckDB, cases", found[1], ours["cases"])
    if not found[2].startswith("TIMESTAMP"):
        fail(f"{path.name} in DuckDB: a moment is {found[2]}")
    same(f"{path.name} in DuckDB, a number", found[3], "BIGINT")
    return found[4]


def validate(path):
    from pm4py.objects.ocel.validation import ocel20_rel_validation
    result = ocel20_rel_validation.apply(str(path))
    bad = result[1] if isinstance(result, tuple) else result
    if bad:
        fail(f"{path.name} breaks OCEL 2.0: {bad}")
    ok(f"{path.name} passes pm4py's validation")


def check(name, data, work):
    print(f"{name}:", flush=True)
    ours = replay("log-stats", "--data", data, "--zone", "UTC")
    key = work / "key"
    key.write_bytes(b"the same pseudonyms throughout this check")

    def export(form, file, *more):
        out = work / f"{name}-{file}"
        told = replay("export", "--data", data, "--format", form, "--out", out, "--key-file", key, *more)
        if form != "jsonl":
            same(f"{file} told", (told["cases"], told["events"]), (ours["cases"], ours["events"]))
        return out

    def round_trip(file):
        again = work / f"{file.name}-again"
        replay("import", "--data", again, file, "--source", "again")
        theirs = replay("log-stats", "--data", again, "--zone", "UTC")
        same(f"{file.name} taken in again", theirs, ours)
        ok(f"{file.name}: export, import into an empty store, equal log-stats")

    for file in ("log.xes", "log.xes.gz"):
        xes = export("xes", file)
        compare(file, pm4py.read_xes(str(xes), variant="lxml"), ours)
    round_trip(xes)

    csv = export("csv", "log.csv")
    compare("log.csv", formatted(pd.read_csv(csv)), ours)
    round_trip(csv)
    bom = export("csv", "bom.csv", "--bom")
    compare("bom.csv", formatted(pd.read_csv(bom)), ours)
    disco = pd.read_csv(export("csv", "disco.csv", "--profile", "disco"))
    compare("disco.csv", pm4py.format_dataframe(disco, case_id="Case ID", activity_key="Activity",
                                                timestamp_key="Complete Timestamp"), ours)
    celonis = export("csv", "celonis.csv", "--profile", "celonis")
    activities, cases = pd.read_csv(celonis), pd.read_csv(work / f"{name}-celonis.cases.csv")
    same("celonis cases", set(activities["CASE_ID"]), set(cases["CASE_ID"]))
    compare("celonis.csv", pm4py.format_dataframe(activities.sort_values(["CASE_ID", "SORTING"]), case_id="CASE_ID",
                                                  activity_key="ACTIVITY", timestamp_key="TIMESTAMP"), ours)

    parquet = export("parquet", "log.parquet")
    frame = pd.read_parquet(parquet)
    same("log.parquet time", str(frame["time:timestamp"].dtype), "datetime64[us, UTC]")
    compare("log.parquet", frame, ours)
    same("spans in DuckDB", duck(parquet, "read_parquet", ours), duck(csv, "read_csv", ours))
    ok("log.parquet and log.csv open in DuckDB with the right types and times")

    ocel_json = export("ocel", "log.json")
    ocel = pm4py.read_ocel2_json(str(ocel_json))
    compare("log.json (OCEL)", formatted(pm4py.ocel_flattening(ocel, "case")), ours)
    round_trip(ocel_json)
    schema = SHARED and SHARED / "formats/schema_ocel2.json"
    if schema and schema.is_file():
        jsonschema.validate(json.loads(ocel_json.read_text()), json.loads(schema.read_text()))
        ok("log.json keeps to the JSON schema of OCEL 2.0")
    else:
        print("  skipped: there is no ../shared/formats with the JSON schema of OCEL 2.0")
    sqlite = export("ocel", "log.sqlite")
    validate(sqlite)
    flat = pm4py.ocel_flattening(pm4py.read_ocel2_sqlite(str(sqlite)), "case")
    # Read table by table, events of one moment lose their order; their ids have it.
    compare("log.sqlite (OCEL)", formatted(flat.sort_values(["time:timestamp", "ocel:eid"], kind="stable")), ours)
    round_trip(sqlite)

    jsonl = export("jsonl", "log.jsonl")
    compare("log.jsonl", lines(jsonl), ours)
    round_trip(jsonl)
    whole = export("jsonl", "whole.jsonl", "--whole")
    again = work / f"{name}-whole"
    replay("import", "--data", again, whole)
    rebuilt = [{view["projection"]: view["digest"] for view in replay("rebuild", "--data", store)["projections"]}
               for store in (data, again)]
    same("digests of a log made again", rebuilt[1], rebuilt[0])
    ok("whole.jsonl: made again with equal digests")


def demo(work):
    """A small simulated city; its server is stopped as soon as the city is there."""
    data = work / "demo"
    log = work / "demo.log"
    with open(log, "w", encoding="utf-8") as out:
        server = subprocess.Popen([BIN / "yichuang", "demo", "--cases", str(DEMO_CASES), "--until", "2026-06-01",
                                   "--data", data, "--listen", "127.0.0.1:0"], stdout=out, stderr=out)
    try:
        for _ in range(1200):
            if server.poll() is not None or "http://" in log.read_text(encoding="utf-8"):
                break
            time.sleep(0.25)
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    if "http://" not in log.read_text(encoding="utf-8"):
        fail(f"the demo did not come to serve: {log.read_text(encoding='utf-8')[-500:]}")
    return data


with tempfile.TemporaryDirectory() as work:
    work = Path(work)
    check("demo", demo(work), work)
    receipt = SHARED and SHARED / "logs/receipt.xes.gz"
    if receipt and receipt.is_file():
        data = work / "receipt"
        replay("import", "--data", data, receipt)
        check("receipt", data, work)
    else:
        print("skipped: there is no ../shared/logs with receipt.xes.gz")
print(f"{passed} passed, 0 failed")
