"""Reads curves back by the trackers' own packages: `read.py tensorboard FOLDER`, `mlflow URL`, `trackio PROJECT RUN`; prints JSON."""

import json
import sys

kind, *args = sys.argv[1:]
curves: dict[str, list[list[float]]] = {}
about: dict[str, object] = {}
if kind == "tensorboard":
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(args[0], size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    about["texts"] = tags["tensors"]
    for tag in tags["scalars"]:
        curves[tag] = [[event.step, event.value] for event in accumulator.Scalars(tag)]
elif kind == "mlflow":
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=args[0])
    experiment = client.get_experiment_by_name("lpo")
    runs = client.search_runs([experiment.experiment_id])
    about["runs"] = len(runs)
    about["name"] = runs[0].info.run_name
    about["status"] = runs[0].info.status
    about["params"] = runs[0].data.params
    for tag in runs[0].data.metrics:
        curves[tag] = [[m.step, m.value] for m in client.get_metric_history(runs[0].info.run_id, tag)]
elif kind == "trackio":
    from trackio.sqlite_storage import SQLiteStorage

    runs = SQLiteStorage.get_runs(args[0])
    about["runs"] = len(runs)
    for row in SQLiteStorage.get_logs(args[0], args[1]):
        for tag, value in row.items():
            if "/" in tag:
                curves.setdefault(tag, []).append([row["step"], value])
for points in curves.values():
    points.sort()
print(json.dumps({"curves": curves, "about": about}))
