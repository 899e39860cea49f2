"""The view that MLflow's page offers under *Views*: runs grouped by method, with the columns that one looks for.

MLflow keeps a saved view as a tag of the experiment; this writes what its button "Save as new view" writes.
"""

import base64
import json
import zlib

NAME, KEY = "By method", "by-method"
COLUMNS = (
    "attributes.`Duration`",
    "metrics.`final/S-KdT oneshot loss`",
    "metrics.`final/Kendall tau`",
    "metrics.`spent/training core-hours`",
    "tags.`seed`",
    "tags.`studies`",
)
STATE = {
    "orderByKey": "tags.`seed`",
    "orderByAsc": True,
    "selectedColumns": COLUMNS,
    "runsHiddenMode": "SHOWALL",
    "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "method"}]},
}


KIND = {"mlflow.experimentKind": "custom_model_development"}  # of training, not of prompts and agents


def tags() -> dict[str, str]:
    """The tags of an experiment of runs."""
    state = base64.b64encode(zlib.compress(json.dumps(STATE).encode())).decode()
    view = {"name": NAME, "createdAt": 0, "updatedAt": 0, "state": f"deflate;{state}"}
    return {**KIND, f"mlflow.sharedViewState.{KEY}": json.dumps(view)}
